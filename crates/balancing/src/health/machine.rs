use std::time::Duration;

use gateway_domain::{Fault, FaultClass, Timestamp};

use super::backoff::Backoff;
use super::rest::{Rest, SHORTEST_REST, Wait};
use super::window::{SPAN, Tally, Window};
use super::{Gate, HealthStatus, Moment, SlowStart, Ticket};
use crate::PoolSettings;
use crate::chance::Chance;

const MAX_BURST_REST: Duration = Duration::from_secs(60);
const MAX_OVERLOAD_REST: Duration = Duration::from_secs(30);
/// Server and transport faults in a row that take an account out.
const MAX_STREAK: u32 = 3;

/// What is known of an account's health, and the rules by which that changes.
///
/// `up → resting → half-open → up`. Half-open is a rest whose time is over: one request is let through as a trial,
/// and its outcome ends the rest or begins the next.
#[derive(Debug)]
pub(crate) struct Machine {
    phase: Phase,
    /// Until when it gets a quarter of its share.
    degraded_until: Duration,
    back: SlowStart,
    /// The share of its last minute's requests that failed, 0 to 1, as of the last outcome.
    failed_share: f32,
    /// Server and transport faults since the last answer.
    streak: u32,
    // Apart, so that what a pick reads of every candidate lies close together.
    record: Box<Record>,
}

#[derive(Debug)]
enum Phase {
    Up,
    Resting(Box<Rest>),
}

#[derive(Debug)]
struct Record {
    window: Window,
    has_answered: bool,
    probes: ProbeWord,
    burst: Backoff,
    overload: Backoff,
    outage: Backoff,
    credential: Backoff,
    /// Since when no outage has begun.
    no_outage_since: Duration,
}

/// What a good probe is worth after a credential fault.
///
/// A key without credit lists models all the same: where requests belie the probe, only a request ends the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProbeWord {
    Good,
    ReliedOn,
    Belied,
}

impl Machine {
    pub(crate) fn new(settings: &PoolSettings) -> Self {
        let seconds = Duration::from_secs;
        let record = Record {
            window: Window::default(),
            has_answered: false,
            probes: ProbeWord::Good,
            burst: Backoff::new(seconds(1), MAX_BURST_REST),
            overload: Backoff::new(seconds(2), MAX_OVERLOAD_REST),
            outage: Backoff::new(seconds(5), seconds(60)),
            credential: Backoff::new(seconds(10), settings.max_credential_rest().max(SHORTEST_REST)),
            no_outage_since: Duration::ZERO,
        };
        Self {
            phase: Phase::Up,
            degraded_until: Duration::ZERO,
            back: SlowStart::default(),
            failed_share: 0.0,
            streak: 0,
            record: Box::new(record),
        }
    }

    /// Forgets every fault. That it once answered stays known.
    pub(crate) fn reset(&mut self, settings: &PoolSettings) {
        let has_answered = self.record.has_answered;
        *self = Self::new(settings);
        self.record.has_answered = has_answered;
    }

    pub(crate) fn gate(&self, now: Duration, settings: &PoolSettings) -> Gate {
        match &self.phase {
            Phase::Up => Gate::Open(self.share(now, settings)),
            Phase::Resting(rest) => rest.gate(now),
        }
    }

    /// From when on it has its full share and no fault to its name; never while it rests.
    pub(crate) fn plain_from(&self, settings: &PoolSettings) -> Duration {
        match self.phase {
            Phase::Up if self.streak > 0 => Duration::MAX,
            Phase::Resting(_) => Duration::MAX,
            Phase::Up => self.back.until(settings).max(self.degraded_until),
        }
    }

    /// What part of its full share it may have while it is up: less when it fails often or has just come back.
    fn share(&self, now: Duration, settings: &PoolSettings) -> f32 {
        let share = self.back.share(now, settings);
        if now < self.degraded_until {
            share / 4.0
        } else {
            share
        }
    }

    /// Whether it answers as usual: nothing speaks against sending it a request that failed elsewhere.
    pub(crate) fn is_well(&self, now: Duration) -> bool {
        matches!(self.phase, Phase::Up) && self.streak == 0 && self.degraded_until <= now
    }

    /// How likely the next request fails, 0 to 1, by those of the last minute.
    pub(crate) fn failed_share(&self, now: Duration) -> f32 {
        if now < self.degraded_until || self.streak > 0 {
            self.failed_share
        } else {
            0.0
        }
    }

    pub(crate) fn leased(&mut self, ticket: Ticket, now: Duration) {
        if let Phase::Resting(rest) = &mut self.phase {
            rest.leased(ticket, now);
        }
    }

