//! A conversation comes back to Gemini from another provider's model.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use bytes::Bytes;
use proptest::prelude::{Strategy, prop, prop_oneof, proptest};
use serde_json::{Value, json};

use super::gemini;
use crate::{assert_passed, passed, text, words};

/// What Gemini documents for calls of others.
const SKIP: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";
const USER: &str = r#"{"role":"user","parts":[{"text":"Hi"}]}"#;

fn pass(body: &str) -> String {
    text(&passed(gemini(), &Bytes::from(body.to_owned()))).to_owned()
}

/// What becomes of a list of contents.
#[track_caller]
fn assert_contents(given: &[&str], sent: &[&str]) {
    let body = |all: &[&str]| format!(r#"{{"contents":[{}]}}"#, all.join(","));
    assert_eq!(pass(&body(given)), body(sent));
}

fn model(parts: &[&str]) -> String {
    format!(r#"{{"role":"model","parts":[{}]}}"#, parts.join(","))
}

/// A signature of Anthropic's in every spelling of base64.
fn spellings(signature: &str) -> [String; 3] {
    [
        STANDARD.encode(signature),
        URL_SAFE.encode(signature),
        URL_SAFE_NO_PAD.encode(signature),
    ]
}

fn thought(signature: &str) -> String {
    format!(r#"{{"text":"hm","thought":true,"thoughtSignature":"{signature}"}}"#)
}

#[test]
fn a_request_without_marks_is_the_same_bytes() {
    let body = Bytes::from_static(include_bytes!("../fixtures/gemini/request.json"));
    assert_eq!(passed(gemini(), &body).as_ptr(), body.as_ptr());
}

#[test]
fn a_chat_that_googles_sdk_kept_holds_only_what_gemini_knows() {
    insta::assert_snapshot!(pass(include_str!("../fixtures/gemini/request_chat.json")));
}

#[test]
fn thoughts_of_others_go_with_their_commas() {
    let answer = r#"{ "text" : "\ud800" }"#;
    let own = thought(&STANDARD.encode("Gemini's own >?~"));
    for signature in ["anthropic:Eq0/+>?~", "anthropic-redacted:Em", "openai:rs_1.gAAAA"] {
        for base64 in spellings(signature) {
            let foreign = thought(&base64);
            let snake = foreign.replace("thoughtSignature", "thought_signature");
            assert_contents(
                &[USER, &model(&[&foreign, answer, &own, &snake])],
                &[USER, &model(&[answer, &own])],
            );
        }
    }
}

#[test]
fn a_content_of_foreign_thoughts_alone_goes() {
    let foreign = thought(&STANDARD.encode("openai:rs_1.gAAAA"));
    let alone = r#"{"thought_signature":"b3BlbmFpOnJzXzEuZ0FBQUE="}"#;
    let answer = model(&[r#"{"text":"Hello"}"#]);
    assert_contents(
        &[USER, &model(&[&foreign]), &model(&[alone, &foreign]), &answer],
        &[USER, &answer],
    );
    // A list of one need not be a list.
    let single = format!(r#"{{"role":"model","parts":{foreign}}}"#);
    assert_contents(&[USER, &single, &answer], &[USER, &answer]);
    assert_eq!(pass(&format!(r#"{{"contents":{single}}}"#)), r#"{"contents":[]}"#);
}

#[test]
fn a_call_gets_what_stands_for_a_foreign_signature() {
    let call = |signature: &str| {
        model(&[&format!(
            r#"{{"functionCall":{{"name":"f","args":{{"thoughtSignature":"b3BlbmFpOnJz"}}}}, "thoughtSignature" : "{signature}"}}"#
        )])
    };
    let result = r#"{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}"#;
    let foreign = STANDARD.encode("anthropic:EqQB");
    assert_contents(&[USER, &call(&foreign), result], &[USER, &call(SKIP), result]);
}

#[test]
fn a_text_loses_a_foreign_signature() {
    let signature = r#""thoughtSignature":"YW50aHJvcGljOkVxUUI=""#;
    assert_contents(
        &[
            USER,
            &model(&[
                &format!(r#"{{{signature}, "text":"a"}}"#),
                &format!(r#"{{"text":"b", {signature}}}"#),
            ]),
        ],
        &[USER, &model(&[r#"{"text":"a"}"#, r#"{"text":"b"}"#])],
    );
}

#[test]
fn the_request_within_a_request_for_a_count_is_read() {
    let body = |parts: &str| {
        format!(
            r#"{{"generate_content_request":{{"model":"models/m","contents":[{USER},{{"parts":[{parts}]}}]}}}}"#
        )
    };
    let foreign = thought(&STANDARD.encode("anthropic:EqQB"));
    let answer = r#"{"text":"a"}"#;
    assert_eq!(pass(&body(&format!("{foreign},{answer}"))), body(answer));
}

#[test]
fn marks_in_words_of_people_models_and_tools_stay() {
    for content in [
        r#"{"role":"user","parts":[{"text":"YW50aHJvcGljOkVxUUI="}]}"#,
        r#"{"role":"user","parts":[{"inlineData":{"mimeType":"text/plain","data":"YW50aHJvcGljOkVxUUI="}}]}"#,
        r#"{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":"b3BlbmFpOnJzXzE="}},"thoughtSignature":"c2ln"}]}"#,
        r#"{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"thoughtSignature":"b3BlbmFpOnJzXzE="}}}]}"#,
        r#"{"role":"model","parts":[{"text":"b3BlbmFpOnJzXzE=","thought":true,"thoughtSignature":"c2ln"}]}"#,
        r#"{"role":"model","parts":[{"text":"a_gs1_R2VtaW5p","thought":true,"thoughtSignature":"b3BlbmFp"}]}"#,
    ] {
        assert_contents(&[content], &[content]);
    }
}

#[test]
fn a_hundred_thousand_contents_take_linear_time() {
    let foreign = model(&[&thought("b3BlbmFpOnJzXzE=")]);
    let turn = format!("{USER},{foreign},");
    let sent = pass(&format!(r#"{{"contents":[{}{USER}]}}"#, turn.repeat(50_000)));
    assert_eq!(sent.matches(USER).count(), 50_001);
    assert!(!sent.contains("b3BlbmFp"));
}

fn foreign_signature() -> impl Strategy<Value = String> {
    let signature = "(openai|anthropic|anthropic-redacted):[ -~]{0,9}";
    (signature, 0_usize..3).prop_map(|(signature, spelling)| spellings(&signature)[spelling].clone())
}

/// A part as a client sends it, and as Gemini gets it, if it does.
fn any_part() -> impl Strategy<Value = (Value, Option<Value>)> {
    let stays = |part: Value| (part.clone(), Some(part));
    let key = || prop::sample::select(vec!["thoughtSignature", "thought_signature"]);
    let call = || {
        words().prop_map(|text| json!({"functionCall": {"name": "f", "args": {"thoughtSignature": text}}}))
    };
    let thought = || words().prop_map(|text| json!({"text": text, "thought": true}));
    let with = |part: &Value, key: &str, signature: &str| {
        let mut part = part.clone();
        part[key] = json!(signature);
        part
    };
    prop_oneof![
        words().prop_map(move |text| stays(json!({"text": text}))),
        thought().prop_map(stays),
        (thought(), key()).prop_map(move |(part, key)| stays(with(&part, key, "R2Vt+W5p/w=="))),
        (thought(), key(), foreign_signature())
            .prop_map(move |(part, key, signature)| (with(&part, key, &signature), None)),
        (call(), key(), foreign_signature()).prop_map(move |(part, key, signature)| {
            (with(&part, key, &signature), Some(with(&part, key, SKIP)))
        }),
        (words(), key(), foreign_signature()).prop_map(move |(text, key, signature)| {
            let part = json!({"text": text});
            (with(&part, key, &signature), Some(part))
        }),
    ]
}

proptest! {
    #[test]
    fn only_foreign_thoughts_and_signatures_change(
        contents in prop::collection::vec(prop::collection::vec(any_part(), 1..4), 0..5),
        system in words(),
    ) {
        let body = |contents: Vec<Vec<&Value>>| {
            let contents = contents.into_iter().filter(|parts| !parts.is_empty());
            let contents: Vec<_> = contents.map(|parts| json!({"role": "model", "parts": parts})).collect();
            json!({"systemInstruction": {"parts": [{"text": system}]}, "contents": contents})
        };
        let given = contents.iter().map(|parts| parts.iter().map(|part| &part.0).collect());
        let sent = contents.iter().map(|parts| parts.iter().filter_map(|part| part.1.as_ref()).collect());
        assert_passed(gemini(), &body(given.collect()), &body(sent.collect()));
    }
}
