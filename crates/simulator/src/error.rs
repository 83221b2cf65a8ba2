use std::time::Duration;

/// An error of the provider, before a dialect words it: what is not said has the words that are usual there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    /// `error.type`, or what stands in its place.
    pub(crate) kind: Option<String>,
    pub(crate) message: Option<String>,
    /// What the provider says beside the kind for programs to read.
    pub(crate) error_code: Option<String>,
    /// The part of the request that is wrong, where the provider names it.
    pub(crate) param: Option<String>,
    /// How long the client is asked to wait.
    pub(crate) retry_after: Option<Duration>,
}

impl ApiError {
    /// The error of this status with the words that the provider usually has for it.
    pub(crate) fn usual(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            ..Self::usual(status)
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }
}
