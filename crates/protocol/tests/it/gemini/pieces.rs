use gateway_domain::{TokenCounts, Usage};
use gateway_protocol::translation::{Origin, Piece, Signature, Stop};
use gateway_protocol::{ErrorAnswer, ErrorKind, Framing};
use proptest::prelude::{any, prop, proptest};
use serde_json::Value;

use super::{STREAMS, gemini, stream, terms};
use crate::text;

fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Piece> {
    let mut reader = gemini().piece_reader();
    let mut pieces = Vec::new();
    for chunk in chunks {
        reader.push(chunk, &mut |piece| pieces.push(piece));
    }
    pieces
}

fn told(stream: &[u8]) -> String {
    let lines = read([stream]).into_iter().map(|piece| format!("{piece:?}\n"));
    lines.collect()
}

fn written(framing: Framing, pieces: &[Piece]) -> String {
    let mut writer = gemini().piece_writer(&terms(framing));
    let mut out = Vec::new();
    for piece in pieces {
        writer.write(piece, &mut out);
    }
    writer.end(&mut out);
    String::from_utf8(out).unwrap()
}

/// The JSON of each event.
fn events(stream: &str) -> Vec<Value> {
    let events = stream.split_terminator("\r\n\r\n");
    events
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect()
}

fn call(id: &str, is_text: bool) -> Piece {
    Piece::ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        signature: None,
        is_text,
    }
}

fn arguments(text: &str) -> Piece {
    Piece::Arguments(text.to_owned())
}

