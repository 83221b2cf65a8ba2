use gateway_protocol::{ErrorAnswer, ErrorKind, StreamPhase};
use proptest::prelude::{any, prop, proptest};

use super::responses;
use crate::said::Said;
use crate::text;

macro_rules! fixtures {
    ($($name:ident)*) => {
        pub(super) const FIXTURES: &[(&str, &[u8])] =
            &[$((stringify!($name), include_bytes!(concat!("../fixtures/responses/", stringify!($name), ".sse")))),*];

        $(#[test]
        fn $name() {
            let stream: &[u8] = include_bytes!(concat!("../fixtures/responses/", stringify!($name), ".sse"));
            insta::assert_debug_snapshot!(read([stream]));
        })*
    };
}

fixtures! {
    cut_by_filter cut_by_max_tokens cut_off error_first failed_midway freeform_tool refusal text_only thinking_and_tools
    web_search without_names
}

fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Said {
    Said::after(responses(), chunks)
}

fn read_text(stream: &str) -> Said {
    read([stream.as_bytes()])
}

fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// A stream of this name and its events, one by one.
pub(super) fn fixture(name: &str) -> &'static str {
    let (_, stream) = FIXTURES.iter().find(|(fixture, _)| *fixture == name).unwrap();
    crate::text(stream)
}

#[test]
fn the_phase_goes_on_with_whole_events_only() {
    let mut reader = responses().stream_reader();
    let mut phases = Vec::new();
    for event in fixture("text_only").split_inclusive("\n\n") {
        let (most, last) = event.split_at(event.len() - 1);
        let before = reader.phase();
        reader.push(most.as_bytes());
        assert_eq!(reader.phase(), before);
        assert!(reader.is_mid_event());
        reader.push(last.as_bytes());
        assert!(!reader.is_mid_event());
        phases.push(reader.phase());
    }
    phases.dedup();
    assert_eq!(
        phases,
        [StreamPhase::Head, StreamPhase::Content, StreamPhase::Finished]
    );
}

#[test]
fn no_done_is_insisted_on() {
    assert!(!fixture("text_only").contains("[DONE]"));
    let with_done = format!("{}data: [DONE]\n\n", fixture("text_only"));
    assert_eq!(read_text(&with_done), read_text(fixture("text_only")));
}

#[test]
fn an_incomplete_answer_has_its_usage() {
    for name in ["cut_by_max_tokens", "cut_by_filter", "failed_midway"] {
        assert!(
            read_text(fixture(name)).summary.usage.unwrap().tokens.output > 0,
            "{name}"
        );
    }
}

#[test]
fn an_end_without_its_terminal_event_is_no_end() {
    let mut reader = responses().stream_reader();
    reader.push(fixture("cut_off").as_bytes());
    reader.end();
    assert_eq!(reader.phase(), StreamPhase::Content);
    assert!(reader.estimated_output_tokens() > 0);
}

#[test]
fn an_error_without_a_name_is_an_error() {
    let said = read_text("data: {\"error\":{\"message\":\"no\"}}\n\n");
    assert_eq!(said.phase, StreamPhase::Failed);
    let said = read_text("data: {\"type\":\"error\",\"message\":\"no\"}\n\n");
    assert_eq!(said.phase, StreamPhase::Failed);
    assert_eq!(read_text("event: error\n\n").error_event.as_deref(), Some(""));
}

#[test]
fn the_end_is_the_end() {
    let end = fixture("text_only").to_owned() + fixture("error_first");
    assert_eq!(read_text(&end), read_text(fixture("text_only")));
}

#[test]
fn what_no_answer_consists_of_is_not_content() {
    for stream in [
        ": keep-alive\n\n",
        "data: [DONE]\n\n",
        "event: keepalive\ndata: {\"type\":\"keepalive\"}\n\n",
        "event: response.output_text.delta\n\n",
        "event: response.completed\n\n",
        "event: response.queued\ndata: {\"type\":\"response.queued\"}\n\n",
    ] {
        assert_eq!(read_text(stream).phase, StreamPhase::Head, "{stream}");
    }
    let unknown = event("response.from_the_future", "{}");
    assert_eq!(read_text(&unknown).phase, StreamPhase::Content);
}

