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

pub(super) fn event(error: &ErrorAnswer<'_>) -> Bytes {
    let parts: [&[u8]; 3] = [b"event: error\ndata: ", &body(error), b"\n\n"];
    parts.concat().into()
}
