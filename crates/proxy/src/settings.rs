use std::num::NonZeroU16;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How requests are sent to providers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxySettings {
    /// Tries that one request may make. Each is at another account, but for overloaded ones.
    pub max_attempts: NonZeroU16,
    /// Further tries at accounts that failed of late, as a share of the requests of the last 10 s, in percent.
    pub retry_budget_percent: u32,
    /// Such tries that are allowed in 10 s however few requests there are.
    pub min_retry_budget: u32,
    /// Pause before an overloaded account is tried again; doubles with each of a request's pauses.
    pub overload_pause_ms: u64,
    /// Time for a connection to stand, TLS included.
    pub connect_timeout_seconds: u64,
    /// Time until the head of an answer that is not streamed.
    pub answer_timeout_seconds: u64,
    /// Silence before a stream's first content, until its head and between what follows, after which it counts as dead.
    pub first_event_timeout_seconds: u64,
    /// Time that a client waits for the head of a stream that has no content yet.
    pub hold_timeout_seconds: u64,
    /// Time between the pings that it gets from then on, at least 1.
    pub ping_interval_seconds: u64,
    /// Silence after which a stream counts as dead.
    pub idle_timeout_seconds: u64,
    /// Time after which a client is cut that takes nothing of a stream.
    pub reader_timeout_seconds: u64,
    /// Time for a whole request, all attempts together.
    pub request_timeout_seconds: u64,
    /// Bytes of an answer that is not streamed, at the most.
    pub max_answer_bytes: usize,
    /// Time that a request waits for what open requests hold of a budget before it is refused.
    pub budget_wait_seconds: u64,
    /// Streams open at once, at the most.
    pub max_open_streams: usize,
    /// Idle connections kept for each provider's host, by each worker.
    pub idle_connections_per_host: usize,
    /// Time after which an idle connection is closed.
    pub idle_connection_timeout_seconds: u64,
    /// Time for a probe's answer.
    pub probe_timeout_seconds: u64,
    /// Time for a provider's report of what an organisation used, all its pages together.
    pub report_timeout_seconds: u64,
    /// The longest `retry-after` that a client is told.
    pub max_retry_after_seconds: u64,
    /// PEM files of certificate authorities to trust besides the built-in ones.
    pub extra_root_certificates: Vec<String>,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            max_attempts: const { NonZeroU16::new(3).unwrap() },
            retry_budget_percent: 20,
            min_retry_budget: 10,
            overload_pause_ms: 1000,
            connect_timeout_seconds: 5,
            answer_timeout_seconds: 600,
            first_event_timeout_seconds: 60,
            hold_timeout_seconds: 10,
            ping_interval_seconds: 10,
            idle_timeout_seconds: 120,
            reader_timeout_seconds: 60,
            request_timeout_seconds: 3600,
            max_answer_bytes: 64 * 1024 * 1024,
            budget_wait_seconds: 10,
            max_open_streams: 2000,
            idle_connections_per_host: 64,
            idle_connection_timeout_seconds: 60,
            probe_timeout_seconds: 10,
            report_timeout_seconds: 60,
            max_retry_after_seconds: 60,
            extra_root_certificates: Vec::new(),
        }
    }
}

impl ProxySettings {
    pub(crate) const fn overload_pause(&self) -> Duration {
        Duration::from_millis(self.overload_pause_ms)
    }

    pub(crate) const fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_seconds)
    }

    pub(crate) const fn hold_timeout(&self) -> Duration {
        Duration::from_secs(self.hold_timeout_seconds)
    }

    pub(crate) fn ping_interval(&self) -> Duration {
        Duration::from_secs(self.ping_interval_seconds.max(1))
    }

    pub(crate) const fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.idle_timeout_seconds)
    }

    pub(crate) const fn budget_wait(&self) -> Duration {
        Duration::from_secs(self.budget_wait_seconds)
    }

    pub(crate) const fn reader_timeout(&self) -> Duration {
        Duration::from_secs(self.reader_timeout_seconds)
    }

    pub(crate) const fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds)
    }

    pub(crate) const fn max_retry_after(&self) -> Duration {
        Duration::from_secs(self.max_retry_after_seconds)
    }

    /// Time until an answer's head.
    pub(crate) const fn head_timeout(&self, stream: bool) -> Duration {
        Duration::from_secs(if stream {
            self.first_event_timeout_seconds
        } else {
            self.answer_timeout_seconds
        })
    }
}
