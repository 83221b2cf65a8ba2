use bytes::Bytes;
use gateway_protocol::translation::Rewriter;
use gateway_protocol::{Address, ErrorAnswer, ErrorKind, Passing};
use proptest::prelude::{any, prop, proptest};

use super::{STREAMS, chat, cut, stream};
use crate::text;

const ERROR: ErrorAnswer<'static> = ErrorAnswer {
    kind: ErrorKind::BadGateway,
    message: "the answer broke off",
    request_id: "r",
    code: None,
    retry_after: None,
};

fn pass(body: &str) -> Passing {
    let body = Bytes::from(body.to_owned());
    let peek = chat().peek(&body, &Address::default()).unwrap();
    chat().pass(&body, &peek)
}

fn rewriter(options: &str) -> Box<dyn Rewriter + Send> {
    pass(&format!(r#"{{"model":"m","stream":true{options}}}"#))
        .rewriter
        .unwrap()()
}

/// One that hides the usage.
fn hiding() -> Box<dyn Rewriter + Send> {
    rewriter("")
}

/// One of a client that wants to have the usage.
fn telling() -> Box<dyn Rewriter + Send> {
    rewriter(r#","stream_options":{"include_usage":true}"#)
}

fn run<'a>(mut rewriter: Box<dyn Rewriter + Send>, chunks: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut out = Vec::new();
    for chunk in chunks {
        rewriter.push(chunk, &mut out);
    }
    rewriter.end(&mut out);
    String::from_utf8(out).unwrap()
}

#[track_caller]
fn assert_body(given: &str, sent: &str) {
    assert_eq!(pass(given).body, sent);
}

#[test]
fn a_request_that_is_not_streamed_passes_as_it_is() {
    let body = Bytes::from(r#"{"model":"m"}"#);
    let peek = chat().peek(&body, &Address::default()).unwrap();
    let passing = chat().pass(&body, &peek);
    assert_eq!(passing.body.as_ptr(), body.as_ptr());
    assert!(passing.rewriter.is_none());
}

#[test]
fn a_stream_that_asks_for_its_usage_passes_as_it_is() {
    let body = r#"{"model":"m","stream":true,"stream_options":{ "include_usage" : true }}"#;
    assert_body(body, body);
}

#[test]
fn a_stream_is_made_to_tell_its_usage_and_no_other_byte_changes() {
    assert_body(
        " {\t\"model\":\"m\",\"stream\":true, \"x\":1.0, \"y\":\"\\ud800\"}",
        " {\"stream_options\":{\"include_usage\":true},\t\"model\":\"m\",\"stream\":true, \"x\":1.0, \"y\":\"\\ud800\"}",
    );
    assert_body(
        r#"{"stream":true,"stream_options": null ,"model":"m"}"#,
        r#"{"stream":true,"stream_options": {"include_usage":true} ,"model":"m"}"#,
    );
    assert_body(
        r#"{"stream":true,"stream_options":{ },"model":"m"}"#,
        r#"{"stream":true,"stream_options":{"include_usage":true },"model":"m"}"#,
    );
    assert_body(
        r#"{"stream":true,"stream_options":{"include_obfuscation":false},"model":"m"}"#,
        r#"{"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},"model":"m"}"#,
    );
    assert_body(
        r#"{"stream":true,"stream_options":{"include_usage": false },"model":"m"}"#,
        r#"{"stream":true,"stream_options":{"include_usage": true },"model":"m"}"#,
    );
    assert_body(
        r#"{"stream":true,"stream_\u006fptions":{"a":{"include_usage":true},"include_us\u0061ge":null},"model":"m"}"#,
        r#"{"stream":true,"stream_\u006fptions":{"a":{"include_usage":true},"include_us\u0061ge":true},"model":"m"}"#,
    );
}

#[test]
fn the_usage_chunk_never_reaches_a_client_that_did_not_ask_for_it() {
    for name in ["text", "parallel_tools", "interleaved_tools"] {
        let whole = text(stream(name));
        let usage = whole
            .split_inclusive("\n\n")
            .find(|event| event.contains("\"choices\":[],\"usage\":{"))
            .unwrap();
        assert_eq!(
            run(hiding(), [whole.as_bytes()]),
            whole.replace(usage, ""),
            "{name}"
        );
        assert_eq!(run(telling(), [whole.as_bytes()]), whole, "{name}");
    }
}

#[test]
fn usage_within_other_chunks_and_chunks_without_choices_stay() {
    for name in [
        "deepseek",
        "xai",
        "moonshot",
        "groq",
        "gemini_tools",
        "openrouter_error",
    ] {
        assert_eq!(run(hiding(), [stream(name)]), text(stream(name)), "{name}");
    }
    let filter = text(stream("azure")).split_inclusive("\n\n").next().unwrap();
    assert!(run(hiding(), [stream("azure")]).starts_with(filter));
    let moderation = "data: {\"choices\":[],\"usage\":null,\"moderation\":{}}\n\n";
    assert_eq!(run(hiding(), [moderation.as_bytes()]), moderation);
}

#[test]
fn an_event_is_passed_on_as_soon_as_it_is_whole() {
    let mut rewriter = hiding();
    for event in text(stream("cut_off")).split_inclusive("\n\n") {
        let (most, last) = event.split_at(event.len() - 1);
        let mut out = Vec::new();
        rewriter.push(most.as_bytes(), &mut out);
        assert_eq!(text(&out), "");
        rewriter.push(last.as_bytes(), &mut out);
        assert_eq!(text(&out), event);
    }
}

#[test]
fn a_break_within_an_event_leaves_the_client_with_whole_ones_and_the_error() {
    let whole = stream("text");
    let content = whole.len() - "data: [DONE]\n\n".len();
    for end in 0..content {
        for mut rewriter in [hiding(), telling()] {
            let mut out = Vec::new();
            rewriter.push(&whole[..end], &mut out);
            rewriter.fail(&ERROR, &mut out);
            let out = text(&out);
            let events: Vec<_> = out.split_terminator("\n\n").collect();
            for event in &events {
                let data = event.strip_prefix("data: ").unwrap();
                assert!(
                    serde_json::from_str::<serde_json::Value>(data).is_ok(),
                    "{end}: {event}"
                );
            }
            assert!(events.last().unwrap().contains("the answer broke off"), "{end}");
        }
    }
}

#[test]
fn nothing_follows_the_end_or_an_error() {
    for name in ["text", "openrouter_error"] {
        let mut rewriter = telling();
        let mut out = Vec::new();
        rewriter.push(stream(name), &mut out);
        rewriter.fail(&ERROR, &mut out);
        rewriter.end(&mut out);
        assert_eq!(text(&out), text(stream(name)), "{name}");
    }
}

#[test]
fn what_is_no_stream_of_events_comes_out_at_its_end() {
    let body = br#"{"error":{"message":"no"}}"#;
    assert_eq!(run(hiding(), [body.as_slice()]), text(body));
}

#[test]
fn an_endless_event_is_passed_on_and_not_kept() {
    let mut rewriter = hiding();
    let megabyte = vec![b'x'; 1024 * 1024];
    let mut out = Vec::new();
    rewriter.push(b"data: {\"usage\":{},\"a\":\"", &mut out);
    let mut pushed = 0;
    for _ in 0..4 {
        rewriter.push(&megabyte, &mut out);
        pushed += megabyte.len();
        assert!(out.len() >= pushed, "{pushed}");
    }
    rewriter.fail(&ERROR, &mut out);
    let tail = text(&out[out.len() - 200..]);
    assert!(tail.contains("xx\n\ndata: {\"error\""), "{tail}");
}

proptest! {
    #[test]
    fn chunk_borders_do_not_matter(
        fixture in prop::sample::select(STREAMS),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
    ) {
        let whole = text(fixture.1).replace("\r\n", "\n").replace('\n', end);
        for rewriter in [hiding, telling] {
            let cut = cut(whole.as_bytes(), &places);
            assert_eq!(run(rewriter(), cut), run(rewriter(), [whole.as_bytes()]));
        }
        assert_eq!(run(telling(), whole.as_bytes().chunks(1)), whole);
        assert!(!run(hiding(), whole.as_bytes().chunks(1)).contains("\"choices\":[],\"usage\":{"));
    }

    #[test]
    fn garbage_passes(chunks: Vec<Vec<u8>>) {
        let mut rewriter = telling();
        let mut out = Vec::new();
        for chunk in &chunks {
            rewriter.push(chunk, &mut out);
        }
        rewriter.end(&mut out);
        assert_eq!(out, chunks.concat());
    }
}
