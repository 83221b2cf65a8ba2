use bytes::Bytes;
use gateway_protocol::translation::Rewriter;
use gateway_protocol::{Address, ErrorAnswer, ErrorKind, Framing};
use proptest::prelude::{any, prop, proptest};
use serde_json::Value;

use super::{STREAMS, gemini, stream};

const BROKE_OFF: ErrorAnswer<'static> = ErrorAnswer {
    kind: ErrorKind::BadGateway,
    message: "the answer broke off",
    request_id: "r",
    code: None,
    retry_after: None,
};

fn rewriter() -> Box<dyn Rewriter + Send> {
    let address = Address {
        model: Some("m"),
        stream: true,
        framing: Framing::Array,
    };
    let body = Bytes::from_static(b"{}");
    let peek = gemini().peek(&body, &address).unwrap();
    let passing = gemini().pass(&body, &peek);
    assert_eq!(passing.body, body);
    passing.rewriter.unwrap()()
}

fn elements(out: &[u8]) -> Vec<Value> {
    serde_json::from_slice(out).unwrap()
}

#[test]
fn events_become_the_elements_of_one_array() {
    let mut out = Vec::new();
    let mut rewriter = rewriter();
    rewriter.push(stream("text").as_bytes(), &mut out);
    rewriter.end(&mut out);
    let events = stream("text")
        .split("\r\n\r\n")
        .filter_map(|event| event.strip_prefix("data: "));
    let expected = format!("[{}]", events.collect::<Vec<_>>().join(",\r\n"));
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn each_event_goes_on_before_the_next_is_read() {
    let mut rewriter = rewriter();
    for event in stream("text").split_inclusive("\r\n\r\n") {
        let mut out = Vec::new();
        rewriter.push(event.as_bytes(), &mut out);
        let data = event.strip_prefix("data: ").unwrap().trim_end();
        assert!(out.ends_with(data.as_bytes()));
    }
}

#[test]
fn an_array_that_breaks_off_ends_with_the_error_wherever_it_does() {
    let whole = stream("thinking").as_bytes();
    for cut in 0..whole.len() {
        let (mut rewriter, mut out) = (rewriter(), Vec::new());
        rewriter.push(&whole[..cut], &mut out);
        rewriter.fail(&BROKE_OFF, &mut out);
        rewriter.end(&mut out);
        rewriter.push(&whole[cut..], &mut out);
        let elements = elements(&out);
        assert_eq!(elements.last().unwrap()["error"]["code"], 503, "cut at {cut}");
    }
}

#[test]
fn an_error_of_the_provider_is_the_last_element() {
    let (mut rewriter, mut out) = (rewriter(), Vec::new());
    rewriter.push(stream("error_midway").as_bytes(), &mut out);
    rewriter.fail(&BROKE_OFF, &mut out);
    let elements = elements(&out);
    assert_eq!(elements.len(), 2);
    assert_eq!(elements[1]["error"]["status"], "INTERNAL");
}

#[test]
fn a_stream_without_events_is_an_empty_array() {
    let (mut rewriter, mut out) = (rewriter(), Vec::new());
    rewriter.push(b": nothing\r\n\r\ndata: no json\r\n\r\n", &mut out);
    rewriter.end(&mut out);
    assert_eq!(out, b"[]");
}

proptest! {
    #[test]
    fn what_comes_out_is_always_an_array(
        fixture in prop::sample::select(STREAMS),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0x20_u8..0x7f), 0..8),
        size in 1_usize..200,
    ) {
        let mut stream = fixture.1.to_vec();
        for (place, byte) in damage {
            let place = place.index(stream.len());
            stream[place] = byte;
        }
        // Half a character is no text, and is passed on as it is.
        if std::str::from_utf8(&stream).is_ok() {
            let (mut whole, mut pieces) = (Vec::new(), Vec::new());
            let mut rewriter = rewriter();
            rewriter.push(&stream, &mut whole);
            rewriter.end(&mut whole);
            let mut rewriter = self::rewriter();
            for chunk in stream.chunks(size) {
                rewriter.push(chunk, &mut pieces);
            }
            rewriter.end(&mut pieces);
            assert_eq!(whole, pieces);
            assert!(serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(&whole).is_ok());
        }
    }
}
