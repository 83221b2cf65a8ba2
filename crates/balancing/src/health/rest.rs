use std::time::Duration;

use gateway_domain::{BudgetPeriod, Fault, FaultClass, QuotaWindow, Timestamp};

use super::{Gate, Moment, Ticket};
use crate::PoolSettings;
use crate::chance::Chance;
use crate::health::backoff::Backoff;

/// No rest is shorter than this.
pub(crate) const SHORTEST_REST: Duration = Duration::from_secs(1);
/// How long before its trial an account that is out is probed.
const PROBE_LEAD: Duration = Duration::from_secs(2);
/// No provider has a longer window.
pub(crate) const LONGEST_WINDOW: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A time in which an account, or a family of its models, takes no requests.
///
/// When it is over the account is *half-open*: one request is let through as a trial, and decides.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) class: FaultClass,
    pub(crate) reason: String,
    pub(crate) window: QuotaWindow,
    /// When the next trial may be.
    pub(crate) trial_from: Duration,
    /// When it is expected to be over, which may be later than the next trial.
    pub(crate) ends_at: Timestamp,
    /// The newest lease when the rest began: what it and older ones come to is no news.
    pub(crate) began: Ticket,
    trial: Option<Ticket>,
    /// Time alone does not end it: a probe has to make it half-open.
    needs_probe: bool,
    /// A probe has made it half-open; the rest is a request's to decide.
    is_probed: bool,
}

impl Rest {
    pub(crate) fn new(fault: &Fault, wait: Wait, at: Moment) -> Self {
        Self {
            class: fault.class,
            reason: fault.reason.clone(),
            window: fault.window,
            trial_from: at.monotonic.saturating_add(wait.trial),
            ends_at: at.time + wait.end,
            began: at.newest,
            trial: None,
            needs_probe: fault.class == FaultClass::Credential,
            is_probed: false,
        }
    }

    pub(crate) fn gate(&self, now: Duration) -> Gate {
        if self.is_half_open(now) && self.trial.is_none() {
            Gate::Trial
        } else {
            Gate::Shut(self.class, self.trial_from)
        }
    }

    pub(crate) fn is_half_open(&self, now: Duration) -> bool {
        !self.needs_probe && self.trial_from <= now
    }

    /// Whether a probe could help, and is due: a little before the trial, so that no request need be risked on an
    /// account that does not even list its models.
    pub(crate) fn wants_probe(&self, now: Duration) -> bool {
        let lead = match self.class {
            FaultClass::Credential => Duration::ZERO,
            FaultClass::Server | FaultClass::Transport => PROBE_LEAD,
            _ => return false,
        };
        !self.is_probed && self.trial.is_none() && self.trial_from <= now.saturating_add(lead)
    }

    /// A lease was given; while half-open it is the trial.
    pub(crate) fn leased(&mut self, ticket: Ticket, now: Duration) {
        // What is tried for want of anything better is no trial.
        if self.is_half_open(now) {
            self.trial.get_or_insert(ticket);
        }
    }

    pub(crate) fn released(&mut self, ticket: Ticket) {
        if self.trial == Some(ticket) {
            self.trial = None;
        }
    }

    /// Whether a lease began before the rest did, so that its outcome tells of the time before.
    pub(crate) fn is_no_news(&self, ticket: Ticket) -> bool {
        ticket <= self.began
    }

    /// A probe went well: the next request decides.
    pub(crate) fn open_half(&mut self, now: Duration) {
        self.needs_probe = false;
        self.is_probed = true;
        self.trial_from = self.trial_from.min(now);
    }

    /// Begins again, for the same reason.
    pub(crate) fn begin_again(&mut self, wait: Duration, at: Moment) {
        self.trial_from = at.monotonic.saturating_add(wait);
        self.ends_at = at.time + wait;
        self.began = at.newest;
        self.needs_probe = self.class == FaultClass::Credential;
        self.is_probed = false;
    }

    /// Takes note of a further fault, which came of a request that was open when the rest began.
    ///
    /// It makes the rest harder or longer but never doubles it: they are one event.
    pub(crate) fn lengthen(&mut self, fault: &Fault, wait: Wait, at: Moment) {
        let is_harder = fault.class != self.class;
        let trial_from = at.monotonic.saturating_add(wait.trial);
        if is_harder || self.trial_from < trial_from {
            self.class = fault.class;
            self.reason.clone_from(&fault.reason);
            self.window = fault.window;
            self.trial_from = trial_from;
            self.ends_at = at.time + wait.end;
            self.needs_probe = fault.class == FaultClass::Credential;
        }
    }

    pub(crate) fn words(&self) -> String {
        format!("{}: {}", self.class, self.reason)
    }

    /// When it ends, as far as that is ahead.
    pub(crate) fn until(&self, at: Moment) -> Option<Timestamp> {
        (!self.is_half_open(at.monotonic) && at.time < self.ends_at).then_some(self.ends_at)
    }
}

/// How long a rest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    /// Until the next trial.
    pub(crate) trial: Duration,
    /// Until it should be over.
    pub(crate) end: Duration,
}

impl Wait {
    pub(crate) const fn of(wait: Duration) -> Self {
        Self {
            trial: wait,
            end: wait,
        }
    }

    /// The wait after a quota fault: what the provider asked for, as far as its kind of window is believed.
    pub(crate) fn for_quota(
        fault: &Fault,
        settings: &PoolSettings,
        burst: &mut Backoff,
        chance: &mut Chance,
        at: Moment,
    ) -> Self {
        match (fault.window, fault.retry_after) {
            (QuotaWindow::Spending, _) => {
                let month = BudgetPeriod::Month.around(at.time);
                Self::of(month.map_or(LONGEST_WINDOW, |(_, end)| end.since(at.time)))
            }
            (QuotaWindow::Subscription, Some(wait)) => {
                let end = wait.clamp(SHORTEST_REST, LONGEST_WINDOW);
                Self {
                    trial: end.min(settings.subscription_trial().max(SHORTEST_REST)),
                    end,
                }
            }
            (QuotaWindow::Rate, Some(wait)) => {
                Self::of(wait.clamp(SHORTEST_REST, settings.max_quota_rest().max(SHORTEST_REST)))
            }
            (_, None) => Self::of(chance.around(burst.next())),
        }
    }
}
