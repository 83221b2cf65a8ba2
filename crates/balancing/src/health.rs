pub(crate) mod backoff;
mod machine;
mod model_rests;
mod rest;
mod slow_start;
pub(crate) mod window;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use gateway_domain::{Fault, FaultClass, RateLimits, Timestamp};

pub(crate) use self::machine::{Machine, is_soft};
pub(crate) use self::model_rests::ModelRests;
pub(crate) use self::rest::{LONGEST_WINDOW, Rest, Wait};
pub(crate) use self::slow_start::SlowStart;

/// The number of a lease; a later lease has a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Ticket(pub(crate) u64);

/// When something happens: on both clocks, and after which leases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) monotonic: Duration,
    pub(crate) time: Timestamp,
    /// The newest lease that there is.
    pub(crate) newest: Ticket,
}

/// Whether requests may go to an account.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Gate {
    /// As many as this part of its full share, above 0 to 1.
    Open(f32),
    /// One request, which decides.
    Trial,
    /// None: it rests for this and until then, or its trial is under way.
    Shut(FaultClass, Duration),
}

/// How an account is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// In one word.
    pub status: HealthStatus,
    /// Why it is not healthy, for an operator.
    pub reason: Option<String>,
    /// When it is tried again; `None` when it is in use, and when the next request is the trial.
    pub until: Option<Timestamp>,
    /// When it was last probed.
    pub checked_at: Option<Timestamp>,
    /// How long the last probe took.
    pub latency: Option<Duration>,
    /// What the last probe was answered.
    pub http_status: Option<u16>,
    /// Its open requests.
    pub in_flight: u32,
    /// The share of the requests of the last minute that it did not fail, 0 to 1.
    pub success_rate: Option<f64>,
    /// Moving average of the time to the first token.
    pub ttft: Option<Duration>,
    /// What its provider last said was left.
    pub rate_limits: RateLimits,
}

/// How an account is doing, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HealthStatus {
    /// It answers.
    Healthy,
    /// A good part of its requests fail, or it is back from a rest and the next request decides; it takes less than
    /// its share.
    Degraded,
    /// It rests after a fault that passes by itself.
    CoolingDown,
    /// Its credential is refused or out of credit.
    Unhealthy,
    /// It is switched off.
    Disabled,
    /// It was never used or probed.
    Unknown,
}

impl HealthStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Healthy,
        Self::Degraded,
        Self::CoolingDown,
        Self::Unhealthy,
        Self::Disabled,
        Self::Unknown,
    ];

    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::CoolingDown => "cooling_down",
            Self::Unhealthy => "unhealthy",
            Self::Disabled => "disabled",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no health status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a health status: expected healthy, degraded, cooling_down, unhealthy, disabled or unknown")]
pub struct UnknownStatus;

impl FromStr for HealthStatus {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or(UnknownStatus)
    }
}

/// What came of asking a provider about an account, outside of any request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// When it was asked.
    pub checked_at: Timestamp,
    /// How long the answer took.
    pub latency: Duration,
    /// The answer's status, if one came.
    pub http_status: Option<u16>,
    /// What the answer means for the account.
    pub outcome: Result<(), Fault>,
    /// What the answer says is left; the default where it says nothing.
    pub rate_limits: RateLimits,
}
