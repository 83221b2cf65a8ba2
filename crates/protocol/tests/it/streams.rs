use gateway_protocol::StreamPhase;
use proptest::prelude::{any, prop, proptest};

use crate::said::Said;
use crate::{anthropic, text};

macro_rules! fixtures {
    ($($name:ident)*) => {
        const FIXTURES: &[(&str, &[u8])] =
            &[$((stringify!($name), include_bytes!(concat!("fixtures/", stringify!($name), ".sse")))),*];

        $(#[test]
        fn $name() {
            let stream: &[u8] = include_bytes!(concat!("fixtures/", stringify!($name), ".sse"));
            let said = read([stream]);
            insta::assert_debug_snapshot!(said);
        })*
    };
}

fixtures! {
    cache compaction cut_off error_first error_midway kimi parallel_tools pings_only text_only thinking web_search
}

fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Said {
    Said::after(anthropic(), chunks)
}

fn read_text(stream: &str) -> Said {
    read([stream.as_bytes()])
}

fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn start() -> String {
    event(
        "message_start",
        r#"{"message":{"usage":{"input_tokens":10,"output_tokens":1}}}"#,
    )
}

#[test]
fn the_phase_goes_on_with_whole_events_only() {
    let mut reader = anthropic().stream_reader();
    let mut phases = Vec::new();
    for event in text(include_bytes!("fixtures/text_only.sse")).split_inclusive("\n\n") {
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
fn an_event_without_a_name_is_not_content() {
    assert_eq!(
        read_text("data: {\"type\":\"content_block_start\"}\n\n").phase,
        StreamPhase::Head
    );
    assert_eq!(
        read_text("data: {\"type\":\"message_stop\"}\n\n").phase,
        StreamPhase::Head
    );
}

#[test]
fn an_event_without_data_is_not_content() {
    assert_eq!(
        read_text("event: content_block_start\n\nevent: message_stop\n\n").phase,
        StreamPhase::Head
    );
}

#[test]
fn an_event_of_an_unknown_name_is_content() {
    assert_eq!(
        read_text(&event("from_the_future", "{}")).phase,
        StreamPhase::Content
    );
}

#[test]
fn the_name_may_stand_below_the_data() {
    let said = read_text("data: {\"usage\":{\"output_tokens\":7}}\nevent: message_delta\n\n");
    assert_eq!(said.summary.usage.unwrap().tokens.output, 7);
}

#[test]
fn an_error_that_is_no_json_is_an_error() {
    let said = read_text(&event("error", "<html>"));
    assert_eq!(
        (said.phase, said.error_event.as_deref()),
        (StreamPhase::Failed, Some("<html>"))
    );
    assert_eq!(read_text("event: error\n\n").error_event.as_deref(), Some(""));
}

#[test]
fn the_end_is_the_end() {
    let end = event("message_stop", "{}") + &event("error", "{}") + &start();
    let said = read_text(&end);
    assert_eq!((said.phase, said.summary.usage), (StreamPhase::Finished, None));
    assert_eq!(
        read_text(&(event("error", "{}") + &end)).phase,
        StreamPhase::Failed
    );
}

#[test]
fn later_counts_replace_earlier_ones_but_only_where_they_say_something() {
    let usage = |usage: &str| {
        let stream = event(
            "message_start",
            concat!(
                r#"{"message":{"usage":{"input_tokens":100,"output_tokens":3,"cache_read_input_tokens":50,"#,
                r#""cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":20}}}}"#
            ),
        ) + &event("message_delta", &format!(r#"{{"usage":{usage}}}"#));
        let tokens = read_text(&stream).summary.usage.unwrap().tokens;
        let writes = (tokens.cache_write_5m, tokens.cache_write_1h);
        (tokens.input, tokens.cache_read, writes, tokens.output)
    };
    assert_eq!(usage(r#"{"output_tokens":7}"#), (100, 50, (5, 20), 7));
    assert_eq!(
        usage(r#"{"input_tokens":null,"output_tokens":2}"#),
        (100, 50, (5, 20), 2)
    );
    assert_eq!(
        usage(r#"{"input_tokens":0,"cache_read_input_tokens":0}"#),
        (0, 0, (5, 20), 3)
    );
    assert_eq!(
        usage(r#"{"input_tokens":-1,"output_tokens":1.5}"#),
        (100, 50, (5, 20), 3)
    );
    assert_eq!(
        usage(r#"{"cache_creation_input_tokens":25}"#),
        (100, 50, (5, 20), 3)
    );
    assert_eq!(
        usage(r#"{"cache_creation_input_tokens":40}"#),
        (100, 50, (20, 20), 3)
    );
    assert_eq!(
        usage(r#"{"cache_creation_input_tokens":0}"#),
        (100, 50, (0, 0), 3)
    );
    assert_eq!(usage("7"), (100, 50, (5, 20), 3));
}

#[test]
fn a_break_within_an_event_is_passed_over_and_the_error_is_whole() {
    let error = gateway_protocol::ErrorAnswer {
        kind: gateway_protocol::ErrorKind::Internal,
        message: "the answer broke off",
        request_id: "r",
        code: None,
        retry_after: None,
    };
    let whole = include_bytes!("fixtures/text_only.sse");
    let content = whole.len() - event("message_stop", r#"{"type":"message_stop"}"#).len();
    for cut in 0..content {
        let mut reader = anthropic().stream_reader();
        reader.push(&whole[..cut]);
        if reader.is_mid_event() {
            let before = reader.phase();
            reader.push(anthropic().abandoned_event());
            assert_eq!(reader.phase(), before, "cut at {cut}");
            assert!(!reader.is_mid_event(), "cut at {cut}");
        }
        reader.push(&anthropic().error_event(&error));
        assert_eq!(
            reader.error_event(),
            Some(&*anthropic().error_body(&error)),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_keep_alive_is_a_whole_event_that_means_nothing() {
    let mut reader = anthropic().stream_reader();
    reader.push(anthropic().keep_alive().unwrap());
    assert_eq!(reader.phase(), StreamPhase::Head);
    assert!(!reader.is_mid_event());
}

#[test]
fn an_endless_event_is_not_kept() {
    let mut reader = anthropic().stream_reader();
    reader.push(start().as_bytes());
    let megabyte = vec![b'x'; 1024 * 1024];
    for name in [
        "content_block_delta",
        "content_block_start",
        "message_start",
        "message_delta",
    ] {
        reader.push(format!("event: {name}\ndata: ").as_bytes());
        for _ in 0..16 {
            reader.push(&megabyte);
        }
        reader.push(b"\n\n");
    }
    // Of a delta this long all is taken for text.
    assert_eq!(reader.estimated_output_tokens(), 4 * 1024 * 1024);
    assert_eq!(reader.summary().usage.unwrap().tokens.input, 10);

    reader.push(b"event: error\ndata: ");
    reader.push(&megabyte);
    reader.push(&megabyte);
    reader.push(b"\n\n");
    assert_eq!(reader.error_event().map(<[u8]>::len), Some(megabyte.len()));
}

#[test]
fn hostile_nesting_costs_no_stack() {
    for open in ["[", "{\"iterations\":[", "{\"usage\":"] {
        let nested = open.repeat(60_000);
        read_text(&event(
            "message_delta",
            &format!("{{\"usage\":{{\"iterations\":[{nested}"),
        ));
        read_text(&event(
            "content_block_delta",
            &format!("{{\"delta\":{{\"text\":{nested}"),
        ));
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
    fn line_ends_do_not_matter(fixture in prop::sample::select(FIXTURES), end in prop::sample::select(vec!["\r\n", "\r"])) {
        let stream = text(fixture.1).replace("\r\n", "\n");
        assert_eq!(read_text(&stream.replace('\n', end)), read_text(&stream));
    }

    #[test]
    fn garbage_never_panics(chunks: Vec<Vec<u8>>) {
        let mut reader = anthropic().stream_reader();
        for chunk in &chunks {
            reader.push(chunk);
        }
        reader.summary();
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
        let mut reader = anthropic().stream_reader();
        reader.push(&stream);
        reader.summary();
    }
}

#[test]
fn every_byte_by_itself_gives_the_same() {
    for (name, stream) in FIXTURES {
        assert_eq!(read(stream.chunks(1)), read([*stream]), "{name}");
    }
}
