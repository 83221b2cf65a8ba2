//! Tools in chat completions: how they are called, and what is refused of them.

use gateway_simulator::{Reply, Script, Simulator};
use serde_json::{Value, json};

use crate::client::streamed;
use crate::openai::{accepted, chat, chunks, function, refused, user, with_weather};

fn call_of(id: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "t", "arguments": "{}"}})
}

fn result_of(id: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": "ok"})
}

#[tokio::test]
async fn tools_are_called_and_their_results_are_read() {
    let simulator = Simulator::start().await;
    let mut body = with_weather("gpt-5.1", "What does the weather tool say?");
    let first = chat(&simulator, &body).json()["choices"][0].clone();
    assert_eq!(first["finish_reason"], "tool_calls");
    let calls = first["message"]["tool_calls"].as_array().unwrap();
    assert_eq!(
        (calls.len(), &calls[0]["function"]["name"]),
        (1, &json!("weather"))
    );
    let arguments: Value = serde_json::from_str(calls[0]["function"]["arguments"].as_str().unwrap()).unwrap();
    assert!(arguments["city"].is_string());

    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(first["message"].clone());
    messages.push(json!({"role": "tool", "tool_call_id": calls[0]["id"], "content": "Sunny"}));
    let second = chat(&simulator, &body).json()["choices"][0].clone();
    assert_eq!(second["finish_reason"], "stop");
    assert!(second["message"].get("tool_calls").is_none());
}

#[tokio::test]
async fn the_choice_of_tools_has_its_say() {
    let simulator = Simulator::start().await;
    let called = |text: &str, choice: Value, in_parallel: bool| -> Vec<String> {
        let mut body = with_weather("gpt-4.1", text);
        body["tool_choice"] = choice;
        body["parallel_tool_calls"] = json!(in_parallel);
        let message = chat(&simulator, &body).json()["choices"][0]["message"].clone();
        let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
        let name = |call: &Value| call["function"]["name"].as_str().unwrap().to_owned();
        calls.iter().map(name).collect()
    };
    let clock = json!({"type": "function", "function": {"name": "clock"}});
    assert_eq!(called("Hello", json!("required"), true), ["weather"]);
    assert_eq!(called("Hello", clock, true), ["clock"]);
    assert_eq!(
        called("weather, clock", json!("auto"), true),
        ["weather", "clock"]
    );
    assert_eq!(called("weather, clock", json!("auto"), false), ["weather"]);
    assert!(called("weather, clock", json!("none"), true).is_empty());
}

#[tokio::test]
async fn a_tool_may_take_free_text() {
    let simulator = Simulator::start().await;
    let mut body = json!({"model": "gpt-4o", "messages": [user("Hello")]});
    body["tools"] = json!([{"type": "custom", "custom": {"name": "patch"}}]);
    body["tool_choice"] = json!("required");
    let drawn = chat(&simulator, &body).json()["choices"][0]["message"]["tool_calls"][0].clone();
    assert!(drawn["custom"]["input"].is_string());
    simulator.always(Script::reply(
        Reply::new().and_tool_use("patch", json!("*** Begin")),
    ));
    let whole = chat(&simulator, &body).json()["choices"][0]["message"]["tool_calls"][0].clone();
    assert_eq!(
        (&whole["type"], &whole["custom"]["name"]),
        (&json!("custom"), &json!("patch"))
    );
    let (pieces, _) = chunks(&chat(&simulator, &streamed(body)));
    let input: String = pieces
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"][0]["custom"]["input"].as_str())
        .collect();
    assert_eq!(
        (json!(input), "*** Begin"),
        (whole["custom"]["input"].clone(), input.as_str())
    );
}

#[tokio::test]
async fn the_newest_models_reason_with_tools_elsewhere() {
    let simulator = Simulator::start().await;
    let with = |effort: Value| {
        move |body: &mut Value| {
            body["tools"] = json!([function("a")]);
            body["reasoning_effort"] = effort;
        }
    };
    for (model, effort) in [
        ("gpt-5.6-sol", Value::Null),
        ("gpt-6.1-sol", json!("low")),
        ("gpt-5.4", json!("low")),
    ] {
        let (message, param, _) = refused(&simulator, model, with(effort));
        assert!(
            message.starts_with("Function tools with reasoning_effort are not supported for"),
            "{message}"
        );
        assert_eq!(param, "reasoning_effort");
    }
    accepted(&simulator, "gpt-5.6-sol", with(json!("none")));
    accepted(&simulator, "gpt-5.4", with(Value::Null));
    accepted(&simulator, "gpt-5", with(json!("low")));
}

