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
    /// When the last of the windows that requests fill starts again; a subscription's only where no other says.
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

#[cfg(test)]
mod tests {
    use super::{RateLimit, RateLimits};
    use crate::Timestamp;

    fn limit(resets_at: Option<i64>) -> Option<RateLimit> {
        Some(RateLimit {
            limit: Some(10),
            remaining: 5,
            resets_at: resets_at.map(Timestamp::from_seconds),
        })
    }

    #[test]
    fn nothing_said_resets_at_no_time() {
        assert_eq!(RateLimits::default().resets_at(), None);
        let limits = RateLimits {
            requests: limit(None),
            subscription: limit(None),
            ..RateLimits::default()
        };
        assert_eq!(limits.resets_at(), None);
    }

    #[test]
    fn the_latest_reset_of_requests_and_tokens_counts_whichever_it_is() {
        for (requests, input, output, tokens) in [(9, 1, 2, 3), (1, 9, 2, 3), (1, 2, 9, 3), (1, 2, 3, 9)] {
            let limits = RateLimits {
                requests: limit(Some(requests)),
                input_tokens: limit(Some(input)),
                output_tokens: limit(Some(output)),
                tokens: limit(Some(tokens)),
                subscription: None,
            };
            assert_eq!(limits.resets_at(), Some(Timestamp::from_seconds(9)));
        }
    }

    #[test]
    fn a_subscription_counts_only_where_nothing_else_resets() {
        let mut limits = RateLimits {
            requests: limit(Some(1)),
            subscription: limit(Some(9)),
            ..RateLimits::default()
        };
        assert_eq!(limits.resets_at(), Some(Timestamp::from_seconds(1)));
        limits.requests = limit(None);
        assert_eq!(limits.resets_at(), Some(Timestamp::from_seconds(9)));
        limits.requests = None;
        assert_eq!(limits.resets_at(), Some(Timestamp::from_seconds(9)));
    }
}
