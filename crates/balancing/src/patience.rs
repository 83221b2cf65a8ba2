use std::time::Duration;

use gateway_domain::FaultClass;

use crate::choosing::Shortlist;
use crate::prompt_caches::PromptCaches;
use crate::routes::Stop;
use crate::view::{Obstacle, View};
use crate::{Candidate, Choice, Strategy};

/// How long before its wait is over a request takes what there is: moving is dear, and a refusal of no use at all.
const LAST_CALL: Duration = Duration::from_secs(1);

impl Shortlist {
    /// Whether the request should wait, even if it has candidates: for an account that holds its conversation, and
    /// that is only full, short of what its limits allow, or resting for a moment.
    ///
    /// It waits no longer than until that has cost as much as the prompt does elsewhere.
    pub(crate) fn should_wait(
        &self,
        route: &[Stop],
        view: &View<'_>,
        caches: &PromptCaches,
        strategy: &dyn Strategy,
        choice: &Choice,
    ) -> bool {
        let prompt = &view.wanted.prompt;
        let (Some(waited), Some(conversation)) = (view.waited, prompt.conversation) else {
            return false;
        };
        if prompt.cache_lifetime.is_none() {
            return false;
        }
        let longest = view.settings.max_wait().saturating_sub(LAST_CALL);
        let ready = self.candidates.iter().filter(|candidate| !candidate.is_short);
        let cached = ready.map(|candidate| candidate.cached_tokens).max().unwrap_or(0);
        let tier = self.positions.first().map(|position| route[*position].priority);
        let homes = caches.find(conversation);
        homes.alive(view.now).any(|home| {
            let saved = home.tokens.min(prompt.input_tokens).saturating_sub(cached);
            let stop = route.iter().find(|stop| stop.account_id == home.account_id);
            let Some(stop) = stop.filter(|stop| saved > 0 && tier.is_none_or(|tier| stop.priority <= tier))
            else {
                return false;
            };
            let patience = strategy.patience(choice, &stop.rates, saved).min(longest);
            self.expected_wait(view, stop)
                .is_some_and(|wait| waited + wait < patience)
        })
    }

    /// How long until an account may serve that cannot now; `None` when that is not known, or never.
    fn expected_wait(&self, view: &View<'_>, stop: &Stop) -> Option<Duration> {
        let is_it = |candidate: &&Candidate| candidate.account_id == stop.account_id;
        match view.judge(stop) {
            // Its limits refill all the time.
            Ok(_) => self
                .candidates
                .iter()
                .find(is_it)?
                .is_short
                .then_some(Duration::ZERO),
            Err(Obstacle::Busy) => Some(Duration::ZERO),
            Err(Obstacle::Resting(FaultClass::Quota | FaultClass::Burst | FaultClass::Overload, until)) => {
                Some(until.saturating_sub(view.now))
            }
            Err(_) => None,
        }
    }
}