#[tokio::test]
async fn calls_and_results_go_in_pairs() {
    let simulator = Simulator::start().await;
    let talk = |calls: &[Value], rest: &[Value]| {
        let mut messages = vec![
            user("Hi"),
            json!({"role": "assistant", "content": null, "tool_calls": calls}),
        ];
        messages.extend_from_slice(rest);
        move |body: &mut Value| body["messages"] = json!(messages)
    };
    accepted(
        &simulator,
        "gpt-4o",
        talk(
            &[call_of("a"), call_of("b")],
            &[result_of("b"), result_of("a"), user("And?")],
        ),
    );
    let start = "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
                 'tool_call_id'. The following tool_call_ids did not have response messages: ";
    for (rest, open) in [
        (vec![result_of("a")], "b"),
        (vec![user("And?"), result_of("a"), result_of("b")], "a, b"),
        (Vec::new(), "a, b"),
    ] {
        let (message, ..) = refused(&simulator, "gpt-4o", talk(&[call_of("a"), call_of("b")], &rest));
        assert_eq!(message, format!("{start}{open}"));
    }
    let (message, param, _) = refused(&simulator, "gpt-4o", |body| {
        body["messages"] = json!([user("Hi"), result_of("a")]);
    });
    assert_eq!(
        message,
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
    );
    assert_eq!(param, "messages.[1].role");
    let (message, ..) = refused(&simulator, "gpt-4o", talk(&[call_of("a")], &[result_of("c")]));
    assert_eq!(
        message,
        "Invalid parameter: 'tool_call_id' of 'c' not found in 'tool_calls' of previous message."
    );
    let long = "a".repeat(41);
    let (message, param, code) = refused(&simulator, "gpt-4o", talk(&[call_of(&long)], &[result_of(&long)]));
    assert_eq!(
        message,
        "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40, but got a \
         string with length 41 instead."
    );
    assert_eq!(
        (param, code),
        (
            json!("messages[1].tool_calls[0].id"),
            json!("string_above_max_length")
        )
    );
    let mut call = call_of("a");
    call["function"]["arguments"] = json!({});
    let (message, ..) = refused(&simulator, "gpt-4o", talk(&[call], &[result_of("a")]));
    assert_eq!(
        message,
        "Invalid type for 'messages[1].tool_calls[0].function.arguments': expected a string, but got an object instead."
    );
}

#[tokio::test]
async fn tools_are_checked() {
    let simulator = Simulator::start().await;
    let long = "a".repeat(65);
    for (tool, param, words) in [
        (
            json!({"name": "a", "parameters": {}}),
            "tools[0].type",
            "Missing required parameter: 'tools[0].type'.",
        ),
        (
            json!({"type": "function", "name": "a"}),
            "tools[0].function",
            "Missing required parameter: 'tools[0].function'.",
        ),
        (
            function("a.b"),
            "tools[0].function.name",
            "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches the \
             pattern '^[a-zA-Z0-9_-]+$'.",
        ),
        (
            function(&long),
            "tools[0].function.name",
            "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length 64, but got a \
             string with length 65 instead.",
        ),
        (
            json!({"type": "function", "function": {"name": "a"}, "cache_control": {"type": "ephemeral"}}),
            "tools[0].cache_control",
            "Unknown parameter: 'tools[0].cache_control'.",
        ),
        (
            json!({"type": "function", "function": {"name": "a", "input_schema": {}}}),
            "tools[0].function.input_schema",
            "Unknown parameter: 'tools[0].function.input_schema'.",
        ),
        (
            json!({"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}}),
            "tools[0].function.parameters",
            "Invalid schema for function 'a': In context=(), object schema missing properties.",
        ),
        (
            json!({"type": "web_search"}),
            "tools[0].type",
            "Invalid value: 'web_search'. Supported values are: 'function' and 'custom'.",
        ),
    ] {
        let (own, own_param, _) = refused(&simulator, "gpt-4o", |body| body["tools"] = json!([tool]));
        assert_eq!((own.as_str(), own_param), (words, json!(param)));
    }
    let many: Vec<Value> = (0..129).map(|at| function(&format!("t{at}"))).collect();
    let (.., code) = refused(&simulator, "gpt-4o", |body| body["tools"] = json!(many));
    assert_eq!(code, "array_above_max_length");
}
