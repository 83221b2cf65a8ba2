use gateway_domain::{TokenCounts, Usage};
use gateway_protocol::translation::{Origin, Piece, Signature, Stop};
use gateway_protocol::{ErrorAnswer, ErrorKind, StreamPhase};

use super::read_streams::{FIXTURES, pieces};
use super::terms;
use crate::{anthropic, text};

/// The pieces as a stream, with its end.
pub(super) fn written(pieces: &[Piece]) -> String {
    let mut writer = anthropic().piece_writer(&terms());
    let mut out = Vec::new();
    for piece in pieces {
        writer.write(piece, &mut out);
    }
    writer.end(&mut out);
    text(&out).to_owned()
}

fn usage(input: u64, output: u64) -> Piece {
    Piece::Usage(Usage {
        tokens: TokenCounts {
            input,
            cache_read: 20,
            cache_write_5m: 3,
            cache_write_1h: 4,
            output,
            reasoning: 1,
        },
        ..Usage::default()
    })
}

fn call(id: &str, name: &str) -> Piece {
    Piece::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        signature: None,
        is_text: false,
    }
}

fn arguments(json: &str) -> Piece {
    Piece::Arguments(json.to_owned())
}

fn say(words: &str) -> Piece {
    Piece::Text(words.to_owned())
}

fn think(words: &str) -> Piece {
    Piece::Thinking(words.to_owned())
}

/// The names of the events of a stream.
fn names(stream: &str) -> Vec<&str> {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect()
}

#[test]
fn an_answer_with_all_that_it_can_have() {
    insta::assert_snapshot!(written(&[
        usage(1, 0),
        think("Hm."),
        think(" Well."),
        Piece::Signature(Signature::new(Origin::Gemini, "Cg==")),
        Piece::Redacted(Signature::new(Origin::AnthropicRedacted, "Emw")),
        Piece::Ping,
        say("Hel"),
        say("lo"),
        call("call_1", "f"),
        arguments("{\"a\":"),
        arguments("1}"),
        call("call_2", "g"),
        Piece::Stop(Stop::ToolUse),
        usage(10, 5),
    ]));
}

#[test]
fn message_start_comes_with_the_first_piece() {
    let mut writer = anthropic().piece_writer(&terms());
    let mut out = Vec::new();
    writer.write(&say("Hello"), &mut out);
    assert_eq!(
        names(text(&out)),
        ["message_start", "content_block_start", "content_block_delta"],
        "it is not held until the next event"
    );
    let mut writer = anthropic().piece_writer(&terms());
    let mut out = Vec::new();
    writer.write(&usage(7, 0), &mut out);
    assert_eq!(names(text(&out)), ["message_start"]);
    assert!(text(&out).contains(r#""input_tokens":7"#));
}

#[test]
fn no_ping_comes_before_message_start() {
    let stream = written(&[Piece::Ping, say("Hello"), Piece::Ping]);
    assert_eq!(
        names(&stream)[..4],
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "ping"
        ]
    );
}

#[test]
fn tool_arguments_are_not_lost() {
    let stream = written(&[
        call("call_1", "f"),
        arguments(r#"{"city":"Paris \"x\""}"#),
        Piece::Stop(Stop::EndTurn),
    ]);
    let data = r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"city\":\"Paris \\\"x\\\"\"}"}}"#;
    assert!(stream.contains(data), "{stream}");
    assert!(stream.contains(r#""stop_reason":"tool_use""#), "{stream}");
}

#[test]
fn a_thinking_signature_is_never_null() {
    let stream = written(&[think("Hm."), say("Hello")]);
    assert!(
        stream.contains(r#"{"type":"signature_delta","signature":"unsigned:"}"#),
        "{stream}"
    );
    let withheld = written(&[
        say("Hello"),
        Piece::Signature(Signature::new(Origin::Gemini, "Cg==")),
    ]);
    assert!(withheld.contains(r#"{"type":"signature_delta","signature":"gemini:Cg=="}"#));
    assert_eq!(withheld.matches("\"type\":\"content_block_start\"").count(), 2);
}

#[test]
fn all_counts_come_with_the_end() {
    let stream = written(&[say("x"), Piece::Stop(Stop::MaxTokens), usage(10, 5)]);
    let delta = stream
        .lines()
        .find(|line| line.contains("\"message_delta\""))
        .unwrap();
    insta::assert_snapshot!(delta);
}

#[test]
fn a_broken_answer_ends_with_an_error_and_nothing_else() {
    let mut writer = anthropic().piece_writer(&terms());
    let mut out = Vec::new();
    writer.write(&say("Hel"), &mut out);
    let before = out.len();
    let error = ErrorAnswer {
        kind: ErrorKind::Overloaded,
        message: "Overloaded",
        request_id: "r",
        code: None,
        retry_after: None,
    };
    writer.fail(&error, &mut out);
    assert_eq!(&out[before..], &*anthropic().error_event(&error));
}

#[test]
fn an_answer_of_nothing_is_an_answer() {
    assert_eq!(
        names(&written(&[])),
        ["message_start", "message_delta", "message_stop"]
    );
}

#[test]
fn what_is_written_is_read_as_an_answer_with_the_same_usage() {
    for (name, stream) in FIXTURES {
        let mut original = anthropic().stream_reader();
        original.push(stream);
        if original.phase() != StreamPhase::Finished {
            continue;
        }
        let told = pieces([*stream]);
        let told: Vec<_> = told
            .into_iter()
            .filter(|piece| !matches!(piece, Piece::End))
            .collect();
        let mut copy = anthropic().stream_reader();
        copy.push(written(&told).as_bytes());
        assert_eq!(copy.phase(), StreamPhase::Finished, "{name}");
        let tokens = |usage: Option<Usage>| usage.map(|usage| usage.tokens);
        assert_eq!(
            tokens(copy.summary().usage),
            tokens(original.summary().usage),
            "{name}"
        );
    }
}
