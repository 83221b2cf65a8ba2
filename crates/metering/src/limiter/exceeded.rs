use std::fmt;
use std::time::Duration;

use gateway_domain::Spender;

/// A limit that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitExceeded {
    /// Whose it is.
    pub spender: Spender,
    /// Which one.
    pub limit: LimitKind,
    /// How much it allows.
    pub allowed: u64,
    /// When the same request would be let in if nothing else happened; a guess for concurrency and for limits of 0.
    pub retry_after: Duration,
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            spender,
            limit,
            allowed,
            ..
        } = self;
        write!(f, "{spender}'s limit of {allowed} {limit} is reached")
    }
}

impl std::error::Error for LimitExceeded {}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitKind {
    /// Requests started in a minute.
    RequestsPerMinute,
    /// Tokens of every kind in a minute.
    TokensPerMinute,
    /// Input tokens in a minute.
    InputTokensPerMinute,
    /// Output tokens in a minute.
    OutputTokensPerMinute,
    /// Requests open at once.
    ConcurrentRequests,
}

impl LimitKind {
    /// The word that stands for it in answers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests_per_minute",
            Self::TokensPerMinute => "tokens_per_minute",
            Self::InputTokensPerMinute => "input_tokens_per_minute",
            Self::OutputTokensPerMinute => "output_tokens_per_minute",
            Self::ConcurrentRequests => "concurrent_requests",
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestsPerMinute => "requests per minute",
            Self::TokensPerMinute => "tokens per minute",
            Self::InputTokensPerMinute => "input tokens per minute",
            Self::OutputTokensPerMinute => "output tokens per minute",
            Self::ConcurrentRequests => "concurrent requests",
        })
    }
}
