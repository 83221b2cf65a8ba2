use std::time::Duration;

use gateway_domain::{Fault, RateLimits, Timestamp};

use crate::PoolSettings;
use crate::chance::Chance;
use crate::gauge::{Gauges, Need};
use crate::health::backoff::Backoff;
use crate::health::{Gate, Moment, Rest, SlowStart, Ticket, Wait};

/// Families known of one account, at the most; further ones share the last.
pub(crate) const MAX_FAMILIES: usize = 32;
/// Of models that nobody knows so many have families of their own; the others share one.
pub(crate) const MOST_UNKNOWN_FAMILIES: usize = 8;
pub(crate) const OTHER_FAMILIES: &str = "other models";

/// The models of an account that share their limits, and what is known of those limits.
#[derive(Debug)]
pub(crate) struct Family {
    rest: Option<Box<Rest>>,
    gauges: Gauges,
    name: Box<str>,
    burst: Backoff,
    back: SlowStart,
}

impl Family {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            rest: None,
            gauges: Gauges::default(),
            name: name.into(),
            burst: Backoff::new(Duration::from_secs(1), Duration::from_secs(60)),
            back: SlowStart::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn rest(&self) -> Option<&Rest> {
        self.rest.as_deref()
    }

    pub(crate) fn gate(&self, now: Duration, settings: &PoolSettings) -> Gate {
        match &self.rest {
            Some(rest) => rest.gate(now),
            None => Gate::Open(self.back.share(now, settings)),
        }
    }

    /// From when on it has its full share; never while it rests.
    pub(crate) fn plain_from(&self, settings: &PoolSettings) -> Duration {
        match self.rest {
            Some(_) => Duration::MAX,
            None => self.back.until(settings),
        }
    }

    pub(crate) const fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    pub(crate) fn leased(&mut self, ticket: Ticket, need: Need, now: Duration) {
        self.gauges.reserve(need);
        if let Some(rest) = &mut self.rest {
            rest.leased(ticket, now);
        }
    }

    pub(crate) fn released(&mut self, ticket: Ticket) {
        if let Some(rest) = &mut self.rest {
            rest.released(ticket);
        }
    }

    /// What was reserved has been counted by the provider, or will never be.
    pub(crate) fn settle(&mut self, need: Need) {
        self.gauges.settle(need);
    }

    pub(crate) fn note_limits(&mut self, limits: RateLimits, at: Moment) {
        // An answer that says nothing of limits does not lift them.
        if limits != RateLimits::default() {
            self.gauges.read(&limits, at);
        }
    }

    pub(crate) fn answering(&mut self, ticket: Ticket, now: Duration) {
        if self.rest.as_ref().is_none_or(|rest| rest.is_no_news(ticket)) {
            return;
        }
        self.rest = None;
        self.burst.reset();
        self.back = SlowStart::from(now);
    }

    /// Takes note of a quota fault of this family.
    pub(crate) fn failed(
        &mut self,
        ticket: Ticket,
        fault: &Fault,
        settings: &PoolSettings,
        at: Moment,
        chance: &mut Chance,
    ) {
        self.released(ticket);
        let is_no_news = self.rest.as_ref().is_some_and(|rest| rest.is_no_news(ticket));
        if is_no_news && fault.retry_after.is_none() {
            return;
        }
        let wait = Wait::for_quota(fault, settings, &mut self.burst, chance, at);
        match &mut self.rest {
            Some(rest) if is_no_news => rest.lengthen(fault, wait, at),
            _ => self.rest = Some(Box::new(Rest::new(fault, wait, at))),
        }
    }

    pub(crate) fn resume(&mut self, rest: Rest) {
        self.rest = Some(Box::new(rest));
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new(&self.name);
    }

    /// What it rests for and until when, in words.
    pub(crate) fn describe(&self, at: Moment) -> Option<(String, Option<Timestamp>)> {
        let rest = self.rest.as_ref()?;
        let words = format!("{}: {}", self.name, rest.words());
        Some(if rest.is_half_open(at.monotonic) {
            (format!("the next request decides, after {words}"), None)
        } else {
            (words, rest.until(at))
        })
    }
}
