//! What clients make of answers: their next request.

use std::collections::BTreeMap;

use gateway_domain::Dialect;
use serde_json::{Value, json};

/// The request that follows an answer: the answer as it came, and the results of its calls.
pub(super) fn next_request(client: Dialect, answer: &Value) -> Value {
    match client {
        Dialect::Anthropic => {
            let answer = &answer["content"];
            let results = calls(answer, |block| {
                (block["type"] == "tool_use").then(|| block["id"].clone())
            });
            let results = results.map(|id| json!({"type": "tool_result", "tool_use_id": id, "content": "x"}));
            let mut next: Vec<_> = results.collect();
            next.push(json!({"type": "text", "text": "Go on."}));
            json!({"model": "m", "max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 1024}, "messages": [
                {"role": "user", "content": "Hi"}, {"role": "assistant", "content": answer}, {"role": "user", "content": next},
            ]})
        }
        Dialect::OpenAiChat => {
            let message = &answer["choices"][0]["message"];
            let results = calls(&message["tool_calls"], |call| Some(call["id"].clone()));
            let results = results.map(|id| json!({"role": "tool", "tool_call_id": id, "content": "x"}));
            let mut messages = vec![json!({"role": "user", "content": "Hi"}), message.clone()];
            messages.extend(results);
            json!({"model": "m", "messages": messages})
        }
        Dialect::OpenAiResponses => {
            let output = answer["output"].as_array().unwrap();
            let results = output.iter().filter(|item| !item["call_id"].is_null());
            let results = results.map(|item| {
                let kind = format!("{}_output", item["type"].as_str().unwrap());
                json!({"type": kind, "call_id": item["call_id"], "output": "x"})
            });
            let mut input = vec![json!({"role": "user", "content": "Hi"})];
            input.extend(output.iter().cloned().chain(results));
            json!({"model": "m", "input": input})
        }
        Dialect::Gemini => {
            let candidates = answer["candidates"].as_array().unwrap();
            let contents = candidates.iter().map(|candidate| candidate["content"].clone());
            let mut contents: Vec<_> = contents.collect();
            let parts = contents
                .iter()
                .flat_map(|content| content["parts"].as_array().unwrap());
            let called = parts.filter(|part| !part["functionCall"].is_null());
            let results = called.map(|part| {
                let call = &part["functionCall"];
                json!({"functionResponse": {"id": call["id"], "name": call["name"], "response": {"output": "x"}}})
            });
            let results: Vec<_> = results.collect();
            contents.insert(0, json!({"role": "user", "parts": [{"text": "Hi"}]}));
            if !results.is_empty() {
                contents.push(json!({"role": "user", "parts": results}));
            }
            json!({"contents": contents})
        }
    }
}

fn calls<'a>(list: &'a Value, id: impl Fn(&Value) -> Option<Value> + 'a) -> impl Iterator<Item = Value> + 'a {
    list.as_array().into_iter().flatten().filter_map(id)
}

/// What a client keeps of a stream, in the shape of a whole answer. Gemini's keep every event.
pub(super) fn streamed(client: Dialect, stream: &[u8]) -> Value {
    let stream = str::from_utf8(stream).unwrap();
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = data.filter(|data| *data != "[DONE]");
    let events: Vec<Value> = events.map(|data| serde_json::from_str(data).unwrap()).collect();
    match client {
        Dialect::Anthropic => json!({"content": blocks(&events)}),
        Dialect::OpenAiChat => json!({"choices": [{"message": message(&events)}]}),
        Dialect::OpenAiResponses => events.last().unwrap()["response"].clone(),
        Dialect::Gemini => {
            let candidates: Vec<_> = events
                .iter()
                .map(|event| event["candidates"][0].clone())
                .collect();
            json!({"candidates": candidates})
        }
    }
}

fn blocks(events: &[Value]) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    let mut input = String::new();
    for event in events {
        let delta = &event["delta"];
        match (event["type"].as_str().unwrap(), blocks.last_mut()) {
            ("content_block_start", _) => blocks.push(event["content_block"].clone()),
            ("content_block_delta", Some(block)) => {
                for field in ["text", "thinking", "signature"] {
                    if let Some(more) = delta[field].as_str() {
                        append(&mut block[field], more);
                    }
                }
                input += delta["partial_json"].as_str().unwrap_or_default();
            }
            ("content_block_stop", Some(block)) if !input.is_empty() => {
                block["input"] = serde_json::from_str(&std::mem::take(&mut input)).unwrap();
            }
            _ => {}
        }
    }
    blocks
}

fn message(events: &[Value]) -> Value {
    let mut message = json!({"role": "assistant", "content": ""});
    let mut calls: BTreeMap<u64, Value> = BTreeMap::new();
    for delta in events.iter().map(|event| &event["choices"][0]["delta"]) {
        append(
            &mut message["content"],
            delta["content"].as_str().unwrap_or_default(),
        );
        for more in delta["tool_calls"].as_array().into_iter().flatten() {
            let call = calls
                .entry(more["index"].as_u64().unwrap())
                .or_insert_with(|| more.clone());
            let arguments = more["function"]["arguments"].as_str().unwrap_or_default();
            if !more["id"].is_string() && call["function"].is_object() {
                append(&mut call["function"]["arguments"], arguments);
            }
        }
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into_values().collect();
    }
    message
}

fn append(field: &mut Value, more: &str) {
    *field = json!(field.as_str().unwrap_or_default().to_owned() + more);
}
