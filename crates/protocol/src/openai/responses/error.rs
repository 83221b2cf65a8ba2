use bytes::Bytes;
use memchr::memmem;
use serde::Serialize;

use crate::json;
use crate::translation::ProviderError;
use crate::{ErrorAnswer, ErrorKind};

/// How servers say that a conversation has too many tokens, where they have no code for it.
const TOO_LONG: [&[u8]; 3] = [
    b"context window",
    b"maximum context length",
    b"prompt is too long",
];

/// As the reference has it, and once more as the provider sends it: by that the SDKs know that they have to raise it.
#[derive(Serialize)]
struct ErrorEvent<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    error: ToldError<'a>,
    sequence_number: u64,
    #[serde(rename = "error")]
    again: ToldError<'a>,
}

#[derive(Serialize, Clone, Copy)]
struct ToldError<'a> {
    code: Option<&'a str>,
    message: &'a str,
    param: Option<&'a str>,
}

impl<'a> ErrorEvent<'a> {
    const fn new(error: ToldError<'a>, sequence_number: u64) -> Self {
        Self {
            r#type: "error",
            error,
            sequence_number,
            again: error,
        }
    }
}

/// An error of ours as the event with this number.
pub(super) fn event(error: &ErrorAnswer<'_>, sequence_number: u64) -> Bytes {
    let error = ToldError {
        code: Some(code(error.kind)),
        message: error.message,
        param: None,
    };
    named("error", &json::to_bytes(&ErrorEvent::new(error, sequence_number)))
}

/// The body of an error answer, ours or a provider's, as an event. What is an event's data already stays as it is.
pub(super) fn event_of(body: &[u8]) -> Bytes {
    match json::member(body, b"type") {
        Some(b"\"error\"") => return named("error", body),
        Some(b"\"response.failed\"") => return named("response.failed", body),
        _ => {}
    }
    let said = Said::read(body);
    let error = ToldError {
        code: said.code.as_deref().or(Some("server_error")),
        message: said.message.as_deref().unwrap_or("The model's provider failed."),
        param: said.param.as_deref(),
    };
    // Which number it would have is not known where this is written, and clients do not ask.
    named("error", &json::to_bytes(&ErrorEvent::new(error, 0)))
}

fn named(name: &str, data: &[u8]) -> Bytes {
    // Within JSON a line end is never more than space, but it would end the event's line.
    let line = data.iter().map(|byte| match byte {
        b'\n' | b'\r' => b' ',
        byte => *byte,
    });
    let start = format!("event: {name}\ndata: ").into_bytes();
    start.into_iter().chain(line).chain(*b"\n\n").collect()
}

/// The code of an error within a stream.
pub(super) const fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ContextTooLong => "context_length_exceeded",
        ErrorKind::Authentication => "invalid_api_key",
        ErrorKind::Billing => "insufficient_quota",
        ErrorKind::ModelNotFound => "model_not_found",
        ErrorKind::RateLimit => "rate_limit_exceeded",
        ErrorKind::InvalidRequest
        | ErrorKind::Permission
        | ErrorKind::NotFound
        | ErrorKind::MethodNotAllowed
        | ErrorKind::Conflict
        | ErrorKind::TooLarge
        | ErrorKind::UnsupportedMediaType => "invalid_prompt",
        ErrorKind::Internal
        | ErrorKind::NoAccount
        | ErrorKind::BadGateway
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::Overloaded => "server_error",
    }
}

/// See [`Translate::read_error`](crate::translation::Translate::read_error).
pub(super) fn read(body: &[u8]) -> Option<ProviderError> {
    let said = Said::read(body);
    Some(ProviderError {
        is_too_long: said.is_too_long(),
        message: said.message?,
    })
}

/// Why a stream broke off, by the data of its error event.
pub(super) fn read_kind(data: &[u8]) -> ErrorKind {
    let said = Said::read(data);
    if said.is_too_long() {
        return ErrorKind::ContextTooLong;
    }
    let words = [said.code.as_deref(), said.r#type.as_deref()];
    words
        .into_iter()
        .flatten()
        .find_map(kind)
        .unwrap_or(ErrorKind::Internal)
}

fn kind(word: &str) -> Option<ErrorKind> {
    Some(match word {
        "rate_limit_exceeded" | "rate_limit_error" => ErrorKind::RateLimit,
        "server_is_overloaded" | "slow_down" | "overloaded_error" => ErrorKind::Overloaded,
        "timeout" | "timeout_error" | "vector_store_timeout" => ErrorKind::Timeout,
        // The account's, of which its clients know nothing.
        "insufficient_quota" | "invalid_api_key" | "billing_error" => ErrorKind::BadGateway,
        "invalid_request_error" | "invalid_prompt" => ErrorKind::InvalidRequest,
        word if word.contains("image") => ErrorKind::InvalidRequest,
        _ => return None,
    })
}

/// What an error answer, or an error event, says.
#[derive(Default)]
struct Said {
    message: Option<String>,
    r#type: Option<String>,
    code: Option<String>,
    param: Option<String>,
}

impl Said {
    /// Reads `{"error": {…}}`, which the data of an event may hold as well, or within its `response`; otherwise what
    /// stands at the top.
    fn read(body: &[u8]) -> Self {
        let response = json::member(body, b"response").unwrap_or(body);
        let error = json::member(response, b"error").filter(|error| !json::is_null(error));
        if let Some(message) = error.and_then(json::text) {
            return Self {
                message: Some(message),
                ..Self::default()
            };
        }
        let error = error.unwrap_or(body);
        let text = |key: &[u8]| json::member(error, key).and_then(json::text);
        Self {
            message: text(b"message").or_else(|| text(b"detail")),
            r#type: text(b"type"),
            code: text(b"code"),
            param: text(b"param"),
        }
    }

    fn is_too_long(&self) -> bool {
        let says_so = |message: &String| {
            let message = message.to_ascii_lowercase();
            TOO_LONG
                .iter()
                .any(|words| memmem::find(message.as_bytes(), words).is_some())
        };
        self.code.as_deref() == Some("context_length_exceeded") || self.message.as_ref().is_some_and(says_so)
    }
}
