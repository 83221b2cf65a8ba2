use std::collections::HashMap;
use std::time::Duration;

use gateway_domain::{AccountId, FaultClass};

use crate::gauge::Need;
use crate::health::{Gate, is_soft};
use crate::member::Member;
use crate::prompt_caches::{Home, PromptCaches};
use crate::routes::{Route, Stop};
use crate::service::Service;
use crate::table::Table;
use crate::{Candidate, Choice, Delivery, Looks, NoAccount, PoolSettings, Rates, Strategy, Wanted};

const SHORTEST_WAIT: Duration = Duration::from_secs(1);
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
    fn describe(&self, stop: &Stop, fit: Fit, candidate: &mut Candidate) {
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
    const BLANK: Self = Self {
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

/// The candidates for one request: those of the best tier that has any.
///
/// Kept by the pool from one pick to the next for its memory.
#[derive(Debug, Default)]
pub(crate) struct Shortlist {
    pub(crate) candidates: Vec<Candidate>,
    /// Where each candidate stands in the route.
    pub(crate) positions: Vec<usize>,
    pub(crate) survey: Survey,
    /// Whether the request waits for an account that holds its conversation, whoever else could serve it.
    pub(crate) holds_out: bool,
    /// Whether the candidates were drawn from many.
    pub(crate) is_sample: bool,
    /// The candidate that was picked.
    pub(crate) picked: Option<usize>,
}

impl Shortlist {
    /// The position in the route of the account that serves the request; every candidate's score stays behind.
    pub(crate) fn pick(
        &mut self,
        route: &Route,
        view: &View<'_>,
        caches: &PromptCaches,
        strategy: &dyn Strategy,
        draw: u64,
    ) -> Result<usize, NoAccount> {
        self.picked = None;
        self.holds_out = false;
        self.is_sample = false;
        self.candidates.clear();
        self.positions.clear();
        self.survey = Survey::default();
        if !view.wanted.key.allows_model(view.wanted.model) {
            return Err(NoAccount::NotAllowed);
        }
        if view.looks_at == Looks::Turns || !self.fill_with_sample(route, view, caches, draw) {
            self.fill(route, view);
        }
        if view.looks_at == Looks::Ahead {
            self.look_up_caches(view, caches);
            self.look_up_limits(route, view);
        }
        let choice = Choice {
            is_sample: self.is_sample,
            ..choice(view, draw)
        };
        self.holds_out = self.should_wait(route, view, caches, strategy, &choice);
        if self.holds_out {
            return Err(NoAccount::AllBusy);
        }
        if self.candidates.is_empty() {
            let least_bad = self.least_bad(route, view);
            return least_bad.ok_or_else(|| self.survey.conclusion());
        }
        let picked = match self.trial() {
            Some(trial) => {
                let _ = strategy.pick(&choice, &mut self.candidates);
                trial
            }
            None => strategy.pick(&choice, &mut self.candidates),
        };
        let picked = picked.min(self.candidates.len() - 1);
        self.picked = Some(picked);
        Ok(self.positions[picked])
    }

    /// Lists the candidates; the rest of what was seen is the survey.
    ///
    /// Accounts of a strained provider serve only where no other can, whatever their tier.
    fn fill(&mut self, route: &[Stop], view: &View<'_>) {
        self.candidates.reserve(route.len());
        self.positions.reserve(route.len());
        let mut tier = None;
        let mut strained_tier = None;
        for (position, stop) in route.iter().enumerate() {
            if tier.is_some_and(|tier| tier != stop.priority) {
                break;
            }
            match view.judge(stop) {
                Ok(_) if view.services[stop.service].is_strained(view.now) => {
                    strained_tier.get_or_insert(stop.priority);
                }
                Ok(fit) => {
                    tier = Some(stop.priority);
                    self.add(view, position, stop, fit);
                }
                Err(obstacle) => self.survey.note(obstacle, view.now),
            }
        }
        let Some(strained_tier) = strained_tier.filter(|_| self.candidates.is_empty()) else {
            return;
        };
        for (position, stop) in route.iter().enumerate() {
            if stop.priority == strained_tier
                && let Ok(fit) = view.judge(stop)
            {
                self.add(view, position, stop, fit);
            }
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, view: &View<'_>, position: usize, stop: &Stop, fit: Fit) {
        self.positions.push(position);
        self.candidates.push(Candidate::BLANK);
        if let Some(candidate) = self.candidates.last_mut() {
            view.describe(stop, fit, candidate);
        }
    }

    /// Of the accounts that rest for a soft reason the one to try all the same: the one with the fewest open requests, of
    /// these the first to return.
    ///
    /// While another one is merely full, only those are tried whose provider refused: a broken one would keep the
    /// request for longer than it has to wait.
    fn least_bad(&self, route: &[Stop], view: &View<'_>) -> Option<usize> {
        let resting = route.iter().enumerate().filter_map(|(position, stop)| {
            let Err(Obstacle::Resting(class, until)) = view.judge(stop) else {
                return None;
            };
            let refused = matches!(class, FaultClass::Burst | FaultClass::Overload);
            let is_worth_it = refused || (is_soft(class) && !self.survey.is_busy);
            // One whose trial is under way is waited for.
            let in_flight = view.table.row(stop.index).in_flight;
            (is_worth_it && view.now < until).then_some((in_flight, until, position))
        });
        resting.min().map(|(.., position)| position)
    }

    /// A half-open account takes the first request that has no account of its own.
    fn trial(&self) -> Option<usize> {
        let is_at_home = self
            .candidates
            .iter()
            .any(|candidate| candidate.cached_tokens > 0);
        let trial = self.candidates.iter().position(|candidate| candidate.is_trial);
        trial.filter(|_| !is_at_home)
    }

    fn look_up_caches(&mut self, view: &View<'_>, caches: &PromptCaches) {
        let prompt = &view.wanted.prompt;
        if prompt.cache_lifetime.is_none() {
            return;
        }
        if let Some(hash) = prompt.conversation {
            for home in caches.find(hash).alive(view.now) {
                if let Some(candidate) = self.candidate_of(home) {
                    candidate.cached_tokens = home.tokens.min(prompt.input_tokens);
                }
            }
        }
        if let Some(preamble) = prompt.preamble {
            let homes = caches.find(preamble.hash);
            // Writing it elsewhere is paid once for all the conversations that would begin there.
            let sharers = (homes.recent_uses() / self.candidates.len().max(1) as u64).max(1);
            for home in homes.alive(view.now) {
                if let Some(candidate) = self.candidate_of(home) {
                    candidate.preamble_tokens = home.tokens.min(prompt.input_tokens) / sharers;
                }
            }
        }
    }

    fn candidate_of(&mut self, home: Home) -> Option<&mut Candidate> {
        let is_there = |candidate: &&mut Candidate| candidate.account_id == home.account_id;
        self.candidates.iter_mut().find(is_there)
    }

    fn look_up_limits(&mut self, route: &[Stop], view: &View<'_>) {
        for (candidate, position) in self.candidates.iter_mut().zip(&self.positions) {
            let stop = &route[*position];
            let need = Need::of(&view.wanted.prompt, candidate.cached_tokens);
            let headroom = view
                .table
                .headroom(stop.index, stop.family, need, view.now_seconds);
            candidate.used = headroom.used;
            candidate.is_short = headroom.is_short;
        }
    }

    /// How much of the prompt the picked account has in its cache.
    pub(crate) fn cached_tokens(&self) -> u64 {
        self.picked
            .map_or(0, |picked| self.candidates[picked].cached_tokens)
    }

    /// Pays each candidate its share of the turn and has the picked one pay for it.
    pub(crate) fn book_turn(&self, route: &[Stop], table: &mut Table) {
        // Who is drawn by lot needs no turn.
        let Some(picked) = self.picked.filter(|_| !self.is_sample) else {
            return;
        };
        let mut round = 0;
        for (candidate, position) in self.candidates.iter().zip(&self.positions) {
            let weight = i64::from(candidate.weight);
            table.pay(route[*position].index, weight);
            round += weight;
        }
        table.pay(route[self.positions[picked]].index, -round);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "weighed, not counted")]
pub(crate) fn choice(view: &View<'_>, draw: u64) -> Choice {
    Choice {
        prompt: view.wanted.prompt,
        draw,
        is_sample: false,
        second_worth_usd: view.settings.second_worth_usd as f32,
    }
}

/// What stands in the way, over all accounts that serve the model.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Survey {
    is_forbidden: bool,
    is_busy: bool,
    is_tried: bool,
    down: Option<(FaultClass, Duration)>,
}

impl Survey {
    pub(crate) fn note(&mut self, obstacle: Obstacle, now: Duration) {
        match obstacle {
            // To this user it is as if these did not exist.
            Obstacle::Dialect | Obstacle::OtherOwner | Obstacle::Pinned => {}
            Obstacle::KeyForbids => self.is_forbidden = true,
            Obstacle::Tried => self.is_tried = true,
            Obstacle::Busy => self.is_busy = true,
            Obstacle::ModelRests(until) => self.note_down(FaultClass::ModelMissing, until, now),
            // Its trial is under way: whether it is back is known as soon as that is answered.
            Obstacle::Resting(class, until) if until <= now && class != FaultClass::Credential => {
                self.is_busy = true;
            }
            Obstacle::Resting(class, until) => self.note_down(class, until, now),
        }
    }

    fn note_down(&mut self, class: FaultClass, until: Duration, now: Duration) {
        let wait = until.saturating_sub(now).max(SHORTEST_WAIT);
        self.down = Some(match self.down {
            Some((known, shortest)) if hope(known) > hope(class) => (known, shortest),
            Some((known, shortest)) if hope(known) == hope(class) => (known, shortest.min(wait)),
            _ => (class, wait),
        });
    }

    fn conclusion(&self) -> NoAccount {
        match self.down {
            _ if self.is_busy => NoAccount::AllBusy,
            Some((class, wait)) => NoAccount::AllDown {
                class,
                retry_after: Some(wait),
            },
            None if self.is_tried => NoAccount::AllTried,
            None if self.is_forbidden => NoAccount::NotAllowed,
            None => NoAccount::NotServed,
        }
    }
}

/// How soon such a fault is likely to be over.
const fn hope(class: FaultClass) -> u8 {
    match class {
        FaultClass::Quota | FaultClass::Burst => 6,
        FaultClass::Overload => 5,
        FaultClass::Server => 4,
        FaultClass::Transport => 3,
        FaultClass::Credential => 2,
        FaultClass::ModelMissing => 1,
        FaultClass::Client => 0,
    }
}
