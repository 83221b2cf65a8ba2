use std::time::Duration;

use serde::Deserialize;

use crate::JournalSettings;

/// When the journal is made safe from power cuts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalSync {
    /// Every so often: a power cut takes what came since.
    #[default]
    Interval,
    /// As soon as there is something new, all that is new at once: a power cut takes what the disk was about to write.
    ///
    /// Nobody waits for it: a client may have its answer while the disk writes.
    Batch,
}

/// How finished requests are gathered and written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LedgerSettings {
    /// The most requests that are written together, at least 1.
    pub batch_rows: usize,
    /// The longest that a request waits for others to be written with, in milliseconds.
    pub batch_interval_ms: u64,
    /// Requests that may wait in memory to be written. Further ones wait in the journal alone; without one the gateway
    /// should take no more.
    pub queue_rows: usize,
    /// When the journal is made safe from power cuts.
    pub journal_sync: JournalSync,
    /// The longest until the journal is made safe from power cuts, in milliseconds.
    pub journal_sync_interval_ms: u64,
    /// Bytes of the journal, beyond which the gateway should take no more requests.
    pub journal_limit_bytes: u64,
    /// Bytes of one of the journal's files, after which the next is begun.
    pub journal_segment_bytes: u64,
    /// Bytes that are made ahead of the journal's entries, so that a full disk still takes the ends of requests.
    pub journal_reserve_bytes: u64,
}

impl LedgerSettings {
    /// Those of its journal.
    #[must_use]
    pub const fn journal(&self) -> JournalSettings {
        JournalSettings {
            segment_bytes: self.journal_segment_bytes,
            limit_bytes: self.journal_limit_bytes,
            reserve_bytes: self.journal_reserve_bytes,
        }
    }

    pub(crate) const fn batch_interval(&self) -> Duration {
        Duration::from_millis(self.batch_interval_ms)
    }

    pub(crate) const fn sync_interval(&self) -> Duration {
        Duration::from_millis(self.journal_sync_interval_ms)
    }
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self {
            batch_rows: 500,
            batch_interval_ms: 100,
            queue_rows: 10_000,
            journal_sync: JournalSync::Interval,
            journal_sync_interval_ms: 1_000,
            journal_limit_bytes: 1 << 30,
            journal_segment_bytes: 16 << 20,
            journal_reserve_bytes: 2 << 20,
        }
    }
}
