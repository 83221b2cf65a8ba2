use bytes::Bytes;
use serde::Serialize;

use crate::json;
use crate::{ErrorAnswer, ErrorKind};

#[derive(Serialize)]
struct Envelope<'a> {
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'static str>,
    code: Option<&'static str>,
}

/// The body of an error answer. OpenAI's has no place for the request id, which the header tells.
#[must_use]
pub fn error_body(error: &ErrorAnswer<'_>) -> Bytes {
    let (r#type, code) = words(error.kind);
    let envelope = Envelope {
        error: Body {
            message: error.message,
            r#type,
            param: None,
            code,
        },
    };
    json::to_bytes(&envelope)
}

/// What OpenAI writes as `type` and `code`.
fn words(kind: ErrorKind) -> (&'static str, Option<&'static str>) {
    match kind {
        ErrorKind::Authentication => ("invalid_request_error", Some("invalid_api_key")),
        ErrorKind::Billing => ("insufficient_quota", Some("insufficient_quota")),
        ErrorKind::NotFound => ("invalid_request_error", Some("model_not_found")),
        ErrorKind::RateLimit => ("requests", Some("rate_limit_exceeded")),
        ErrorKind::InvalidRequest
        | ErrorKind::Permission
        | ErrorKind::MethodNotAllowed
        | ErrorKind::Conflict
        | ErrorKind::TooLarge
        | ErrorKind::UnsupportedMediaType => ("invalid_request_error", None),
        ErrorKind::Internal
        | ErrorKind::BadGateway
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::Overloaded => ("server_error", None),
    }
}
