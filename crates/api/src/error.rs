use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use gateway_auth::{AuthError, KeyError};
use gateway_metering::{LimitExceeded, OverBudget};
use gateway_protocol::{ErrorKind, InvalidBody};
use gateway_proxy::SourceError;
use gateway_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong, as far as a client does something different about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    /// The body is not JSON, or the request is contradictory.
    MalformedRequest,
    /// A parameter of the address or the query is wrong.
    InvalidParameter,
    /// There is no bearer token.
    NotSignedIn,
    /// The token is unknown, expired or revoked.
    InvalidToken,
    /// The name or the password is wrong.
    InvalidCredentials,
    /// The API key is missing, unknown, expired or revoked.
    InvalidApiKey,
    /// A budget is spent, or has too little left.
    BudgetSpent,
    /// Signed in, but not allowed.
    Forbidden,
    /// The password must be changed before anything else.
    PasswordChangeRequired,
    /// There is no such thing, or it is somebody else's.
    NotFound,
    /// The address exists, but not for this method.
    MethodNotAllowed,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The request's head is too large.
    HeadTooLarge,
    /// Something is expected of the gateway that it does not do.
    ExpectationFailed,
    /// Another user has this name.
    UsernameTaken,
    /// Another user has this e-mail address.
    EmailTaken,
    /// The name is taken.
    NameTaken,
    /// The last active admin has to stay one.
    LastAdmin,
    /// Somebody else has changed it at the same time.
    ChangedMeanwhile,
    /// Alerts have nowhere to go.
    NoWebhook,
    /// The account's provider has no report of usage, or the account nothing to read it with.
    NoUsageReport,
    /// The provider does not let the account's admin credential read its report of usage.
    UsageReportRefused,
    /// The provider did not answer with its report of usage.
    UsageReportFailed,
    /// The body is too large.
    PayloadTooLarge,
    /// The body is not of a type or encoding that is understood here.
    UnsupportedMediaType,
    /// The body is well-formed, but some fields are not valid; `details` names them.
    ValidationFailed,
    /// Too many sign-ins failed, or too many tokens or API keys were unknown.
    TooManyAttempts,
    /// A limit is reached.
    RateLimited,
    /// The gateway failed.
    InternalError,
    /// The gateway cannot answer at the moment.
    Unavailable,
}

impl Code {
    /// The one table of status codes.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::MalformedRequest | Self::InvalidParameter => StatusCode::BAD_REQUEST,
            Self::NotSignedIn | Self::InvalidToken | Self::InvalidCredentials | Self::InvalidApiKey => {
                StatusCode::UNAUTHORIZED
            }
            Self::BudgetSpent => StatusCode::PAYMENT_REQUIRED,
            Self::Forbidden | Self::PasswordChangeRequired => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::ExpectationFailed => StatusCode::EXPECTATION_FAILED,
            Self::UsernameTaken
            | Self::EmailTaken
            | Self::NameTaken
            | Self::LastAdmin
            | Self::ChangedMeanwhile
            | Self::NoWebhook
            | Self::NoUsageReport
            | Self::UsageReportRefused => StatusCode::CONFLICT,
            Self::UsageReportFailed => StatusCode::BAD_GATEWAY,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ValidationFailed => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyAttempts | Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What it is called in the envelopes of the LLM dialects.
    pub(crate) const fn kind(self) -> ErrorKind {
        match self {
            Self::MalformedRequest
            | Self::InvalidParameter
            | Self::RequestTimeout
            | Self::HeadTooLarge
            | Self::ExpectationFailed
            | Self::ValidationFailed => ErrorKind::InvalidRequest,
            Self::UsernameTaken
            | Self::EmailTaken
            | Self::NameTaken
            | Self::LastAdmin
            | Self::ChangedMeanwhile
            | Self::NoWebhook
            | Self::NoUsageReport
            | Self::UsageReportRefused => ErrorKind::Conflict,
            Self::NotSignedIn | Self::InvalidToken | Self::InvalidCredentials | Self::InvalidApiKey => {
                ErrorKind::Authentication
            }
            Self::BudgetSpent => ErrorKind::Billing,
            Self::Forbidden | Self::PasswordChangeRequired => ErrorKind::Permission,
            Self::NotFound => ErrorKind::NotFound,
            Self::MethodNotAllowed => ErrorKind::MethodNotAllowed,
            Self::PayloadTooLarge => ErrorKind::TooLarge,
            Self::UnsupportedMediaType => ErrorKind::UnsupportedMediaType,
            Self::TooManyAttempts | Self::RateLimited => ErrorKind::RateLimit,
            Self::InternalError => ErrorKind::Internal,
            Self::UsageReportFailed | Self::Unavailable => ErrorKind::Unavailable,
        }
    }
}

/// One field that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct InvalidField {
    /// Its path in the body, such as `limits.requests_per_minute`.
    pub(crate) field: String,
    /// What is wrong with it, for a person.
    pub(crate) message: String,
}

