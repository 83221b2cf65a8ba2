"""The SDK `google-genai`: answers, streams, chats, functions, counting, models, errors."""

import base64

from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from suite import (
    ASK_BOTH,
    ASK_TEXT,
    ASK_TIME,
    ASK_WEATHER,
    CITY_SCHEMA,
    PNG,
    TIME_SCHEMA,
    TIMEOUT_SECONDS,
    WEATHER_SCHEMA,
    Suite,
    check_city,
    check_time,
    check_weather,
    equal,
    raises,
)

suite = Suite()


def client_for(key, **options):
    options = types.HttpOptions(base_url=suite.base_url, timeout=TIMEOUT_SECONDS * 1_000, **options)
    return genai.Client(api_key=key, http_options=options)


client = client_for(suite.key)
beta_client = client_for(suite.key, api_version="v1beta")

# The first as a JSON schema, the second in Google's own words.
TOOLS = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(
                name="get_weather", description="Tells the weather.", parameters_json_schema=WEATHER_SCHEMA
            ),
            types.FunctionDeclaration(
                name="get_time",
                description="Tells the time.",
                parameters=types.Schema(
                    type="OBJECT",
                    properties={
                        "zone": types.Schema(type="STRING"),
                        "offset": types.Schema(type="INTEGER"),
                    },
                    required=TIME_SCHEMA["required"],
                ),
            ),
        ]
    )
]


class City(BaseModel):
    name: str
    population: int
    rivers: list[str]


def ask(model, contents, client=client, **config):
    return client.models.generate_content(
        model=model.name, contents=contents, config=types.GenerateContentConfig(**config) if config else None
    )


def ask_streaming(model, contents, client=client, **config):
    """The same in pieces, put together as their readers do."""
    chunks = list(
        client.models.generate_content_stream(
            model=model.name, contents=contents, config=types.GenerateContentConfig(**config) if config else None
        )
    )
    assert chunks, "an empty stream"
    finished = [chunk for chunk in chunks if chunk.candidates and chunk.candidates[0].finish_reason]
    equal(finished, chunks[-1:])
    equal(len({chunk.response_id for chunk in chunks}), 1)
    parts = [
        part
        for chunk in chunks
        for candidate in chunk.candidates or []
        for part in (candidate.content and candidate.content.parts) or []
    ]
    whole = chunks[-1].model_copy(deep=True)
    whole.candidates[0].content = types.Content(role="model", parts=parts)
    return whole


def check_response(model, response, finish_reason="STOP"):
    equal(len(response.candidates), 1)
    equal(response.candidates[0].finish_reason, types.FinishReason(finish_reason))
    equal(response.model_version, model.name)
    assert response.response_id, response
    usage = response.usage_metadata
    assert usage.prompt_token_count > 0, usage
    counts = [
        usage.prompt_token_count,
        usage.candidates_token_count,
        usage.thoughts_token_count,
        usage.tool_use_prompt_token_count,
    ]
    equal(usage.total_token_count, sum(count or 0 for count in counts))
    assert usage.total_token_count > usage.prompt_token_count, usage
    assert (usage.cached_content_token_count or 0) <= usage.prompt_token_count, usage


def content_of(response):
    content = response.candidates[0].content
    equal(content.role, "model")
    assert content.parts, response
    return content


def text_of(response):
    parts = content_of(response).parts
    text = "".join(part.text for part in parts if part.text and not part.thought)
    assert text, response
    return text


def calls_of(model, response, *names):
    """The calls of an answer that has no others."""
    check_response(model, response)
    calls = [part.function_call for part in content_of(response).parts if part.function_call]
    equal([call.name for call in calls], list(names))
    for call in calls:
        {"get_weather": check_weather, "get_time": check_time}[call.name](call.args)
    return calls


def question(text):
    return types.Content(role="user", parts=[types.Part.from_text(text=text)])


def answers(*parts):
    return types.Content(role="user", parts=list(parts))


def result(call, **response):
    """A result as the SDK makes it, which has no id."""
    return types.Part.from_function_response(name=call.name, response=response)


def result_with_id(call, **response):
    return types.Part(
        function_response=types.FunctionResponse(id=call.id, name=call.name, response=response)
    )


@suite.step
def plain_text(model):
    for own_client in [client, beta_client]:
        response = ask(model, ASK_TEXT, client=own_client)
        check_response(model, response)
        assert text_of(response)


@suite.step
def system_instruction(model):
    without = ask(model, ASK_TEXT)
    response = ask(model, ASK_TEXT, system_instruction="You are a sailor. Answer in one sentence.")
    check_response(model, response)
    usage = response.usage_metadata
    assert usage.prompt_token_count > without.usage_metadata.prompt_token_count, usage


@suite.step
def streamed_text(model):
    for own_client in [client, beta_client]:
        response = ask_streaming(model, ASK_TEXT, client=own_client)
        check_response(model, response)
        assert text_of(response)


