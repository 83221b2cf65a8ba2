//! The way there and back again: requests that are translated, and their answers.

use gateway_protocol::translation::{Birth, Translated, translate};
use gateway_protocol::{Address, ErrorAnswer, ErrorKind};
use serde_json::{Value, json};

use super::{chat, stream};
use crate::text;

const LONG_NAME: &str = "mcp__a_server_with_a_long_name__a_tool_with_a_name_that_is_longer_still.v2";

fn translated(request: &Value) -> Translated {
    let birth = Birth {
        id: "01abc".to_owned(),
        created_at: 1_763_800_000,
    };
    let body = request.to_string();
    translate(
        chat(),
        chat(),
        body.as_bytes(),
        &Address::default(),
        "gpt-4.1",
        birth,
    )
    .unwrap()
}

fn request() -> Value {
    json!({
        "model": "fast",
        "messages": [{"role": "user", "content": "x"}],
        "tools": [{"type": "function", "function": {"name": LONG_NAME}}],
        "stream": true,
    })
}

fn retold(translated: &Translated, stream: &str) -> String {
    let mut rewriter = translated.way_back.stream();
    let mut out = Vec::new();
    rewriter.push(stream.as_bytes(), &mut out);
    rewriter.end(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_long_tool_name_is_restored_in_answers_and_streams() {
    let translated = translated(&request());
    let sent: Value = serde_json::from_slice(&translated.body).unwrap();
    assert_eq!(sent["model"], "gpt-4.1");
    let theirs = sent["tools"][0]["function"]["name"].as_str().unwrap();
    assert_ne!(theirs, LONG_NAME);

    let call = json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": theirs, "arguments": "{}"}});
    let answer =
        json!({"choices": [{"message": {"content": null, "tool_calls": [call]}, "finish_reason": "stop"}]});
    let reply = translated.way_back.reply(answer.to_string().as_bytes()).unwrap();
    let reply: Value = serde_json::from_slice(&reply).unwrap();
    let choice = &reply["choices"][0];
    assert_eq!(choice["message"]["tool_calls"][0]["function"]["name"], LONG_NAME);
    assert_eq!(
        (choice["finish_reason"].as_str(), reply["model"].as_str()),
        (Some("tool_calls"), Some("fast"))
    );

    let chunk = json!({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": "stop"}]});
    let told = retold(&translated, &format!("data: {chunk}\n\ndata: [DONE]\n\n"));
    assert!(told.contains(LONG_NAME) && !told.contains(theirs), "{told}");
    assert!(told.contains("\"finish_reason\":\"tool_calls\""), "{told}");
}

#[test]
fn calls_without_ids_get_ids_of_their_own() {
    let translated = translated(&request());
    let call = json!({"function": {"name": "f", "arguments": "{}"}});
    let answer =
        json!({"choices": [{"message": {"tool_calls": [call, call]}, "finish_reason": "tool_calls"}]});
    let reply = translated.way_back.reply(answer.to_string().as_bytes()).unwrap();
    let reply: Value = serde_json::from_slice(&reply).unwrap();
    let calls = reply["choices"][0]["message"]["tool_calls"].as_array().unwrap();
    let ids: Vec<_> = calls.iter().map(|call| call["id"].as_str().unwrap()).collect();
    assert!(
        ids.len() == 2 && ids[0] != ids[1] && ids.iter().all(|id| !id.is_empty()),
        "{ids:?}"
    );
}

#[test]
fn every_event_is_told_before_the_next_is_read() {
    let translated = translated(&request());
    let mut rewriter = translated.way_back.stream();
    for (event, is_told) in text(stream("text"))
        .split_inclusive("\n\n")
        .zip([false, true, true, true, true, false, true])
    {
        let mut out = Vec::new();
        rewriter.push(event.as_bytes(), &mut out);
        assert_eq!(!out.is_empty(), is_told, "{event}");
    }
}

#[test]
fn a_stream_that_was_reset_has_no_stop_and_no_end() {
    let translated = translated(&request());
    let mut rewriter = translated.way_back.stream();
    let mut out = Vec::new();
    rewriter.push(stream("cut_off"), &mut out);
    let error = ErrorAnswer {
        kind: ErrorKind::BadGateway,
        message: "the answer broke off",
        request_id: "r",
        code: None,
        retry_after: None,
    };
    rewriter.fail(&error, &mut out);
    rewriter.end(&mut out);
    let told = text(&out);
    assert!(
        told.contains("The capital of") && told.contains("the answer broke off"),
        "{told}"
    );
    assert!(
        !told.contains("[DONE]") && !told.contains("\"finish_reason\":\""),
        "{told}"
    );
}

#[test]
fn a_providers_error_amid_a_stream_stays_an_error() {
    let told = retold(&translated(&request()), text(stream("openrouter_error")));
    let last = told.split_terminator("\n\n").last().unwrap();
    let error: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(error["error"]["message"], "Provider returned error");
    assert!(!told.contains("[DONE]"));
}

#[test]
fn the_usage_is_told_only_to_a_client_that_asked() {
    let mut request = request();
    assert!(!retold(&translated(&request), text(stream("text"))).contains("usage"));
    request["stream_options"] = json!({"include_usage": true});
    let told = retold(&translated(&request), text(stream("text")));
    assert!(told.contains("\"choices\":[],\"usage\":{\"prompt_tokens\":2006,\"completion_tokens\":300,\"total_tokens\":2306,\"prompt_tokens_details\":{\"cached_tokens\":1920,"), "{told}");
}

#[test]
fn a_result_without_its_call_is_refused() {
    let request = json!({"model": "m", "messages": [{"role": "tool", "tool_call_id": "a", "content": "x"}]});
    let birth = Birth {
        id: "01abc".to_owned(),
        created_at: 0,
    };
    let body = request.to_string();
    let refused = translate(chat(), chat(), body.as_bytes(), &Address::default(), "m", birth);
    assert!(refused.unwrap_err().to_string().contains("the call `a`"));
}

#[test]
fn a_signature_that_rides_in_an_id_is_taken_out_of_it() {
    let id = "call_1_gs1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let turn = |content: &str| {
        [
            json!({"role": "assistant", "tool_calls": [{"id": id, "function": {"name": "f", "arguments": "{}"}}]}),
            json!({"role": "tool", "tool_call_id": id, "content": content}),
        ]
    };
    let messages: Vec<Value> = [turn("one"), turn("two")].concat();
    let translated = translated(&json!({"model": "m", "messages": messages}));
    let sent: Value = serde_json::from_slice(&translated.body).unwrap();
    let ids: Vec<_> = (0..4)
        .map(|at| {
            let message = &sent["messages"][at];
            let call = &message["tool_calls"][0]["id"];
            call.as_str().or(message["tool_call_id"].as_str()).unwrap()
        })
        .collect();
    assert_eq!(ids, ["call_1", "call_1", "1_call_1", "1_call_1"]);
}
