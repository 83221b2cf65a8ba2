use std::sync::Arc;
use std::time::Duration;

use gateway_domain::{Fault, FaultClass, FaultReach, RateLimits, Timestamp, UpstreamAccount};

use crate::chance::Chance;
use crate::errand::Errand;
use crate::family::{Family, MAX_FAMILIES, MOST_UNKNOWN_FAMILIES, OTHER_FAMILIES};
use crate::health::{Machine, ModelRests, Moment, Rest, Ticket};
use crate::pace::Pace;
use crate::table::Row;
use crate::{Delivery, Health, HealthStatus, PoolSettings, Probe};

/// An account in the pool, and everything that the pool knows of it.
#[derive(Debug)]
pub(crate) struct Member {
    /// From when on nothing about it has to be looked at closely: no rest, no slow start, no missing model.
    pub(crate) plain_from: Duration,
    pub(crate) in_flight: u32,
    /// Of streams, and of answers in one piece.
    paces: [Pace; 2],
    pub(crate) machine: Machine,
    pub(crate) model_rests: ModelRests,
    /// By the models' families; the order never changes.
    pub(crate) families: Vec<Family>,
    pub(crate) account: Arc<UpstreamAccount>,
    /// Where its service stands in the pool's list.
    pub(crate) service: usize,
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
    ttft: Option<Duration>,
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
            plain_from: Duration::ZERO,
            in_flight: 0,
            paces: Default::default(),
            machine: Machine::new(settings),
            model_rests: ModelRests::default(),
            families: Vec::new(),
            account,
            service: 0,
            joined: newest,
            reset: newest,
            seen: Box::default(),
        }
    }

    /// The same account, edited.
    pub(crate) fn with_account(self, account: Arc<UpstreamAccount>) -> Self {
        Self { account, ..self }
    }

    /// Where the family of this model stands, from now on for good.
    pub(crate) fn family_of(&mut self, upstream_model: &str) -> usize {
        let name = self.account.provider.limits_family(upstream_model);
        self.place_of_family(&name)
    }

    /// The same for a model of which nothing is known: clients may invent any number of them.
    pub(crate) fn family_of_unknown(&mut self, upstream_model: &str) -> usize {
        let name = self.account.provider.limits_family(upstream_model);
        let is_known = self.families.iter().any(|family| family.name() == name);
        if is_known || self.families.len() < MOST_UNKNOWN_FAMILIES {
            self.place_of_family(&name)
        } else {
            self.place_of_family(OTHER_FAMILIES)
        }
    }

    pub(crate) fn family_named(&mut self, name: &str) -> &mut Family {
        let place = self.place_of_family(name);
        &mut self.families[place]
    }

    fn place_of_family(&mut self, name: &str) -> usize {
        let known = self.families.iter().position(|family| family.name() == name);
        known.unwrap_or_else(|| {
            if self.families.len() < MAX_FAMILIES {
                self.families.push(Family::new(name));
            }
            self.families.len() - 1
        })
    }

    /// What a pick reads of it.
    pub(crate) const fn row(&self) -> Row {
        Row {
            plain_from: self.plain_from,
            in_flight: self.in_flight,
            paces: self.paces,
        }
    }

    pub(crate) fn lease_began(&mut self, ticket: Ticket, errand: &Errand) {
        if errand.delivery == Delivery::Counted {
            return;
        }
        self.in_flight += 1;
        self.paces[place_of_pace(errand.delivery)].began(errand.began);
        self.machine.leased(ticket, errand.began);
        if let Some(family) = self.families.get_mut(errand.family) {
            family.leased(ticket, errand.need, errand.began);
        }
    }

    /// `answered` tells whether [`Self::answering`] has settled what the errand had reserved.
    pub(crate) fn lease_ended(&mut self, ticket: Ticket, errand: &Errand, answered: Answered, now: Duration) {
        if ticket <= self.joined || errand.delivery == Delivery::Counted {
            return;
        }
        self.in_flight = self.in_flight.saturating_sub(1);
        self.machine.released(ticket);
        if let Some(family) = self.families.get_mut(errand.family) {
            family.released(ticket);
        }
        if answered == Answered::No {
            let after = now.saturating_sub(errand.began);
            self.paces[place_of_pace(errand.delivery)].left(after, now);
            self.settle(errand);
        }
    }

    /// Whether it rests, as a whole or with the errand's family of models.
    pub(crate) fn is_resting(&self, errand: &Errand) -> bool {
        let family = self.families.get(errand.family);
        self.machine.rest().is_some() || family.is_some_and(|family| family.rest().is_some())
    }

    /// The first content has come, or all of it.
    pub(crate) fn answering(
        &mut self,
        ticket: Ticket,
        errand: &Errand,
        ttft: Option<Duration>,
        limits: RateLimits,
        at: Moment,
    ) {
        if errand.delivery == Delivery::Counted {
            return;
        }
        let now = at.monotonic;
        if ticket > self.joined {
            let after = ttft.unwrap_or_else(|| now.saturating_sub(errand.began));
            self.paces[place_of_pace(errand.delivery)].answered(after, now);
            self.settle(errand);
        }
        if ticket <= self.reset {
            return;
        }
        self.machine.answering(ticket, now);
        if let Some(family) = self.families.get_mut(errand.family) {
            family.answering(ticket, now);
        }
        self.note_limits(errand.family, limits, at);
        if let Some(sample) = ttft {
            self.seen.ttft = Some(self.seen.ttft.map_or(sample, |average| {
                (average.saturating_mul(7).saturating_add(sample)) / 8
            }));
        }
    }

    pub(crate) fn succeeded(&mut self, ticket: Ticket, errand: &Errand, at: Moment) {
        if ticket > self.reset && errand.delivery != Delivery::Counted {
            self.machine.succeeded(ticket, at.monotonic);
        }
    }

    pub(crate) fn failed(
        &mut self,
        ticket: Ticket,
        errand: &Errand,
        fault: &Fault,
        settings: &PoolSettings,
        at: Moment,
        chance: &mut Chance,
    ) {
        // Counting has limits of its own.
        let is_limit = matches!(fault.class, FaultClass::Quota | FaultClass::Burst);
        if ticket <= self.reset || (errand.delivery == Delivery::Counted && is_limit) {
            return;
        }
        if fault.class == FaultClass::ModelMissing {
            let until = at.monotonic.saturating_add(settings.model_rest());
            self.model_rests.add(&errand.upstream_model, at.monotonic, until);
        }
        let concerns_family = fault.class == FaultClass::Quota && fault.reach == FaultReach::ModelFamily;
        match self.families.get_mut(errand.family).filter(|_| concerns_family) {
            Some(family) => {
                family.failed(ticket, fault, settings, at, chance);
                self.machine.released(ticket);
                self.machine.count(fault.class, at.monotonic);
            }
            None => self.machine.failed(ticket, fault, settings, at, chance),
        }
    }

    pub(crate) fn probed(&mut self, probe: &Probe, settings: &PoolSettings, at: Moment, chance: &mut Chance) {
        match &probe.outcome {
            Ok(()) => self.machine.probe_succeeded(at.monotonic),
            Err(fault) if matches!(fault.class, FaultClass::Client | FaultClass::ModelMissing) => {
                self.machine.probe_told_nothing(at.monotonic);
            }
            Err(fault) => self.machine.probe_failed(fault, settings, at, chance),
        }
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
        if probe.rate_limits != RateLimits::default() {
            self.seen.rate_limits = probe.rate_limits;
        }
    }

    pub(crate) fn reset(&mut self, settings: &PoolSettings, newest: Ticket) {
        self.machine.reset(settings);
        self.model_rests.clear();
        self.families.iter_mut().for_each(Family::reset);
        self.reset = newest;
        if let Some(probe) = &mut self.seen.last_probe {
            probe.complaint = None;
        }
    }

    pub(crate) fn health(&self, at: Moment) -> Health {
        let (status, reason, until) = if self.account.is_active {
            self.describe(at)
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
            ttft: self.seen.ttft,
            rate_limits: self.seen.rate_limits,
        }
    }

    /// The account's own state, and where that is good the worst of its families'.
    pub(crate) fn describe(&self, at: Moment) -> (HealthStatus, Option<String>, Option<Timestamp>) {
        let own = self.machine.describe(at);
        let is_up = self.machine.rest().is_none();
        let resting = || self.families.iter().filter_map(|family| family.describe(at));
        // One that rests tells more than one whose rest is over.
        let Some((reason, until)) = resting().filter(|_| is_up).max_by_key(|(_, until)| *until) else {
            return own;
        };
        let status = if until.is_some() {
            HealthStatus::CoolingDown
        } else {
            HealthStatus::Degraded
        };
        (status, Some(reason), until)
    }

    /// What it rests for, half-open or not, as a whole or with a family of its models.
    pub(crate) fn rest_words(&self) -> String {
        let families = self.families.iter().filter_map(Family::rest);
        let mut rests = self.machine.rest().into_iter().chain(families);
        rests.next().map(Rest::words).unwrap_or_default()
    }

    /// Finds out from when on nothing about it has to be looked at closely; after whatever may have changed that.
    pub(crate) fn find_plain(&mut self, settings: &PoolSettings) {
        let families = self.families.iter().map(|family| family.plain_from(settings));
        self.plain_from = families
            .chain([self.machine.plain_from(settings), self.model_rests.plain_from()])
            .max()
            .unwrap_or_default();
    }

    fn settle(&mut self, errand: &Errand) {
        if let Some(family) = self.families.get_mut(errand.family) {
            family.settle(errand.need);
        }
    }

    fn note_limits(&mut self, family: usize, limits: RateLimits, at: Moment) {
        if limits != RateLimits::default() {
            self.seen.rate_limits = limits;
        }
        if let Some(family) = self.families.get_mut(family) {
            family.note_limits(limits, at);
        }
    }
}

const fn place_of_pace(delivery: Delivery) -> usize {
    match delivery {
        Delivery::Streamed => 0,
        Delivery::Whole | Delivery::Counted => 1,
    }
}

/// Whether a lease's account has answered before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered {
    Yes,
    No,
}