    /// A lease ended, with or without a verdict.
    pub(crate) fn released(&mut self, ticket: Ticket) {
        if let Phase::Resting(rest) = &mut self.phase {
            rest.released(ticket);
        }
    }

    /// Content has begun to arrive; how it ends is open.
    pub(crate) fn answering(&mut self, ticket: Ticket, now: Duration) {
        self.record.has_answered = true;
        if !self.is_no_news(ticket) {
            self.recover(now);
            self.record.probes = ProbeWord::Good;
            for backoff in [
                &mut self.record.burst,
                &mut self.record.overload,
                &mut self.record.credential,
            ] {
                backoff.reset();
            }
        }
    }

    pub(crate) fn succeeded(&mut self, ticket: Ticket, now: Duration) {
        self.answering(ticket, now);
        self.streak = 0;
        self.record.window.at(now).answered += 1;
        self.weigh(now);
    }

    /// Takes note of a fault that concerns the whole account.
    pub(crate) fn failed(
        &mut self,
        ticket: Ticket,
        fault: &Fault,
        settings: &PoolSettings,
        at: Moment,
        chance: &mut Chance,
    ) {
        self.released(ticket);
        self.count(fault.class, at.monotonic);
        if matches!(fault.class, FaultClass::Client | FaultClass::ModelMissing) {
            return;
        }
        if self.is_no_news(ticket) {
            self.lengthen(fault, settings, at, chance);
            return;
        }
        if self.record.probes == ProbeWord::ReliedOn && fault.class == FaultClass::Credential {
            self.record.probes = ProbeWord::Belied;
        }
        if is_soft(fault.class) && self.rests_for_credential() {
            // The trial said nothing about the credential.
            let wait = self.record.credential.next();
            if let Phase::Resting(rest) = &mut self.phase {
                rest.begin_again(wait, at);
            }
        } else if !is_outage(fault.class) || self.counts_as_out(at.monotonic) {
            let wait = self.wait(fault, settings, at, chance);
            self.phase = Phase::Resting(Box::new(Rest::new(fault, wait, at)));
        }
    }

    /// Counts an outcome towards the minute's, whatever it leads to.
    pub(crate) fn count(&mut self, class: FaultClass, now: Duration) {
        let tally = self.record.window.at(now);
        match class {
            FaultClass::Client | FaultClass::ModelMissing => return,
            FaultClass::Server | FaultClass::Transport => tally.broken += 1,
            FaultClass::Credential | FaultClass::Quota | FaultClass::Burst | FaultClass::Overload => {
                tally.refused += 1;
            }
        }
        self.weigh(now);
    }

    pub(crate) fn probe_succeeded(&mut self, now: Duration) {
        let Phase::Resting(rest) = &mut self.phase else {
            self.record.has_answered = true;
            return;
        };
        match rest.class {
            FaultClass::Credential if self.record.probes != ProbeWord::Belied => {
                self.record.probes = ProbeWord::ReliedOn;
                self.record.has_answered = true;
                self.recover(now);
            }
            // Listing models does not show that these are over.
            FaultClass::Quota | FaultClass::Burst => {}
            _ => rest.open_half(now),
        }
    }

    /// The provider answered, but has no list of models: that the next request decides is all that is left.
    pub(crate) fn probe_told_nothing(&mut self, now: Duration) {
        if let Phase::Resting(rest) = &mut self.phase
            && !matches!(rest.class, FaultClass::Quota | FaultClass::Burst)
        {
            rest.open_half(now);
        }
    }

    pub(crate) fn probe_failed(
        &mut self,
        fault: &Fault,
        settings: &PoolSettings,
        at: Moment,
        chance: &mut Chance,
    ) {
        let is_first_word = matches!(self.phase, Phase::Up) && self.tally(at.monotonic).answered == 0;
        if is_outage(fault.class) && is_first_word {
            // Nothing else speaks for it, so one probe is enough.
            self.streak = MAX_STREAK;
        }
        // Newer than every lease.
        let ticket = Ticket(at.newest.0.saturating_add(1));
        self.failed(ticket, fault, settings, at, chance);
    }

    /// Goes on with a rest that began before a restart.
    pub(crate) fn resume(&mut self, rest: Rest) {
        self.record.has_answered = true;
        self.phase = Phase::Resting(Box::new(rest));
    }

    /// The rest that it is in, half-open or not.
    pub(crate) fn rest(&self) -> Option<&Rest> {
        match &self.phase {
            Phase::Up => None,
            Phase::Resting(rest) => Some(rest),
        }
    }

