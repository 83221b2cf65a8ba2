use gateway_domain::{TokenCounts, Usage};
use gateway_protocol::translation::{Origin, Piece, ReplyTerms, Signature, Stop};
use gateway_protocol::{ErrorAnswer, ErrorKind};
use proptest::prelude::{any, prop, proptest};

use super::streams::{FIXTURES, fixture};
use super::{responses, terms};
use crate::text;

/// The pieces that a stream of these chunks consists of, one a line.
fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut reader = responses().piece_reader();
    let mut pieces = Vec::new();
    for chunk in chunks {
        reader.push(chunk, &mut |piece| pieces.push(format!("{piece:?}")));
    }
    pieces.join("\n")
}

fn read_text(stream: &str) -> String {
    read([stream.as_bytes()])
}

/// The stream that is written of these pieces.
fn write(pieces: &[Piece]) -> String {
    let mut writer = responses().piece_writer(&terms());
    let mut out = Vec::new();
    for piece in pieces {
        writer.write(piece, &mut out);
    }
    writer.end(&mut out);
    text(&out).to_owned()
}

fn call(id: &str, name: &str, is_text: bool) -> Piece {
    Piece::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        signature: None,
        is_text,
    }
}

fn usage() -> Piece {
    Piece::Usage(Usage {
        tokens: TokenCounts {
            input: 10,
            cache_read: 20,
            cache_write_5m: 30,
            cache_write_1h: 0,
            output: 50,
            reasoning: 25,
        },
        ..Usage::default()
    })
}

