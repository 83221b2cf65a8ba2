use std::time::Duration;

use gateway_domain::{Fault, FaultClass, Timestamp};

use super::HealthStatus;
use super::backoff::Backoff;
use super::window::{SPAN, Tally, Window};
use crate::PoolSettings;
use crate::chance::Chance;

const SHORTEST_REST: Duration = Duration::from_secs(1);
const MAX_BURST_REST: Duration = Duration::from_secs(60);
const MAX_OVERLOAD_REST: Duration = Duration::from_secs(30);
/// Server and transport faults in a row that take an account out.
const MAX_STREAK: u32 = 3;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Its full share.
    Open,
    /// A quarter of its share.
    Narrow,
    /// One request, which decides.
    Trial,
    /// None: it rests for this and until then, or its trial is under way.
    Shut(FaultClass, Duration),
}

/// What is known of an account's health, and the rules by which that changes.
///
/// `up → resting → half-open → up`. Half-open is a rest whose time is over: one request is let through as a trial,
/// and its outcome ends the rest or begins the next.
#[derive(Debug)]
pub(crate) struct Machine {
    phase: Phase,
    /// Until when it gets a quarter of its share.
    degraded_until: Duration,
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
    /// Server and transport faults since the last answer.
    streak: u32,
    /// When the last rest ended.
    well_since: Duration,
    has_answered: bool,
    probes: ProbeWord,
    burst: Backoff,
    overload: Backoff,
    outage: Backoff,
    credential: Backoff,
    max_quota_rest: Duration,
}

