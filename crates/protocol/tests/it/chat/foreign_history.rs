//! A conversation comes back to OpenAI from another provider's model.

use bytes::Bytes;
use proptest::prelude::{Just, Strategy, prop, prop_oneof, proptest};
use serde_json::{Value, json};

use super::chat;
use crate::{assert_passed, ids, passed, text, words};

fn pass(body: &str) -> String {
    text(&passed(chat(), &Bytes::from(body.to_owned()))).to_owned()
}

fn body(messages: &str) -> String {
    format!(r#"{{"model":"m","messages":[{messages}]}}"#)
}

#[test]
fn ids_are_the_providers_own_again() {
    let with = |id: &str| {
        body(&format!(
            r#"{{"role":"assistant","content":null,"tool_calls":[ {{"type":"function","id" : "{id}", "function":{{"name":"f","arguments":"{{}}"}}}},
            {{"id":"call_2","type":"function","function":{{"name":"f","arguments":"{{\"id\":\"a_gs1_R2VtaW5p\"}}"}}}}]}},
            {{"role":"tool","tool_call_id":"{id}","content":"\ud800"}},{{"role":"tool","tool_call_id":"call_2","content":"a_gs1_R2VtaW5p"}}"#
        ))
    };
    assert_eq!(pass(&with("fc-1_gs1_R2VtaW5p")), with("fc-1"));
}

#[test]
fn an_id_that_is_too_long_is_fitted_alike_in_call_and_result() {
    let id = "x".repeat(41);
    let sent = pass(&body(&format!(
        r#"{{"role":"assistant","tool_calls":[{{"id":"{id}_gs1_R2VtaW5p"}}]}},{{"role":"tool","tool_call_id":"{id}_gs1_R2VtaW5p"}}"#
    )));
    let body: serde_json::Value = serde_json::from_str(&sent).unwrap();
    let id = body["messages"][0]["tool_calls"][0]["id"].as_str().unwrap();
    assert!(id.starts_with("call_") && id.len() <= 40, "{id}");
    assert_eq!(body["messages"][1]["tool_call_id"], id);
}

#[test]
fn marks_in_words_of_people_models_and_tools_stay() {
    for messages in [
        r#"{"role":"user","content":"a_gs1_R2VtaW5p","name":"a_gs1_R2VtaW5p"}"#,
        r#"{"role":"user","id":"a_gs1_R2VtaW5p","content":[{"type":"text","text":"x","id":"a_gs1_R2VtaW5p"}]}"#,
        r#"{"role":"assistant","tool_calls":[{"id":"a_gs1_!","custom":{"id":"a_gs1_R2VtaW5p"}}]}"#,
        r#"{"role":"tool","tool_call_id":"1","content":"{\"tool_call_id\":\"a_gs1_R2VtaW5p\"}"}"#,
    ] {
        assert_eq!(pass(&body(messages)), body(messages));
    }
}

#[test]
fn ids_and_the_wish_for_usage_change_together() {
    let given = r#"{"messages":[{"role":"tool","tool_call_id":"fc-1_gs1_R2VtaW5p"}],"stream":true,"model":"m","stream_options":null}"#;
    let sent = r#"{"messages":[{"role":"tool","tool_call_id":"fc-1"}],"stream":true,"model":"m","stream_options":{"include_usage":true}}"#;
    assert_eq!(pass(given), sent);
    let given =
        r#"{"messages":[{"role":"tool","tool_call_id":"fc-1_gs1_R2VtaW5p"}],"stream":true,"model":"m"}"#;
    let sent = r#"{"stream_options":{"include_usage":true},"messages":[{"role":"tool","tool_call_id":"fc-1"}],"stream":true,"model":"m"}"#;
    assert_eq!(pass(given), sent);
}

#[test]
fn a_hundred_thousand_messages_take_linear_time() {
    let message = r#"{"role":"tool","tool_call_id":"fc-1_gs1_R2VtaW5p"},"#;
    let sent = pass(&body(&format!(r#"{}{{"role":"user"}}"#, message.repeat(100_000))));
    assert_eq!(sent.matches(r#""tool_call_id":"fc-1"}"#).count(), 100_000);
}

/// A message as a client sends it, and as OpenAI gets it.
fn any_message() -> impl Strategy<Value = [Value; 2]> {
    prop_oneof![
        words().prop_map(|text| [(); 2].map(|()| json!({"role": "user", "content": text}))),
        (ids(), words()).prop_map(|((given, sent), text)| [given, sent]
            .map(|id| json!({"role": "tool", "tool_call_id": id, "content": text}))),
        (prop::collection::vec(ids(), 0..3), words()).prop_map(|(ids, text)| {
            let (given, sent): (Vec<_>, Vec<_>) = ids.into_iter().unzip();
            [given, sent].map(|ids| {
                let call = |id: &String| json!({"id": id, "function": {"name": text, "arguments": text}});
                json!({"role": "assistant", "tool_calls": ids.iter().map(call).collect::<Vec<_>>()})
            })
        }),
        Just([(); 2].map(|()| json!({"role": "assistant", "tool_calls": null}))),
    ]
}

proptest! {
    #[test]
    fn only_ids_change(messages in prop::collection::vec(any_message(), 0..6), name in words()) {
        let body = |at: usize| {
            let messages: Vec<_> = messages.iter().map(|message| &message[at]).collect();
            json!({"model": "m", "user": name, "messages": messages})
        };
        assert_passed(chat(), &body(0), &body(1));
    }
}
