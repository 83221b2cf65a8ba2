"""The SDK `openai` with responses: answers, streams, tools, reasoning, structured output, errors."""

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
        "name": name,
        "description": "Tells something.",
        "parameters": parameters,
        "strict": True,
    }


TOOLS = [tool("get_weather", WEATHER_SCHEMA), tool("get_time", TIME_SCHEMA)]
# Whoever wants nothing to be kept by the provider takes the reasoning along.
STATELESS = {"store": False, "include": ["reasoning.encrypted_content"]}


class City(BaseModel):
    name: str
    population: int
    rivers: list[str]


def ask(model, items, **settings):
    return client.responses.create(model=model.name, input=items, **settings)


def ask_streaming(model, items, **settings):
    """The same through the SDK's own accumulator, which must agree with the events."""
    with client.responses.stream(model=model.name, input=items, **settings) as stream:
        events = list(stream)
        # The SDK knows no sum of a stream that was cut short.
        response = stream.get_final_response() if is_completed(events) else events[-1].response
    check_events(events, response)
    return response


def is_completed(events):
    return events[-1].type == "response.completed"


def check_events(events, response):
    kinds = [event.type for event in events]
    equal(kinds[:2], ["response.created", "response.in_progress"])
    equal(kinds[-1], f"response.{response.status}")
    equal([event.sequence_number for event in events], list(range(len(events))))
    equal({event.response.id for event in [events[0], events[-1]]}, {response.id})
    for kind in ["response.output_item.added", "response.output_item.done"]:
        items = [event for event in events if event.type == kind]
        equal([event.output_index for event in items], list(range(len(response.output))))
        equal([event.item.id for event in items], [item.id for item in response.output])
    for index, item in enumerate(response.output):
        own = [event for event in events if getattr(event, "output_index", None) == index]

        def joined(kind):
            return "".join(event.delta for event in own if event.type == kind)

        if item.type == "function_call":
            same(joined("response.function_call_arguments.delta"), item.arguments, "arguments")
        elif item.type == "message":
            text = "".join(part.text for part in item.content if part.type == "output_text")
            same(joined("response.output_text.delta"), text, "text")
        elif item.type == "reasoning":
            text = "".join(part.text for part in item.summary)
            same(joined("response.reasoning_summary_text.delta"), text, "summary")


def check_response(model, response, status="completed"):
    equal(response.object, "response")
    equal(response.status, status)
    equal(response.model, model.name)
    equal(response.error, None)
    assert response.id.startswith("resp_"), response.id
    assert response.created_at > 1_500_000_000, response
    usage = response.usage
    assert usage.input_tokens > 0 and usage.output_tokens > 0, usage
    equal(usage.total_tokens, usage.input_tokens + usage.output_tokens)
    details = usage.input_tokens_details
    assert usage.input_tokens >= details.cached_tokens + (details.cache_write_tokens or 0), usage
    assert usage.output_tokens >= usage.output_tokens_details.reasoning_tokens, usage


def text_of(response):
    assert response.output_text, response
    return response.output_text


def calls_of(model, response, *names):
    """The calls of an answer that has no others, with ids that differ."""
    check_response(model, response)
    calls = [item for item in response.output if item.type == "function_call"]
    equal([call.name for call in calls], list(names))
    equal(len({call.call_id for call in calls}), len(calls))
    for call in calls:
        arguments = json.loads(call.arguments)
        {"get_weather": check_weather, "get_time": check_time}[call.name](arguments)
    return calls


def question(text):
    return {"role": "user", "content": text}


def result(call, output):
    return {"type": "function_call_output", "call_id": call.call_id, "output": output}


@suite.step
def plain_text(model):
    response = ask(model, ASK_TEXT)
    check_response(model, response)
    message = response.output[-1]
    equal((message.type, message.role, message.status), ("message", "assistant", "completed"))
    assert text_of(response)


@suite.step
def instructions(model):
    without = ask(model, ASK_TEXT)
    for response in [
        ask(model, ASK_TEXT, instructions="You are a sailor. Answer in one sentence."),
        ask(model, [{"role": "developer", "content": "You are a sailor, a brave one."}, question(ASK_TEXT)]),
        ask(model, [{"role": "system", "content": "You are a sailor, a brave one."}, question(ASK_TEXT)]),
    ]:
        check_response(model, response)
        assert response.usage.input_tokens > without.usage.input_tokens, response.usage


@suite.step
def streamed_text(model):
    response = ask_streaming(model, ASK_TEXT)
    check_response(model, response)
    assert text_of(response)


@suite.step
def raw_stream(model):
    events = list(ask(model, [question(ASK_TEXT)], stream=True))
    equal(events[0].type, "response.created")
    equal(events[0].response.status, "in_progress")
    equal(events[-1].type, "response.completed")
    check_response(model, events[-1].response)
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    same(text, text_of(events[-1].response), "text")


@suite.step
def several_turns(model):
    items = [question(ASK_TEXT)]
    for text in ["And the wind?", "And the waves?"]:
        response = ask(model, items)
        items += [*response.output, question(text)]
    check_response(model, ask(model, items))


