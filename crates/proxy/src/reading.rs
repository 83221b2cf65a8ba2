use gateway_balancing::Lease;
use gateway_domain::{Usage, UsageSource, UserId};
use gateway_protocol::AnswerSummary;

use crate::prompt::pin;

/// What an answer said about itself.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) usage: Usage,
    pub(crate) source: UsageSource,
    pub(crate) message_id: Option<String>,
    container: Option<String>,
}

impl Reading {
    /// Tells the pool what an answer that has come to its end leaves at its account.
    pub(crate) fn tell(&self, lease: &Lease, user: UserId) {
        lease.succeeded(&self.usage.tokens);
        if let Some(container) = &self.container {
            lease.holds(pin(user, container));
        }
    }

    /// Of an answer that has come to its end.
    pub(crate) fn complete(summary: AnswerSummary) -> Self {
        let usage = summary.usage.unwrap_or_default();
        let source = if usage.tokens.total() > 0 {
            UsageSource::Reported
        } else {
            UsageSource::Missing
        };
        Self {
            usage,
            source,
            message_id: summary.message_id,
            container: summary.container,
        }
    }

    /// Of an answer that broke off, after text of about `output_seen` tokens.
    ///
    /// Some providers count only at the end. Whoever has answered has read the prompt, which has about `input_sent`
    /// tokens.
    pub(crate) fn partial(summary: AnswerSummary, output_seen: u64, input_sent: u64) -> Self {
        let source = match &summary.usage {
            Some(_) => UsageSource::Partial,
            None if output_seen > 0 => UsageSource::Estimated,
            None => UsageSource::Missing,
        };
        let mut usage = summary.usage.unwrap_or_default();
        usage.tokens.output = usage.tokens.output.max(output_seen);
        if source == UsageSource::Estimated {
            usage.tokens.input = input_sent;
        }
        Self {
            usage,
            source,
            message_id: summary.message_id,
            container: summary.container,
        }
    }
}
