use gateway_domain::{TokenCounts, Usage};
use gateway_protocol::translation::{Part, Reply, Stop, Thought, ToolCall};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{ANSWER, chat, terms};
use crate::text;

/// An answer with this message and reason, as it is read.
fn read(message: &str, reason: &str) -> Result<Reply, String> {
    let body = format!(
        r#"{{"id":"chatcmpl-1","choices":[{{"index":0,"message":{message},"finish_reason":{reason}}}]}}"#
    );
    chat()
        .read_reply(body.as_bytes())
        .map_err(|error| error.to_string())
}

#[test]
fn a_whole_answer() {
    insta::assert_debug_snapshot!(chat().read_reply(ANSWER).unwrap());
}

#[test]
fn every_reason_is_understood() {
    let calls = r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}"#;
    let cases = [
        (r#"{"content":"x"}"#, r#""stop""#, Stop::EndTurn),
        (r#"{"content":"x"}"#, "null", Stop::EndTurn),
        (r#"{"content":"x"}"#, r#""tool_calls""#, Stop::EndTurn),
        (r#"{"content":"x"}"#, r#""length""#, Stop::MaxTokens),
        (r#"{"content":"x"}"#, r#""content_filter""#, Stop::Refusal),
        (
            r#"{"content":"x"}"#,
            r#""model_context_window_exceeded""#,
            Stop::ContextWindow,
        ),
        (r#"{"content":null,"refusal":"No."}"#, r#""stop""#, Stop::Refusal),
        (calls, r#""tool_calls""#, Stop::ToolUse),
        // What many servers say.
        (calls, r#""stop""#, Stop::ToolUse),
        (calls, r#""length""#, Stop::MaxTokens),
        (
            r#"{"content":null,"function_call":{"name":"f","arguments":""}}"#,
            r#""function_call""#,
            Stop::ToolUse,
        ),
    ];
    for (message, reason, stop) in cases {
        assert_eq!(read(message, reason).unwrap().stop, stop, "{message} {reason}");
    }
}

#[test]
fn what_is_no_answer_is_not_read() {
    let not_read = |body: &str| chat().read_reply(body.as_bytes()).unwrap_err().to_string();
    assert_eq!(not_read("<html>"), "the answer is no JSON object");
    assert_eq!(not_read("{}"), "the answer has no choices");
    assert_eq!(not_read(r#"{"choices":[]}"#), "the answer has no choices");
    assert_eq!(
        not_read(r#"{"choices":[],"error":{"message":"x"}}"#),
        "the answer is an error"
    );
    assert_eq!(read("{}", r#""error""#).unwrap_err(), "the answer broke off");
    let broken = r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"x\""}}]}"#;
    assert_eq!(
        read(broken, r#""tool_calls""#).unwrap_err(),
        "the arguments of a tool call are no JSON object"
    );
    // Where the answer was cut off, that is how such arguments come about.
    assert!(read(broken, r#""length""#).unwrap().parts.is_empty());
}

#[test]
fn the_shapes_of_others_are_read() {
    let shapes = [
        r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#,
        r#"{"content":"a","reasoning":"thought"}"#,
        r#"{"content":"","reasoning_content":"","tool_calls":[{"id":"","function":{"name":"f","arguments":{"x": 1.0}}}]}"#,
        r#"{"tool_calls":[{"function":{"name":"f","arguments":null}}]}"#,
        r#"{"function_call":{"name":"f","arguments":"null"}}"#,
        r#"{"content":"a","tool_calls":null,"function_call":null,"audio":null}"#,
    ];
    let all: Vec<_> = shapes
        .iter()
        .map(|message| format!("{message}\n{:?}", read(message, r#""stop""#).unwrap().parts))
        .collect();
    insta::assert_snapshot!(all.join("\n\n"));
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: RawValue::from_string(arguments.to_owned()).unwrap(),
        signature: None,
    })
}

fn reply(parts: Vec<Part>) -> Reply {
    Reply {
        parts,
        stop: Stop::ToolUse,
        usage: Some(Usage {
            tokens: TokenCounts {
                input: 10,
                cache_read: 20,
                cache_write_5m: 3,
                cache_write_1h: 4,
                output: 50,
                reasoning: 6,
            },
            ..Usage::default()
        }),
    }
}

#[test]
fn an_answer_is_written() {
    let thought = Thought {
        text: "Hm.".to_owned(),
        ..Thought::default()
    };
    let reply = reply(vec![
        Part::Thinking(thought),
        Part::Text("I look".to_owned()),
        Part::Text(".".to_owned()),
        call("toolu_1", "weather", r#"{ "city": "Rome", "n": 1.0 }"#),
        call("toolu_2", "patch", r#""*** Begin\n""#),
    ]);
    let written = chat().write_reply(&reply, &terms(false));
    let value: Value = serde_json::from_slice(&written).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn nothing_but_calls_has_no_content() {
    let written = chat().write_reply(&reply(vec![call("a", "f", "{}")]), &terms(false));
    assert!(text(&written).contains(r#""content":null"#));
    assert!(!text(&written).contains("reasoning_content"));
    let written = chat().write_reply(&reply(Vec::new()), &terms(false));
    assert!(text(&written).contains(r#""content":"""#));
}

#[test]
fn what_is_written_is_read_back() {
    let read = chat().read_reply(ANSWER).unwrap();
    let again = chat()
        .read_reply(&chat().write_reply(&read, &terms(false)))
        .unwrap();
    assert_eq!(format!("{:?}", again.parts), format!("{:?}", read.parts));
    assert_eq!(again.stop, read.stop);
    let (again, read) = (again.usage.unwrap().tokens, read.usage.unwrap().tokens);
    assert_eq!(again.total(), read.total());
    assert_eq!(
        (again.input, again.cache_read, again.reasoning),
        (read.input, read.cache_read, read.reasoning)
    );
}