#[derive(Debug)]
struct Rest {
    class: FaultClass,
    reason: String,
    until: Duration,
    until_at: Timestamp,
    /// The newest lease when the rest began: what it and older ones come to is no news.
    began: Ticket,
    trial: Option<Ticket>,
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
            streak: 0,
            well_since: Duration::ZERO,
            has_answered: false,
            probes: ProbeWord::Good,
            burst: Backoff::new(seconds(1), MAX_BURST_REST),
            overload: Backoff::new(seconds(2), MAX_OVERLOAD_REST),
            outage: Backoff::new(seconds(5), seconds(60)),
            credential: Backoff::new(seconds(10), settings.max_credential_rest()),
            max_quota_rest: settings.max_quota_rest().max(SHORTEST_REST),
        };
        Self {
            phase: Phase::Up,
            degraded_until: Duration::ZERO,
            record: Box::new(record),
        }
    }

    /// Forgets every fault. That it once answered stays known.
    pub(crate) fn reset(&mut self, settings: &PoolSettings) {
        let has_answered = self.record.has_answered;
        *self = Self::new(settings);
        self.record.has_answered = has_answered;
    }

    pub(crate) fn gate(&self, now: Duration) -> Gate {
        match &self.phase {
            Phase::Up if now < self.degraded_until => Gate::Narrow,
            Phase::Up => Gate::Open,
            Phase::Resting(rest) if rest.until <= now && rest.trial.is_none() => Gate::Trial,
            Phase::Resting(rest) => Gate::Shut(rest.class, rest.until),
        }
    }

    /// A lease was given; while half-open it is the trial.
    pub(crate) fn leased(&mut self, ticket: Ticket, now: Duration) {
        if let Phase::Resting(rest) = &mut self.phase
            && rest.until <= now
        {
            rest.trial.get_or_insert(ticket);
        }
    }

    /// A lease ended, with or without a verdict.
    pub(crate) fn released(&mut self, ticket: Ticket) {
        if let Phase::Resting(rest) = &mut self.phase
            && rest.trial == Some(ticket)
        {
            rest.trial = None;
        }
    }

    /// Content has begun to arrive; how it ends is open.
    pub(crate) fn answering(&mut self, ticket: Ticket, at: Moment) {
        self.record.has_answered = true;
        if !self.is_no_news(ticket) {
            self.recover(at.monotonic);
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

    pub(crate) fn succeeded(&mut self, ticket: Ticket, at: Moment) {
        self.answering(ticket, at);
        self.record.streak = 0;
        self.record.window.at(at.monotonic).answered += 1;
        self.weigh(at.monotonic);
    }

    pub(crate) fn failed(&mut self, ticket: Ticket, fault: &Fault, at: Moment, chance: &mut Chance) {
        self.released(ticket);
        let tally = self.record.window.at(at.monotonic);
        match fault.class {
            FaultClass::Client | FaultClass::ModelMissing => return,
            FaultClass::Server | FaultClass::Transport => tally.broken += 1,
            FaultClass::Credential | FaultClass::Quota | FaultClass::Burst | FaultClass::Overload => {
                tally.refused += 1;
            }
        }
        self.weigh(at.monotonic);
        if self.is_no_news(ticket) {
            self.lengthen(fault, at);
            return;
        }
        if self.record.probes == ProbeWord::ReliedOn && fault.class == FaultClass::Credential {
            self.record.probes = ProbeWord::Belied;
        }
        if is_soft(fault.class) && self.rests_for_credential() {
            // The trial said nothing about the credential.
            let wait = self.record.credential.next();
            self.rest_again(wait, at);
        } else if !is_outage(fault.class) || self.counts_as_out(at.monotonic) {
            self.begin_rest(fault, at, chance);
        }
    }

    pub(crate) fn probed(&mut self, outcome: &Result<(), Fault>, at: Moment, chance: &mut Chance) {
        match outcome {
            Ok(()) => self.probe_succeeded(at),
            Err(fault) => self.probe_failed(fault, at, chance),
        }
    }

    /// Status, reason and end of the rest.
    pub(crate) fn describe(&self, at: Moment) -> (HealthStatus, Option<String>, Option<Timestamp>) {
        let rest = match &self.phase {
            Phase::Resting(rest) => rest,
            Phase::Up if at.monotonic < self.degraded_until => {
                let tally = self.tally(at.monotonic);
                let reason = format!("{} of the last {} requests failed", tally.failed(), tally.total());
                return (HealthStatus::Degraded, Some(reason), None);
            }
            Phase::Up if self.record.has_answered => return (HealthStatus::Healthy, None, None),
            Phase::Up => return (HealthStatus::Unknown, None, None),
        };
        let is_half_open = rest.until <= at.monotonic;
        let until = (!is_half_open).then_some(rest.until_at);
        match rest.class {
            FaultClass::Credential => (HealthStatus::Unhealthy, Some(rest.words()), until),
            _ if is_half_open => {
                let reason = format!("the next request decides, after {}", rest.words());
                (HealthStatus::Degraded, Some(reason), until)
            }
            _ => (HealthStatus::CoolingDown, Some(rest.words()), until),
        }
    }

    pub(crate) fn tally(&self, now: Duration) -> Tally {
        self.record.window.tally(now)
    }

    fn probe_succeeded(&mut self, at: Moment) {
        let Phase::Resting(rest) = &mut self.phase else {
            self.record.has_answered = true;
            return;
        };
        match rest.class {
            FaultClass::Credential if self.record.probes != ProbeWord::Belied => {
                self.record.probes = ProbeWord::ReliedOn;
                self.record.has_answered = true;
                self.recover(at.monotonic);
            }
            // Listing models does not show that these are over.
            FaultClass::Quota | FaultClass::Burst => {}
            _ => rest.until = rest.until.min(at.monotonic),
        }
    }

    fn probe_failed(&mut self, fault: &Fault, at: Moment, chance: &mut Chance) {
        let is_first_word = matches!(self.phase, Phase::Up) && self.tally(at.monotonic).answered == 0;
        if is_outage(fault.class) && is_first_word {
            // Nothing else speaks for it, so one probe is enough.
            self.record.streak = MAX_STREAK;
        }
        // Newer than every lease.
        let ticket = Ticket(at.newest.0.saturating_add(1));
        self.failed(ticket, fault, at, chance);
    }

    /// Whether a lease began before the rest did, so that its outcome tells of the time before.
    fn is_no_news(&self, ticket: Ticket) -> bool {
        matches!(&self.phase, Phase::Resting(rest) if ticket <= rest.began)
    }

    fn rests_for_credential(&self) -> bool {
        matches!(&self.phase, Phase::Resting(rest) if rest.class == FaultClass::Credential)
    }

    /// Counts a server or transport fault, and says whether it takes the account out.
    fn counts_as_out(&mut self, now: Duration) -> bool {
        self.record.streak = self.record.streak.saturating_add(1);
        let was_tried = matches!(self.phase, Phase::Resting(_));
        was_tried || self.record.streak >= MAX_STREAK || self.tally(now).is_outlier()
    }

    fn begin_rest(&mut self, fault: &Fault, at: Moment, chance: &mut Chance) {
        let asked_for = |longest: Duration| fault.retry_after.map(|wait| wait.clamp(SHORTEST_REST, longest));
        let wait = match fault.class {
            FaultClass::Quota => asked_for(self.record.max_quota_rest)
                .unwrap_or_else(|| chance.around(self.record.burst.next())),
            FaultClass::Burst => {
                asked_for(MAX_BURST_REST).unwrap_or_else(|| chance.around(self.record.burst.next()))
            }
            FaultClass::Overload => {
                asked_for(MAX_OVERLOAD_REST).unwrap_or_else(|| self.record.overload.next())
            }
            FaultClass::Credential => self.record.credential.next(),
            FaultClass::Server | FaultClass::Transport | FaultClass::Client | FaultClass::ModelMissing => {
                let healthy_minutes = at.monotonic.saturating_sub(self.record.well_since).as_secs() / 60;
                self.record.outage.step_back(healthy_minutes);
                self.record.well_since = at.monotonic;
                chance.around(self.record.outage.next())
            }
        };
        self.phase = Phase::Resting(Box::new(Rest {
            class: fault.class,
            reason: fault.reason.clone(),
            until: at.monotonic.saturating_add(wait),
            until_at: at.time + wait,
            began: at.newest,
            trial: None,
        }));
    }

    fn rest_again(&mut self, wait: Duration, at: Moment) {
        if let Phase::Resting(rest) = &mut self.phase {
            rest.until = at.monotonic.saturating_add(wait);
            rest.until_at = at.time + wait;
            rest.began = at.newest;
        }
    }

    /// Takes a rest's further faults into account, which came of requests that were open when it began.
    ///
    /// They make it harder or longer but never double it: they are one event.
    fn lengthen(&mut self, fault: &Fault, at: Moment) {
        let Phase::Resting(rest) = &mut self.phase else {
            return;
        };
        match (fault.class, fault.retry_after) {
            (FaultClass::Credential, _) if rest.class != FaultClass::Credential => {
                let wait = self.record.credential.next();
                rest.class = FaultClass::Credential;
                rest.reason.clone_from(&fault.reason);
                rest.until = at.monotonic.saturating_add(wait);
                rest.until_at = at.time + wait;
            }
            (FaultClass::Quota, Some(wait)) if rest.class != FaultClass::Credential => {
                let wait = wait.clamp(SHORTEST_REST, self.record.max_quota_rest);
                let until = at.monotonic.saturating_add(wait);
                if rest.class != FaultClass::Quota || rest.until < until {
                    rest.class = FaultClass::Quota;
                    rest.reason.clone_from(&fault.reason);
                    rest.until = until;
                    rest.until_at = at.time + wait;
                }
            }
            _ => {}
        }
    }

    fn recover(&mut self, now: Duration) {
        if let Phase::Resting(_) = self.phase {
            self.phase = Phase::Up;
            self.record.window = Window::default();
            self.degraded_until = Duration::ZERO;
            self.record.streak = 0;
            self.record.well_since = now;
        }
    }

    /// Settles whether the account gets its full share, until the next outcome or for as long as this one counts.
    fn weigh(&mut self, now: Duration) {
        let is_degraded = self.tally(now).is_degraded();
        self.degraded_until = if is_degraded {
            now.saturating_add(SPAN)
        } else {
            Duration::ZERO
        };
    }
}

impl Rest {
    fn words(&self) -> String {
        format!("{}: {}", self.class, self.reason)
    }
}

/// Whether a request may be sent to an account that rests for this, when there is no other.
pub(crate) const fn is_soft(class: FaultClass) -> bool {
    matches!(class, FaultClass::Burst | FaultClass::Overload) || is_outage(class)
}

const fn is_outage(class: FaultClass) -> bool {
    matches!(class, FaultClass::Server | FaultClass::Transport)
}
