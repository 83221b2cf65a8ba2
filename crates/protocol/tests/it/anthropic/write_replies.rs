use gateway_domain::{TokenCounts, Usage};
use gateway_protocol::translation::{Origin, Part, Reply, Signature, Stop, Thought, ToolCall};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{pretty, terms};
use crate::anthropic;

fn usage() -> Usage {
    Usage {
        tokens: TokenCounts {
            input: 10,
            cache_read: 2000,
            cache_write_5m: 30,
            cache_write_1h: 400,
            output: 50,
            reasoning: 6,
        },
        ..Usage::default()
    }
}

fn thought(text: &str, signature: Option<Signature>) -> Part {
    Part::Thinking(Thought {
        text: text.to_owned(),
        signature,
        is_redacted: false,
    })
}

fn written(parts: Vec<Part>, stop: Stop) -> Value {
    let reply = Reply {
        parts,
        stop,
        usage: Some(usage()),
    };
    serde_json::from_slice(&anthropic().write_reply(&reply, &terms())).unwrap()
}

fn call(arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: "call_1".to_owned(),
        name: "f".to_owned(),
        arguments: RawValue::from_string(arguments.to_owned()).unwrap(),
        signature: None,
    })
}

#[test]
fn an_answer_with_all_that_it_can_have() {
    let reply = Reply {
        parts: vec![
            thought("Hm.", Some(Signature::new(Origin::Gemini, "Cg=="))),
            Part::Thinking(Thought {
                text: String::new(),
                signature: Some(Signature::new(Origin::OpenAi, "gAAA")),
                is_redacted: true,
            }),
            Part::Text("Hello".to_owned()),
            call(r#"{"n": 1.50}"#),
        ],
        stop: Stop::ToolUse,
        usage: Some(usage()),
    };
    let body = anthropic().write_reply(&reply, &terms());
    assert!(
        crate::text(&body).contains(r#""input":{"n": 1.50}"#),
        "arguments stay as they are"
    );
    insta::assert_snapshot!(pretty(&body));
}

#[test]
fn a_thinking_signature_is_never_null() {
    let signature =
        |signature| written(vec![thought("t", signature)], Stop::EndTurn)["content"][0]["signature"].clone();
    assert_eq!(signature(None), "unsigned:");
    assert_eq!(signature(Some(Signature::new(Origin::Anthropic, "EqQB"))), "EqQB");
    assert_eq!(
        signature(Some(Signature::new(Origin::Gemini, "Cg=="))),
        "gemini:Cg=="
    );
    assert_eq!(
        signature(Some(Signature::new(Origin::OpenAi, "gAAA"))),
        "openai:gAAA"
    );
}

#[test]
fn every_stop_reason() {
    for (stop, reason, sequence) in [
        (Stop::EndTurn, "end_turn", None),
        (Stop::MaxTokens, "max_tokens", None),
        (
            Stop::StopSequence(Some("END".to_owned())),
            "stop_sequence",
            Some("END"),
        ),
        (Stop::StopSequence(None), "end_turn", None),
        (Stop::ToolUse, "tool_use", None),
        (Stop::Refusal, "refusal", None),
        (Stop::Pause, "pause_turn", None),
        (Stop::ContextWindow, "model_context_window_exceeded", None),
    ] {
        let body = written(Vec::new(), stop);
        assert_eq!(body["stop_reason"], reason);
        assert_eq!(body["stop_sequence"].as_str(), sequence);
        assert!(body["stop_details"].is_null());
    }
}

#[test]
fn a_call_makes_the_client_run_it_whatever_the_provider_said() {
    assert_eq!(
        written(vec![call("{}")], Stop::EndTurn)["stop_reason"],
        "tool_use"
    );
    assert_eq!(
        written(vec![call("{}")], Stop::MaxTokens)["stop_reason"],
        "max_tokens"
    );
}

#[test]
fn usage_that_is_not_told_is_zero() {
    let reply = Reply {
        parts: Vec::new(),
        stop: Stop::EndTurn,
        usage: None,
    };
    let body: Value = serde_json::from_slice(&anthropic().write_reply(&reply, &terms())).unwrap();
    assert_eq!(body["usage"]["input_tokens"], 0);
    assert_eq!(body["usage"]["output_tokens_details"]["thinking_tokens"], 0);
}
