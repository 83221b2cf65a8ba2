//! A conversation comes back to OpenAI from another provider's model.

use bytes::Bytes;
use proptest::prelude::{Strategy, prop, prop_oneof, proptest};
use serde_json::{Value, json};

use super::{responses, with_input};
use crate::{assert_passed, ids, passed, text, words};

fn pass(body: &str) -> String {
    text(&passed(responses(), &Bytes::from(body.to_owned()))).to_owned()
}

/// What becomes of a list of items.
#[track_caller]
fn assert_items(given: &str, sent: &str) {
    assert_eq!(pass(&with_input(given)), with_input(sent));
}

#[test]
fn a_request_without_marks_is_the_same_bytes() {
    let body = include_str!("../fixtures/responses/codex.json").replace("anthropic:", "gAAAA");
    let body = Bytes::from(body);
    assert_eq!(passed(responses(), &body).as_ptr(), body.as_ptr());
}

#[test]
fn ids_are_the_providers_own_again() {
    let with = |id: &str| {
        format!(
            r#"{{"type":"function_call","id":"fc_1","call_id" : "{id}","name":"f","arguments":"{{\"call_id\":\"a_gs1_R2VtaW5p\"}}"}},
            {{"type":"function_call_output","call_id":"{id}","output":"\ud800"}},
            {{"type":"custom_tool_call","call_id":"{id}","name":"g","input":"a_gs1_R2VtaW5p"}},
            {{"type":"custom_tool_call_output","call_id":"{id}","output":"a_gs1_R2VtaW5p"}}"#
        )
    };
    assert_items(&with("fc-1_gs1_R2VtaW5p"), &with("fc-1"));
}

#[test]
fn an_id_that_is_too_long_is_fitted_alike_in_call_and_result() {
    let id = "x".repeat(65);
    let sent = pass(&with_input(&format!(
        r#"{{"type":"function_call","call_id":"{id}_gs1_R2VtaW5p"}},{{"type":"function_call_output","call_id":"{id}_gs1_R2VtaW5p"}}"#
    )));
    let body: serde_json::Value = serde_json::from_str(&sent).unwrap();
    let id = body["input"][0]["call_id"].as_str().unwrap();
    assert!(id.starts_with("call_") && id.len() <= 64, "{id}");
    assert_eq!(body["input"][1]["call_id"], id);
}

#[test]
fn thoughts_of_others_go_with_their_commas() {
    let own = r#"{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAAA"}"#;
    let message = r#"{"role":"user","content":"Hi"}"#;
    for content in [
        "gemini:c2ln",
        "anthropic:EqQB",
        "anthropic-redacted:Emw",
        "unsigned:",
    ] {
        let foreign =
            format!(r#"{{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"{content}"}}"#);
        assert_items(
            &format!("{foreign},{message}, {foreign}, {own} ,{foreign}"),
            &format!("{message}, {own}"),
        );
    }
}

#[test]
fn marks_in_words_of_people_models_and_tools_stay() {
    for items in [
        r#"{"role":"user","content":"anthropic:EqQB a_gs1_R2VtaW5p"}"#,
        r#"{"role":"user","content":[{"type":"input_text","text":"anthropic:EqQB","call_id":"a_gs1_R2VtaW5p"}]}"#,
        r#"{"type":"compaction","encrypted_content":"anthropic:EqQB"}"#,
        r#"{"type":"reasoning","summary":[{"type":"summary_text","text":"gemini:"}],"encrypted_content":"gAAAA"}"#,
        r#"{"type":"function_call_output","call_id":"1","output":[{"type":"reasoning","encrypted_content":"gemini:c2ln"}]}"#,
        r#"{"type":"function_call","call_id":"a_gs1_!","arguments":"\"gemini:\""}"#,
    ] {
        assert_items(items, items);
    }
    let text = r#"{"model":"m","input":"gemini:c2ln","instructions":"anthropic:a_gs1_R2VtaW5p"}"#;
    assert_eq!(pass(text), text);
}

#[test]
fn a_hundred_thousand_items_take_linear_time() {
    let items = r#"{"type":"reasoning","summary":[],"encrypted_content":"gemini:c2ln"},{"type":"function_call_output","call_id":"fc-1_gs1_R2VtaW5p"},"#;
    let sent = pass(&with_input(&format!(
        r#"{}{{"role":"user"}}"#,
        items.repeat(50_000)
    )));
    assert_eq!(
        sent.matches(r#"{"type":"function_call_output","call_id":"fc-1"}"#)
            .count(),
        50_000
    );
    assert!(!sent.contains("gemini:"));
}

/// An item as a client sends it, and as OpenAI gets it, if it does.
fn any_item() -> impl Strategy<Value = (Value, Option<Value>)> {
    let stays = |item: Value| (item.clone(), Some(item));
    prop_oneof![
        words().prop_map(move |text| stays(json!({"role": "user", "content": text}))),
        words().prop_map(move |text| stays(
            json!({"type": "reasoning", "summary": [text], "encrypted_content": "gA"})
        )),
        (ids(), words()).prop_map(|((given, sent), text)| {
            let [given, sent] = [given, sent]
                .map(|id| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": text}));
            (given, Some(sent))
        }),
        "(gemini|anthropic|anthropic-redacted|unsigned):[a-zA-Z0-9+/=]{0,9}".prop_map(|seal| (
            json!({"type": "reasoning", "summary": [], "encrypted_content": seal}),
            None
        )),
    ]
}

proptest! {
    #[test]
    fn only_ids_and_foreign_thoughts_change(items in prop::collection::vec(any_item(), 0..8), name in words()) {
        let body = |input: Vec<&Value>| json!({"model": "m", "instructions": name, "input": input});
        let given = body(items.iter().map(|item| &item.0).collect());
        let sent = body(items.iter().filter_map(|item| item.1.as_ref()).collect());
        assert_passed(responses(), &given, &sent);
    }
}
