"""The SDK `openai` with chat completions: answers, streams, tools, structured output, models, errors."""

import json

import openai
from openai import OpenAI
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
    same,
)

suite = Suite()
client = OpenAI(base_url=f"{suite.base_url}/v1", api_key=suite.key, max_retries=0, timeout=TIMEOUT_SECONDS)


def tool(name, parameters):
    return {
        "type": "function",
        "function": {"name": name, "description": "Tells something.", "parameters": parameters, "strict": True},
    }


TOOLS = [tool("get_weather", WEATHER_SCHEMA), tool("get_time", TIME_SCHEMA)]


class City(BaseModel):
    name: str
    population: int
    rivers: list[str]


def settings_for(model, settings):
    """OpenAI's newest models take tools in chat completions only without reasoning."""
    if "tools" in settings and model.name.startswith(("gpt-5.4", "gpt-5.6", "gpt-6")):
        return {"reasoning_effort": "none", **settings}
    return settings


def as_messages(messages):
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else messages


def ask(model, messages, **settings):
    return client.chat.completions.create(
        model=model.name, messages=as_messages(messages), **settings_for(model, settings)
    )


def ask_streaming(model, messages, **settings):
    """The same through the SDK's own accumulator, which must agree with the chunks."""
    with client.chat.completions.stream(
        model=model.name,
        messages=as_messages(messages),
        stream_options={"include_usage": True},
        **settings_for(model, settings),
    ) as stream:
        chunks = [event.chunk for event in stream if event.type == "chunk"]
        completion = stream.get_final_completion()
    check_chunks(chunks, completion)
    return completion


def check_chunks(chunks, completion):
    *answer, last = chunks
    assert all(len(chunk.choices) == 1 and chunk.usage is None for chunk in answer), chunks
    equal(last.choices, [])
    equal(last.usage.completion_tokens, completion.usage.completion_tokens)
    equal({chunk.id for chunk in chunks}, {completion.id})
    deltas = [chunk.choices[0].delta for chunk in answer]
    equal(deltas[0].role, "assistant")
    finished = [chunk.choices[0].finish_reason for chunk in answer if chunk.choices[0].finish_reason]
    equal(finished, [completion.choices[0].finish_reason])
    message = completion.choices[0].message
    same("".join(delta.content or "" for delta in deltas), message.content or "", "content")
    pieces = [piece for delta in deltas for piece in delta.tool_calls or []]
    for index, call in enumerate(message.tool_calls or []):
        own = [piece for piece in pieces if piece.index == index]
        equal((own[0].id, own[0].function.name), (call.id, call.function.name))
        same("".join(piece.function.arguments or "" for piece in own), call.function.arguments, "arguments")


def check_completion(model, completion, finish_reason):
    assert completion.object in ("chat.completion", "chat.completion.chunk"), completion
    equal(completion.model, model.name)
    equal(len(completion.choices), 1)
    equal(completion.choices[0].index, 0)
    equal(completion.choices[0].finish_reason, finish_reason)
    equal(completion.choices[0].message.role, "assistant")
    assert completion.id and completion.created > 1_500_000_000, completion
    usage = completion.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0, usage
    equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
    assert usage.prompt_tokens >= (usage.prompt_tokens_details.cached_tokens or 0), usage
    assert usage.completion_tokens >= (usage.completion_tokens_details.reasoning_tokens or 0), usage


def text_of(completion):
    text = completion.choices[0].message.content
    assert text, completion
    return text


def calls_of(model, completion, *names):
    """The calls of an answer that has no others, with ids that differ."""
    check_completion(model, completion, "tool_calls")
    calls = completion.choices[0].message.tool_calls
    equal([call.function.name for call in calls], list(names))
    equal(len({call.id for call in calls}), len(calls))
    for call in calls:
        equal(call.type, "function")
        arguments = json.loads(call.function.arguments)
        {"get_weather": check_weather, "get_time": check_time}[call.function.name](arguments)
    return calls


def again(completion):
    """The answer as it is told again: the SDK's own object or, since nobody takes that of a stream, the plain data."""
    message = completion.choices[0].message
    if not hasattr(message, "parsed"):
        return message
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in message.tool_calls or []
    ]
    plain = {"role": "assistant", "content": message.content}
    return {**plain, "tool_calls": calls} if calls else plain


def result(call, content):
    return {"role": "tool", "tool_call_id": call.id, "content": content}


@suite.step
def plain_text(model):
    completion = ask(model, ASK_TEXT)
    check_completion(model, completion, "stop")
    assert text_of(completion)


