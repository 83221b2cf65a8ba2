//! A conversation comes back to Anthropic from another provider's model.

use bytes::Bytes;
use proptest::prelude::{Strategy, prop, prop_oneof, proptest};
use serde_json::{Value, json};

use super::messages;
use crate::{anthropic, assert_passed, ids, passed, text, words};

/// A thought of Gemini's.
const THOUGHT: &str = r#"{"type":"thinking","thinking":"hm","signature":"gemini:c2ln"}"#;
const OWN_THOUGHT: &str = r#"{"type":"thinking","thinking":"hm","signature":"EqQB"}"#;
const CALL: &str = r#"{"type":"tool_use","id":"toolu_1","name":"f","input":{}}"#;
const RESULT: &str = r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1"}]}"#;
const USER: &str = r#"{"role":"user","content":"Hi"}"#;

fn pass(body: &str) -> String {
    text(&passed(anthropic(), &Bytes::from(body.to_owned()))).to_owned()
}

#[track_caller]
fn assert_same_bytes(body: &str) {
    let body = Bytes::from(body.to_owned());
    assert_eq!(passed(anthropic(), &body).as_ptr(), body.as_ptr());
}

/// What becomes of a list of messages.
#[track_caller]
fn assert_messages(given: &[&str], sent: &[&str]) {
    let list = |all: &[&str]| messages(&format!("[{}]", all.join(",")));
    assert_eq!(pass(&list(given)), list(sent));
}

fn assistant(blocks: &[&str]) -> String {
    format!(r#"{{"role":"assistant","content":[{}]}}"#, blocks.join(","))
}

/// A request that asks for thinking so.
fn thinking(config: &str, all: &[&str]) -> String {
    let list = all.join(",");
    format!(r#"{{"model":"m","thinking":{config},"max_tokens":9000,"messages":[{list}]}}"#)
}

const ENABLED: &str = r#"{"type":"enabled","budget_tokens":2048}"#;
const DISABLED: &str = r#"{"type":"disabled"}"#;

#[test]
fn a_request_without_marks_is_the_same_bytes() {
    assert_same_bytes(&messages(&format!(
        "[{USER},{},{RESULT}]",
        assistant(&[OWN_THOUGHT, CALL])
    )));
}

#[test]
fn ids_are_the_providers_own_again() {
    assert_messages(
        &[
            USER,
            r#"{"role":"assistant","content":[ {"id" : "fc-1_gs1_R2VtaW5p", "type":"tool_use","name":"f","input":{"n":1.0,"s":"\ud800"}}]}"#,
            r#"{"role":"user","content":[{"type":"tool_result","content":"\u00e4","tool_use_id":"fc-1_gs1_R2VtaW5p" }]}"#,
        ],
        &[
            USER,
            r#"{"role":"assistant","content":[ {"id" : "fc-1", "type":"tool_use","name":"f","input":{"n":1.0,"s":"\ud800"}}]}"#,
            r#"{"role":"user","content":[{"type":"tool_result","content":"\u00e4","tool_use_id":"fc-1" }]}"#,
        ],
    );
}

#[test]
fn an_id_that_anthropic_would_refuse_is_fitted_alike_in_call_and_result() {
    let sent = pass(&messages(&format!(
        r#"[{USER},{},{}]"#,
        assistant(&[r#"{"type":"tool_use","id":"a b_gs1_R2VtaW5p","name":"f","input":{}}"#]),
        r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"a b_gs1_R2VtaW5p"}]}"#,
    )));
    let body: serde_json::Value = serde_json::from_str(&sent).unwrap();
    let id = body["messages"][1]["content"][0]["id"].as_str().unwrap();
    assert!(id.starts_with("call_") && id.len() == 21, "{id}");
    assert_eq!(body["messages"][2]["content"][0]["tool_use_id"], id);
}

#[test]
fn thoughts_of_others_go_with_their_commas() {
    let answer = assistant(&[r#"{"type":"text","text":"Hello"}"#]);
    for foreign in [
        THOUGHT,
        r#"{"type":"thinking","thinking":"hm","signature":"openai:rs_1.gAAA"}"#,
        r#"{"type":"thinking","thinking":"hm","signature":"unsigned:"}"#,
        r#"{"type":"redacted_thinking","data":"openai:rs_1.gAAA"}"#,
        r#"{"signature" : "gemini:c2ln", "thinking":"\ud800", "type" : "thinking"}"#,
    ] {
        let given = assistant(&[foreign, r#"{"type":"text","text":"Hello"}"#, foreign]);
        assert_messages(&[USER, &given, USER], &[USER, &answer, USER]);
    }
}

#[test]
fn thoughts_of_anthropics_stay() {
    let redacted = r#"{"type":"redacted_thinking","data":"Emw"}"#;
    assert_messages(
        &[USER, &assistant(&[OWN_THOUGHT, THOUGHT, redacted, CALL]), RESULT],
        &[USER, &assistant(&[OWN_THOUGHT, redacted, CALL]), RESULT],
    );
}

#[test]
fn marks_in_words_of_people_models_and_tools_stay() {
    for message in [
        r#"{"role":"user","content":"What is \"gemini:c2ln\" in toolu_1_gs1_R2VtaW5p?"}"#,
        r#"{"role":"user","content":"gemini:c2ln"}"#,
        r#"{"role":"user","content":[{"type":"text","text":"gemini:c2ln"}]}"#,
        r#"{"role":"user","content":[{"type":"text","text":"x","id":"a_gs1_R2VtaW5p","signature":"gemini:c2ln"}]}"#,
        r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"a_gs1_R2VtaW5p"}]}"#,
        r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"thinking","signature":"gemini:c2ln"}]}]}"#,
        r#"{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{"id":"a_gs1_R2VtaW5p","signature":"gemini:"}}]}"#,
        r#"{"role":"assistant","content":[{"type":"thinking","thinking":"gemini:c2ln","signature":"EqQB"}]}"#,
        r#"{"role":"assistant","content":[{"type":"tool_use","id":"a_gs1_!","name":"f","input":{}}]}"#,
    ] {
        assert_messages(&[message], &[message]);
    }
    let elsewhere = r#"{"model":"m","max_tokens":1,"messages":[],"metadata":{"user_id":"gemini:a_gs1_R2VtaW5p"},
        "system":[{"type":"thinking","signature":"gemini:c2ln"}],"tools":[{"name":"f","input_schema":{"id":"a_gs1_R2Vt"}}]}"#;
    assert_eq!(pass(elsewhere), elsewhere);
}

