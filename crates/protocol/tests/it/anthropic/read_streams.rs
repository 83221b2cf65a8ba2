use gateway_protocol::translation::Piece;

use crate::anthropic;

macro_rules! fixtures {
    ($($name:ident)*) => {
        pub(super) const FIXTURES: &[(&str, &[u8])] =
            &[$((stringify!($name), include_bytes!(concat!("../fixtures/", stringify!($name), ".sse")))),*];

        $(#[test]
        fn $name() {
            insta::assert_debug_snapshot!(pieces([include_bytes!(concat!("../fixtures/", stringify!($name), ".sse")).as_slice()]));
        })*
    };
}

fixtures! {
    cache compaction cut_off error_first error_midway kimi parallel_tools pings_only text_only thinking web_search
}

pub(super) fn pieces<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Piece> {
    let mut reader = anthropic().piece_reader();
    let mut pieces = Vec::new();
    for chunk in chunks {
        reader.push(chunk, &mut |piece| pieces.push(piece));
    }
    pieces
}

fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// What is told of these events.
fn told(events: &[(&str, &str)]) -> String {
    let stream: String = events.iter().map(|(name, data)| event(name, data)).collect();
    let pieces = pieces([stream.as_bytes()]);
    let lines: Vec<_> = pieces.iter().map(|piece| format!("{piece:?}")).collect();
    lines.join("\n")
}

#[test]
fn each_event_is_told_at_once() {
    let mut reader = anthropic().piece_reader();
    let stream = include_bytes!("../fixtures/text_only.sse");
    for event in crate::text(stream).split_inclusive("\n\n") {
        let mut count = 0;
        reader.push(event.as_bytes(), &mut |_| count += 1);
        let tells = !event.starts_with("event: content_block_st");
        assert_eq!(count > 0, tells, "{event}");
    }
}

#[test]
fn arguments_that_come_with_the_call_are_not_lost() {
    let start = (
        "content_block_start",
        r#"{"content_block":{"type":"tool_use","id":"1","name":"f","input":{"a": 1}}}"#,
    );
    let stop = ("content_block_stop", "{}");
    let delta = (
        "content_block_delta",
        r#"{"delta":{"type":"input_json_delta","partial_json":"{\"a\":2}"}}"#,
    );
    assert!(told(&[start, stop]).ends_with(r#"Arguments("{\"a\": 1}")"#));
    assert!(told(&[start, delta, stop]).ends_with(r#"Arguments("{\"a\":2}")"#));
}

#[test]
fn what_the_provider_does_by_itself_is_passed_over() {
    assert_eq!(
        told(&[
            (
                "content_block_start",
                r#"{"content_block":{"type":"server_tool_use","id":"1","name":"web_search","input":{}}}"#,
            ),
            (
                "content_block_delta",
                r#"{"delta":{"type":"input_json_delta","partial_json":"{\"query\":1}"}}"#,
            ),
            ("content_block_stop", "{}"),
            (
                "content_block_start",
                r#"{"content_block":{"type":"from_the_future","text":7}}"#
            ),
            (
                "content_block_delta",
                r#"{"delta":{"type":"from_the_future","text":7}}"#
            ),
            ("from_the_future", "{}"),
        ]),
        ""
    );
}

#[test]
fn a_refusal_tells_why() {
    let told = told(&[(
        "message_delta",
        r#"{"delta":{"stop_reason":"refusal","stop_details":{"explanation":"I will not."}},"usage":null}"#,
    )]);
    assert_eq!(told, "Text(\"I will not.\")\nStop(Refusal)");
}

#[test]
fn errors_are_told_as_the_clients_own_or_the_providers() {
    let said = [
        ("overloaded_error", "Overloaded"),
        ("rate_limit_error", "Slow down"),
        ("authentication_error", "invalid x-api-key"),
        ("invalid_request_error", "bad"),
        ("invalid_request_error", "prompt is too long: 2 > 1"),
        ("timeout_error", "late"),
        ("api_error", "broken"),
    ]
    .map(|(kind, message)| {
        let data = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#);
        told(&[("error", &data), ("ping", "{}")])
    });
    let unreadable = told(&[("error", "<html>")]);
    insta::assert_snapshot!([said.join("\n"), unreadable].join("\n"));
}

#[test]
fn an_event_that_cannot_be_read_ends_the_stream() {
    let told = told(&[
        (
            "content_block_delta",
            r#"{"delta":{"type":"text_delta","text":"Hel"}}"#,
        ),
        ("content_block_delta", r#"{"delta":{"type":"text_delta","text":"#),
        (
            "content_block_delta",
            r#"{"delta":{"type":"text_delta","text":"lo"}}"#,
        ),
        ("message_stop", "{}"),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn an_endless_event_is_not_kept() {
    let mut reader = anthropic().piece_reader();
    let mut pieces = Vec::new();
    reader.push(b"event: content_block_delta\ndata: ", &mut |piece| {
        pieces.push(piece);
    });
    let megabyte = vec![b'x'; 1024 * 1024];
    for _ in 0..20 {
        reader.push(&megabyte, &mut |piece| pieces.push(piece));
    }
    assert!(pieces.is_empty());
    reader.push(b"\n\n", &mut |piece| pieces.push(piece));
    assert!(matches!(pieces.as_slice(), [Piece::Error { .. }]));
}
