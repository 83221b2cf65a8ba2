//! A conversation with a model of another provider goes on with one of the client's own dialect.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gateway_domain::Dialect;
use gateway_protocol::Codec;
use serde_json::{Value, json};

use super::echoes::{next_request, streamed};
use super::{Fixture, answers, streams};
use crate::passed;

/// What Gemini's fixtures are signed with, and a signature as long as real ones.
const SIGNATURE: &str = "R2Vt+W5p/w==";

/// Every answer of one provider with every client of another, as the client's next request has it.
fn each_history(mut check: impl FnMut(&'static dyn Codec, &Value, &str)) {
    let signature = STANDARD.encode([0xfb; 1_500]);
    let signed = |fixture: &Fixture| {
        let bytes = str::from_utf8(fixture.bytes)
            .unwrap()
            .replace(SIGNATURE, &signature);
        Box::leak(bytes.into_bytes().into_boxed_slice())
    };
    let is_whole = |fixture: &&Fixture| fixture.name.ends_with("text") || fixture.name.ends_with("tools");
    for (kind, fixtures) in [("answer", &answers::ANSWERS), ("stream", &streams::STREAMS)] {
        for fixture in fixtures.iter().filter(is_whole) {
            let fixture = Fixture {
                bytes: signed(fixture),
                ..*fixture
            };
            for client in fixture.others() {
                let answer = if kind == "answer" {
                    serde_json::from_slice(&answers::told(&fixture, client)).unwrap()
                } else {
                    streamed(client.dialect(), &streams::whole(&fixture, client))
                };
                let name = format!("{kind} {} for {}", fixture.name, client.dialect());
                check(client, &next_request(client.dialect(), &answer), &name);
            }
        }
    }
}

#[test]
fn a_history_of_another_providers_model_goes_natively_without_marks() {
    each_history(|client, request, name| {
        let body = Bytes::from(request.to_string());
        let sent: Value = serde_json::from_slice(&passed(client, &body)).unwrap();
        let text = sent.to_string();
        for mark in [
            "_gs1_",
            "gemini:",
            "openai:",
            "anthropic:",
            "anthropic-redacted:",
            "unsigned:",
        ] {
            assert!(!text.contains(mark), "{mark} in {name}: {text}");
        }
        match client.dialect() {
            Dialect::Anthropic => check_anthropic(&sent, name),
            Dialect::OpenAiChat => check_chat(&sent, name),
            Dialect::OpenAiResponses => check_responses(&sent, name),
            Dialect::Gemini => check_gemini(&sent, name),
        }
    });
}

#[test]
fn what_goes_natively_is_said_in_full() {
    each_history(|client, request, name| {
        let sent = passed(client, &Bytes::from(request.to_string()));
        let said = str::from_utf8(&sent).unwrap();
        if name.contains("tools") {
            for words in ["Let me look.", "get_weather", "now", "Paris"] {
                assert!(said.contains(words), "{words} in {name}: {said}");
            }
        } else {
            assert!(said.contains("Bonjour"), "{name}: {said}");
        }
    });
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The ids of calls and those of results, which must be the same, fit, and differ from each other.
fn check_ids(calls: &[&Value], results: &[&Value], max_length: usize, name: &str) {
    assert_eq!(calls, results, "{name}");
    assert_eq!(calls.len(), if name.contains("tools") { 2 } else { 0 }, "{name}");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let ids: BTreeSet<_> = calls.iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(ids.len(), calls.len(), "{name}");
    for id in ids {
        assert!((1..=max_length).contains(&id.len()), "{id} of {name}");
        assert!(id.bytes().all(is_plain), "{id} of {name}");
    }
}

fn check_anthropic(body: &Value, name: &str) {
    let contents = || items(&body["messages"]).map(|message| &message["content"]);
    let of = |kind: &str, field: &str| -> Vec<_> {
        let blocks = contents().flat_map(items);
        let blocks = blocks.filter(|block| block["type"] == kind);
        blocks.map(|block| &block[field]).collect()
    };
    assert!(of("thinking", "type").is_empty(), "{name}");
    assert!(of("redacted_thinking", "type").is_empty(), "{name}");
    let (calls, results) = (of("tool_use", "id"), of("tool_result", "tool_use_id"));
    let thinking = if calls.is_empty() { "enabled" } else { "disabled" };
    assert_eq!(body["thinking"]["type"], thinking, "{name}");
    check_ids(&calls, &results, 128, name);
    assert!(!contents().any(|content| *content == json!([])), "{name}");
}

fn check_chat(body: &Value, name: &str) {
    let messages = || items(&body["messages"]);
    let calls = messages().flat_map(|message| items(&message["tool_calls"]));
    let calls: Vec<_> = calls.map(|call| &call["id"]).collect();
    let results = messages().filter(|message| message["role"] == "tool");
    let results: Vec<_> = results.map(|message| &message["tool_call_id"]).collect();
    check_ids(&calls, &results, 40, name);
}

fn check_responses(body: &Value, name: &str) {
    let ids = |end: &str| -> Vec<_> {
        let of_kind = |item: &&Value| item["type"].as_str().is_some_and(|kind| kind.ends_with(end));
        let items = items(&body["input"]).filter(of_kind);
        items.map(|item| &item["call_id"]).collect()
    };
    assert!(ids("reasoning").is_empty(), "{name}");
    check_ids(&ids("_call"), &ids("_output"), 64, name);
}

fn check_gemini(body: &Value, name: &str) {
    let contents = || items(&body["contents"]).map(|content| &content["parts"]);
    assert!(!contents().any(|parts| *parts == json!([])), "{name}");
    let ids = |kind: &str| -> Vec<_> {
        let parts = contents().flat_map(items).filter(|part| !part[kind].is_null());
        parts.map(|part| &part[kind]["id"]).collect()
    };
    check_ids(&ids("functionCall"), &ids("functionResponse"), 64, name);
    // The first call has what stands for a foreign signature, and nothing else has any.
    let signed = contents()
        .flat_map(items)
        .filter(|part| !part["thoughtSignature"].is_null());
    let signed: Vec<_> = signed
        .map(|part| (&part["functionCall"]["id"], &part["thoughtSignature"]))
        .collect();
    let skip = json!(STANDARD.encode("skip_thought_signature_validator"));
    let expected: Vec<_> = ids("functionCall")
        .into_iter()
        .take(1)
        .map(|id| (id, &skip))
        .collect();
    assert_eq!(signed, expected, "{name}");
}
