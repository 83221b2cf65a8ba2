//! Requests to OpenAI's dialects and what comes back, for the tests of both.

use gateway_simulator::Simulator;
use serde_json::{Value, json};

use crate::client::{Answer, Request, call};

pub(crate) const KEY: &str = "sk-proj-test";

/// A request with the headers of OpenAI's clients.
pub(crate) fn post(target: &str, body: &Value) -> Request {
    with_key(Request::post(target, body), KEY)
}

pub(crate) fn get(target: &str) -> Request {
    with_key(Request::get(target), KEY)
}

pub(crate) fn with_key(request: Request, key: &str) -> Request {
    request
        .with("X-Api-Key", "")
        .with("anthropic-version", "")
        .with("Authorization", &format!("Bearer {key}"))
}

/// The answer to `POST /v1/chat/completions`.
pub(crate) fn chat(simulator: &Simulator, body: &Value) -> Answer {
    call(simulator.address(), &post("/v1/chat/completions", body))
}

/// The answer to `POST /v1/responses`.
pub(crate) fn respond(simulator: &Simulator, body: &Value) -> Answer {
    call(simulator.address(), &post("/v1/responses", body))
}

pub(crate) fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

/// A schema that a strict function takes too.
pub(crate) fn city_schema() -> Value {
    json!({
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": false,
    })
}

/// The data of a stream without names, but for its end; whether it came to that end.
pub(crate) fn chunks(answer: &Answer) -> (Vec<Value>, bool) {
    let text = answer.text();
    let data: Vec<&str> = text
        .split_inclusive("\n\n")
        .filter_map(|event| event.strip_suffix("\n\n")?.strip_prefix("data: "))
        .collect();
    let is_done = data.last() == Some(&"[DONE]");
    let whole = data.iter().filter(|data| **data != "[DONE]");
    (
        whole
            .map(|data| serde_json::from_str(data).expect("JSON"))
            .collect(),
        is_done,
    )
}

/// Status and the four fields of an error.
pub(crate) fn refusal(answer: &Answer) -> (u16, Value) {
    let error = &answer.json()["error"];
    let fields: Vec<&String> = error.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["code", "message", "param", "type"], "{error}");
    (answer.status, error.clone())
}

/// A request for a chat completion with tools.
pub(crate) fn with_weather(model: &str, text: &str) -> Value {
    json!({
        "model": model,
        "messages": [user(text)],
        "tools": [
            {"type": "function", "function": {"name": "weather", "parameters": city_schema(), "strict": true}},
            {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}},
        ],
    })
}

/// Changes a good request for a chat completion; message, `param` and `code` of what comes of it.
pub(crate) fn refused(
    simulator: &Simulator,
    model: &str,
    change: impl FnOnce(&mut Value),
) -> (String, Value, Value) {
    let mut body = json!({"model": model, "messages": [user("Hello")]});
    change(&mut body);
    let answer = chat(simulator, &body);
    assert_eq!(answer.status, 400, "{body} {}", answer.text());
    let (_, error) = refusal(&answer);
    assert_eq!(error["type"], "invalid_request_error");
    let message = error["message"].as_str().unwrap().to_owned();
    (message, error["param"].clone(), error["code"].clone())
}

/// Changes a good body into another.
pub(crate) fn accepted(simulator: &Simulator, model: &str, change: impl FnOnce(&mut Value)) {
    let mut body = json!({"model": model, "messages": [user("Hello")]});
    change(&mut body);
    let answer = chat(simulator, &body);
    assert_eq!(answer.status, 200, "{body} {}", answer.text());
}

/// A tool of this name.
pub(crate) fn function(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": city_schema()}})
}
