use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gateway_balancing::{Decision, Lease};
use gateway_domain::{AccountId, AttemptId, FaultClass, Usage, UsageSource};
use gateway_ledger::{AppendError, OpenRequest};
use gateway_metering::{AttemptRecord, Considered, Outcome, RequestRecord};
use gateway_protocol::AnswerSummary;
use gateway_providers::{Operation, Target};
use http::StatusCode;

use crate::budgets::OwnLimit;
use crate::charging::estimate_input;
use crate::open_attempt::{AnswerTtft, AttemptEnd, OpenAttempt};
use crate::prompt;
use crate::reading::Reading;
use crate::recorded_decision::recorded;
use crate::shared::StreamSlot;
use crate::{Admitted, Call, Shared};

/// Between two notes of how far an answer has come.
const NOTE_INTERVAL: Duration = Duration::from_secs(1);

/// The open books of one request: written to the ledger once, however the request ends.
///
/// Dropping it unsettled means that the client has gone away.
pub(crate) struct Entry {
    shared: Arc<Shared>,
    admitted: Admitted,
    /// Tokens of the prompt, as far as its length tells.
    expected_input: u64,
    // Invariant: `Some` until settled.
    record: Option<RequestRecord>,
    attempt: Option<OpenAttempt>,
    /// From the first attempt on.
    open: Option<OpenRequest>,
    noted_at: Option<Duration>,
    started: Duration,
    upstream_wait: Duration,
    is_recorded: bool,
    early_head: Option<EarlyHead>,
    _slot: Option<StreamSlot>,
}

/// Whether a stream's client was sent a head before anything was decided.
#[derive(Clone, Default)]
pub(crate) struct EarlyHead(Arc<AtomicBool>);

impl EarlyHead {
    pub(crate) fn is_sent_now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The status that the client has seen by now.
    fn status(&self) -> Option<StatusCode> {
        self.0.load(Ordering::Relaxed).then_some(StatusCode::OK)
    }
}

impl Entry {
    pub(crate) fn open(
        shared: &Arc<Shared>,
        call: &Call,
        mut admitted: Admitted,
        early_head: Option<EarlyHead>,
        slot: Option<StreamSlot>,
    ) -> Self {
        let is_recorded = call.operation == Operation::CreateMessage;
        let expected_input = if is_recorded {
            prompt::tokens(call.body.len())
        } else {
            0
        };
        admitted.expect_input(expected_input);
        shared.metrics.request_started();
        shared.retries().note_request(shared.clock.monotonic());
        Self {
            shared: Arc::clone(shared),
            admitted,
            expected_input,
            record: Some(RequestRecord {
                id: call.id,
                started_at: shared.clock.now(),
                user_id: call.key.user_id,
                key_id: call.key.id,
                dialect: call.codec.dialect(),
                model: call.peek.model.clone(),
                stream: call.is_streamed(),
                status: Outcome::Cancelled,
                http_status: None,
                fault: None,
                latency: Duration::ZERO,
                ttft: None,
                decision: None,
                queued: Duration::ZERO,
                attempts: Vec::new(),
            }),
            attempt: None,
            open: None,
            noted_at: None,
            started: shared.clock.monotonic(),
            upstream_wait: Duration::ZERO,
            is_recorded,
            early_head,
            _slot: slot,
        }
    }

    /// Time since the request was taken in.
    pub(crate) fn elapsed(&self) -> Duration {
        self.shared.clock.monotonic().saturating_sub(self.started)
    }

    /// Time since the current attempt began.
    pub(crate) fn attempt_elapsed(&self) -> Duration {
        let started = self
            .attempt
            .as_ref()
            .map_or(self.started, |attempt| attempt.started);
        self.shared.clock.monotonic().saturating_sub(started)
    }

    /// Counts time spent waiting for the provider, which is not the gateway's own.
    pub(crate) fn waited_upstream(&mut self, time: Duration) {
        self.upstream_wait += time;
    }

    /// The gateway's own share of the time so far.
    pub(crate) fn overhead(&self) -> Duration {
        self.elapsed().saturating_sub(self.upstream_wait)
    }

