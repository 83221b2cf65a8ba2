use std::collections::HashMap;
use std::time::Duration;

use gateway_domain::{AccountId, FaultClass};

use crate::health::{Gate, is_soft};
use crate::member::Member;
use crate::routes::Stop;
use crate::service::Service;
use crate::table::Table;
use crate::{Candidate, Delivery, Looks, PoolSettings, Rates, Wanted};

/// What a weight of one is worth, so that there are shares below it.
const FULL_SHARE: u32 = 64;

/// What keeps an account that serves the model from serving this request now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Its provider does not answer in the client's dialect.
    Dialect,
    OtherOwner,
    KeyForbids,
    /// What the request refers to lies in another account.
    Pinned,
    Tried,
    ModelRests(Duration),
    Resting(FaultClass, Duration),
    Busy,
}

/// What an account may do for a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fit {
    /// Its part of the requests that its weight gives it, above 0 to 1.
    pub(crate) share: f32,
    pub(crate) is_trial: bool,
}

impl Fit {
    /// All of its share, and nothing to be found out.
    const FULL: Self = Self {
        share: 1.0,
        is_trial: false,
    };
}

/// Everything that a pick reads and nothing of what it writes.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) members: &'a [Member],
    pub(crate) places: &'a HashMap<AccountId, usize>,
    pub(crate) table: &'a Table,
    pub(crate) services: &'a [Service],
    pub(crate) settings: &'a PoolSettings,
    pub(crate) looks_at: Looks,
    pub(crate) wanted: &'a Wanted<'a>,
    pub(crate) now: Duration,
    /// The same, for estimates.
    pub(crate) now_seconds: f64,
    /// The only account that can serve the request, where there is such a one.
    pub(crate) pinned: Option<AccountId>,
    /// How long the request has waited for a place; `None` when it cannot wait.
    pub(crate) waited: Option<Duration>,
    /// Whether nothing but the accounts decides who may serve it.
    pub(crate) is_plain: bool,
}