#[test]
fn an_answer_too_long_to_be_kept_still_tells_its_usage() {
    let long = "x".repeat(10 * 1024 * 1024);
    let stream = fixture("text_only").replace("\"Hello, wörld!\"", &format!("\"{long}\""));
    let stream = stream.replace(
        "\"status\":\"completed\",\"background\"",
        "\"status\":\"completed\",\"padding\":1",
    );
    let whole = read_text(fixture("text_only"));
    for size in [1024 * 1024, 16_000, 777] {
        let said = read(stream.as_bytes().chunks(size));
        assert_eq!(said.phase, StreamPhase::Finished);
        assert_eq!(said.summary.message_id, whole.summary.message_id);
        assert_eq!(
            said.summary.usage.unwrap().tokens,
            whole.summary.usage.clone().unwrap().tokens
        );
    }
}

#[test]
fn a_break_within_an_event_is_passed_over_and_the_error_is_whole() {
    let error = ErrorAnswer {
        kind: ErrorKind::Internal,
        message: "the answer broke off",
        request_id: "r",
        code: None,
        retry_after: None,
    };
    let whole = fixture("text_only").as_bytes();
    let content = fixture("text_only").find("event: response.completed").unwrap();
    for cut in 0..content {
        let mut reader = responses().stream_reader();
        reader.push(&whole[..cut]);
        if reader.is_mid_event() {
            let before = reader.phase();
            reader.push(responses().abandoned_event());
            assert_eq!(reader.phase(), before, "cut at {cut}");
            assert!(!reader.is_mid_event(), "cut at {cut}");
        }
        let event = responses().error_event(&error);
        reader.push(&event);
        let data = text(&event).split_once("data: ").unwrap().1.trim_end();
        assert_eq!(reader.error_event(), Some(data.as_bytes()), "cut at {cut}");
    }
}

#[test]
fn a_keep_alive_is_a_whole_event_that_means_nothing() {
    let mut reader = responses().stream_reader();
    reader.push(responses().keep_alive().unwrap());
    assert_eq!(reader.phase(), StreamPhase::Head);
    assert!(!reader.is_mid_event());
}

#[test]
fn an_endless_event_is_not_kept() {
    let mut reader = responses().stream_reader();
    let megabyte = vec![b'x'; 1024 * 1024];
    for name in [
        "response.output_text.delta",
        "response.output_item.done",
        "response.created",
    ] {
        reader.push(format!("event: {name}\ndata: ").as_bytes());
        for _ in 0..16 {
            reader.push(&megabyte);
        }
        reader.push(b"\n\n");
    }
    // Of a delta this long all is taken for text.
    assert_eq!(reader.estimated_output_tokens(), 4 * 1024 * 1024);
}

#[test]
fn hostile_nesting_costs_no_stack() {
    for open in ["[", "{\"response\":", "{\"usage\":"] {
        let nested = open.repeat(60_000);
        for name in ["response.completed", "response.output_text.delta", "error"] {
            read_text(&event(name, &format!("{{\"response\":{{\"usage\":{nested}")));
            read_text(&format!("data: {{\"delta\":{nested}\n\n"));
        }
    }
}

proptest! {
    #[test]
    fn chunk_borders_do_not_matter(
        fixture in prop::sample::select(FIXTURES),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let (_, stream) = fixture;
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut from = 0;
        for cut in cuts {
            chunks.push(&stream[from..cut]);
            from = cut;
        }
        chunks.push(&stream[from..]);
        assert_eq!(read(chunks), read([stream]));
    }

    #[test]
    fn a_damaged_stream_never_panics(
        fixture in prop::sample::select(FIXTURES),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut stream = fixture.1.to_vec();
        for (place, byte) in damage {
            let place = place.index(stream.len());
            stream[place] = byte;
        }
        let mut reader = responses().stream_reader();
        reader.push(&stream);
        reader.summary();
        let mut reader = responses().piece_reader();
        reader.push(&stream, &mut |_| {});
    }
}
