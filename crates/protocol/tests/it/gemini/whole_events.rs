use bytes::Bytes;
use gateway_protocol::translation::Rewriter;
use gateway_protocol::{Address, ErrorAnswer, ErrorKind, Framing};
use proptest::prelude::{any, prop, proptest};

use super::{STREAMS, gemini, stream};

const BROKE_OFF: ErrorAnswer<'static> = ErrorAnswer {
    kind: ErrorKind::Internal,
    message: "the answer broke off",
    request_id: "r",
    code: None,
    retry_after: None,
};

fn rewriter(stream: bool) -> Option<Box<dyn Rewriter + Send>> {
    let address = Address {
        model: Some("m"),
        stream,
        framing: Framing::Events,
    };
    let body = Bytes::from_static(b"{}");
    let peek = gemini().peek(&body, &address).unwrap();
    gemini().pass(&body, &peek).rewriter.map(|make| make())
}

fn passed<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let (mut rewriter, mut out) = (rewriter(true).unwrap(), Vec::new());
    for chunk in chunks {
        rewriter.push(chunk, &mut out);
    }
    rewriter.end(&mut out);
    out
}

#[test]
fn an_answer_that_is_no_stream_is_left_alone() {
    assert!(rewriter(false).is_none());
}

#[test]
fn every_byte_passes() {
    for (name, stream) in STREAMS {
        assert_eq!(passed([*stream]), *stream, "{name}");
        assert_eq!(passed(stream.chunks(1)), *stream, "{name}");
    }
}

#[test]
fn an_event_passes_with_its_last_byte_and_not_before() {
    for end in ["\r\n", "\n", "\r"] {
        let mut rewriter = rewriter(true).unwrap();
        for event in stream("text").split_inclusive("\r\n\r\n") {
            let event = event.replace("\r\n", end);
            let (most, last) = event.as_bytes().split_at(event.len() - end.len());
            let mut out = Vec::new();
            rewriter.push(most, &mut out);
            assert_eq!(out, b"", "{end:?}");
            rewriter.push(last, &mut out);
            assert_eq!(out, event.as_bytes(), "{end:?}");
        }
    }
}

#[test]
fn a_stream_that_breaks_off_has_whole_events_and_the_error() {
    let whole = stream("thinking");
    let error = gemini().error_event(&BROKE_OFF);
    for cut in 0..whole.len() {
        let (mut rewriter, mut out) = (rewriter(true).unwrap(), Vec::new());
        rewriter.push(&whole.as_bytes()[..cut], &mut out);
        rewriter.fail(&BROKE_OFF, &mut out);
        rewriter.end(&mut out);
        let before = out.strip_suffix(&*error).unwrap();
        assert!(whole.as_bytes().starts_with(before), "cut at {cut}");
        assert!(
            before.is_empty() || before.ends_with(b"\r\n\r\n") || before.ends_with(b"\r\n\r"),
            "cut at {cut}"
        );
    }
}

#[test]
fn an_event_that_is_too_long_is_not_held() {
    let (mut rewriter, mut out) = (rewriter(true).unwrap(), Vec::new());
    rewriter.push(b"data: {\"a\":\"", &mut out);
    let megabyte = vec![b'x'; 1024 * 1024];
    for _ in 0..16 {
        rewriter.push(&megabyte, &mut out);
    }
    assert_eq!(out.len(), 16 * megabyte.len() + 12);
    out.clear();
    rewriter.fail(&BROKE_OFF, &mut out);
    assert_eq!(
        out,
        [gemini().abandoned_event(), &gemini().error_event(&BROKE_OFF)].concat()
    );
}

proptest! {
    #[test]
    fn nothing_is_lost_or_added(stream in "[a\r\n]{0,40}", cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let stream = stream.as_bytes();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let (mut chunks, mut from) = (Vec::new(), 0);
        for cut in cuts {
            chunks.push(&stream[from..cut]);
            from = cut;
        }
        chunks.push(&stream[from..]);
        assert_eq!(passed(chunks), stream);
    }
}
