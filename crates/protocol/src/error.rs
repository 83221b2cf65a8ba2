use std::time::Duration;

/// An answer with which the gateway itself refuses or fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorAnswer<'a> {
    /// Decides the status and the dialect's word.
    pub kind: ErrorKind,
    /// One sentence for the client.
    pub message: &'a str,
    /// The gateway's name for the request.
    pub request_id: &'a str,
    /// What clients do something about by themselves, in dialects that have a word for it.
    pub code: Option<&'static str>,
    /// When the client may come again, in dialects whose bodies say so; the header says it in all.
    pub retry_after: Option<Duration>,
}

/// Why there is no proper answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is malformed or breaks a rule.
    InvalidRequest,
    /// The conversation has more tokens than the model can hold.
    ContextTooLong,
    /// The API key is missing or wrong.
    Authentication,
    /// The budget is spent.
    Billing,
    /// The API key may not do this.
    Permission,
    /// There is no such route.
    NotFound,
    /// There is no such model, or none that the key can use.
    ModelNotFound,
    /// The route does not take this method.
    MethodNotAllowed,
    /// The request does not fit the state of things.
    Conflict,
    /// The body is too long.
    TooLarge,
    /// The body is not in a format that is read here.
    UnsupportedMediaType,
    /// A limit is reached.
    RateLimit,
    /// The gateway or the provider failed.
    Internal,
    /// No account can be used.
    NoAccount,
    /// No account gave a proper answer.
    BadGateway,
    /// The gateway cannot serve at the moment.
    Unavailable,
    /// The provider did not answer in time.
    Timeout,
    /// The provider, or the gateway, has too much to do.
    Overloaded,
}

impl ErrorKind {
    /// Every kind, by status.
    pub const ALL: [Self; 18] = [
        Self::InvalidRequest,
        Self::ContextTooLong,
        Self::Authentication,
        Self::Billing,
        Self::Permission,
        Self::NotFound,
        Self::ModelNotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::RateLimit,
        Self::Internal,
        Self::NoAccount,
        Self::BadGateway,
        Self::Unavailable,
        Self::Timeout,
        Self::Overloaded,
    ];

    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().0
    }

    /// The word in `error.type` of Anthropic's envelope.
    #[must_use]
    pub const fn anthropic_type(self) -> &'static str {
        self.row().1
    }

    const fn row(self) -> (u16, &'static str) {
        match self {
            Self::InvalidRequest | Self::ContextTooLong => (400, "invalid_request_error"),
            Self::Authentication => (401, "authentication_error"),
            Self::Billing => (402, "billing_error"),
            Self::Permission => (403, "permission_error"),
            Self::NotFound | Self::ModelNotFound => (404, "not_found_error"),
            Self::MethodNotAllowed => (405, "invalid_request_error"),
            Self::Conflict => (409, "conflict_error"),
            Self::TooLarge => (413, "request_too_large"),
            Self::UnsupportedMediaType => (415, "invalid_request_error"),
            Self::RateLimit => (429, "rate_limit_error"),
            Self::Internal => (500, "api_error"),
            Self::NoAccount | Self::BadGateway => (502, "api_error"),
            // The one word that tells clients to come again; mid-stream they see nothing but the word.
            Self::Unavailable => (503, "overloaded_error"),
            Self::Timeout => (504, "timeout_error"),
            Self::Overloaded => (529, "overloaded_error"),
        }
    }
}
