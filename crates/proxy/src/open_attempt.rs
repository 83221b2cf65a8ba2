use std::time::Duration;

use gateway_domain::Fault;
use gateway_metering::{AttemptRecord, Outcome};

use crate::Admitted;
use crate::reading::Reading;

/// A try that is under way.
pub(crate) struct OpenAttempt {
    pub(crate) record: AttemptRecord,
    pub(crate) admitted: Admitted,
    pub(crate) started: Duration,
}

/// Times to the first content of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerTtft {
    pub(crate) request: Option<Duration>,
    pub(crate) attempt: Option<Duration>,
}

/// How an attempt ended.
#[derive(Debug)]
pub(crate) struct AttemptEnd<'a> {
    pub(crate) status: Outcome,
    pub(crate) fault: Option<&'a Fault>,
    /// `None` leaves what was [learned](crate::entry::Entry::learned) on the way.
    pub(crate) reading: Option<Reading>,
    pub(crate) ttft: Option<Duration>,
}

impl<'a> AttemptEnd<'a> {
    /// An attempt that brought nothing.
    pub(crate) const fn failed(fault: &'a Fault) -> Self {
        Self {
            status: Outcome::Error,
            fault: Some(fault),
            reading: None,
            ttft: None,
        }
    }

    pub(crate) const fn cancelled() -> Self {
        Self {
            status: Outcome::Cancelled,
            fault: None,
            reading: None,
            ttft: None,
        }
    }

    pub(crate) fn interrupted() -> Self {
        Self {
            status: Outcome::Interrupted,
            ..Self::cancelled()
        }
    }

    /// The record of an attempt that ends so.
    pub(crate) fn close(self, mut attempt: AttemptRecord, latency: Duration) -> AttemptRecord {
        attempt.status = self.status;
        attempt.fault = self.fault.map(|fault| fault.class);
        attempt.fault_reason = self.fault.map(|fault| fault.reason.clone());
        attempt.latency = latency;
        attempt.ttft = self.ttft;
        if let Some(reading) = self.reading {
            attempt.usage = reading.usage;
            attempt.usage_source = reading.source;
            attempt.upstream_message_id = reading.message_id;
        }
        attempt
    }
}
