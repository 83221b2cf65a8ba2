use gateway_domain::{TokenCounts, Usage};
use gateway_protocol::Framing;
use gateway_protocol::translation::{Origin, Part, Reply, Signature, Stop, Thought, ToolCall};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{gemini, pretty, terms};

fn usage() -> Usage {
    Usage {
        tokens: TokenCounts {
            input: 40,
            cache_read: 60,
            cache_write_5m: 5,
            cache_write_1h: 0,
            output: 30,
            reasoning: 12,
        },
        ..Usage::default()
    }
}

fn thought(origin: Origin, value: &str) -> Part {
    Part::Thinking(Thought {
        text: "hm".to_owned(),
        signature: Some(Signature::new(origin, value)),
        is_redacted: origin == Origin::AnthropicRedacted,
    })
}

fn call(id: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "get_weather".to_owned(),
        arguments: RawValue::from_string(arguments.to_owned()).unwrap(),
        signature: None,
    })
}

fn written(parts: Vec<Part>, stop: Stop) -> Vec<u8> {
    let usage = Some(usage());
    let reply = Reply { parts, stop, usage };
    gemini().write_reply(&reply, &terms(Framing::Events)).to_vec()
}

/// Why a whole answer stopped, and its texts.
fn stop(answer: &str) -> Result<(Stop, Vec<String>), String> {
    let reply = gemini()
        .read_reply(answer.as_bytes())
        .map_err(|error| error.to_string())?;
    let texts = reply.parts.into_iter().filter_map(|part| match part {
        Part::Text(text) => Some(text),
        _ => None,
    });
    Ok((reply.stop, texts.collect()))
}

fn candidate(reason: &str, parts: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{parts}]}},"finishReason":"{reason}","finishMessage":"because"}}]}}"#
    )
}

#[test]
fn an_answer_is_read() {
    let answer = include_bytes!("../fixtures/gemini/answer.json");
    insta::assert_debug_snapshot!(gemini().read_reply(answer).unwrap());
}