@suite.step
def several_turns(model):
    for ask_somehow in [ask, ask_streaming]:
        contents = [question(ASK_TEXT)]
        for text in ["And the wind?", "And the waves?"]:
            contents += [content_of(ask_somehow(model, contents)), question(text)]
        check_response(model, ask_somehow(model, contents))


@suite.step
def the_sdks_own_chat(model):
    chat = client.chats.create(model=model.name)
    assert chat.send_message(ASK_TEXT).text
    assert "".join(chunk.text or "" for chunk in chat.send_message_stream("And the wind?"))
    assert chat.send_message("And the waves?").text
    # Each answer is in the history, or the SDK found it wanting.
    roles = [content.role for content in chat.get_history(curated=True)]
    equal([role for role in roles if role == "user"], ["user"] * 3)
    equal(roles[-1], "model")


def use_tools_over_several_turns(model, ask, result=result, **config):
    """Two tools one after the other: whoever answers a call gives back the SDK's own objects."""
    contents = []
    for text, name in [(ASK_WEATHER, "get_weather"), (ASK_TIME, "get_time")]:
        contents.append(question(text))
        asked = ask(model, contents, tools=TOOLS, **config)
        (call,) = calls_of(model, asked, name)
        contents += [content_of(asked), answers(result(call, output="It is fine."))]
        answer = ask(model, contents, tools=TOOLS, **config)
        check_response(model, answer)
        assert text_of(answer)
        contents.append(content_of(answer))


@suite.step
def functions_over_several_turns(model):
    for make_result in [result, result_with_id]:
        use_tools_over_several_turns(model, ask, make_result)


@suite.step
def streamed_functions_over_several_turns(model):
    for make_result in [result, result_with_id]:
        use_tools_over_several_turns(model, ask_streaming, make_result)


@suite.step
def parallel_functions(model):
    for ask_somehow, make_result in [(ask, result), (ask_streaming, result_with_id)]:
        asked = ask_somehow(model, ASK_BOTH, tools=TOOLS)
        weather, time = calls_of(model, asked, "get_weather", "get_time")
        results = [make_result(weather, output="It is fine."), make_result(time, error="The clock is broken.")]
        answer = ask_somehow(
            model, [question(ASK_BOTH), content_of(asked), answers(*results)], tools=TOOLS
        )
        check_response(model, answer)
        assert text_of(answer)


@suite.step
def the_same_function_twice(model):
    """Told by its caller: two calls of one name, answered in order."""
    calls = [
        types.Part.from_function_call(name="get_weather", args={"city": city, "unit": "celsius"})
        for city in ["Paris", "Rome"]
    ]
    calls[0].thought_signature = b"skip_thought_signature_validator"
    results = [
        types.Part.from_function_response(name="get_weather", response={"output": weather})
        for weather in ["rain", "sun"]
    ]
    told = types.Content(role="model", parts=calls)
    check_response(model, ask(model, [question("And now?"), told, answers(*results)], tools=TOOLS))


def get_weather(city: str, unit: str) -> str:
    """Tells the weather.

    Args:
        city: The name of the city
        unit: celsius or fahrenheit
    """
    CALLED.append((city, unit))
    return "It is fine."


CALLED = []


@suite.step
def the_sdks_own_loop_over_functions(model):
    CALLED.clear()
    response = ask(model, ASK_WEATHER, tools=[get_weather])
    check_response(model, response)
    assert text_of(response)
    equal(len(CALLED), 1)
    chunks = list(
        client.models.generate_content_stream(
            model=model.name,
            contents=ASK_WEATHER,
            config=types.GenerateContentConfig(tools=[get_weather]),
        )
    )
    assert "".join(chunk.text or "" for chunk in chunks), chunks
    equal(len(CALLED), 2)
    chat = client.chats.create(model=model.name, config=types.GenerateContentConfig(tools=[get_weather]))
    assert chat.send_message(ASK_WEATHER).text
    assert chat.send_message("And the waves?").text
    equal(len(CALLED), 3)


def tool_config(mode, *names):
    return types.ToolConfig(
        function_calling_config=types.FunctionCallingConfig(mode=mode, allowed_function_names=list(names) or None)
    )


@suite.step
def tool_choice(model):
    calls_of(model, ask(model, ASK_WEATHER, tools=TOOLS, tool_config=tool_config("ANY")), "get_weather")
    chosen = ask(model, ASK_TEXT, tools=TOOLS, tool_config=tool_config("ANY", "get_time"))
    calls_of(model, chosen, "get_time")
    none = ask(model, ASK_WEATHER, tools=TOOLS, tool_config=tool_config("NONE"))
    check_response(model, none)
    assert text_of(none)


@suite.step
def a_function_without_arguments(model):
    news = types.FunctionDeclaration(name="get_news", description="News.")
    tools = [types.Tool(function_declarations=[news])]
    for ask_somehow in [ask, ask_streaming]:
        contents = [question("Please call get_news.")]
        asked = ask_somehow(model, contents, tools=tools)
        (call,) = [part.function_call for part in content_of(asked).parts if part.function_call]
        equal(call.args or {}, {})
        contents += [content_of(asked), answers(result(call, output="None."))]
        check_response(model, ask_somehow(model, contents, tools=tools))