@suite.step
def system_and_developer_messages(model):
    without = ask(model, ASK_TEXT)
    for role in ["system", "developer"]:
        completion = ask(
            model,
            [
                {"role": role, "content": "You are a sailor."},
                {"role": role, "content": [{"type": "text", "text": "Answer in one sentence."}]},
                {"role": "user", "content": ASK_TEXT},
            ],
        )
        check_completion(model, completion, "stop")
        assert completion.usage.prompt_tokens > without.usage.prompt_tokens, completion.usage


@suite.step
def streamed_text(model):
    completion = ask_streaming(model, ASK_TEXT)
    check_completion(model, completion, "stop")
    assert text_of(completion)


@suite.step
def a_stream_without_usage(model):
    chunks = list(ask(model, ASK_TEXT, stream=True))
    assert all(len(chunk.choices) == 1 and chunk.usage is None for chunk in chunks), chunks
    equal(chunks[-1].choices[0].finish_reason, "stop")
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks), chunks


@suite.step
def several_turns(model):
    messages = [{"role": "user", "content": ASK_TEXT}]
    for question in ["And the wind?", "And the waves?"]:
        answer = ask(model, messages)
        messages += [again(answer), {"role": "user", "content": question}]
    check_completion(model, ask(model, messages), "stop")


def use_tools_over_several_turns(model, ask, **settings):
    """Two tools one after the other: whoever answers a call gives back the SDK's own objects."""
    messages = []
    for question, name in [(ASK_WEATHER, "get_weather"), (ASK_TIME, "get_time")]:
        messages.append({"role": "user", "content": question})
        asked = ask(model, messages, tools=TOOLS, **settings)
        (call,) = calls_of(model, asked, name)
        messages += [again(asked), result(call, "It is fine.")]
        answer = ask(model, messages, tools=TOOLS, **settings)
        check_completion(model, answer, "stop")
        assert text_of(answer)
        messages.append(again(answer))


@suite.step
def tools_over_several_turns(model):
    use_tools_over_several_turns(model, ask)


@suite.step
def streamed_tools_over_several_turns(model):
    use_tools_over_several_turns(model, ask_streaming)


@suite.step
def parallel_tools(model):
    for ask_somehow in [ask, ask_streaming]:
        asked = ask_somehow(model, ASK_BOTH, tools=TOOLS)
        weather, time = calls_of(model, asked, "get_weather", "get_time")
        answer = ask_somehow(
            model,
            [
                {"role": "user", "content": ASK_BOTH},
                again(asked),
                # In whatever order they become known.
                result(time, json.dumps({"error": "the clock is broken"})),
                result(weather, [{"type": "text", "text": "It is fine."}]),
                {"role": "user", "content": "Go on."},
            ],
            tools=TOOLS,
        )
        check_completion(model, answer, "stop")
        assert text_of(answer)


@suite.step
def tool_choice(model):
    calls_of(model, ask(model, ASK_WEATHER, tools=TOOLS, tool_choice="required"), "get_weather")
    named = {"type": "function", "function": {"name": "get_time"}}
    chosen = ask(model, ASK_TEXT, tools=TOOLS, tool_choice=named)
    # OpenAI ends an answer that was forced with `stop`.
    chosen_calls = chosen.choices[0].message.tool_calls
    equal([call.function.name for call in chosen_calls], ["get_time"])
    check_time(json.loads(chosen_calls[0].function.arguments))
    none = ask(model, ASK_WEATHER, tools=TOOLS, tool_choice="none")
    check_completion(model, none, "stop")
    assert text_of(none)


@suite.step_for(lambda model: model.provider != "gemini")
def one_tool_at_a_time(model):
    calls_of(model, ask(model, ASK_BOTH, tools=TOOLS, parallel_tool_calls=False), "get_weather")


@suite.step
def a_tool_without_arguments(model):
    news = {"type": "function", "function": {"name": "get_news", "description": "News."}}
    for ask_somehow in [ask, ask_streaming]:
        asked = ask_somehow(model, "Please call get_news.", tools=[news])
        (call,) = asked.choices[0].message.tool_calls
        equal(json.loads(call.function.arguments), {})
        messages = [
            {"role": "user", "content": "Please call get_news."},
            again(asked),
            result(call, "None."),
        ]
        check_completion(model, ask_somehow(model, messages, tools=[news]), "stop")


