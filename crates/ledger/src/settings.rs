use std::time::Duration;

use serde::Deserialize;

/// How finished requests are gathered and written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LedgerSettings {
    /// The most requests that are written together, at least 1.
    pub batch_rows: usize,
    /// The longest that a request waits for others to be written with, in milliseconds.
    pub batch_interval_ms: u64,
    /// Requests that may wait to be written before the gateway should take no more.
    pub queue_rows: usize,
}

impl LedgerSettings {
    pub(crate) const fn batch_interval(&self) -> Duration {
        Duration::from_millis(self.batch_interval_ms)
    }
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self {
            batch_rows: 500,
            batch_interval_ms: 100,
            queue_rows: 100_000,
        }
    }
}