def thinking_of(model):
    """The newer models of Google take a level, the older ones a budget, and the others either."""
    if model.name.startswith("gemini-2.5"):
        return types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    return types.ThinkingConfig(include_thoughts=True, thinking_level="HIGH")


def check_thoughts(model, response):
    if model.shows_thoughts:
        thoughts = [part.text for part in content_of(response).parts if part.thought]
        assert "".join(thoughts), response
        assert response.usage_metadata.thoughts_token_count > 0, response.usage_metadata


@suite.step_for(lambda model: model.reasons)
def thinking(model):
    config = {"thinking_config": thinking_of(model), "max_output_tokens": 16_000}
    for ask_somehow in [ask, ask_streaming]:
        contents = [question(ASK_TEXT)]
        for text in ["And the wind?", "And the waves?"]:
            response = ask_somehow(model, contents, **config)
            check_response(model, response)
            check_thoughts(model, response)
            assert text_of(response)
            contents += [content_of(response), question(text)]


@suite.step_for(lambda model: model.reasons)
def thinking_with_functions(model):
    config = {"thinking_config": thinking_of(model), "max_output_tokens": 16_000}
    for ask_somehow in [ask, ask_streaming]:
        use_tools_over_several_turns(model, ask_somehow, **config)


@suite.step
def an_image(model):
    without = ask(model, "What is this?")
    image = types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png")
    for ask_somehow in [ask, ask_streaming]:
        response = ask_somehow(model, ["What is this?", image])
        check_response(model, response)
        usage = response.usage_metadata
        assert usage.prompt_token_count > without.usage_metadata.prompt_token_count, usage


@suite.step
def structured_output(model):
    json_type = {"response_mime_type": "application/json"}
    for ask_somehow in [ask, ask_streaming]:
        response = ask_somehow(model, "Describe a city.", response_json_schema=CITY_SCHEMA, **json_type)
        check_response(model, response)
        check_city(City.model_validate_json(text_of(response)).model_dump())
    parsed = ask(model, "Describe a city.", response_schema=City, **json_type)
    assert isinstance(parsed.parsed, City), parsed


@suite.step
def the_limit_of_tokens(model):
    for ask_somehow in [ask, ask_streaming]:
        response = ask_somehow(model, ASK_TEXT, max_output_tokens=16)
        check_response(model, response, "MAX_TOKENS")
        usage = response.usage_metadata
        assert usage.total_token_count - usage.prompt_token_count <= 16, usage


@suite.step_for(lambda model: model.takes_stop)
def stop_sequences(model):
    response = ask(model, ASK_TEXT, stop_sequences=["e"])
    equal(response.candidates[0].finish_reason, types.FinishReason.STOP)
    assert "e" not in (response.text or ""), response


@suite.step
def counting_tokens(model):
    short = client.models.count_tokens(model=model.name, contents=ASK_TEXT)
    long = client.models.count_tokens(model=model.name, contents=[question(ASK_TEXT), question(ASK_TEXT * 10)])
    assert 0 < short.total_tokens < long.total_tokens, (short, long)


@suite.step
def models(model):
    for own_client in [client, beta_client]:
        listed = [listed.name for listed in own_client.models.list(config={"page_size": 1000})]
        assert f"models/{model.name}" in listed, listed
        equal(own_client.models.get(model=model.name).name, f"models/{model.name}")


def check_error(error, codes, status):
    assert error.code in codes, error
    equal(error.status, status)
    assert error.message, error


@suite.step
def a_bad_key(model):
    stranger = client_for("sk-gw-nobody")
    for ask_somehow in [ask, ask_streaming]:
        error = raises(errors.ClientError, lambda: ask_somehow(model, "Hi", client=stranger))
        # Google itself does not think that this is a 401.
        check_error(error, [400, 401], error.status)
        assert error.status in ["INVALID_ARGUMENT", "UNAUTHENTICATED"], error


@suite.step
def an_unknown_model(model):
    for ask_somehow in [client.models.generate_content, client.models.generate_content_stream]:
        error = raises(
            errors.ClientError,
            lambda: list(ask_somehow(model=f"{model.name}-nobody-has-it", contents="Hi")),
        )
        check_error(error, [404], "NOT_FOUND")


@suite.step
def malformed_requests(model):
    stray = types.Part.from_function_response(name="get_weather", response={"output": "?"})
    both = types.Part(text="Hi", inline_data=types.Blob(data=b"Hi", mime_type="text/plain"))
    for contents, config in [
        ([answers(stray)], {"tools": TOOLS}),
        ([types.Content(role="nobody", parts=[types.Part(text="Hi")])], {}),
        ([answers(both)], {}),
        ([question("Hi")], {"max_output_tokens": -1}),
    ]:
        for ask_somehow in [ask, ask_streaming]:
            error = raises(errors.ClientError, lambda: ask_somehow(model, contents, **config))
            check_error(error, [400], "INVALID_ARGUMENT")


suite.run()
