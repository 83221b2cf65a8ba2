use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::json;
use crate::translation::ProviderError;
use crate::{ErrorAnswer, ErrorKind};

/// The words by which clients know that they must shorten the conversation.
const TOO_LONG: &str = "prompt is too long";

#[derive(Serialize)]
struct Envelope<'a> {
    r#type: &'static str,
    error: Body<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    message: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

#[derive(Serialize)]
struct Details {
    error_code: &'static str,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    error: SaidError<'a>,
}

#[derive(Deserialize)]
struct SaidError<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    message: String,
}

pub(super) fn body(error: &ErrorAnswer<'_>) -> Bytes {
    let message = match error.kind {
        ErrorKind::ContextTooLong if !error.message.contains(TOO_LONG) => {
            Cow::Owned(format!("{TOO_LONG}: {}", error.message))
        }
        _ => Cow::Borrowed(error.message),
    };
    let envelope = Envelope {
        r#type: "error",
        error: Body {
            r#type: error.kind.anthropic_type(),
            message,
            details: error.code.map(|error_code| Details { error_code }),
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

/// What the body of an error answer says.
pub(super) fn read(body: &[u8]) -> Option<ProviderError> {
    let Said { error } = serde_json::from_slice(body).ok()?;
    Some(ProviderError {
        is_too_long: is_too_long(&error.message),
        message: error.message,
    })
}

/// What the error event of a stream says. Whose fault it is the client shall not mistake: what concerns the account
/// is none of its own.
pub(super) fn read_event(data: &[u8]) -> (ErrorKind, String) {
    let Ok(Said { error }) = serde_json::from_slice(data) else {
        let message = "the model's provider broke the answer off".to_owned();
        return (ErrorKind::BadGateway, message);
    };
    let kind = match &*error.kind {
        "invalid_request_error" if is_too_long(&error.message) => ErrorKind::ContextTooLong,
        "invalid_request_error" => ErrorKind::InvalidRequest,
        "rate_limit_error" => ErrorKind::RateLimit,
        "timeout_error" => ErrorKind::Timeout,
        "overloaded_error" => ErrorKind::Overloaded,
        _ => ErrorKind::BadGateway,
    };
    (kind, error.message)
}

fn is_too_long(message: &str) -> bool {
    message.contains(TOO_LONG) || message.contains("exceed context limit")
}
