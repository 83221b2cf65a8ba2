"""The SDK `anthropic`, of whatever major version: messages, streams, tools, counting, models, errors."""

import json

import anthropic
from anthropic import Anthropic, beta_tool
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
client = Anthropic(base_url=suite.base_url, api_key=suite.key, max_retries=0, timeout=TIMEOUT_SECONDS)

TOOLS = [
    {"name": "get_weather", "description": "Tells the weather.", "input_schema": WEATHER_SCHEMA},
    {"name": "get_time", "description": "Tells the time.", "input_schema": TIME_SCHEMA},
]
HOLDS_THREADS = hasattr(client.beta.messages, "thread")
THINKING = {"type": "enabled", "budget_tokens": 1024}


class City(BaseModel):
    name: str
    population: int
    rivers: list[str]


def ask(model, messages, **settings):
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    return client.messages.create(
        model=model.name, messages=messages, **{"max_tokens": 2048, **settings}
    )


def ask_streaming(model, messages, **settings):
    """The same through the SDK's own accumulator, which must agree with the events."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    with client.messages.stream(
        model=model.name, messages=messages, **{"max_tokens": 2048, **settings}
    ) as stream:
        events = list(stream)
        message = stream.get_final_message()
    check_events(events, message)
    return message


def check_events(events, message):
    kinds = [event.type for event in events]
    equal(kinds[0], "message_start")
    equal(kinds[-1], "message_stop")
    equal(kinds.count("message_start"), 1)
    starts = [event for event in events if event.type == "content_block_start"]
    stops = [event.index for event in events if event.type == "content_block_stop"]
    equal([event.index for event in starts], list(range(len(message.content))))
    equal(stops, list(range(len(message.content))))
    deltas = [event for event in events if event.type == "content_block_delta"]
    for index, block in enumerate(message.content):
        own = [event.delta for event in deltas if event.index == index]

        def joined(field):
            return "".join(getattr(delta, field, None) or "" for delta in own)

        if block.type == "text":
            same(joined("text"), block.text, "text")
        elif block.type == "thinking":
            same(joined("thinking"), block.thinking, "thinking")
            same(joined("signature"), block.signature, "signature")
        elif block.type == "tool_use":
            same(json.loads(joined("partial_json") or "{}"), block.input, "input")


def check_message(model, message, stop_reason):
    equal(message.type, "message")
    equal(message.role, "assistant")
    equal(message.model, model.name)
    equal(message.stop_reason, stop_reason)
    assert message.id.startswith("msg_"), message.id
    assert input_tokens(message.usage) > 0, message.usage
    assert message.usage.output_tokens > 0, message.usage


def input_tokens(usage):
    return usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)


def text_of(message):
    text = "".join(block.text for block in message.content if block.type == "text")
    assert text, message
    return text


def calls_of(model, message, *names):
    """The calls of an answer that is nothing but these, with ids that differ."""
    check_message(model, message, "tool_use")
    calls = [block for block in message.content if block.type == "tool_use"]
    equal([call.name for call in calls], list(names))
    equal(len({call.id for call in calls}), len(calls))
    for call in calls:
        {"get_weather": check_weather, "get_time": check_time}[call.name](call.input)
    return calls


def result(call, content, **more):
    return {"type": "tool_result", "tool_use_id": call.id, "content": content, **more}


@suite.step
def plain_text(model):
    message = ask(model, ASK_TEXT)
    check_message(model, message, "end_turn")
    assert text_of(message)


@suite.step
def system_prompt(model):
    without = ask(model, ASK_TEXT)
    text = ask(model, ASK_TEXT, system="You are a sailor. Answer in one sentence.")
    blocks = ask(
        model,
        ASK_TEXT,
        system=[
            {"type": "text", "text": "You are a sailor.", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "Answer in one sentence."},
        ],
    )
    for message in [text, blocks]:
        check_message(model, message, "end_turn")
        assert input_tokens(message.usage) > input_tokens(without.usage), (message.usage, without.usage)


@suite.step
def streamed_text(model):
    message = ask_streaming(model, ASK_TEXT)
    check_message(model, message, "end_turn")
    assert text_of(message)
    with client.messages.stream(
        model=model.name, max_tokens=2048, messages=[{"role": "user", "content": ASK_TEXT}]
    ) as stream:
        text = "".join(stream.text_stream)
        same(text, stream.get_final_text(), "text")


@suite.step
def raw_stream(model):
    events = list(ask(model, ASK_TEXT, stream=True))
    equal(events[0].type, "message_start")
    equal(events[0].message.content, [])
    equal(events[-1].type, "message_stop")
    (delta,) = [event for event in events if event.type == "message_delta"]
    equal(delta.delta.stop_reason, "end_turn")
    assert delta.usage.output_tokens > 0, delta


@suite.step
def several_turns(model):
    messages = [{"role": "user", "content": ASK_TEXT}]
    for question in ["And the wind?", "And the waves?"]:
        answer = ask(model, messages)
        messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": question}]
    check_message(model, ask(model, messages), "end_turn")


def use_tools_over_several_turns(model, ask, **settings):
    """Two tools one after the other: whoever answers a call gives back the SDK's own objects."""
    messages = []
    for question, name in [(ASK_WEATHER, "get_weather"), (ASK_TIME, "get_time")]:
        messages.append({"role": "user", "content": question})
        asked = ask(model, messages, tools=TOOLS, **settings)
        (call,) = calls_of(model, asked, name)
        messages += [
            {"role": "assistant", "content": asked.content},
            {"role": "user", "content": [result(call, "It is fine.")]},
        ]
        answer = ask(model, messages, tools=TOOLS, **settings)
        check_message(model, answer, "end_turn")
        assert text_of(answer)
        messages.append({"role": "assistant", "content": answer.content})
    return messages


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
                {"role": "assistant", "content": asked.content},
                {
                    "role": "user",
                    "content": [
                        result(weather, [{"type": "text", "text": "It is fine."}]),
                        result(time, "The clock is broken.", is_error=True),
                        {"type": "text", "text": "Go on."},
                    ],
                },
            ],
            tools=TOOLS,
        )
        check_message(model, answer, "end_turn")
        assert text_of(answer)