    /// Status, reason and end of the rest.
    pub(crate) fn describe(&self, at: Moment) -> (HealthStatus, Option<String>, Option<Timestamp>) {
        let Phase::Resting(rest) = &self.phase else {
            if at.monotonic < self.degraded_until {
                let tally = self.tally(at.monotonic);
                let reason = format!("{} of the last {} requests failed", tally.failed(), tally.total());
                return (HealthStatus::Degraded, Some(reason), None);
            }
            let status = if self.record.has_answered {
                HealthStatus::Healthy
            } else {
                HealthStatus::Unknown
            };
            return (status, None, None);
        };
        match rest.class {
            FaultClass::Credential => (HealthStatus::Unhealthy, Some(rest.words()), rest.until(at)),
            _ if rest.is_half_open(at.monotonic) => {
                let reason = format!("the next request decides, after {}", rest.words());
                (HealthStatus::Degraded, Some(reason), None)
            }
            _ => (HealthStatus::CoolingDown, Some(rest.words()), rest.until(at)),
        }
    }

    pub(crate) fn tally(&self, now: Duration) -> Tally {
        self.record.window.tally(now)
    }

    fn is_no_news(&self, ticket: Ticket) -> bool {
        self.rest().is_some_and(|rest| rest.is_no_news(ticket))
    }

    fn rests_for_credential(&self) -> bool {
        self.rest()
            .is_some_and(|rest| rest.class == FaultClass::Credential)
    }

    /// Counts a server or transport fault, and says whether it takes the account out.
    fn counts_as_out(&mut self, now: Duration) -> bool {
        self.streak = self.streak.saturating_add(1);
        let was_tried = matches!(self.phase, Phase::Resting(_));
        was_tried || self.streak >= MAX_STREAK || self.tally(now).is_outlier()
    }

    /// How long the account rests after a fault that takes it out.
    fn wait(&mut self, fault: &Fault, settings: &PoolSettings, at: Moment, chance: &mut Chance) -> Wait {
        let record = &mut *self.record;
        let asked_for = |longest: Duration| fault.retry_after.map(|wait| wait.clamp(SHORTEST_REST, longest));
        match fault.class {
            FaultClass::Quota => Wait::for_quota(fault, settings, &mut record.burst, chance, at),
            FaultClass::Burst => {
                Wait::of(asked_for(MAX_BURST_REST).unwrap_or_else(|| chance.around(record.burst.next())))
            }
            FaultClass::Overload => {
                Wait::of(asked_for(MAX_OVERLOAD_REST).unwrap_or_else(|| record.overload.next()))
            }
            FaultClass::Credential => Wait::of(record.credential.next()),
            FaultClass::Server | FaultClass::Transport | FaultClass::Client | FaultClass::ModelMissing => {
                let healthy_minutes = at.monotonic.saturating_sub(record.no_outage_since).as_secs() / 60;
                record.outage.step_back(healthy_minutes);
                record.no_outage_since = at.monotonic;
                Wait::of(chance.around(record.outage.next()))
            }
        }
    }

    fn lengthen(&mut self, fault: &Fault, settings: &PoolSettings, at: Moment, chance: &mut Chance) {
        let Some(resting_for) = self.rest().map(|rest| rest.class) else {
            return;
        };
        let counts = match fault.class {
            FaultClass::Credential => resting_for != FaultClass::Credential,
            FaultClass::Quota => {
                resting_for != FaultClass::Credential
                    && (fault.retry_after.is_some() || fault.window != Default::default())
            }
            _ => false,
        };
        if counts {
            let wait = self.wait(fault, settings, at, chance);
            if let Phase::Resting(rest) = &mut self.phase {
                rest.lengthen(fault, wait, at);
            }
        }
    }

    fn recover(&mut self, now: Duration) {
        if let Phase::Resting(rest) = &self.phase {
            // An overload is the provider's: nothing has to be found out about the account.
            let comes_back = rest.class != FaultClass::Overload;
            self.phase = Phase::Up;
            self.record.window = Window::default();
            self.degraded_until = Duration::ZERO;
            self.streak = 0;
            self.record.no_outage_since = now;
            self.back = if comes_back {
                SlowStart::from(now)
            } else {
                SlowStart::default()
            };
        }
    }

    /// Settles whether the account gets its full share, until the next outcome or for as long as this one counts.
    fn weigh(&mut self, now: Duration) {
        let tally = self.tally(now);
        self.failed_share = tally.failed_share();
        self.degraded_until = if tally.is_degraded() {
            now.saturating_add(SPAN)
        } else {
            Duration::ZERO
        };
    }
}

/// Whether a request may be sent to an account that rests for this, when there is no other.
pub(crate) const fn is_soft(class: FaultClass) -> bool {
    matches!(class, FaultClass::Burst | FaultClass::Overload) || is_outage(class)
}

const fn is_outage(class: FaultClass) -> bool {
    matches!(class, FaultClass::Server | FaultClass::Transport)
}
