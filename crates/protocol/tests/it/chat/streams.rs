use gateway_protocol::StreamPhase;
use proptest::prelude::{any, prop, proptest};

use super::{STREAMS, chat, cut, stream};
use crate::said::Said;
use crate::text;

fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Said {
    Said::after(chat(), chunks)
}

fn read_text(stream: &str) -> Said {
    read([stream.as_bytes()])
}

fn phases(name: &str) -> Vec<StreamPhase> {
    let mut reader = chat().stream_reader();
    let mut phases = vec![reader.phase()];
    for event in text(stream(name)).split_inclusive("\n\n") {
        let (most, last) = event.split_at(event.len() - 1);
        let before = reader.phase();
        reader.push(most.as_bytes());
        assert_eq!(reader.phase(), before);
        assert!(reader.is_mid_event() || event.starts_with(':'));
        reader.push(last.as_bytes());
        assert!(!reader.is_mid_event());
        phases.push(reader.phase());
    }
    reader.end();
    phases.push(reader.phase());
    phases.dedup();
    phases
}

#[test]
fn what_every_recorded_stream_says() {
    let all: Vec<_> = STREAMS
        .iter()
        .map(|(name, stream)| format!("{name} {:#?}", read([*stream])))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_stream_goes_through_its_phases() {
    use StreamPhase::{Complete, Content, Failed, Finished, Head};
    for name in ["text", "parallel_tools", "deepseek", "refusal", "function_call"] {
        assert_eq!(phases(name), [Head, Content, Complete, Finished], "{name}");
    }
    assert_eq!(phases("without_done"), [Head, Content, Complete, Finished]);
    assert_eq!(phases("error_first"), [Head, Failed]);
    assert_eq!(phases("openrouter_error"), [Head, Content, Failed]);
}

#[test]
fn a_truncated_stream_is_no_complete_message() {
    assert_eq!(phases("cut_off"), [StreamPhase::Head, StreamPhase::Content]);
}

#[test]
fn of_several_choices_all_must_have_ended() {
    let begin =
        r#"data: {"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#;
    let end = |index| format!("\n\ndata: {{\"choices\":[{{\"index\":{index},\"finish_reason\":\"stop\"}}]}}");
    let half = format!("{begin}{}\n\n", end(1));
    assert_eq!(read_text(&half).phase, StreamPhase::Content);
    let whole = format!("{begin}{}{}\n\n", end(1), end(0));
    assert_eq!(read_text(&whole).phase, StreamPhase::Complete);
}

#[test]
fn nothing_but_the_answer_is_content() {
    let nothing = [
        "data:\n\n",
        "data: [1]\n\n",
        "data: {\"choices\":[]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"\"}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":[],\"refusal\":null},\"finish_reason\":null}]}\n\n",
        "data: {\"error\":null}\n\n",
        "data: {\"choi",
        ": comment\n\n",
        "event: ping\n\n",
    ];
    for event in nothing {
        assert_eq!(read_text(event).phase, StreamPhase::Head, "{event}");
    }
    let content = [
        r#"{"content":"a"}"#,
        r#"{"reasoning":"a"}"#,
        r#"{"reasoning_content":"a"}"#,
        r#"{"refusal":"a"}"#,
        r#"{"tool_calls":[{"index":0}]}"#,
        r#"{"function_call":{}}"#,
        r#"{"audio":{}}"#,
        r#"{"content":[{"type":"text"}]}"#,
    ];
    for delta in content {
        let event = format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
        assert_eq!(read_text(&event).phase, StreamPhase::Content, "{delta}");
    }
}

#[test]
fn the_end_is_the_end() {
    let said = read_text("data: [DONE]\n\ndata: {\"error\":{}}\n\n");
    assert_eq!(said.phase, StreamPhase::Finished);
    let said = read_text("event: error\ndata: <html>\n\ndata: [DONE]\n\n");
    assert_eq!(
        (said.phase, said.error_event.as_deref()),
        (StreamPhase::Failed, Some("<html>"))
    );
}

#[test]
fn an_interrupted_stream_keeps_the_usage_that_it_told() {
    let whole = text(stream("xai"));
    let cut = &whole[..whole.find("\"content\":\".\"").unwrap()];
    let tokens = read_text(cut).summary.usage.unwrap().tokens;
    assert_eq!((tokens.input, tokens.cache_read, tokens.output), (20, 10, 101));
}

#[test]
fn an_abandoned_event_is_over_and_the_error_behind_it_is_whole() {
    let error = gateway_protocol::ErrorAnswer {
        kind: gateway_protocol::ErrorKind::Internal,
        message: "the answer broke off",
        request_id: "r",
        code: None,
        retry_after: None,
    };
    let whole = stream("cut_off");
    for end in 0..whole.len() {
        let mut reader = chat().stream_reader();
        reader.push(&whole[..end]);
        if reader.is_mid_event() {
            reader.push(chat().abandoned_event());
            assert!(!reader.is_mid_event(), "cut at {end}");
        }
        reader.push(&chat().error_event(&error));
        assert_eq!(
            reader.error_event(),
            Some(&*chat().error_body(&error)),
            "cut at {end}"
        );
    }
}

#[test]
fn a_keep_alive_is_a_whole_event_that_means_nothing() {
    let mut reader = chat().stream_reader();
    reader.push(chat().keep_alive().unwrap());
    assert_eq!(reader.phase(), StreamPhase::Head);
    assert!(!reader.is_mid_event());
}

#[test]
fn an_endless_event_is_not_kept() {
    let mut reader = chat().stream_reader();
    let megabyte = vec![b'x'; 1024 * 1024];
    reader.push(b"data: ");
    for _ in 0..16 {
        reader.push(&megabyte);
    }
    reader.push(b"\n\n");
    assert_eq!(reader.phase(), StreamPhase::Content);
    assert_eq!(reader.estimated_output_tokens(), 4 * 1024 * 1024);
}

#[test]
fn hostile_nesting_costs_no_stack() {
    for open in ["[", "{\"choices\":[{\"delta\":{\"tool_calls\":[", "{\"usage\":"] {
        read_text(&format!("data: {}\n\n", open.repeat(30_000)));
    }
}

proptest! {
    #[test]
    fn chunk_borders_do_not_matter(
        fixture in prop::sample::select(STREAMS),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        assert_eq!(read(cut(fixture.1, &places)), read([fixture.1]));
    }

    #[test]
    fn garbage_never_panics(chunks: Vec<Vec<u8>>) {
        read(chunks.iter().map(Vec::as_slice));
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
        let mut reader = chat().stream_reader();
        reader.push(&stream);
        reader.summary();
    }
}
