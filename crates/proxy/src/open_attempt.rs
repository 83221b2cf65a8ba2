use std::sync::Arc;
use std::time::Duration;

use gateway_domain::Fault;
use gateway_metering::{AttemptRecord, Outcome};
use gateway_providers::Target;
use secrecy::ExposeSecret;

use crate::Admitted;
use crate::failure::Failure;
use crate::reading::Reading;
use crate::telltale::names;

/// A try that is under way.
pub(crate) struct OpenAttempt {
    pub(crate) record: AttemptRecord,
    pub(crate) admitted: Admitted,
    pub(crate) started: Duration,
    /// What it goes out with.
    pub(crate) target: Arc<Target>,
}

impl OpenAttempt {
    /// How it is booked if it ends so. Nothing that the provider calls something is kept if it tells the account's
    /// credential.
    pub(crate) fn ended(&self, end: AttemptEnd<'_>, latency: Duration) -> AttemptRecord {
        let mut record = end.close(self.record.clone(), latency);
        let secret = self.target.credential().secret().expose_secret();
        for text in [
            &mut record.upstream_request_id,
            &mut record.upstream_message_id,
            &mut record.usage.service_tier,
            &mut record.usage.speed,
            &mut record.usage.inference_geo,
        ] {
            text.take_if(|text| names(text.as_bytes(), secret));
        }
        record
    }
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
    /// Whether the provider may charge for the prompt, though it said nothing of usage.
    pub(crate) may_be_charged: bool,
}

impl<'a> AttemptEnd<'a> {
    /// An attempt that brought nothing.
    pub(crate) fn failed(failure: &'a Failure) -> Self {
        Self {
            fault: Some(&failure.fault),
            may_be_charged: failure.may_be_charged(),
            ..Self::ended(Outcome::Error)
        }
    }

    pub(crate) fn cancelled() -> Self {
        Self {
            may_be_charged: true,
            ..Self::ended(Outcome::Cancelled)
        }
    }

    pub(crate) const fn interrupted() -> Self {
        Self::ended(Outcome::Interrupted)
    }

    pub(crate) const fn ended(status: Outcome) -> Self {
        Self {
            status,
            fault: None,
            reading: None,
            ttft: None,
            may_be_charged: false,
        }
    }

    /// The record of an attempt that ends so.
    fn close(self, mut attempt: AttemptRecord, latency: Duration) -> AttemptRecord {
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
