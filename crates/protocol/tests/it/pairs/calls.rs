//! Servers that give their calls ids as they like.

use serde_json::{Value, json};

use super::{put, question};
use gateway_domain::Dialect;
use gateway_protocol::codec;

fn told(id: &str) -> String {
    let (client, upstream) = (
        codec(Dialect::Anthropic).unwrap(),
        codec(Dialect::OpenAiChat).unwrap(),
    );
    let answer = json!({"choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [
        {"id": id, "type": "function", "function": {"name": "now", "arguments": "{}"}},
    ]}}]});
    let translated = put(client, upstream, question(Dialect::Anthropic)).unwrap();
    let body = translated.way_back.reply(answer.to_string().as_bytes()).unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap();
    message["content"][0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_id_that_every_provider_takes_is_the_clients_too() {
    assert_eq!(told("call_1"), "call_1");
    assert_eq!(
        told("chatcmpl-tool-0123456789abcdef"),
        "chatcmpl-tool-0123456789abcdef"
    );
    for odd in ["functions.f:0", "", "ü", &"x".repeat(41)] {
        let id = told(odd);
        assert!(
            id.starts_with("call_") && (5..=40).contains(&id.len()),
            "{odd}: {id}"
        );
    }
}

#[test]
fn calls_that_have_the_same_id_in_every_turn_are_told_apart() {
    let tool_use = json!({"type": "tool_use", "id": "call_0", "name": "now", "input": {}});
    let result = |text: &str| json!({"type": "tool_result", "tool_use_id": "call_0", "content": text});
    let request = json!({
        "model": "m", "max_tokens": 9, "tools": [{"name": "now", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [tool_use.clone()]},
            {"role": "user", "content": [result("one")]},
            {"role": "assistant", "content": [tool_use.clone(), tool_use.clone()]},
            {"role": "user", "content": [result("two"), result("three")]},
        ],
    });
    let (client, upstream) = (
        codec(Dialect::Anthropic).unwrap(),
        codec(Dialect::OpenAiChat).unwrap(),
    );
    let translated = put(client, upstream, request.to_string().as_bytes()).unwrap();
    let body: Value = serde_json::from_slice(&translated.body).unwrap();
    let messages = body["messages"].as_array().unwrap();
    let called: Vec<&Value> = messages
        .iter()
        .filter_map(|message| message["tool_calls"].as_array())
        .flatten()
        .map(|call| &call["id"])
        .collect();
    let answered: Vec<(&Value, &Value)> = messages
        .iter()
        .filter(|message| message["role"] == "tool")
        .map(|message| (&message["tool_call_id"], &message["content"]))
        .collect();
    assert_eq!(called.len(), 3);
    assert!(
        called[0] != called[1] && called[1] != called[2] && called[0] != called[2],
        "{called:?}"
    );
    let expected: Vec<(&Value, Value)> = called
        .into_iter()
        .zip(["one", "two", "three"].map(Value::from))
        .collect();
    assert!(
        answered
            .iter()
            .zip(&expected)
            .all(|((id, text), (called, said))| id == called && *text == said)
    );
}