#[test]
fn a_message_that_was_only_thought_goes_where_the_turns_still_alternate() {
    let (thought, said) = (
        assistant(&[THOUGHT]),
        assistant(&[r#"{"type":"text","text":"Hello"}"#]),
    );
    assert_messages(&[USER, &thought], &[USER]);
    assert_messages(&[USER, &thought, &said, USER], &[USER, &said, USER]);
    assert_messages(&[USER, &said, &thought, USER], &[USER, &said, USER]);
    assert_messages(&[USER, &thought, &thought, &said], &[USER, &said]);
}

#[test]
fn a_message_that_was_only_thought_says_so_between_two_of_the_user() {
    let thought = assistant(&[THOUGHT, THOUGHT]);
    let nothing = assistant(&[r#"{"type":"text","text":"(no content)"}"#]);
    assert_messages(&[USER, &thought, USER], &[USER, &nothing, USER]);
    assert_messages(&[USER, &thought, &thought, USER], &[USER, &nothing, USER]);
}

#[test]
fn thinking_is_off_where_the_thoughts_of_the_last_calls_are_gone() {
    let (lost, calls) = (assistant(&[THOUGHT, CALL]), assistant(&[CALL]));
    for more in [
        vec![],
        // A later step of the same turn does not begin with a thought in the first place.
        vec![calls.as_str(), RESULT],
        // Words behind the results do not begin a turn.
        vec![USER],
    ] {
        let given = [&[USER, &lost, RESULT], more.as_slice()].concat();
        let sent = [&[USER, &calls, RESULT], more.as_slice()].concat();
        assert_eq!(pass(&thinking(ENABLED, &given)), thinking(DISABLED, &sent));
    }
}

#[test]
fn thinking_stays_as_it_is_where_nothing_is_missed() {
    let answer = assistant(&[r#"{"type":"text","text":"Hello"}"#]);
    let lost = assistant(&[THOUGHT, CALL]);
    for (config, all) in [
        (r#"{"type":"adaptive"}"#, vec![USER, &lost, RESULT]),
        (DISABLED, vec![USER, &lost, RESULT]),
        (ENABLED, vec![USER, &lost, RESULT, &answer, USER]),
        (
            ENABLED,
            vec![USER, &assistant(&[OWN_THOUGHT, THOUGHT, CALL]), RESULT],
        ),
        (
            ENABLED,
            vec![
                USER,
                &lost,
                RESULT,
                &answer,
                USER,
                &assistant(&[OWN_THOUGHT, CALL]),
                RESULT,
            ],
        ),
    ] {
        let sent = pass(&thinking(config, &all));
        assert!(sent.contains(&format!(r#""thinking":{config},"#)), "{sent}");
        assert!(!sent.contains("gemini:"), "{sent}");
    }
}

#[test]
fn what_clears_thoughts_goes_with_the_thinking() {
    let body = |config: &str, edits: &str, blocks: &[&str]| {
        let list = thinking(config, &[USER, &assistant(blocks), RESULT]);
        format!(r#"{{"context_management":{{"edits":[{edits}]}},{}"#, &list[1..])
    };
    let clear = r#"{"type":"clear_thinking_20251015","keep":"all"}"#;
    let tools = r#"{"type":"clear_tool_uses_20250919"}"#;
    let both = format!("{clear}, {tools}");
    assert_eq!(
        pass(&body(ENABLED, &both, &[THOUGHT, CALL])),
        body(DISABLED, tools, &[CALL])
    );
    assert_eq!(
        pass(&body(ENABLED, clear, &[THOUGHT, CALL])),
        body(DISABLED, "", &[CALL])
    );
    let adaptive = r#"{"type":"adaptive"}"#;
    assert_eq!(
        pass(&body(adaptive, &both, &[THOUGHT, CALL])),
        body(adaptive, &both, &[CALL])
    );
}

#[test]
fn a_hundred_thousand_messages_take_linear_time() {
    let turn = format!("{USER},{},", assistant(&[THOUGHT]));
    let sent = pass(&messages(&format!("[{}{USER}]", turn.repeat(50_000))));
    assert!(!sent.contains("gemini:"));
    assert_eq!(sent.matches("(no content)").count(), 50_000);
}

/// A block of the assistant's as a client sends it, and as Anthropic gets it, if it does.
fn any_block() -> impl Strategy<Value = (Value, Option<Value>)> {
    let stays = |block: Value| (block.clone(), Some(block));
    let thinking =
        |text: String, signature: &str| json!({"type": "thinking", "thinking": text, "signature": signature});
    let foreign = "(gemini|openai|unsigned):[a-zA-Z0-9+/=]{0,9}";
    prop_oneof![
        words().prop_map(move |text| stays(json!({"type": "text", "text": text}))),
        words().prop_map(move |text| stays(thinking(text, "EqQB"))),
        (words(), foreign).prop_map(move |(text, signature)| (thinking(text, &signature), None)),
        foreign.prop_map(|data| (json!({"type": "redacted_thinking", "data": data}), None)),
        (ids(), words()).prop_map(|((given, sent), text)| {
            let [given, sent] = [given, sent]
                .map(|id| json!({"type": "tool_use", "id": id, "name": "f", "input": {"id": text}}));
            (given, Some(sent))
        }),
    ]
}

/// A message of the user's with a result, as a client sends it and as Anthropic gets it.
fn any_result() -> impl Strategy<Value = [Value; 2]> {
    (ids(), words()).prop_map(|((given, sent), text)| {
        [given, sent].map(|id| {
            let block = json!({"type": "tool_result", "tool_use_id": id, "content": text});
            json!({"role": "user", "content": [block]})
        })
    })
}

proptest! {
    #[test]
    fn only_ids_and_foreign_thoughts_change(
        turns in prop::collection::vec((any_result(), prop::collection::vec(any_block(), 1..4)), 0..5),
        user_id in words(),
    ) {
        let user = json!({"role": "user", "content": user_id});
        let [mut given, mut sent] = [vec![], vec![]];
        for ([given_result, sent_result], blocks) in &turns {
            let content = blocks.iter().map(|block| &block.0).collect::<Vec<_>>();
            given.extend([given_result.clone(), json!({"role": "assistant", "content": content})]);
            let content = blocks.iter().filter_map(|block| block.1.clone());
            let mut content = content.collect::<Vec<_>>();
            if content.is_empty() {
                content.push(json!({"type": "text", "text": "(no content)"}));
            }
            sent.extend([sent_result.clone(), json!({"role": "assistant", "content": content})]);
        }
        let [given, sent] = [given, sent].map(|mut messages| {
            messages.push(user.clone());
            json!({"model": "m", "max_tokens": 9, "metadata": {"user_id": user_id}, "messages": messages})
        });
        assert_passed(anthropic(), &given, &sent);
    }
}
