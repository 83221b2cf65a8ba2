use bytes::Bytes;
use serde::Serialize;

use crate::ErrorAnswer;
use crate::json;

#[derive(Serialize)]
struct Envelope<'a> {
    r#type: &'static str,
    error: Body<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    message: &'a str,
}

pub(super) fn body(error: &ErrorAnswer<'_>) -> Bytes {
    let envelope = Envelope {
        r#type: "error",
        error: Body {
            r#type: error.kind.anthropic_type(),
            message: error.message,
        },
        request_id: error.request_id,
    };
    json::to_bytes(&envelope)
}

/// `body` as an event.
pub(super) fn event(body: &[u8]) -> Bytes {
    // Within JSON a line end is never more than space, but it would end the event's line.
    let line = body.iter().map(|byte| {
        if matches!(byte, b'\n' | b'\r') {
            b' '
        } else {
            *byte
        }
    });
    let start = b"event: error\ndata: ".iter().copied();
    start.chain(line).chain(*b"\n\n").collect()
}
