//! Requests of Gemini's dialect, and its streams.

use gateway_simulator::Simulator;
use serde_json::{Value, json};

use crate::client::{Answer, Request, call};

pub(crate) const NEW: &str = "gemini-3.5-flash";
pub(crate) const OLD: &str = "gemini-2.5-flash";

pub(crate) fn user(text: &str) -> Value {
    json!({"role": "user", "parts": [{"text": text}]})
}

pub(crate) fn hello() -> Value {
    json!({"contents": [user("Hello, Gemini")]})
}

/// What a model is to do with a body.
pub(crate) fn ask(model: &str, verb: &str, body: &Value) -> Request {
    Request {
        headers: vec![
            ("Host".to_owned(), "simulator".to_owned()),
            ("x-goog-api-key".to_owned(), "AIza-test".to_owned()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ],
        ..Request::post(&format!("/v1beta/models/{model}:{verb}"), body)
    }
}

pub(crate) fn get(target: &str) -> Request {
    Request {
        method: "GET",
        target: target.to_owned(),
        body: Vec::new(),
        ..ask(OLD, "", &Value::Null)
    }
}

pub(crate) fn generate(simulator: &Simulator, model: &str, body: &Value) -> Answer {
    call(simulator.address(), &ask(model, "generateContent", body))
}

pub(crate) fn stream(simulator: &Simulator, model: &str, body: &Value) -> Answer {
    call(
        simulator.address(),
        &ask(model, "streamGenerateContent?alt=sse", body),
    )
}

/// The chunks of a stream of server-sent events, of which there may be nothing but `data: ` lines.
pub(crate) fn chunks(answer: &Answer) -> Vec<Value> {
    let text = answer.text();
    let whole = text
        .split_inclusive("\r\n\r\n")
        .filter_map(|event| event.strip_suffix("\r\n\r\n"));
    whole
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").expect("data")).expect("JSON"))
        .collect()
}

pub(crate) fn parts(answer: &Value) -> &[Value] {
    let parts = answer["candidates"][0]["content"]["parts"].as_array();
    parts.map(Vec::as_slice).unwrap_or_default()
}

/// A tool of one parameter, by its name.
pub(crate) fn tool(name: &str) -> Value {
    json!({
        "name": name,
        "description": "Says how it is.",
        "parametersJsonSchema": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "additionalProperties": false,
        },
    })
}

pub(crate) fn tools(names: &[&str]) -> Value {
    let all: Vec<Value> = names.iter().copied().map(tool).collect();
    json!([{ "functionDeclarations": all }])
}