@suite.step
def tool_choice(model):
    (call,) = calls_of(model, ask(model, ASK_WEATHER, tools=TOOLS, tool_choice={"type": "any"}), "get_weather")
    chosen = ask(model, ASK_TEXT, tools=TOOLS, tool_choice={"type": "tool", "name": "get_time"})
    (call,) = calls_of(model, chosen, "get_time")
    none = ask(model, ASK_WEATHER, tools=TOOLS, tool_choice={"type": "none"})
    check_message(model, none, "end_turn")
    assert text_of(none)


@suite.step_for(lambda model: model.provider != "gemini")
def one_tool_at_a_time(model):
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    calls_of(model, ask(model, ASK_BOTH, tools=TOOLS, tool_choice=choice), "get_weather")


@suite.step
def long_names_of_tools(model):
    names = [f"{'x' * 100}_{number}" for number in range(2)]
    tools = [{"name": name, "description": "Long.", "input_schema": WEATHER_SCHEMA} for name in names]
    messages = [{"role": "user", "content": ASK_TEXT}]
    for ask_somehow in [ask, ask_streaming]:
        asked = ask_somehow(model, messages, tools=tools, tool_choice={"type": "tool", "name": names[1]})
        (call,) = [block for block in asked.content if block.type == "tool_use"]
        equal(call.name, names[1])
        messages += [
            {"role": "assistant", "content": asked.content},
            {"role": "user", "content": [result(call, "Good.")]},
        ]


@suite.step
def a_tool_without_arguments(model):
    tool = {"name": "get_news", "description": "News.", "input_schema": {"type": "object", "properties": {}}}
    for ask_somehow in [ask, ask_streaming]:
        asked = ask_somehow(model, "Please call get_news.", tools=[tool])
        (call,) = [block for block in asked.content if block.type == "tool_use"]
        equal(call.input, {})
        answer = ask_somehow(
            model,
            [
                {"role": "user", "content": "Please call get_news."},
                {"role": "assistant", "content": asked.content},
                {"role": "user", "content": [result(call, "None.")]},
            ],
            tools=[tool],
        )
        check_message(model, answer, "end_turn")


@suite.step
def the_sdks_own_loop_over_tools(model):
    called = []

    @beta_tool
    def get_weather(city: str) -> str:
        """Tells the weather.

        Args:
            city: The name of the city
        """
        called.append(city)
        return "It is fine."

    # Since version 2 the provider is asked to hold the conversation, which the simulated one does not. Others cannot:
    # the SDK goes on by itself when it is told so.
    more = {"thread": False} if HOLDS_THREADS and model.provider == "anthropic" else {}
    runner = client.beta.messages.tool_runner(
        model=model.name,
        max_tokens=2048,
        messages=[{"role": "user", "content": ASK_WEATHER}],
        tools=[get_weather],
        **more,
    )
    message = runner.until_done()
    equal(len(called), 1)
    equal(message.stop_reason, "end_turn")


def check_thinking(model, content):
    if model.shows_thoughts:
        first = content[0]
        equal(first.type, "thinking")
        assert first.thinking and isinstance(first.signature, str), content
        assert first.signature or not model.signs_thoughts, content