impl View<'_> {
    pub(crate) fn is_plain(wanted: &Wanted<'_>, pinned: Option<AccountId>) -> bool {
        wanted.tried.is_empty() && wanted.key.allowed_accounts.is_empty() && pinned.is_none()
    }

    /// Whether and how far the account may serve: the one place where that is decided.
    #[inline(always)]
    pub(crate) fn judge(&self, stop: &Stop) -> Result<Fit, Obstacle> {
        // Nearly always so, and asked of every account for every request.
        if self.is_plain
            && self.table.row(stop.index).plain_from <= self.now
            && stop.owner_id.is_none()
            && self.wanted.providers.contains(&stop.provider)
            && self.has_room(stop)
        {
            return Ok(Fit::FULL);
        }
        self.judge_closely(stop)
    }

    #[inline(never)]
    fn judge_closely(&self, stop: &Stop) -> Result<Fit, Obstacle> {
        let (wanted, member) = (self.wanted, &self.members[stop.index]);
        if !wanted.providers.contains(&stop.provider) {
            return Err(Obstacle::Dialect);
        }
        if stop.owner_id.is_some_and(|owner| owner != wanted.user_id) {
            return Err(Obstacle::OtherOwner);
        }
        if !wanted.key.allows_account(stop.account_id) {
            return Err(Obstacle::KeyForbids);
        }
        if self.pinned.is_some_and(|home| home != stop.account_id) {
            return Err(Obstacle::Pinned);
        }
        if wanted.tried.contains(&stop.account_id) {
            return Err(Obstacle::Tried);
        }
        if let Some(until) = member.model_rests.until(&stop.upstream_model, self.now) {
            return Err(Obstacle::ModelRests(until));
        }
        let fit = match self.gate(stop) {
            Gate::Open(share) => Fit {
                share,
                is_trial: false,
            },
            // Counting takes no trial, and is not kept by what limits answers.
            Gate::Trial | Gate::Shut(FaultClass::Quota | FaultClass::Burst, _)
                if wanted.prompt.delivery == Delivery::Counted =>
            {
                Fit::FULL
            }
            Gate::Trial => Fit {
                share: 1.0,
                is_trial: true,
            },
            // Its siblings are as overloaded: that it was this one that said so speaks for none of them.
            Gate::Shut(FaultClass::Overload, _) if self.services[stop.service].is_strained(self.now) => {
                Fit::FULL
            }
            // With room it would be tried all the same if need be, so what it wants is room.
            Gate::Shut(class, _) if is_soft(class) && !self.has_room(stop) => return Err(Obstacle::Busy),
            Gate::Shut(class, until) => return Err(Obstacle::Resting(class, until)),
        };
        if self.has_room(stop) {
            Ok(fit)
        } else {
            Err(Obstacle::Busy)
        }
    }

    /// The account's own gate and that of the model's family, whichever is narrower.
    fn gate(&self, stop: &Stop) -> Gate {
        let member = &self.members[stop.index];
        let own = member.machine.gate(self.now, self.settings);
        let family = member
            .families
            .get(stop.family)
            .map_or(Gate::Open(1.0), |family| family.gate(self.now, self.settings));
        match (own, family) {
            // The harder one counts, and of two alike the longer.
            (Gate::Shut(own, own_end), Gate::Shut(family, family_end)) => {
                let family_counts = (!is_soft(family), family_end) > (!is_soft(own), own_end);
                if family_counts {
                    Gate::Shut(family, family_end)
                } else {
                    Gate::Shut(own, own_end)
                }
            }
            (Gate::Shut(class, until), _) | (_, Gate::Shut(class, until)) => Gate::Shut(class, until),
            (Gate::Trial, _) | (_, Gate::Trial) => Gate::Trial,
            (Gate::Open(own), Gate::Open(family)) => Gate::Open(own.min(family)),
        }
    }

    #[inline(always)]
    fn has_room(&self, stop: &Stop) -> bool {
        let in_flight = self.table.row(stop.index).in_flight;
        stop.max_concurrency.is_none_or(|limit| in_flight < limit) || self.has_room_beyond(stop, in_flight)
    }

    /// Whether the request may go beyond what the account usually has open at once.
    fn has_room_beyond(&self, stop: &Stop, in_flight: u32) -> bool {
        let limit = u64::from(stop.max_concurrency.unwrap_or(u32::MAX));
        let burst = limit * u64::from(self.settings.burst_percent_after(self.waited)) / 100;
        self.wanted.prompt.delivery == Delivery::Counted || u64::from(in_flight) < limit + burst
    }

    /// Says of the account what a strategy has to know.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of 64 thousandths of at most 1000"
    )]
    #[inline]
    pub(crate) fn describe(&self, stop: &Stop, fit: Fit, candidate: &mut Candidate) {
        let row = self.table.row(stop.index);
        let pace = row.pace(self.wanted.prompt.delivery);
        let weight = if fit.share < 1.0 {
            ((f32::from(stop.weight) * (FULL_SHARE as f32) * fit.share) as u32).max(1)
        } else {
            u32::from(stop.weight) * FULL_SHARE
        };
        // Field by field into its place: made elsewhere and copied, it takes twice as long.
        candidate.account_id = stop.account_id;
        candidate.weight = weight;
        candidate.credit = self.table.credit(stop.index) + i64::from(weight);
        candidate.is_trial = fit.is_trial;
        if self.looks_at == Looks::Turns {
            return;
        }
        candidate.in_flight = row.in_flight;
        candidate.waiting = pace.waiting;
        candidate.max_concurrency = stop.max_concurrency;
        candidate.ttft_seconds = pace.seconds(self.now, self.now_seconds);
        if self.now < row.plain_from {
            candidate.failed_share = self.members[stop.index].machine.failed_share(self.now);
        }
        candidate.rates = stop.rates;
    }
}

impl Candidate {
    pub(crate) const BLANK: Self = Self {
        account_id: AccountId::NIL,
        weight: 1,
        credit: 0,
        in_flight: 0,
        waiting: 0,
        max_concurrency: None,
        ttft_seconds: None,
        failed_share: 0.0,
        cached_tokens: 0,
        preamble_tokens: 0,
        used: None,
        is_short: false,
        is_trial: false,
        rates: Rates::NOMINAL,
        score: 0.0,
        costs: [0.0; 3],
    };
}
