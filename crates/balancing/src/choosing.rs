use gateway_domain::FaultClass;

use crate::gauge::Need;
use crate::health::is_soft;
use crate::prompt_caches::{Home, PromptCaches};
use crate::routes::{Route, Stop};
use crate::survey::Survey;
use crate::table::Table;
use crate::view::{Fit, Obstacle, View};
use crate::{Candidate, Choice, Looks, NoAccount, Strategy};

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
