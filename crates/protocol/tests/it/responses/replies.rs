use gateway_domain::{TokenCounts, Usage};
use gateway_protocol::translation::{Origin, Part, Reply, Signature, Stop, Thought, ToolCall};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

use super::{pretty, raw, responses, terms};

const ANSWER: &[u8] = include_bytes!("../fixtures/responses/answer.json");

/// An answer with this status and these items, as it is read.
fn read(status: &str, items: &str) -> Reply {
    let body = format!(r#"{{"id":"resp_1","object":"response",{status},"output":[{items}]}}"#);
    responses().read_reply(body.as_bytes()).unwrap()
}

fn reply(parts: Vec<Part>, stop: Stop) -> Reply {
    Reply {
        parts,
        stop,
        usage: None,
    }
}

fn thought(text: &str, signature: Option<Signature>) -> Part {
    let is_redacted = signature
        .as_ref()
        .is_some_and(|signature| signature.origin == Origin::AnthropicRedacted);
    Part::Thinking(Thought {
        text: text.to_owned(),
        signature,
        is_redacted,
    })
}

#[test]
fn a_whole_answer_is_read() {
    insta::assert_debug_snapshot!(responses().read_reply(ANSWER).unwrap());
}

#[test]
fn a_whole_answer_is_written() {
    let reply = responses().read_reply(ANSWER).unwrap();
    insta::assert_snapshot!(pretty(&responses().write_reply(&reply, &terms())));
}

#[test]
fn an_answer_repeats_its_request() {
    let (conversation, _) = super::read(include_str!("../fixtures/responses/codex.json")).unwrap();
    let terms = gateway_protocol::translation::ReplyTerms {
        echo: conversation.echo,
        ..terms()
    };
    let answer = responses().write_reply(&reply(vec![], Stop::EndTurn), &terms);
    insta::assert_snapshot!(pretty(&answer));
}

#[test]
fn an_answer_cut_by_a_filter_is_a_refusal_and_not_cut_for_its_length() {
    let stop = |status: &str| read(status, "").stop;
    assert_eq!(
        stop(r#""status":"incomplete","incomplete_details":{"reason":"content_filter"}"#),
        Stop::Refusal
    );
    assert_eq!(
        stop(r#""status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}"#),
        Stop::MaxTokens
    );
    assert_eq!(stop(r#""status":"incomplete""#), Stop::MaxTokens);
    for (stop, reason) in [
        (Stop::Refusal, "content_filter"),
        (Stop::MaxTokens, "max_output_tokens"),
        (Stop::ContextWindow, "max_output_tokens"),
    ] {
        let body = responses().write_reply(&reply(vec![], stop), &terms());
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["status"], "incomplete");
        assert_eq!(body["incomplete_details"]["reason"], reason);
    }
}

#[test]
fn why_a_complete_answer_stopped_is_seen_by_its_items() {
    let stop = |items: &str| read(r#""status":"completed""#, items).stop;
    let call = r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}"#;
    let refusal = r#"{"type":"message","content":[{"type":"refusal","refusal":"No."}]}"#;
    assert_eq!(stop(""), Stop::EndTurn);
    assert_eq!(stop(call), Stop::ToolUse);
    assert_eq!(stop(refusal), Stop::Refusal);
    let parts = read(r#""status":"completed""#, refusal).parts;
    assert!(matches!(&parts[..], [Part::Text(text)] if text == "No."));
}

#[test]
fn what_the_providers_own_tools_did_is_passed_over() {
    let parts = read(
        r#""status":"completed""#,
        r#"{"type":"web_search_call","id":"ws_1","action":{"type":"search"}},{"type":"from_the_future","content":7}"#,
    )
    .parts;
    assert!(parts.is_empty());
}

#[test]
fn a_failure_is_no_answer() {
    for body in [
        r#"{"status":"failed","error":{"code":"server_error","message":"secret"},"output":[]}"#,
        r#"{"status":"in_progress","output":[]}"#,
        r#"{"status":"completed"}"#,
        r#"{"error":{"message":"x"}}"#,
        r#"{"status":"completed","output":[{"type":"function_call","name":"f"}]}"#,
        "[]",
        "",
    ] {
        let error = responses().read_reply(body.as_bytes()).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn broken_arguments_are_shown_and_not_lost() {
    let parts = read(
        r#""status":"incomplete""#,
        r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":"}"#,
    )
    .parts;
    assert!(
        matches!(&parts[..], [Part::ToolCall(call)] if call.arguments.get() == r#"{"arguments":"{\"a\":"}"#)
    );
}

/// What a model may say, as this dialect can hold it.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    let origin = prop_oneof![
        Just(Origin::OpenAi),
        Just(Origin::Gemini),
        Just(Origin::Anthropic)
    ];
    // OpenAI's has the id of its item in it.
    let signature = (origin, "rs_[a-z0-9]{1,9}[.][a-zA-Z0-9+/]{1,20}")
        .prop_map(|(origin, value)| Signature::new(origin, value));
    let part = prop_oneof![
        "\\PC{1,20}".prop_map(Part::Text),
        ("\\PC{1,20}", prop::option::of(signature)).prop_map(|(text, signature)| thought(&text, signature)),
        "[a-z]{1,9}".prop_map(|value| thought("", Some(Signature::new(Origin::AnthropicRedacted, value)))),
        ("[a-z0-9_]{1,20}", any::<Option<u32>>()).prop_map(|(id, number)| Part::ToolCall(ToolCall {
            id,
            name: "f".to_owned(),
            arguments: match number {
                Some(number) => raw(&format!(r#"{{"b":{number},"a":1.0e2}}"#)),
                None => raw(r#""a \"text\"\n""#),
            },
            signature: None,
        })),
    ];
    prop::collection::vec(part, 0..6)
}

fn usage() -> impl Strategy<Value = Usage> {
    prop::array::uniform5(0_u32..1_000_000).prop_map(|[input, read, short, long, output]| Usage {
        tokens: TokenCounts {
            input: input.into(),
            cache_read: read.into(),
            cache_write_5m: short.into(),
            cache_write_1h: long.into(),
            output: output.into(),
            reasoning: u64::from(output) / 2,
        },
        ..Usage::default()
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_alike(parts in parts(), usage in usage(), is_cut: bool) {
        let has_call = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
        let stop = match (is_cut, has_call) {
            (true, _) => Stop::MaxTokens,
            (false, true) => Stop::ToolUse,
            (false, false) => Stop::EndTurn,
        };
        let reply = Reply { parts, stop, usage: Some(usage) };
        let body = responses().write_reply(&reply, &terms());
        let again = responses().read_reply(&body).unwrap();
        assert_eq!(format!("{again:?}"), format!("{reply:?}"));
    }
}
