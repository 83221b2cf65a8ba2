use std::time::Duration;

use gateway_domain::{RateLimit, Timestamp};

/// A limit per minute that refills evenly, as Anthropic's do.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    size: f64,
    left: f64,
    at: Duration,
}

impl Bucket {
    pub(crate) fn full(size: u64) -> Self {
        Self {
            size: size as f64,
            left: size as f64,
            at: Duration::ZERO,
        }
    }

    pub(crate) fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.left = (self.left + passed * self.per_second()).min(self.size);
        self.at = now;
    }

    /// How long until there is `amount`; `None` when there is.
    pub(crate) fn wait_for(&self, amount: f64) -> Option<Duration> {
        let missing = amount.min(self.size) - self.left;
        (missing > 0.0).then(|| Duration::from_secs_f64(missing / self.per_second()))
    }

    pub(crate) fn take(&mut self, amount: f64) {
        self.left -= amount;
    }

    /// What an answer's headers say of it.
    pub(crate) fn told(&self, time: Timestamp) -> RateLimit {
        let wait = (self.size - self.left).max(0.0) / self.per_second();
        RateLimit {
            limit: Some(self.size as u64),
            remaining: self.left.max(0.0) as u64,
            resets_at: Some(time + Duration::from_secs_f64(wait)),
        }
    }

    fn per_second(&self) -> f64 {
        self.size / 60.0
    }
}
