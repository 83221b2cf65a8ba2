use crate::Timestamp;

/// What an account's provider says is left of its limits, as of the last answer; `None` is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimits {
    /// Requests in the window.
    pub requests: Option<RateLimit>,
    /// Input tokens in the window.
    pub input_tokens: Option<RateLimit>,
    /// Output tokens in the window.
    pub output_tokens: Option<RateLimit>,
    /// Input and output tokens in the window, where they have a limit in common.
    pub tokens: Option<RateLimit>,
    /// The fullest window of a signed-in subscription, in ten-thousandths of it.
    pub subscription: Option<RateLimit>,
}

/// One limit of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How much the window holds, if that is said.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: u64,
    /// When all of it is there again, by our clock, if that is said.
    pub resets_at: Option<Timestamp>,
}

impl RateLimits {
    /// When the last of the windows that requests fill starts again; a subscription's only where it is the only one.
    #[must_use]
    pub fn resets_at(&self) -> Option<Timestamp> {
        let reset = |limit: Option<RateLimit>| limit.and_then(|limit| limit.resets_at);
        [self.requests, self.input_tokens, self.output_tokens, self.tokens]
            .into_iter()
            .filter_map(reset)
            .max()
            .or_else(|| reset(self.subscription))
    }
}
