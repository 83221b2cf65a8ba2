use std::time::Duration;

use gateway_balancing::NoAccount;
use gateway_domain::FaultClass;
use gateway_protocol::translation::{ProviderError, Untranslatable};
use gateway_protocol::{Codec, ErrorAnswer, ErrorKind};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::decided::Whole;
use crate::failure::Failure;
use crate::presentable::presentable;

/// When a client may come again whose wait for a place was in vain.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(5);
/// A limit that holds for longer is one of spending, and no client should wait for its end.
const LONGEST_HOPE: Duration = Duration::from_secs(3_600);
/// Tells SDKs whether to send a failed request again, whatever its status.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Why the engine answers in the provider's place.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) retry_after: Option<Duration>,
    /// Whether the client's own retries would be in vain.
    pub(crate) is_hopeless: bool,
    /// What clients do something about by themselves.
    pub(crate) code: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
            is_hopeless: false,
            code: None,
        }
    }

    /// What a client is told when nothing but money or the next month helps.
    pub(crate) fn spent() -> Self {
        Self {
            is_hopeless: true,
            ..Self::new(
                ErrorKind::RateLimit,
                "every upstream account has reached its spending limit",
            )
        }
    }

    pub(crate) fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// What a client is told whose request the model's provider has no words for.
    pub(crate) fn unspeakable(error: &Untranslatable) -> Self {
        Self {
            code: error.code(),
            ..Self::new(ErrorKind::InvalidRequest, error.to_string())
        }
    }

    /// The same in the provider's own words, which it said in another dialect.
    pub(crate) fn in_words(self, said: &ProviderError) -> Self {
        Self {
            kind: match self.kind {
                _ if said.is_too_long => ErrorKind::ContextTooLong,
                // What it is called where the client's own provider is overloaded.
                ErrorKind::Unavailable => ErrorKind::Overloaded,
                kind => kind,
            },
            message: presentable(&said.message),
            ..self
        }
    }

    /// What a client is told when no account could be tried.
    pub(crate) fn no_account(none: &NoAccount, model: &str) -> Self {
        match none {
            NoAccount::NotServed => Self::new(ErrorKind::ModelNotFound, format!("model: {model}")),
            NoAccount::NotAllowed => Self::new(
                ErrorKind::Permission,
                format!("this API key's accounts do not serve {model}"),
            ),
            NoAccount::AllBusy => Self::new(
                ErrorKind::RateLimit,
                "overloaded: every upstream account is at its concurrency limit, and none got free in time",
            )
            .retry_after(Some(BUSY_RETRY_AFTER)),
            NoAccount::QueueFull => Self::new(
                ErrorKind::RateLimit,
                "overloaded: every upstream account is at its concurrency limit, and no more requests may wait",
            )
            .retry_after(Some(BUSY_RETRY_AFTER)),
            NoAccount::AllDown {
                class: FaultClass::Quota,
                retry_after: Some(wait),
            } if *wait > LONGEST_HOPE => Self::spent(),
            NoAccount::AllDown {
                class: FaultClass::Quota | FaultClass::Burst,
                retry_after,
            } => Self::new(
                ErrorKind::RateLimit,
                "every upstream account has reached its rate limit",
            )
            .retry_after(*retry_after),
            NoAccount::AllDown {
                class: FaultClass::Overload,
                retry_after,
            } => Self::new(ErrorKind::Overloaded, "the provider is overloaded").retry_after(*retry_after),
            NoAccount::AllDown {
                class: FaultClass::ModelMissing,
                ..
            } => Self::new(ErrorKind::ModelNotFound, format!("model: {model}")),
            NoAccount::AllDown { .. } | NoAccount::AllTried => {
                Self::new(ErrorKind::NoAccount, "no healthy upstream account")
            }
        }
    }

    /// What a client is told when the last attempt failed in a way that is not the client's to see.
    pub(crate) fn failure(failure: &Failure, model: &str) -> Self {
        let kind = match failure.fault.class {
            FaultClass::Client => {
                return Self::new(client_fault(failure.status()), "the provider refused the request");
            }
            FaultClass::Credential => return Self::new(ErrorKind::NoAccount, "no healthy upstream account"),
            FaultClass::Quota | FaultClass::Burst => ErrorKind::RateLimit,
            FaultClass::Overload if failure.status() == Some(StatusCode::SERVICE_UNAVAILABLE) => {
                ErrorKind::Unavailable
            }
            FaultClass::Overload => ErrorKind::Overloaded,
            FaultClass::ModelMissing => {
                return Self::new(ErrorKind::ModelNotFound, format!("model: {model}"));
            }
            FaultClass::Transport if failure.timed_out => ErrorKind::Timeout,
            FaultClass::Transport => ErrorKind::BadGateway,
            FaultClass::Server => match failure.status().map(|status| status.as_u16()) {
                Some(500) => ErrorKind::Internal,
                Some(504) => ErrorKind::Timeout,
                _ => ErrorKind::BadGateway,
            },
        };
        let message = match kind {
            ErrorKind::RateLimit => "every upstream account has reached its rate limit",
            ErrorKind::Overloaded | ErrorKind::Unavailable => "the provider is overloaded",
            ErrorKind::Timeout => "the provider did not answer in time",
            _ => "the provider failed to answer",
        };
        Self::new(kind, message)
    }

    pub(crate) fn into_answer(self, codec: &dyn Codec, request_id: &str, longest_wait: Duration) -> Whole {
        let wait = self.retry_after.map(|wait| wait.min(longest_wait));
        let body = codec.error_body(&ErrorAnswer {
            kind: self.kind,
            message: &self.message,
            request_id,
            code: self.code,
            retry_after: wait,
        });
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(wait) = wait {
            set_retry_after(&mut headers, wait);
        }
        if self.is_hopeless {
            headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        let status =
            StatusCode::from_u16(codec.error_status(self.kind)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Whole {
            status,
            headers,
            body,
        }
    }
}

fn client_fault(status: Option<StatusCode>) -> ErrorKind {
    match status {
        Some(StatusCode::NOT_FOUND) => ErrorKind::NotFound,
        Some(StatusCode::CONFLICT) => ErrorKind::Conflict,
        Some(StatusCode::PAYLOAD_TOO_LARGE) => ErrorKind::TooLarge,
        Some(StatusCode::UNSUPPORTED_MEDIA_TYPE) => ErrorKind::UnsupportedMediaType,
        _ => ErrorKind::InvalidRequest,
    }
}

/// Whole seconds, rounded up, at least one: a client that waits this long does not come too early.
pub(crate) fn set_retry_after(headers: &mut HeaderMap, wait: Duration) {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
}
