use std::time::Duration;

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) turns: usize,
    /// Errors that clients saw.
    pub(crate) errors: usize,
    /// Times that a provider said 429.
    pub(crate) refusals: usize,
    /// From when a turn was first sent to its first content, in order.
    pub(crate) ttfts: Vec<Duration>,
    pub(crate) usd: f64,
    pub(crate) input_tokens: u64,
    pub(crate) cache_read_tokens: u64,
}

impl Outcome {
    pub(crate) fn usd_per_1000_turns(&self) -> f64 {
        self.usd / self.turns.max(1) as f64 * 1_000.0
    }

    /// Of all input, how much came from prompt caches, 0 to 1.
    pub(crate) fn cached_share(&self) -> f64 {
        self.cache_read_tokens as f64 / self.input_tokens.max(1) as f64
    }

    pub(crate) fn ttft(&self, percent: usize) -> Duration {
        let index = (self.ttfts.len() * percent / 100).min(self.ttfts.len().saturating_sub(1));
        self.ttfts.get(index).copied().unwrap_or_default()
    }
}