    /// Notes how the accounts were weighed.
    pub(crate) fn decided(&mut self, decision: &Decision) {
        if let Some(record) = &mut self.record {
            record.decision = Some(recorded(decision));
        }
    }

    /// Notes that an account could not serve for limits of its own.
    pub(crate) fn passed_over(&mut self, id: AccountId, limit: &OwnLimit) {
        let decision = self.record.as_mut().and_then(|record| record.decision.as_mut());
        let considered = decision.into_iter().flat_map(|decision| &mut decision.considered);
        for considered in considered.filter(|considered| considered.account_id == id) {
            considered.reason = Some(limit.to_string());
        }
    }

    /// Notes who serves a request that had to wait for it.
    pub(crate) fn served_after_all(&mut self, id: AccountId) {
        let Some(decision) = self.record.as_mut().and_then(|record| record.decision.as_mut()) else {
            return;
        };
        if decision.considered.iter().any(|considered| considered.is_picked) {
            return;
        }
        let considered = &mut decision.considered;
        // It may have joined the pool since, or be one of many that were not recorded.
        let waited_for = considered
            .iter()
            .position(|considered| considered.account_id == id);
        let before = waited_for.and_then(|index| considered.remove(index).reason);
        let reason = before.map_or_else(
            || "its turn came after a wait".to_owned(),
            |before| format!("its turn came after a wait: {before}"),
        );
        let served = Considered {
            account_id: id,
            is_picked: true,
            score: None,
            parts: Vec::new(),
            reason: Some(reason),
        };
        considered.insert(0, served);
    }

    /// Counts time spent waiting for a place at an account.
    pub(crate) fn queued(&mut self, time: Duration) {
        self.upstream_wait += time;
        if let Some(record) = &mut self.record {
            record.queued += time;
        }
    }

    /// Leaves no row, for a request that is refused because there is no room for one.
    pub(crate) fn leave_unrecorded(&mut self) {
        self.is_recorded = false;
    }

    /// Notes that the provider has begun to answer.
    pub(crate) fn head_came(&mut self, status: StatusCode, upstream_request_id: Option<String>) {
        if let Some(attempt) = &mut self.attempt {
            attempt.record.http_status = Some(status.as_u16());
            attempt.record.upstream_request_id = upstream_request_id;
        }
    }

    /// Notes what an answer has said of its usage so far, in case that nothing more comes.
    pub(crate) fn learned(&mut self, summary: AnswerSummary) {
        if let (Some(attempt), Some(usage)) = (&mut self.attempt, summary.usage) {
            attempt.record.usage = usage;
            attempt.record.usage_source = UsageSource::Partial;
            attempt.record.upstream_message_id = summary.message_id;
        }
    }

    pub(crate) fn attempts(&self) -> usize {
        let ended = self.record.as_ref().map_or(0, |record| record.attempts.len());
        ended + usize::from(self.attempt.is_some())
    }

    /// Opens the books of one more try, and notes it in the journal before anything goes out.
    ///
    /// # Errors
    ///
    /// When the first one cannot be noted: what it costs would be lost with the process, so it must not be made.
    pub(crate) fn begin_attempt(
        &mut self,
        lease: &Lease,
        mut admitted: Admitted,
        target: &Arc<Target>,
    ) -> Result<(), AppendError> {
        let account = lease.account();
        admitted.expect_input(self.expected_input);
        let number = u16::try_from(self.attempts() + 1).unwrap_or(u16::MAX);
        self.attempt = Some(OpenAttempt {
            started: self.shared.clock.monotonic(),
            admitted,
            target: Arc::clone(target),
            record: AttemptRecord {
                id: AttemptId::random(),
                number,
                started_at: self.shared.clock.now(),
                account_id: account.id,
                provider: account.provider,
                upstream_model: lease.upstream_model().to_owned(),
                status: Outcome::Cancelled,
                http_status: None,
                fault: None,
                fault_reason: None,
                usage: Usage::default(),
                usage_source: UsageSource::Missing,
                cost: None,
                price_version: None,
                latency: Duration::ZERO,
                ttft: None,
                upstream_request_id: None,
                upstream_message_id: None,
            },
        });
        let noted = self.note_attempt();
        if noted.is_err() {
            self.attempt = None;
        }
        noted
    }