/// An answer that says no: the only error of this crate.
///
/// It is written out at the very end, by `exchange`, in the envelope that the route's clients understand.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) message: Cow<'static, str>,
    pub(crate) details: Vec<InvalidField>,
    pub(crate) retry_after: Option<Duration>,
    /// What is left of the client's limits, in its dialect's words.
    limits: Vec<(&'static str, String)>,
    allow: Option<String>,
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            details: Vec::new(),
            retry_after: None,
            limits: Vec::new(),
            allow: None,
        }
    }

    pub(crate) fn parameter(name: &str, message: &str) -> Self {
        Self::new(Code::InvalidParameter, format!("parameter `{name}`: {message}"))
    }

    pub(crate) fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such thing here")
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(Code::Forbidden, "you are not allowed to do this")
    }

    pub(crate) fn invalid_api_key(message: &'static str) -> Self {
        Self::new(Code::InvalidApiKey, message)
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(
            Code::PayloadTooLarge,
            format!("the body is larger than {limit} bytes"),
        )
    }

    pub(crate) fn method_not_allowed(allowed: &[&str]) -> Self {
        let allow = allowed.join(", ").to_ascii_uppercase();
        let problem = Self::new(Code::MethodNotAllowed, format!("this address takes only {allow}"));
        Self {
            allow: Some(allow),
            ..problem
        }
    }

    pub(crate) fn invalid(details: Vec<InvalidField>) -> Self {
        let problem = Self::new(Code::ValidationFailed, "some fields are not valid");
        Self { details, ..problem }
    }

    pub(crate) fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![InvalidField {
            field: field.into(),
            message: message.into(),
        }])
    }

    /// The same, with its one detail about `field`, which the room that refused it does not know by name.
    pub(crate) fn about(mut self, field: &str) -> Self {
        for detail in &mut self.details {
            detail.field = field.to_owned();
        }
        self
    }

    pub(crate) fn unavailable(message: &'static str) -> Self {
        Self::new(Code::Unavailable, message).retry_after(Duration::from_secs(1))
    }

    /// A failure of ours: the client learns nothing but that, and the log everything.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = chain(error), "a request failed");
        Self::new(
            Code::InternalError,
            "the gateway failed to answer; its log says more under this request id",
        )
    }

    pub(crate) fn with_limits(self, limits: Vec<(&'static str, String)>) -> Self {
        Self { limits, ..self }
    }

    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }
}

/// The error and everything that it came from, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    /// The head alone; `exchange` adds the body, which names the request.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if let Some(allow) = self
            .allow
            .as_deref()
            .and_then(|allow| HeaderValue::from_str(allow).ok())
        {
            headers.insert(ALLOW, allow);
        }
        for (name, value) in &self.limits {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        if matches!(self.code, Code::NotSignedIn | Code::InvalidToken) {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken { what: "username" } => {
                Self::new(Code::UsernameTaken, "another user has this username")
            }
            StoreError::Taken { what: "email" } => {
                Self::new(Code::EmailTaken, "another user has this e-mail address")
            }
            StoreError::Taken { .. } => Self::new(Code::NameTaken, "this name is taken"),
            StoreError::LastAdmin => Self::new(Code::LastAdmin, "the last active admin has to stay one"),
            StoreError::Moved => Self::new(
                Code::ChangedMeanwhile,
                "the account was changed meanwhile: look at it and try again",
            ),
            StoreError::TooManyRows { most } => Self::new(
                Code::InvalidParameter,
                format!(
                    "the report would have more than {most} rows; ask for a shorter time or a coarser bucket"
                ),
            ),
            StoreError::Unavailable(source) => {
                tracing::warn!(error = chain(source.as_ref()), "the database is away");
                Self::unavailable("the database is away")
            }
            other => Self::internal(&other),
        }
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::InvalidCredentials => {
                Self::new(Code::InvalidCredentials, "the username or the password is wrong")
            }
            AuthError::InvalidToken | AuthError::RefreshTokenReused { .. } => Self::new(
                Code::InvalidToken,
                "the token is not valid, or no longer; sign in again",
            ),
            AuthError::TooManyAttempts { retry_after } => Self::new(
                Code::TooManyAttempts,
                "too many failed sign-ins; wait before the next one",
            )
            .retry_after(retry_after),
            AuthError::Busy => Self::unavailable("too many passwords are being checked at the moment"),
            AuthError::WeakPassword(weak) => Self::invalid_field("password", weak.to_string()),
            AuthError::Unavailable(source) => {
                tracing::warn!(error = chain(&source), "the database is away");
                Self::unavailable("the database is away")
            }
        }
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Invalid => Self::invalid_api_key("invalid API key"),
            KeyError::Revoked => Self::invalid_api_key("this API key was revoked"),
            KeyError::Expired => Self::invalid_api_key("this API key has expired"),
            KeyError::OwnerInactive => Self::invalid_api_key("this API key's owner is not active"),
            KeyError::TooMany { retry_after } => Self::new(
                Code::TooManyAttempts,
                "too many unknown API keys came from this address; wait before the next one",
            )
            .retry_after(retry_after),
            KeyError::Unavailable(source) => {
                tracing::warn!(error = chain(&source), "the database is away");
                Self::unavailable("API keys cannot be checked at the moment")
            }
        }
    }
}

impl From<LimitExceeded> for Problem {
    fn from(exceeded: LimitExceeded) -> Self {
        Self::new(Code::RateLimited, exceeded.to_string()).retry_after(exceeded.retry_after)
    }
}

impl From<OverBudget> for Problem {
    fn from(over: OverBudget) -> Self {
        Self::new(Code::BudgetSpent, over.to_string())
    }
}

impl From<SourceError> for Problem {
    fn from(error: SourceError) -> Self {
        tracing::error!(
            error = chain(&error),
            "a change of accounts is stored but not in force"
        );
        Self::unavailable("the change is stored, and takes effect as soon as the accounts can be read again")
    }
}

impl From<InvalidBody> for Problem {
    fn from(error: InvalidBody) -> Self {
        Self::new(Code::MalformedRequest, error.to_string())
    }
}
