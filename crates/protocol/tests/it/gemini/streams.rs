use std::fmt::Write as _;

use gateway_protocol::{ErrorAnswer, ErrorKind, StreamPhase};
use proptest::prelude::{any, prop, proptest};
use serde::de::IgnoredAny;

use super::{STREAMS, gemini, stream};
use crate::said::Said;
use crate::text;

fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Said {
    Said::after(gemini(), chunks)
}

fn read_text(stream: &str) -> Said {
    read([stream.as_bytes()])
}

fn event(data: &str) -> String {
    format!("data: {data}\r\n\r\n")
}

#[test]
fn every_stream_as_it_ends() {
    let mut all = String::new();
    for (name, stream) in STREAMS {
        writeln!(all, "{name}: {:#?}", read([*stream])).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn the_phase_goes_on_with_whole_events_only() {
    let mut reader = gemini().stream_reader();
    let mut phases = Vec::new();
    for event in stream("text").split_inclusive("\r\n\r\n") {
        let (most, last) = event.split_at(event.len() - 1);
        reader.push(&most.as_bytes()[..most.len() - 2]);
        let before = reader.phase();
        assert!(reader.is_mid_event());
        reader.push(&most.as_bytes()[most.len() - 2..]);
        reader.push(last.as_bytes());
        assert!(!reader.is_mid_event());
        phases.extend([before, reader.phase()]);
    }
    phases.dedup();
    assert_eq!(
        phases,
        [StreamPhase::Head, StreamPhase::Content, StreamPhase::Complete]
    );
    reader.end();
    assert_eq!(reader.phase(), StreamPhase::Finished);
}

#[test]
fn a_stream_that_ends_before_its_reason_is_not_finished() {
    let mut reader = gemini().stream_reader();
    reader.push(stream("cut_off").as_bytes());
    reader.end();
    assert_eq!(reader.phase(), StreamPhase::Content);
    assert!(reader.is_mid_event());
}

#[test]
fn counts_without_content_are_no_content() {
    let said = read_text(&event(r#"{"usageMetadata":{"promptTokenCount":5}}"#));
    assert_eq!(said.phase, StreamPhase::Head);
    assert_eq!(said.summary.usage.unwrap().tokens.input, 5);
    let empty = read_text(&event(r#"{"candidates":[{"content":{"parts":[{"text":""}]}}]}"#));
    assert_eq!(empty.phase, StreamPhase::Head);
}

#[test]
fn every_reason_that_means_no_answer_fails_before_content_and_completes_after_it() {
    for reason in [
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "OTHER",
    ] {
        let end = format!(r#"{{"candidates":[{{"finishReason":"{reason}"}}]}}"#);
        let said = read_text(&event(&end));
        assert_eq!(said.phase, StreamPhase::Failed, "{reason}");
        assert_eq!(said.error_event, Some(end.clone()), "{reason}");
        let text = event(r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#);
        let said = read_text(&(text + &event(&end)));
        assert_eq!(said.phase, StreamPhase::Complete, "{reason}");
    }
}

#[test]
fn an_error_after_the_reason_is_an_error() {
    let end = event(r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#);
    assert_eq!(read_text(&end).phase, StreamPhase::Complete);
    let error = event(r#"{"error":{"code":500}}"#);
    assert_eq!(read_text(&(end + &error)).phase, StreamPhase::Failed);
    assert_eq!(read_text(&(error.clone() + &error)).phase, StreamPhase::Failed);
}

#[test]
fn a_break_within_an_event_says_nothing_and_the_error_behind_it_is_whole() {
    let error = ErrorAnswer {
        kind: ErrorKind::BadGateway,
        message: "the answer broke off",
        request_id: "r",
        code: None,
        retry_after: None,
    };
    let whole = stream("thinking").as_bytes();
    let last = stream("thinking").rfind("data: ").unwrap();
    for cut in 0..last + 40 {
        let mut reader = gemini().stream_reader();
        reader.push(&whole[..cut]);
        // Where all of the event has come but its line's end, that makes it whole.
        let begun = text(&whole[..cut]).rsplit("data: ").next().unwrap();
        if reader.is_mid_event() && serde_json::from_str::<IgnoredAny>(begun).is_err() {
            let before = reader.phase();
            reader.push(gemini().abandoned_event());
            assert_eq!(reader.phase(), before, "cut at {cut}");
        } else {
            reader.push(gemini().abandoned_event());
        }
        assert!(!reader.is_mid_event(), "cut at {cut}");
        reader.push(&gemini().error_event(&error));
        assert_eq!(
            reader.error_event(),
            Some(&*gemini().error_body(&error)),
            "cut at {cut}"
        );
    }
}

#[test]
fn there_is_nothing_to_keep_a_stream_alive_with() {
    assert_eq!(gemini().keep_alive(), None);
}

#[test]
fn an_endless_event_is_not_kept() {
    let mut reader = gemini().stream_reader();
    let megabyte = vec![b'x'; 1024 * 1024];
    reader.push(b"data: {\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"data\":\"");
    for _ in 0..16 {
        reader.push(&megabyte);
    }
    reader.push(b"\"}}]},\"finishReason\":\"STOP\"}]}\r\n\r\n");
    assert_eq!(reader.phase(), StreamPhase::Content);
}

#[test]
fn hostile_nesting_costs_no_stack() {
    for open in ["[", "{\"candidates\":[", "{\"content\":{\"parts\":["] {
        read_text(&event(&open.repeat(60_000)));
        read_text(&event(&format!("{{\"candidates\":{}", open.repeat(60_000))));
    }
}

#[test]
fn every_byte_by_itself_gives_the_same() {
    for (name, stream) in STREAMS {
        assert_eq!(read(stream.chunks(1)), read([*stream]), "{name}");
    }
}

proptest! {
    #[test]
    fn chunk_borders_do_not_matter(
        fixture in prop::sample::select(STREAMS),
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
    fn line_ends_do_not_matter(fixture in prop::sample::select(STREAMS), end in prop::sample::select(vec!["\n", "\r"])) {
        let stream = text(fixture.1);
        let said = read_text(&stream.replace("\r\n", end));
        assert_eq!(said, read_text(stream));
    }

    #[test]
    fn garbage_never_panics(chunks: Vec<Vec<u8>>) {
        let mut reader = gemini().stream_reader();
        for chunk in &chunks {
            reader.push(chunk);
        }
        reader.summary();
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
        let mut reader = gemini().stream_reader();
        reader.push(&stream);
        reader.summary();
    }
}