    pub(crate) fn end_attempt(&mut self, end: AttemptEnd<'_>) {
        let latency = self.attempt_elapsed();
        let (Some(open), Some(record)) = (self.attempt.take(), self.record.as_mut()) else {
            return;
        };
        let may_be_charged = end.may_be_charged;
        let mut attempt = open.ended(end, latency);
        if self.is_recorded && may_be_charged {
            estimate_input(&mut attempt, self.expected_input);
        }
        if self.is_recorded {
            self.shared.price(&mut attempt);
            self.shared.charge_account(&attempt, open.admitted);
        }
        record.attempts.push(attempt);
    }

    /// Whether it is time to [note](Self::note) how far the answer has come: once it has begun, and every second.
    pub(crate) fn is_note_due(&self) -> bool {
        self.noted_at
            .is_none_or(|noted_at| self.shared.clock.monotonic().saturating_sub(noted_at) >= NOTE_INTERVAL)
    }

    /// Notes in the journal how the request shall be booked if the process dies now.
    pub(crate) fn note(&mut self, reading: Reading, status: StatusCode, ttft: AnswerTtft) {
        self.noted_at = Some(self.shared.clock.monotonic());
        let end = AttemptEnd {
            reading: Some(reading),
            ttft: ttft.attempt,
            ..AttemptEnd::interrupted()
        };
        let Some(mut record) = self.as_interrupted(end) else {
            return;
        };
        record.http_status = Some(status.as_u16());
        record.ttft = ttft.request;
        if let Some(open) = &mut self.open {
            self.shared.ledger.note(open, &record);
        }
    }

    fn note_attempt(&mut self) -> Result<(), AppendError> {
        if !self.is_recorded {
            return Ok(());
        }
        let Some(record) = self.as_interrupted(AttemptEnd::interrupted()) else {
            return Ok(());
        };
        match &mut self.open {
            Some(open) => self.shared.ledger.update(open, &record),
            None => self.open = Some(self.shared.ledger.open(&record)?),
        }
        Ok(())
    }

    /// The record of a request whose current attempt ends so, together with the request.
    fn as_interrupted(&self, end: AttemptEnd<'_>) -> Option<RequestRecord> {
        let mut record = self.record.clone()?;
        if let Some(open) = &self.attempt {
            let mut attempt = open.ended(end, self.attempt_elapsed());
            // An attempt that is not over yet is no finding: neither a missing usage nor a missing price is counted.
            if attempt.usage_source != UsageSource::Missing {
                let _ = self.shared.find_price(&mut attempt);
            }
            record.attempts.push(attempt);
        }
        record.status = Outcome::Interrupted;
        record.latency = self.elapsed();
        Some(record)
    }

    /// Closes the books. Only the first call counts.
    pub(crate) fn settle(
        &mut self,
        status: Outcome,
        http_status: Option<StatusCode>,
        fault: Option<FaultClass>,
        ttft: Option<Duration>,
    ) {
        let latency = self.elapsed();
        let Some(mut record) = self.record.take() else {
            return;
        };
        record.status = status;
        record.http_status = http_status.map(|status| status.as_u16());
        record.fault = fault;
        record.latency = latency;
        record.ttft = ttft;
        self.shared.metrics.request_ended(&record);
        tracing::debug!(
            status = record.status.as_str(),
            http_status = record.http_status,
            attempts = record.attempts.len(),
            latency_ms = latency.as_secs_f64() * 1000.0,
            "request ended"
        );
        self.shared.charge(&record, &mut self.admitted);
        if self.is_recorded {
            match self.open.take() {
                Some(open) => self.shared.ledger.close_request(open, record),
                None => self.shared.ledger.record(record),
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.record.is_some() {
            self.end_attempt(AttemptEnd::cancelled());
            let status = self.early_head.as_ref().and_then(EarlyHead::status);
            self.settle(Outcome::Cancelled, status, None, None);
        }
    }
}