@suite.step_for(lambda model: model.reasons)
def reasoning(model):
    for ask_somehow in [ask, ask_streaming]:
        messages = [{"role": "user", "content": ASK_TEXT}]
        for effort in ["low", "medium", "high"]:
            answer = ask_somehow(model, messages, reasoning_effort=effort, max_completion_tokens=16_000)
            check_completion(model, answer, "stop")
            assert text_of(answer)
            assert answer.usage.completion_tokens_details.reasoning_tokens > 0, answer.usage
            messages += [again(answer), {"role": "user", "content": "And the wind?"}]


@suite.step_for(lambda model: model.reasons and model.provider != "openai")
def reasoning_with_tools(model):
    for ask_somehow in [ask, ask_streaming]:
        use_tools_over_several_turns(model, ask_somehow, reasoning_effort="medium")


@suite.step
def an_image(model):
    without = ask(model, "What is this?")
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    content = [{"type": "text", "text": "What is this?"}, image]
    for ask_somehow in [ask, ask_streaming]:
        completion = ask_somehow(model, [{"role": "user", "content": content}])
        check_completion(model, completion, "stop")
        assert completion.usage.prompt_tokens > without.usage.prompt_tokens, completion.usage


@suite.step
def structured_output(model):
    schema = {"name": "city", "schema": CITY_SCHEMA, "strict": True}
    response_format = {"type": "json_schema", "json_schema": schema}
    for ask_somehow in [ask, ask_streaming]:
        completion = ask_somehow(model, "Describe a city.", response_format=response_format)
        check_completion(model, completion, "stop")
        check_city(json.loads(text_of(completion)))
    parsed = client.chat.completions.parse(
        model=model.name, messages=as_messages("Describe a city."), response_format=City
    )
    assert isinstance(parsed.choices[0].message.parsed, City), parsed


@suite.step
def the_limit_of_tokens(model):
    for name in ["max_completion_tokens"] if model.provider == "openai" else ["max_completion_tokens", "max_tokens"]:
        completion = ask(model, ASK_TEXT, **{name: 16})
        check_completion(model, completion, "length")
        assert completion.usage.completion_tokens <= 16, completion.usage
    chunks = list(ask(model, ASK_TEXT, max_completion_tokens=16, stream=True))
    equal(chunks[-1].choices[0].finish_reason, "length")


@suite.step_for(lambda model: model.takes_stop)
def stop_sequences(model):
    for stop in ["e", ["e", "zz"]]:
        completion = ask(model, ASK_TEXT, stop=stop)
        equal(completion.choices[0].finish_reason, "stop")
        assert "e" not in (completion.choices[0].message.content or ""), completion


@suite.step
def models(model):
    listed = [listed.id for listed in client.models.list()]
    assert model.name in listed, listed
    found = client.models.retrieve(model.name)
    equal(found.id, model.name)
    equal(found.object, "model")


def check_error(error, status):
    equal(error.status_code, status)
    assert set(error.body) >= {"message", "type", "param", "code"}, error.body
    assert error.body["message"], error.body


@suite.step
def a_bad_key(model):
    stranger = OpenAI(base_url=f"{suite.base_url}/v1", api_key="sk-gw-nobody", max_retries=0)
    for stream in [False, True]:
        error = raises(
            openai.AuthenticationError,
            lambda: stranger.chat.completions.create(
                model=model.name, messages=as_messages("Hi"), stream=stream
            ),
        )
        check_error(error, 401)
        equal(error.code, "invalid_api_key")


@suite.step
def an_unknown_model(model):
    for stream in [False, True]:
        error = raises(
            openai.NotFoundError,
            lambda: client.chat.completions.create(
                model=f"{model.name}-nobody-has-it", messages=as_messages("Hi"), stream=stream
            ),
        )
        check_error(error, 404)
        equal(error.code, "model_not_found")


@suite.step
def malformed_requests(model):
    stray = {"role": "tool", "tool_call_id": "call_nobody", "content": "?"}
    for messages, settings in [
        ([], {}),
        ([{"role": "user", "content": "Hi"}, stray], {}),
        ([{"role": "user", "content": 7}], {}),
        ([{"role": "nobody", "content": "Hi"}], {}),
        ([{"role": "user", "content": "Hi"}], {"max_completion_tokens": "many"}),
    ]:
        for stream in [False, True]:
            error = raises(openai.BadRequestError, lambda: ask(model, messages, stream=stream, **settings))
            check_error(error, 400)
            equal(error.type, "invalid_request_error")


suite.run()
