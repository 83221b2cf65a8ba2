use bytes::Bytes;
use memchr::memmem;
use serde::Serialize;

use crate::json;
use crate::translation::ProviderError;
use crate::{ErrorAnswer, ErrorKind};

/// How providers word that the conversation has too many tokens: OpenAI and vLLM, xAI, Anthropic's and Gemini's
/// dialects of this one, llama.cpp.
const TOO_LONG: &[&str] = &[
    "maximum context length",
    "context_length_exceeded",
    "context window",
    "maximum prompt length",
    "prompt is too long",
    "exceeds the maximum number of tokens",
    "exceeds the available context size",
];

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
    envelope(error.kind, error.message)
}

/// The HTTP status of an error answer. Clients know no more than that a server is down, and come again.
pub(super) fn status(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::BadGateway | ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Overloaded => 503,
        kind => kind.status(),
    }
}

/// The body of an error answer, ours or a provider's, in the shape by which clients know an error in a stream.
pub(super) fn streamable(body: &[u8]) -> Bytes {
    let is_known = json::member(body, b"error").is_some_and(|error| !json::is_null(error));
    if is_known && json::members(body).all(|member| member.is_ok()) {
        return Bytes::copy_from_slice(body);
    }
    let said = read(body).map(|error| error.message);
    envelope(
        ErrorKind::Internal,
        said.as_deref().unwrap_or("The model's provider failed"),
    )
}

/// What a provider's error answer says: OpenAI's own, and what others make of it.
pub(super) fn read(body: &[u8]) -> Option<ProviderError> {
    // Gemini puts its errors into a list.
    let body = json::elements(body).next().and_then(Result::ok).unwrap_or(body);
    let error = json::member(body, b"error").filter(|error| !json::is_null(error));
    let code = error.and_then(|error| text_of(error, b"code"));
    let message = match error {
        Some(error) => json::text(error).or_else(|| text_of(error, b"message")),
        None => text_of(body, b"message").or_else(|| detail(body)),
    }?;
    let is_too_long = code.as_deref() == Some("context_length_exceeded") || says_too_long(&message);
    Some(ProviderError { message, is_too_long })
}

/// The kind of error that stands in a stream.
pub(super) fn kind(body: &[u8]) -> ErrorKind {
    let error = json::member(body, b"error").unwrap_or(body);
    let words = [text_of(error, b"code"), text_of(error, b"type")];
    let status = json::member(error, b"code").and_then(json::count);
    let says = |known: &[&str]| words.iter().flatten().any(|word| known.contains(&word.as_str()));
    if read(body).is_some_and(|error| error.is_too_long) {
        ErrorKind::ContextTooLong
    } else if status == Some(429) || says(&["rate_limit_exceeded", "rate_limit_error", "requests", "tokens"])
    {
        ErrorKind::RateLimit
    } else if matches!(status, Some(503 | 529)) || says(&["overloaded_error", "service_unavailable"]) {
        ErrorKind::Overloaded
    } else if matches!(status, Some(408 | 504)) || says(&["timeout", "timeout_error"]) {
        ErrorKind::Timeout
    } else if status == Some(400) || says(&["invalid_request_error"]) {
        ErrorKind::InvalidRequest
    } else {
        ErrorKind::Internal
    }
}

/// FastAPI's `detail`: a sentence, or a list of what is wrong.
fn detail(body: &[u8]) -> Option<String> {
    let detail = json::member(body, b"detail")?;
    json::text(detail).or_else(|| text_of(json::elements(detail).next()?.ok()?, b"msg"))
}

fn text_of(object: &[u8], key: &[u8]) -> Option<String> {
    json::member(object, key).and_then(json::text)
}

fn says_too_long(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    TOO_LONG
        .iter()
        .any(|words| memmem::find(message.as_bytes(), words.as_bytes()).is_some())
}

fn envelope(kind: ErrorKind, message: &str) -> Bytes {
    let (r#type, code) = words(kind);
    json::to_bytes(&Envelope {
        error: Body {
            message,
            r#type,
            param: None,
            code,
        },
    })
}

/// What OpenAI writes as `type` and `code`.
fn words(kind: ErrorKind) -> (&'static str, Option<&'static str>) {
    match kind {
        ErrorKind::Authentication => ("invalid_request_error", Some("invalid_api_key")),
        ErrorKind::Billing => ("insufficient_quota", Some("insufficient_quota")),
        ErrorKind::ModelNotFound => ("invalid_request_error", Some("model_not_found")),
        ErrorKind::RateLimit => ("requests", Some("rate_limit_exceeded")),
        ErrorKind::ContextTooLong => ("invalid_request_error", Some("context_length_exceeded")),
        ErrorKind::InvalidRequest
        | ErrorKind::Permission
        | ErrorKind::NotFound
        | ErrorKind::MethodNotAllowed
        | ErrorKind::Conflict
        | ErrorKind::TooLarge
        | ErrorKind::UnsupportedMediaType => ("invalid_request_error", None),
        ErrorKind::Internal
        | ErrorKind::NoAccount
        | ErrorKind::BadGateway
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::Overloaded => ("server_error", None),
    }
}
