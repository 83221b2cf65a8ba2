use gateway_protocol::ErrorKind;
use gateway_protocol::translation::Piece;
use proptest::prelude::{any, prop, proptest};

use super::{read, shown};
use crate::chat::{STREAMS, chat, cut, stream};
use crate::text;

/// The pieces of a stream of chunks with these deltas.
fn read_deltas(deltas: &[&str]) -> Vec<Piece> {
    let stream: String = deltas
        .iter()
        .map(|delta| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n"))
        .collect();
    let end =
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    read([(stream + end).as_bytes()])
}

/// The calls with their ids and whole arguments, and everything else by its first word.
fn outline(pieces: &[Piece]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::ToolCall {
                id, name, is_text, ..
            } => {
                let kind = if *is_text { "text " } else { "" };
                lines.push(format!("{kind}call {id} {name} "));
            }
            Piece::Arguments(text) => lines.last_mut().unwrap().push_str(text),
            Piece::Text(text) => lines.push(format!("text {text}")),
            Piece::Thinking(text) => lines.push(format!("thinking {text}")),
            Piece::Stop(stop) => lines.push(format!("{stop:?}")),
            Piece::Usage(_) => {}
            other => lines.push(format!("{other:?}")),
        }
    }
    lines
}

fn is_error(pieces: &[Piece]) -> bool {
    matches!(pieces.last(), Some(Piece::Error { .. }))
}

#[test]
fn every_recorded_stream_in_pieces() {
    let all: Vec<_> = STREAMS
        .iter()
        .map(|(name, stream)| format!("# {name}\n{}", shown(&read([*stream]))))
        .collect();
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn interleaved_calls_are_neither_lost_nor_mixed() {
    assert_eq!(
        outline(&read([stream("interleaved_tools")])),
        [
            "text I look.",
            r#"call call_0 a {"x": "}{"}"#,
            r#"call call_1 b {"y":[1,2]}"#,
            "ToolUse",
            "End"
        ]
    );
}

#[test]
fn a_stop_with_calls_is_a_wish_for_their_results() {
    let pieces =
        read_deltas(&[r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#]);
    assert_eq!(outline(&pieces), ["call a f {}", "ToolUse", "End"]);
}

#[test]
fn a_truncated_stream_has_no_end() {
    assert_eq!(outline(&read([stream("cut_off")])), ["text The capital of"]);
}

#[test]
fn an_error_is_told_and_nothing_behind_it() {
    let whole = format!(
        "{}data: {{\"choices\":[{{\"delta\":{{\"content\":\"x\"}}}}]}}\n\ndata: [DONE]\n\n",
        text(stream("openrouter_error"))
    );
    let pieces = read([whole.as_bytes()]);
    let Some(Piece::Error { kind, message }) = pieces.last() else {
        panic!("{pieces:?}");
    };
    assert_eq!(
        (*kind, message.as_str()),
        (ErrorKind::RateLimit, "Provider returned error")
    );
}

#[test]
fn what_broke_off_at_the_provider_is_no_answer() {
    for reason in ["error", "network_error", "insufficient_system_resource"] {
        let chunk = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"x\"}},\"finish_reason\":\"{reason}\"}}]}}\n\n"
        );
        assert!(is_error(&read([chunk.as_bytes()])), "{reason}");
    }
}

#[test]
fn what_cannot_be_read_is_told_and_not_left_out() {
    for data in [
        "{\"choices\":[",
        "<html>",
        "{\"choices\":[{\"delta\":{\"content\":7}}]}",
        "{\"choices\":7}",
    ] {
        let pieces = read([format!("data: {data}\n\n").as_bytes()]);
        assert!(is_error(&pieces), "{data}");
    }
}

#[test]
fn a_reason_given_twice_counts_once() {
    let end = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"length\"}]}\n\n";
    let pieces = read([format!("{end}{end}data: [DONE]\n\n").as_bytes()]);
    assert_eq!(outline(&pieces), ["text x", "MaxTokens", "End"]);
}

#[test]
fn an_end_without_a_reason_is_an_end() {
    let pieces =
        read([b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: [DONE]\n\n".as_slice()]);
    assert_eq!(outline(&pieces), ["text x", "EndTurn", "End"]);
}

#[test]
fn calls_are_told_apart_whatever_the_server_leaves_out() {
    let none = r#"{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}"#;
    assert_eq!(
        outline(&read_deltas(&[none, none])),
        ["call  f {}", "call  f {}", "ToolUse", "End"]
    );
    let two_in_one = r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"g","arguments":{"x": 1.0}}}]}"#;
    assert_eq!(
        outline(&read_deltas(&[two_in_one])),
        ["call a f {}", "call b g {\"x\": 1.0}", "ToolUse", "End"]
    );
    let late = [
        r#"{"tool_calls":[{"index":3,"function":{"arguments":"{\"a"}}]}"#,
        r#"{"tool_calls":[{"index":3,"id":"late"}]}"#,
        r#"{"tool_calls":[{"index":3,"function":{"name":"f"}}]}"#,
        r#"{"tool_calls":[{"index":3,"function":{"arguments":"\":1}"}}]}"#,
        r#"{"tool_calls":[{"index":3,"function":{"name":"f","arguments":"{\"a\":1}"}}]}"#,
    ];
    assert_eq!(
        outline(&read_deltas(&late)),
        ["call late f {\"a\":1}", "ToolUse", "End"]
    );
}

