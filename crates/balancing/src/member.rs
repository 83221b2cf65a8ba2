use std::sync::Arc;
use std::time::Duration;

use gateway_domain::{Fault, FaultClass, RateLimits, Timestamp, UpstreamAccount};

use crate::chance::Chance;
use crate::health::{Machine, ModelRests, Moment, Ticket};
use crate::{Health, HealthStatus, PoolSettings, Probe};

/// An account in the pool, and everything that the pool knows of it.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) account: Arc<UpstreamAccount>,
    pub(crate) in_flight: u32,
    pub(crate) credit: i64,
    pub(crate) machine: Machine,
    pub(crate) model_rests: ModelRests,
    pub(crate) ttft: Option<Duration>,
    /// The newest lease when it joined: those up to there belong to an earlier account of the same id.
    joined: Ticket,
    /// The newest lease when it was reset: what it and older ones come to is forgotten with the rest.
    reset: Ticket,
    // Apart, so that what a pick reads of every candidate lies close together.
    seen: Box<Seen>,
}

/// What the provider said, for reports.
#[derive(Debug, Default)]
struct Seen {
    rate_limits: RateLimits,
    last_probe: Option<LastProbe>,
}

#[derive(Debug)]
struct LastProbe {
    checked_at: Timestamp,
    latency: Duration,
    http_status: Option<u16>,
    complaint: Option<String>,
}

impl Member {
    pub(crate) fn new(account: Arc<UpstreamAccount>, settings: &PoolSettings, newest: Ticket) -> Self {
        Self {
            account,
            in_flight: 0,
            credit: 0,
            machine: Machine::new(settings),
            model_rests: ModelRests::default(),
            ttft: None,
            joined: newest,
            reset: newest,
            seen: Box::default(),
        }
    }

    /// The same account, edited.
    pub(crate) fn with_account(self, account: Arc<UpstreamAccount>) -> Self {
        Self { account, ..self }
    }

    pub(crate) fn lease_began(&mut self, ticket: Ticket, now: Duration) {
        self.in_flight += 1;
        self.machine.leased(ticket, now);
    }

    pub(crate) fn lease_ended(&mut self, ticket: Ticket) {
        if ticket > self.joined {
            self.in_flight = self.in_flight.saturating_sub(1);
            self.machine.released(ticket);
        }
    }

    pub(crate) fn answering(&mut self, ticket: Ticket, at: Moment) {
        if ticket > self.reset {
            self.machine.answering(ticket, at);
        }
    }

    pub(crate) fn succeeded(
        &mut self,
        ticket: Ticket,
        ttft: Option<Duration>,
        limits: RateLimits,
        at: Moment,
    ) {
        if ticket <= self.reset {
            return;
        }
        self.machine.succeeded(ticket, at);
        self.note_limits(limits);
        if let Some(sample) = ttft {
            self.ttft = Some(self.ttft.map_or(sample, |average| {
                (average.saturating_mul(7).saturating_add(sample)) / 8
            }));
        }
    }

    pub(crate) fn failed(
        &mut self,
        ticket: Ticket,
        upstream_model: &str,
        fault: &Fault,
        settings: &PoolSettings,
        at: Moment,
        chance: &mut Chance,
    ) {
        if ticket <= self.reset {
            return;
        }
        if fault.class == FaultClass::ModelMissing {
            let until = at.monotonic.saturating_add(settings.model_rest());
            self.model_rests.add(upstream_model, at.monotonic, until);
        }
        self.machine.failed(ticket, fault, at, chance);
    }

    pub(crate) fn probed(&mut self, probe: &Probe, at: Moment, chance: &mut Chance) {
        self.machine.probed(&probe.outcome, at, chance);
        self.note_limits(probe.rate_limits);
        self.seen.last_probe = Some(LastProbe {
            checked_at: probe.checked_at,
            latency: probe.latency,
            http_status: probe.http_status,
            complaint: probe
                .outcome
                .as_ref()
                .err()
                .map(|fault| format!("the last probe failed: {fault}")),
        });
    }

    pub(crate) fn reset(&mut self, settings: &PoolSettings, newest: Ticket) {
        self.machine.reset(settings);
        self.model_rests.clear();
        self.reset = newest;
        if let Some(probe) = &mut self.seen.last_probe {
            probe.complaint = None;
        }
    }

    pub(crate) fn health(&self, at: Moment) -> Health {
        let (status, reason, until) = if self.account.is_active {
            self.machine.describe(at)
        } else {
            (HealthStatus::Disabled, None, None)
        };
        let probe = self.seen.last_probe.as_ref();
        let complaint = || probe.and_then(|probe| probe.complaint.clone());
        Health {
            status,
            reason: match status {
                HealthStatus::Healthy | HealthStatus::Unknown => reason.or_else(complaint),
                _ => reason,
            },
            until,
            checked_at: probe.map(|probe| probe.checked_at),
            latency: probe.map(|probe| probe.latency),
            http_status: probe.and_then(|probe| probe.http_status),
            in_flight: self.in_flight,
            success_rate: self.machine.tally(at.monotonic).success_rate(),
            ttft: self.ttft,
            rate_limits: self.seen.rate_limits,
        }
    }

    fn note_limits(&mut self, limits: RateLimits) {
        // An answer that says nothing of limits does not lift them.
        if limits != RateLimits::default() {
            self.seen.rate_limits = limits;
        }
    }
}