def use_tools_over_several_turns(model, ask, **settings):
    """Two tools one after the other: whoever answers a call gives back the SDK's own objects."""
    items = []
    for text, name in [(ASK_WEATHER, "get_weather"), (ASK_TIME, "get_time")]:
        items.append(question(text))
        asked = ask(model, items, tools=TOOLS, **settings)
        (call,) = calls_of(model, asked, name)
        items += [*asked.output, result(call, "It is fine.")]
        answer = ask(model, items, tools=TOOLS, **settings)
        check_response(model, answer)
        assert text_of(answer)
        items += answer.output


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
                question(ASK_BOTH),
                *asked.output,
                # In whatever order they become known.
                result(time, json.dumps({"error": "the clock is broken"})),
                result(weather, [{"type": "input_text", "text": "It is fine."}]),
                question("Go on."),
            ],
            tools=TOOLS,
        )
        check_response(model, answer)
        assert text_of(answer)


@suite.step
def calls_that_are_told_again_as_plain_data(model):
    """As those do who keep conversations in a database: without the ids of items, reasoning and text."""
    (call,) = calls_of(model, ask(model, ASK_WEATHER, tools=TOOLS), "get_weather")
    told = {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
    items = [question(ASK_WEATHER), told, result(call, "It is fine.")]
    check_response(model, ask(model, items, tools=TOOLS))


@suite.step
def tool_choice(model):
    calls_of(model, ask(model, ASK_WEATHER, tools=TOOLS, tool_choice="required"), "get_weather")
    named = {"type": "function", "name": "get_time"}
    calls_of(model, ask(model, ASK_TEXT, tools=TOOLS, tool_choice=named), "get_time")
    none = ask(model, ASK_WEATHER, tools=TOOLS, tool_choice="none")
    check_response(model, none)
    assert text_of(none)


@suite.step_for(lambda model: model.provider != "gemini")
def one_tool_at_a_time(model):
    calls_of(model, ask(model, ASK_BOTH, tools=TOOLS, parallel_tool_calls=False), "get_weather")


def reason(model, ask_somehow):
    """Reasoning over several turns."""
    items = [question(ASK_TEXT)]
    for effort in ["low", "high"]:
        response = ask_somehow(
            model,
            items,
            reasoning={"effort": effort, "summary": "auto"},
            **STATELESS,
            max_output_tokens=16_000,
        )
        check_response(model, response)
        assert text_of(response)
        assert response.usage.output_tokens_details.reasoning_tokens > 0, response.usage
        thoughts = [item for item in response.output if item.type == "reasoning"]
        assert thoughts, response
        # Google signs what follows the thoughts.
        assert thoughts[0].encrypted_content or model.provider == "gemini", response
        items += [*response.output, question("And the wind?")]


@suite.step_for(lambda model: model.reasons)
def reasoning(model):
    reason(model, ask)


@suite.step_for(lambda model: model.reasons)
def streamed_reasoning(model):
    reason(model, ask_streaming)


@suite.step_for(lambda model: model.reasons)
def reasoning_with_tools(model):
    for ask_somehow in [ask, ask_streaming]:
        use_tools_over_several_turns(model, ask_somehow, reasoning={"effort": "medium"}, **STATELESS)


@suite.step
def an_image(model):
    without = ask(model, "What is this?")
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
    ]
    for ask_somehow in [ask, ask_streaming]:
        response = ask_somehow(model, [question(content)])
        check_response(model, response)
        assert response.usage.input_tokens > without.usage.input_tokens, response.usage


@suite.step
def structured_output(model):
    text = {"format": {"type": "json_schema", "name": "city", "schema": CITY_SCHEMA, "strict": True}}
    for ask_somehow in [ask, ask_streaming]:
        response = ask_somehow(model, "Describe a city.", text=text)
        check_response(model, response)
        check_city(json.loads(text_of(response)))
    parsed = client.responses.parse(model=model.name, input="Describe a city.", text_format=City)
    assert isinstance(parsed.output_parsed, City), parsed


@suite.step
def the_limit_of_tokens(model):
    for ask_somehow in [ask, ask_streaming]:
        response = ask_somehow(model, ASK_TEXT, max_output_tokens=16)
        check_response(model, response, "incomplete")
        equal(response.incomplete_details.reason, "max_output_tokens")
        assert response.usage.output_tokens <= 16, response.usage


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
            lambda: stranger.responses.create(model=model.name, input="Hi", stream=stream),
        )
        check_error(error, 401)
        equal(error.code, "invalid_api_key")


@suite.step
def an_unknown_model(model):
    for stream in [False, True]:
        error = raises(
            (openai.NotFoundError, openai.BadRequestError),
            lambda: client.responses.create(model=f"{model.name}-nobody-has-it", input="Hi", stream=stream),
        )
        # Of responses, OpenAI itself says that this is a bad request.
        check_error(error, error.status_code)
        equal(error.code, "model_not_found")


@suite.step
def malformed_requests(model):
    stray = {"type": "function_call_output", "call_id": "call_nobody", "output": "?"}
    for items, settings in [
        ([question("Hi"), stray], {}),
        ([{"role": "user", "content": 7}], {}),
        ([{"role": "nobody", "content": "Hi"}], {}),
        ("Hi", {"max_output_tokens": "many"}),
    ]:
        for stream in [False, True]:
            error = raises(openai.BadRequestError, lambda: ask(model, items, stream=stream, **settings))
            check_error(error, 400)
            equal(error.type, "invalid_request_error")


suite.run()