fn said(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

fn arguments(text: &str) -> Piece {
    Piece::Arguments(text.to_owned())
}

/// An answer with all that there may be in one.
fn everything() -> Vec<Piece> {
    vec![
        Piece::Usage(Usage::default()),
        Piece::Thinking("I must".to_owned()),
        Piece::Thinking(" look.".to_owned()),
        Piece::Signature(Signature::new(Origin::Anthropic, "EqQB")),
        Piece::Redacted(Signature::new(Origin::AnthropicRedacted, "xyz")),
        said("I'll "),
        Piece::Ping,
        said("look."),
        call("toolu_1", "get_weather", false),
        arguments(r#"{"city":"#),
        arguments(r#""Paris"}"#),
        call("toolu_2", "get_time", false),
        call("toolu_3", "apply_patch", true),
        arguments("*** Begin"),
        Piece::Stop(Stop::ToolUse),
        usage(),
    ]
}

#[test]
fn every_stream_is_read() {
    for (name, stream) in FIXTURES {
        insta::assert_snapshot!(format!("read_{name}"), read([*stream]));
    }
}

#[test]
fn a_stream_with_everything_is_written() {
    insta::assert_snapshot!(write(&everything()));
}

#[test]
fn what_is_written_is_read_alike() {
    let pieces: Vec<String> = everything()
        .iter()
        .filter(|piece| !matches!(piece, Piece::Ping))
        .map(|piece| format!("{piece:?}"))
        .collect();
    let again = read_text(&write(&everything()));
    let again: Vec<&str> = again.lines().filter(|piece| *piece != "Ping").collect();
    // No arguments stand for an empty object; the usage comes before the stop.
    let mut expected: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let empty = format!("{:?}", arguments("{}"));
    let place = expected
        .iter()
        .position(|piece| piece.contains("toolu_3"))
        .unwrap();
    expected.insert(place, &empty);
    let last = expected.len() - 1;
    expected.swap(last - 1, last);
    expected.push("End");
    assert_eq!(again, expected);
}

#[test]
fn an_answer_of_nothing_is_an_answer() {
    insta::assert_snapshot!(write(&[]));
}

#[test]
fn a_request_of_many_lines_is_repeated_in_one() {
    let request =
        "{\n\"model\":\"m\",\r\n\"input\":\"x\",\"tools\":[\n{\"type\":\"custom\",\r\"name\":\"a\\nb\"}\n]}";
    let terms = ReplyTerms {
        echo: super::read(request).unwrap().0.echo,
        ..terms()
    };
    let mut out = Vec::new();
    responses().piece_writer(&terms).end(&mut out);
    assert_eq!(text(&out).lines().count(), 3 * 3);
    assert!(text(&out).contains(r#"{"type":"custom", "name":"a\nb"}"#));
}

#[test]
fn the_reason_for_a_cut_is_told_at_the_end() {
    for (stop, event, reason) in [
        (Stop::MaxTokens, "incomplete", Some("max_output_tokens")),
        (Stop::Refusal, "incomplete", Some("content_filter")),
        (Stop::StopSequence(None), "completed", None),
        (Stop::Pause, "completed", None),
    ] {
        let stream = write(&[said("x"), Piece::Stop(stop)]);
        let last = stream.trim_end().rsplit_once("\n\n").unwrap().1;
        let (name, data) = last.split_once("\ndata: ").unwrap();
        assert_eq!(name, format!("event: response.{event}"));
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["response"]["status"], event);
        assert_eq!(data["response"]["output"][0]["status"], event);
        assert_eq!(data["response"]["incomplete_details"]["reason"].as_str(), reason);
    }
}

#[test]
fn events_are_numbered_without_gaps() {
    let stream = write(&everything());
    let numbers: Vec<u64> = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| {
            let data: serde_json::Value = serde_json::from_str(data).unwrap();
            data["sequence_number"].as_u64().unwrap()
        })
        .collect();
    let count = numbers.len() as u64;
    assert_eq!(numbers, (0..count).collect::<Vec<_>>());
}

#[test]
fn each_piece_is_told_at_once() {
    let mut writer = responses().piece_writer(&terms());
    for piece in everything() {
        let mut out = Vec::new();
        writer.write(&piece, &mut out);
        let is_known_later = matches!(piece, Piece::Usage(_) | Piece::Stop(_));
        assert!(is_known_later || !out.is_empty(), "{piece:?}");
    }
}

#[test]
fn a_broken_answer_ends_with_its_failure() {
    let mut writer = responses().piece_writer(&terms());
    let mut out = Vec::new();
    writer.write(&said("Some"), &mut out);
    out.clear();
    writer.fail(
        &ErrorAnswer {
            kind: ErrorKind::Overloaded,
            message: "The provider broke off.",
            request_id: "r",
            code: None,
            retry_after: None,
        },
        &mut out,
    );
    insta::assert_snapshot!(text(&out));
    assert_eq!(
        read_text(text(&out)),
        r#"Error { kind: Internal, message: "The provider broke off." }"#
    );
}

#[test]
fn a_failure_at_once_is_a_stream_that_clients_can_read() {
    let mut out = Vec::new();
    responses().piece_writer(&terms()).fail(
        &ErrorAnswer {
            kind: ErrorKind::ContextTooLong,
            message: "too long",
            request_id: "r",
            code: None,
            retry_after: None,
        },
        &mut out,
    );
    assert!(text(&out).starts_with("event: error\n"));
    // The SDKs raise what has an `error`.
    assert!(
        text(&out)
            .contains(r#""error":{"code":"context_length_exceeded","message":"too long","param":null}"#)
    );
}

#[test]
fn servers_that_tell_items_only_whole_are_understood() {
    let item = |item: &str| {
        format!("data: {{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{item}}}\n\n")
    };
    let stream = item(r#"{"type":"reasoning","summary":[{"type":"summary_text","text":"Hm."}]}"#)
        + &item(r#"{"type":"message","content":[{"type":"output_text","text":"Hi."}]}"#)
        + &item(r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}"#)
        + "data: {\"type\":\"response.completed\",\"response\":{}}\n\n";
    insta::assert_snapshot!(read_text(&stream));
}

#[test]
fn arguments_never_go_to_another_call() {
    let stream =
        fixture("thinking_and_tools").replace(r#""output_index":3,"delta""#, r#""output_index":2,"delta""#);
    assert!(
        read_text(&stream)
            .ends_with("message: \"The model's provider sent an event that cannot be read.\" }")
    );
}

#[test]
fn an_event_that_cannot_be_read_ends_the_answer() {
    let pieces =
        read_text("event: response.output_text.delta\ndata: {\"delta\":\"\\ud800\"}\n\ndata: {}\n\n");
    assert!(pieces.starts_with("Error { kind: BadGateway"), "{pieces}");
    assert_eq!(pieces.lines().count(), 1);
}

#[test]
fn a_long_answer_is_read_to_its_end() {
    let long = "x".repeat(3 * 1024 * 1024);
    let stream = fixture("cut_by_filter").replace("The recipe is", &long);
    let pieces = read(stream.as_bytes().chunks(10_000));
    assert!(pieces.contains("output: 12"));
    assert!(pieces.ends_with("Stop(Refusal)\nEnd"));
}

proptest! {
    #[test]
    fn chunk_borders_do_not_matter(
        fixture in prop::sample::select(FIXTURES),
        size in 1_usize..400,
    ) {
        let (_, stream) = fixture;
        assert_eq!(read(stream.chunks(size)), read([stream]));
    }

    #[test]
    fn garbage_never_panics(chunks: Vec<Vec<u8>>, tail in any::<[u8; 4]>()) {
        let mut reader = responses().piece_reader();
        for chunk in chunks.iter().map(Vec::as_slice).chain([&tail[..]]) {
            reader.push(chunk, &mut |_| {});
        }
    }
}