fn answer() -> Vec<Piece> {
    vec![
        Piece::Usage(Usage {
            tokens: TokenCounts {
                input: 10,
                output: 1,
                ..TokenCounts::default()
            },
            ..Usage::default()
        }),
        Piece::Thinking("I should ".to_owned()),
        Piece::Thinking("look.".to_owned()),
        Piece::Signature(Signature::new(Origin::Anthropic, "Eq0/+==")),
        Piece::Ping,
        Piece::Redacted(Signature::new(Origin::AnthropicRedacted, "abc")),
        Piece::Text("Let me".to_owned()),
        Piece::Text(" look.\n".to_owned()),
        call("toolu_1", false),
        arguments(r#"{"city":"#),
        Piece::Ping,
        arguments(r#""Paris","exact":1.0}"#),
        call("toolu_2", false),
        call("toolu_3", true),
        arguments("*** \"Patch\""),
        Piece::Stop(Stop::ToolUse),
        Piece::Usage(Usage {
            tokens: TokenCounts {
                input: 10,
                cache_read: 90,
                output: 30,
                reasoning: 12,
                ..TokenCounts::default()
            },
            ..Usage::default()
        }),
    ]
}

const OVERLOADED: ErrorAnswer<'static> = ErrorAnswer {
    kind: ErrorKind::Overloaded,
    message: "too much to do",
    request_id: "r",
    code: None,
    retry_after: None,
};

#[test]
fn every_stream_piece_by_piece() {
    let all = STREAMS
        .iter()
        .map(|(name, stream)| format!("{name}\n{}\n", told(stream)));
    insta::assert_snapshot!(all.collect::<String>());
}

#[test]
fn a_stream_is_written_event_by_event() {
    insta::assert_snapshot!(written(Framing::Events, &answer()).replace("\r\n", "\n"));
}

#[test]
fn a_stream_is_written_as_an_array() {
    let array = written(Framing::Array, &answer());
    let elements: Vec<Value> = serde_json::from_str(&array).unwrap();
    assert_eq!(elements, events(&written(Framing::Events, &answer())));
    let empty: Vec<Value> = serde_json::from_str(&written(Framing::Array, &[])).unwrap();
    assert_eq!(empty.len(), 1);
}

#[test]
fn texts_and_thoughts_are_told_at_once() {
    let mut writer = gemini().piece_writer(&terms(Framing::Events));
    for piece in [Piece::Text("a".to_owned()), Piece::Thinking("b".to_owned())] {
        let mut out = Vec::new();
        writer.write(&piece, &mut out);
        assert_eq!(events(text(&out)).len(), 1, "{piece:?}");
    }
}

#[test]
fn a_call_is_told_as_soon_as_it_is_whole() {
    let mut writer = gemini().piece_writer(&terms(Framing::Events));
    let mut out = Vec::new();
    for piece in [call("1", false), arguments("{\"a\"")] {
        writer.write(&piece, &mut out);
    }
    assert!(out.is_empty());
    writer.write(&arguments(":1}"), &mut out);
    assert!(!out.is_empty());
    writer.write(&Piece::Text("b".to_owned()), &mut out);
    let events = events(text(&out));
    assert_eq!(
        events[0]["candidates"][0]["content"]["parts"][0]["functionCall"]["args"]["a"],
        1
    );
    assert_eq!(events[1]["candidates"][0]["content"]["parts"][0]["text"], "b");
}

/// Google's SDK takes any other line for JSON, and turns without parts for failures.
#[test]
fn there_are_only_data_lines_and_each_has_a_part() {
    let stream = written(Framing::Events, &answer());
    for line in stream.split("\r\n") {
        assert!(line.is_empty() || line.starts_with("data: {"), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }
    for event in events(&stream) {
        assert_eq!(
            event["candidates"][0]["content"]["parts"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
    let last = events(&written(Framing::Events, &[]));
    assert_eq!(last[0]["candidates"][0]["finishReason"], "STOP");
    assert_eq!(last[0]["candidates"][0]["content"]["parts"][0]["text"], "");
}

#[test]
fn line_ends_within_arguments_do_not_end_the_event() {
    let pieces = [
        call("1", false),
        arguments("{\n  \"a\": \"\\n\",\r\n  \"b\": 1.0\n}"),
    ];
    let stream = written(Framing::Events, &pieces);
    assert!(
        stream.contains(r#""args":{   "a": "\n",    "b": 1.0 }"#),
        "{stream}"
    );
    assert_eq!(events(&stream).len(), 2);
}

#[test]
fn a_call_that_was_cut_off_is_left_out() {
    let reason = |stop: Stop| {
        let pieces = [call("1", false), arguments("{\"a\":\"b"), Piece::Stop(stop)];
        let events = events(&written(Framing::Events, &pieces));
        let [last] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert!(
            last["candidates"][0]["content"]["parts"][0]
                .get("functionCall")
                .is_none()
        );
        last["candidates"][0]["finishReason"].as_str().unwrap().to_owned()
    };
    assert_eq!(reason(Stop::MaxTokens), "MAX_TOKENS");
    assert_eq!(reason(Stop::ToolUse), "MALFORMED_FUNCTION_CALL");
}

#[test]
fn a_failure_is_an_error_and_nothing_of_the_open_call() {
    let mut writer = gemini().piece_writer(&terms(Framing::Events));
    let mut out = Vec::new();
    writer.write(&call("1", false), &mut out);
    writer.write(&arguments("{\"a\""), &mut out);
    writer.fail(&OVERLOADED, &mut out);
    assert_eq!(out, gemini().error_event(&OVERLOADED));

    let mut writer = gemini().piece_writer(&terms(Framing::Array));
    let mut out = Vec::new();
    writer.write(&Piece::Text("a".to_owned()), &mut out);
    writer.fail(&OVERLOADED, &mut out);
    let elements: Vec<Value> = serde_json::from_slice(&out).unwrap();
    assert_eq!(elements[1]["error"]["status"], "UNAVAILABLE");
}

#[test]
fn what_is_written_is_read_again() {
    let pieces = answer();
    let again = read([written(Framing::Events, &pieces).as_bytes()]);
    let joined = |pieces: &[Piece]| {
        let mut texts = [String::new(), String::new(), String::new()];
        for piece in pieces {
            match piece {
                Piece::Text(text) => texts[0] += text,
                Piece::Thinking(text) => texts[1] += text,
                Piece::ToolCall { id, name, .. } => texts[2] += &format!(" {id} {name} "),
                Piece::Arguments(text) => texts[2] += text,
                _ => {}
            }
        }
        texts
    };
    let mut expected = joined(&pieces);
    // Freeform text has no place at Gemini but in an object.
    expected[2] = expected[2].replace("*** \"Patch\"", r#"{"input":"*** \"Patch\""}"#);
    assert_eq!(joined(&again), expected);
    let Some(Piece::Stop(Stop::ToolUse)) = again.last() else {
        panic!("{again:?}")
    };
    let usage = again.iter().rev().find_map(|piece| match piece {
        Piece::Usage(usage) => Some(usage.tokens),
        _ => None,
    });
    let expected = pieces.iter().rev().find_map(|piece| match piece {
        Piece::Usage(usage) => Some(usage.tokens),
        _ => None,
    });
    assert_eq!(usage, expected);
}

#[test]
fn usage_after_the_end_still_counts() {
    let late = "data: {\"usageMetadata\":{\"promptTokenCount\":9}}\r\n\r\n";
    let pieces = read([stream("text").as_bytes(), late.as_bytes()]);
    let Some(Piece::Usage(usage)) = pieces.last() else {
        panic!("{pieces:?}")
    };
    assert_eq!(usage.tokens.input, 9);
}

#[test]
fn errors_are_of_the_kind_that_their_code_says() {
    let kind =
        |error: &str| match read([format!("data: {{\"error\":{error}}}\r\n\r\n").as_bytes()]).as_slice() {
            [Piece::Error { kind, message }] => (*kind, message.clone()),
            pieces => panic!("{pieces:?}"),
        };
    let code = |code: u16| kind(&format!(r#"{{"code":{code},"message":"m"}}"#)).0;
    assert_eq!(code(429), ErrorKind::RateLimit);
    assert_eq!(code(503), ErrorKind::Overloaded);
    assert_eq!(code(500), ErrorKind::Internal);
    assert_eq!(code(504), ErrorKind::Timeout);
    assert_eq!(code(400), ErrorKind::InvalidRequest);
    assert_eq!(code(403), ErrorKind::BadGateway);
    let long = r#"{"code":400,"message":"The input token count (2) exceeds the maximum number of tokens allowed (1)."}"#;
    assert_eq!(kind(long).0, ErrorKind::ContextTooLong);
    assert_eq!(kind("{}"), (ErrorKind::BadGateway, String::new()));
}

#[test]
fn an_event_that_cannot_be_read_is_an_error_and_the_last_thing_told() {
    for event in [
        "no json",
        "{\"candidates\":7}",
        "[]",
        "{\"candidates\":[{\"content\":",
    ] {
        let stream = format!("data: {event}\r\n\r\n{}", stream("text"));
        let pieces = read([stream.as_bytes()]);
        assert!(
            matches!(
                pieces.as_slice(),
                [Piece::Error {
                    kind: ErrorKind::BadGateway,
                    ..
                }]
            ),
            "{pieces:?}"
        );
    }
}

#[test]
fn every_byte_by_itself_gives_the_same() {
    for (name, stream) in STREAMS {
        let pieces = format!("{:?}", read(stream.chunks(1)));
        assert_eq!(pieces, format!("{:?}", read([*stream])), "{name}");
    }
}

#[test]
fn each_event_is_told_before_the_next_is_read() {
    let mut reader = gemini().piece_reader();
    for event in stream("text").split_inclusive("\r\n\r\n") {
        let mut count = 0;
        reader.push(event.as_bytes(), &mut |_| count += 1);
        assert!(count > 0, "{event}");
    }
}

proptest! {
    #[test]
    fn chunk_borders_do_not_matter(
        fixture in prop::sample::select(STREAMS),
        size in 1_usize..300,
    ) {
        let (_, stream) = fixture;
        let pieces = format!("{:?}", read(stream.chunks(size)));
        assert_eq!(pieces, format!("{:?}", read([stream])));
    }

    #[test]
    fn a_damaged_stream_never_panics(
        fixture in prop::sample::select(STREAMS),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut stream = fixture.1.to_vec();
        for (place, byte) in damage {
            let place = place.index(stream.len());
            stream[place] = byte;
        }
        let pieces = read([stream.as_slice()]);
        events(&written(Framing::Events, &pieces));
    }

    #[test]
    fn any_text_comes_through(texts in prop::collection::vec(".{1,20}", 1..10)) {
        let pieces: Vec<_> = texts.iter().cloned().map(Piece::Text).collect();
        let again = read([written(Framing::Events, &pieces).as_bytes()]);
        let said: String = again.into_iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text),
            _ => None,
        }).collect();
        assert_eq!(said, texts.concat());
    }
}
