use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::json;
use crate::translation::ProviderError;
use crate::{ErrorAnswer, ErrorKind, Framing};

use super::framing::Framer;

/// A `google.rpc.Status` in its envelope.
#[derive(Serialize)]
struct Envelope<'a> {
    error: Status<'a>,
}

#[derive(Serialize)]
struct Status<'a> {
    code: u16,
    message: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail<'a>>,
}

/// What `google.rpc` has a place for besides.
#[derive(Serialize)]
#[serde(tag = "@type")]
enum Detail<'a> {
    #[serde(rename = "type.googleapis.com/google.rpc.RetryInfo", rename_all = "camelCase")]
    RetryInfo { retry_delay: String },
    #[serde(
        rename = "type.googleapis.com/google.rpc.RequestInfo",
        rename_all = "camelCase"
    )]
    RequestInfo { request_id: &'a str },
}

/// What a provider says. What it leaves out says nothing.
#[derive(Deserialize)]
struct Told {
    error: ToldStatus,
}

#[derive(Deserialize)]
struct ToldStatus {
    message: String,
}

pub(super) fn body(error: &ErrorAnswer<'_>) -> Bytes {
    let wait = error.retry_after.map(|wait| Detail::RetryInfo {
        // Rounded up, as in the header: whoever waits so long does not come too early.
        retry_delay: format!("{}s", wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
    });
    let name = (!error.request_id.is_empty()).then_some(Detail::RequestInfo {
        request_id: error.request_id,
    });
    let envelope = Envelope {
        error: Status {
            code: code(error.kind),
            message: error.message,
            status: word(error.kind),
            details: wait.into_iter().chain(name).collect(),
        },
    };
    json::to_bytes(&envelope)
}

/// The HTTP status, which the body repeats. Clients know no others of the gateway's and the provider's own troubles.
pub(super) const fn code(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::NoAccount
        | ErrorKind::BadGateway
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::Overloaded => 503,
        kind => kind.status(),
    }
}

const fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest
        | ErrorKind::ContextTooLong
        | ErrorKind::TooLarge
        | ErrorKind::UnsupportedMediaType => "INVALID_ARGUMENT",
        ErrorKind::Authentication => "UNAUTHENTICATED",
        // Not RESOURCE_EXHAUSTED, after which clients come again: it takes somebody who pays.
        ErrorKind::Billing => "FAILED_PRECONDITION",
        ErrorKind::Permission => "PERMISSION_DENIED",
        ErrorKind::NotFound | ErrorKind::ModelNotFound => "NOT_FOUND",
        ErrorKind::MethodNotAllowed => "UNIMPLEMENTED",
        ErrorKind::Conflict => "ABORTED",
        ErrorKind::RateLimit => "RESOURCE_EXHAUSTED",
        ErrorKind::Internal => "INTERNAL",
        ErrorKind::NoAccount
        | ErrorKind::BadGateway
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::Overloaded => "UNAVAILABLE",
    }
}

/// What went wrong at a provider that answers with this code.
pub(super) const fn kind(code: u64) -> ErrorKind {
    match code {
        400 => ErrorKind::InvalidRequest,
        404 => ErrorKind::NotFound,
        429 => ErrorKind::RateLimit,
        500 => ErrorKind::Internal,
        503 => ErrorKind::Overloaded,
        504 => ErrorKind::Timeout,
        // An account that may not is none of the client's business.
        _ => ErrorKind::BadGateway,
    }
}

/// `body` as an event.
pub(super) fn event(body: &[u8]) -> Bytes {
    let mut event = Vec::new();
    Framer::new(Framing::Events).part(only(body), &mut event);
    event.into()
}

/// See [`Translate::read_error`](crate::translation::Translate::read_error).
pub(super) fn read(body: &[u8]) -> Option<ProviderError> {
    let told: Told = serde_json::from_slice(only(body)).ok()?;
    let message = told.error.message;
    Some(ProviderError {
        is_too_long: is_too_long(&message),
        message,
    })
}

/// Whether it is the conversation that is too long: `The input token count (1200000) exceeds the maximum number of
/// tokens allowed (1048576).`
pub(super) fn is_too_long(message: &str) -> bool {
    message.contains("exceeds the maximum number of tokens")
}

/// The object itself where it stands alone in a list, as in answers to streams without `alt=sse`.
fn only(body: &[u8]) -> &[u8] {
    let body = body.trim_ascii();
    match json::elements(body).next() {
        Some(Ok(first)) => first,
        _ => body,
    }
}
