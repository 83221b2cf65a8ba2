use crate::Timestamp;

/// What an account's provider says is left of its limits, as of the last answer; `None` is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimits {
    /// Requests left in the window.
    pub requests_remaining: Option<u64>,
    /// Input tokens left in the window.
    pub input_tokens_remaining: Option<u64>,
    /// Output tokens left in the window.
    pub output_tokens_remaining: Option<u64>,
    /// When the last of the windows starts again.
    pub resets_at: Option<Timestamp>,
}