#[test]
fn a_call_without_arguments_is_told() {
    let calls = [
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}"#,
        r#"{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}]}"#,
    ];
    assert_eq!(
        outline(&read_deltas(&calls)),
        ["call a f ", "call b g {}", "ToolUse", "End"]
    );
}

#[test]
fn a_call_without_a_name_is_an_error() {
    let pieces = read_deltas(&[r#"{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]}"#]);
    assert!(is_error(&pieces));
}

#[test]
fn text_amid_a_call_comes_behind_it() {
    let deltas = [
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}"#,
        r#"{"content":"text","reasoning":"thought"}"#,
        r#"{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}"#,
        r#"{"content":" more"}"#,
    ];
    assert_eq!(
        outline(&read_deltas(&deltas)),
        [
            "call a f {}",
            "thinking thought",
            "text text",
            "text  more",
            "ToolUse",
            "End"
        ]
    );
}

#[test]
fn arguments_are_told_as_they_come() {
    let mut reader = chat().piece_reader();
    let mut seen = Vec::new();
    for event in text(stream("parallel_tools")).split_inclusive("\n\n") {
        let mut pieces = Vec::new();
        reader.push(event.as_bytes(), &mut |piece| pieces.push(piece));
        seen.push(pieces.len());
    }
    // Each chunk gives its piece at once: two calls of two and one delta, the stop, the usage, the end.
    assert_eq!(seen, [1, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn what_is_kept_back_is_bounded() {
    let mut reader = chat().piece_reader();
    let mut is_broken = false;
    let mut push = |delta: &str| {
        let event = format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
        reader.push(event.as_bytes(), &mut |piece| {
            is_broken |= matches!(piece, Piece::Error { .. });
        });
    };
    push(r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}"#);
    let more = "x".repeat(1024 * 1024);
    for _ in 0..5 {
        push(&format!(
            r#"{{"tool_calls":[{{"index":1,"id":"b","function":{{"name":"g","arguments":"{more}"}}}}]}}"#
        ));
    }
    assert!(is_broken);

    let calls: Vec<_> = (0..2000)
        .map(|index| {
            format!(r#"{{"tool_calls":[{{"index":{index},"id":"{index}","function":{{"name":"f"}}}}]}}"#)
        })
        .collect();
    let calls: Vec<_> = calls.iter().map(String::as_str).collect();
    assert!(is_error(&read_deltas(&calls)));
}

proptest! {
    #[test]
    fn chunk_borders_do_not_matter(
        fixture in prop::sample::select(STREAMS),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        assert_eq!(shown(&read(cut(fixture.1, &places))), shown(&read([fixture.1])));
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
        let last = read([stream.as_slice()]).into_iter().position(|piece| matches!(piece, Piece::End | Piece::Error { .. }));
        assert!(last.is_none_or(|last| last + 1 == read([stream.as_slice()]).len()));
    }

    #[test]
    fn garbage_never_panics(chunks: Vec<Vec<u8>>) {
        read(chunks.iter().map(Vec::as_slice));
    }
}