@suite.step_for(lambda model: model.reasons)
def thinking(model):
    for ask_somehow in [ask, ask_streaming]:
        messages = [{"role": "user", "content": ASK_TEXT}]
        for question in ["And the wind?", "And the waves?"]:
            answer = ask_somehow(model, messages, thinking=THINKING)
            check_message(model, answer, "end_turn")
            check_thinking(model, answer.content)
            assert text_of(answer)
            messages += [
                {"role": "assistant", "content": answer.content},
                {"role": "user", "content": question},
            ]
        adaptive = ask_somehow(
            model, messages, thinking={"type": "adaptive"}, output_config={"effort": "high"}, max_tokens=8192
        )
        check_message(model, adaptive, "end_turn")
        disabled = ask_somehow(model, messages, thinking={"type": "disabled"})
        check_message(model, disabled, "end_turn")
        equal([block.type for block in disabled.content], ["text"])


@suite.step_for(lambda model: model.reasons)
def thinking_with_tools(model):
    for ask_somehow in [ask, ask_streaming]:
        messages = use_tools_over_several_turns(model, ask_somehow, thinking=THINKING)
        check_thinking(model, messages[1]["content"])


@suite.step
def an_image(model):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    content = [{"type": "text", "text": "What is this?"}, image]
    without = ask(model, "What is this?")
    for ask_somehow in [ask, ask_streaming]:
        message = ask_somehow(model, [{"role": "user", "content": content}])
        check_message(model, message, "end_turn")
        assert input_tokens(message.usage) > input_tokens(without.usage), message.usage


@suite.step
def structured_output(model):
    settings = {"output_config": {"format": {"type": "json_schema", "schema": CITY_SCHEMA}}}
    for ask_somehow in [ask, ask_streaming]:
        message = ask_somehow(model, "Describe a city.", **settings)
        check_message(model, message, "end_turn")
        check_city(json.loads(text_of(message)))
    parsed = client.messages.parse(
        model=model.name,
        max_tokens=2048,
        messages=[{"role": "user", "content": "Describe a city."}],
        output_format=City,
    )
    assert isinstance(parsed.parsed_output, City), parsed


@suite.step
def the_limit_of_tokens(model):
    for ask_somehow in [ask, ask_streaming]:
        message = ask_somehow(model, ASK_TEXT, max_tokens=16)
        check_message(model, message, "max_tokens")
        assert message.usage.output_tokens <= 16, message.usage


@suite.step_for(lambda model: model.takes_stop)
def stop_sequences(model):
    message = ask(model, ASK_TEXT, stop_sequences=["e"])
    assert all("e" not in block.text for block in message.content), message
    if model.provider == "anthropic":
        equal(message.stop_reason, "stop_sequence")
        equal(message.stop_sequence, "e")
    else:
        # The others do not tell.
        equal(message.stop_reason, "end_turn")


@suite.step
def counting_tokens(model):
    short = client.messages.count_tokens(model=model.name, messages=[{"role": "user", "content": ASK_TEXT}])
    long = client.messages.count_tokens(
        model=model.name,
        messages=[{"role": "user", "content": ASK_TEXT * 10}],
        system="You are a sailor.",
        tools=TOOLS,
    )
    assert 0 < short.input_tokens < long.input_tokens, (short, long)


@suite.step
def models(model):
    listed = [listed.id for listed in client.models.list(limit=1000)]
    assert model.name in listed, listed
    found = client.models.retrieve(model.name)
    equal(found.id, model.name)
    equal(found.type, "model")


@suite.step
def a_bad_key(model):
    stranger = Anthropic(base_url=suite.base_url, api_key="sk-gw-nobody", max_retries=0)
    for stream in [False, True]:
        error = raises(
            anthropic.AuthenticationError,
            lambda: stranger.messages.create(
                model=model.name, max_tokens=16, messages=[{"role": "user", "content": "Hi"}], stream=stream
            ),
        )
        check_error(error, 401, "authentication_error")


def check_error(error, status, kind):
    equal(error.status_code, status)
    equal(error.body["type"], "error")
    equal(error.body["error"]["type"], kind)
    assert error.body["error"]["message"], error.body


@suite.step
def an_unknown_model(model):
    for stream in [False, True]:
        error = raises(
            anthropic.NotFoundError,
            lambda: client.messages.create(
                model=f"{model.name}-nobody-has-it",
                max_tokens=16,
                messages=[{"role": "user", "content": "Hi"}],
                stream=stream,
            ),
        )
        check_error(error, 404, "not_found_error")


@suite.step
def malformed_requests(model):
    stray = {"type": "tool_result", "tool_use_id": "toolu_nobody", "content": "?"}
    for messages, settings in [
        ([], {}),
        ([{"role": "user", "content": [stray]}], {}),
        ([{"role": "user", "content": 7}], {}),
        ([{"role": "user", "content": "Hi"}], {"max_tokens": "many"}),
        ([{"role": "user", "content": "Hi"}], {"extra_body": {"nobody_knows_it": 1}})
        if model.provider == "anthropic"
        else ([{"role": "nobody", "content": "Hi"}], {}),
    ]:
        for stream in [False, True]:
            error = raises(
                anthropic.BadRequestError, lambda: ask(model, messages, stream=stream, **settings)
            )
            check_error(error, 400, "invalid_request_error")


suite.run()