#[test]
fn an_answer_is_written() {
    let parts = vec![
        thought(Origin::Anthropic, "Eq0/+=="),
        thought(Origin::AnthropicRedacted, "abc"),
        Part::Text("Let me look.".to_owned()),
        call("toolu_1", r#"{"city":"Paris","exact":1.0}"#),
        call("toolu_2", r#""a freeform text""#),
    ];
    insta::assert_snapshot!(pretty(&written(parts, Stop::ToolUse)));
}

#[test]
fn what_is_written_is_read_again() {
    let parts = vec![
        thought(Origin::Gemini, "c2ln"),
        Part::Text("Let me look.".to_owned()),
        call("1", r#"{"city":"Paris","exact":1.0}"#),
        call("2", "{}"),
    ];
    let expected = format!("{parts:?}");
    let reply = gemini().read_reply(&written(parts, Stop::ToolUse)).unwrap();
    assert_eq!(format!("{:?}", reply.parts), expected);
    assert_eq!(reply.stop, Stop::ToolUse);
    let tokens = reply.usage.unwrap().tokens;
    assert_eq!((tokens.input, tokens.cache_read), (45, 60));
    assert_eq!((tokens.output, tokens.reasoning), (30, 12));
}

#[test]
fn numbers_of_a_call_keep_their_spelling() {
    let written = written(
        vec![call("1", r#"{"a": 1.0, "b": 12345678901234567890.10}"#)],
        Stop::ToolUse,
    );
    assert!(crate::text(&written).contains(r#""args":{"a": 1.0, "b": 12345678901234567890.10}"#));
}

#[test]
fn reasons_become_stops() {
    let text = r#"{"text":"a"}"#;
    let call = r#"{"functionCall":{"name":"f"}}"#;
    let read = |reason: &str, parts: &str| stop(&candidate(reason, parts)).unwrap().0;
    assert_eq!(read("STOP", text), Stop::EndTurn);
    assert_eq!(read("STOP", call), Stop::ToolUse);
    assert_eq!(read("MAX_TOKENS", text), Stop::MaxTokens);
    assert_eq!(read("CONTINUATION", text), Stop::MaxTokens);
    assert_eq!(read("MAX_TOKENS", call), Stop::ToolUse);
    assert_eq!(read("SOMETHING_NEW", text), Stop::EndTurn);
    for reason in [
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "LANGUAGE",
        "IMAGE_SAFETY",
        "NO_IMAGE",
        "ESCALATION",
        "MODEL_ARMOR",
        "PUP_LIMITED_DISABLED",
    ] {
        let refused = stop(&candidate(reason, "")).unwrap();
        assert_eq!(refused, (Stop::Refusal, vec!["because".to_owned()]), "{reason}");
        let midway = stop(&candidate(reason, text)).unwrap();
        assert_eq!(midway, (Stop::Refusal, vec!["a".to_owned()]), "{reason}");
    }
    let blocked = r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":3}}"#;
    assert_eq!(stop(blocked).unwrap(), (Stop::Refusal, vec![]));
    let whole = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#;
    assert_eq!(stop(whole).unwrap().0, Stop::EndTurn);
}

#[test]
fn what_says_only_that_the_provider_failed_is_no_answer() {
    for reason in ["MALFORMED_FUNCTION_CALL", "OTHER", "MISSING_THOUGHT_SIGNATURE"] {
        for parts in ["", r#"{"text":"a"}"#] {
            let error = stop(&candidate(reason, parts)).unwrap_err();
            assert_eq!(error, format!("the model gave no proper answer: {reason}"));
        }
    }
    for nothing in [
        "",
        "[]",
        "{}",
        r#"{"candidates":[]}"#,
        r#"{"candidates":[{}]}"#,
        r#"{"error":{"code":500,"message":"secret"}}"#,
        r#"{"candidates":7,"x":"secret"}"#,
    ] {
        let error = stop(nothing).unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn stops_become_reasons() {
    let written = |stop: Stop| {
        let answer: Value = serde_json::from_slice(&written(vec![], stop)).unwrap();
        answer["candidates"][0]["finishReason"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(written(Stop::EndTurn), "STOP");
    assert_eq!(written(Stop::StopSequence(Some("END".to_owned()))), "STOP");
    assert_eq!(written(Stop::ToolUse), "STOP");
    assert_eq!(written(Stop::Pause), "STOP");
    assert_eq!(written(Stop::MaxTokens), "MAX_TOKENS");
    assert_eq!(written(Stop::ContextWindow), "MAX_TOKENS");
    assert_eq!(written(Stop::Refusal), "SAFETY");
}

#[test]
fn the_signature_of_a_text_goes_to_the_thought_before_it() {
    let read = |parts: &str| {
        let reply = gemini().read_reply(candidate("STOP", parts).as_bytes()).unwrap();
        let thoughts = reply.parts.into_iter().filter_map(|part| match part {
            Part::Thinking(thought) => {
                Some((thought.text, thought.signature.map(|signature| signature.value)))
            }
            _ => None,
        });
        thoughts.collect::<Vec<_>>()
    };
    let signed = [("hm".to_owned(), Some("c2ln".to_owned()))];
    assert_eq!(
        read(r#"{"text":"hm","thought":true},{"text":"a","thoughtSignature":"c2ln"}"#),
        signed
    );
    assert_eq!(
        read(
            r#"{"text":"h","thought":true},{"text":"m","thought":true},{"text":"a"},{"text":"","thoughtSignature":"c2ln"}"#
        ),
        signed
    );
    assert_eq!(read(r#"{"text":"a","thoughtSignature":"c2ln"}"#), []);
    assert_eq!(
        read(r#"{"text":"hm","thought":true},{"text":"a","thoughtSignature":"!"}"#),
        [("hm".to_owned(), None)]
    );
}
