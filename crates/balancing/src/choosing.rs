use std::time::Duration;

use gateway_domain::FaultClass;

use crate::health::{Gate, is_soft};
use crate::member::Member;
use crate::routes::Stop;
use crate::{Candidate, Choice, NoAccount, Strategy, Wanted};

const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// What a weight of one is worth: four, so that a degraded account can have a quarter.
const FULL_SHARE: u32 = 4;

/// What keeps an account that serves the model from serving this request now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Its provider does not answer in the client's dialect.
    Dialect,
    OtherOwner,
    KeyForbids,
    Tried,
    ModelRests(Duration),
    Resting(FaultClass, Duration),
    Busy,
}

/// The share of the requests that the account may have now: the one place where that is decided.
pub(crate) fn judge(
    stop: &Stop,
    member: &Member,
    wanted: &Wanted<'_>,
    now: Duration,
) -> Result<u32, Obstacle> {
    if !wanted.providers.contains(&stop.provider) {
        return Err(Obstacle::Dialect);
    }
    if stop.owner_id.is_some_and(|owner| owner != wanted.user_id) {
        return Err(Obstacle::OtherOwner);
    }
    if !wanted.key.allows_account(stop.account_id) {
        return Err(Obstacle::KeyForbids);
    }
    if wanted.tried.contains(&stop.account_id) {
        return Err(Obstacle::Tried);
    }
    if let Some(until) = member.model_rests.until(&stop.upstream_model, now) {
        return Err(Obstacle::ModelRests(until));
    }
    let share = match member.machine.gate(now) {
        Gate::Open | Gate::Trial => FULL_SHARE,
        Gate::Narrow => FULL_SHARE / 4,
        // With room it would be tried all the same if need be, so what it wants is room.
        Gate::Shut(class, _) if is_soft(class) && !has_room(stop, member) => return Err(Obstacle::Busy),
        Gate::Shut(class, until) => return Err(Obstacle::Resting(class, until)),
    };
    if !has_room(stop, member) {
        return Err(Obstacle::Busy);
    }
    Ok(share)
}

fn has_room(stop: &Stop, member: &Member) -> bool {
    stop.max_concurrency.is_none_or(|limit| member.in_flight < limit)
}

/// The candidates for one request: those of the best tier that has any.
///
/// Kept by the pool from one pick to the next for its memory.
#[derive(Debug, Default)]
pub(crate) struct Shortlist {
    candidates: Vec<Candidate>,
    /// Where each candidate stands in the route.
    positions: Vec<usize>,
}

impl Shortlist {
    /// The position in the route of the account that serves the request.
    pub(crate) fn pick(
        &mut self,
        route: &[Stop],
        members: &mut [Member],
        wanted: &Wanted<'_>,
        now: Duration,
        strategy: &dyn Strategy,
        draw: u64,
    ) -> Result<usize, NoAccount> {
        if !wanted.key.allows_model(wanted.model) {
            return Err(NoAccount::NotAllowed);
        }
        let survey = self.fill(route, members, wanted, now);
        if self.candidates.is_empty() {
            let least_bad = survey.least_bad.ok_or_else(|| survey.conclusion())?;
            return Ok(least_bad.1);
        }
        let candidates = self.candidates.as_slice();
        let picked = strategy.pick(&Choice {
            candidates,
            wanted,
            draw,
        });
        let position = self.positions[picked.min(candidates.len() - 1)];
        let round: i64 = candidates
            .iter()
            .map(|candidate| i64::from(candidate.weight))
            .sum();
        members[route[position].index].credit -= round;
        Ok(position)
    }

    /// Lists the candidates and pays each its share; the rest of what was seen is the answer.
    fn fill(&mut self, route: &[Stop], members: &mut [Member], wanted: &Wanted<'_>, now: Duration) -> Survey {
        self.candidates.clear();
        self.positions.clear();
        let mut survey = Survey::default();
        let mut tier = None;
        for (position, stop) in route.iter().enumerate() {
            if tier.is_some_and(|tier| tier != stop.priority) {
                break;
            }
            let member = &mut members[stop.index];
            match judge(stop, member, wanted, now) {
                Ok(share) => {
                    tier = Some(stop.priority);
                    let weight = u32::from(stop.weight) * share;
                    member.credit += i64::from(weight);
                    self.candidates.push(candidate(stop, member, weight));
                    self.positions.push(position);
                }
                Err(obstacle) => survey.note(obstacle, position, now),
            }
        }
        survey
    }
}

const fn candidate(stop: &Stop, member: &Member, weight: u32) -> Candidate {
    Candidate {
        account_id: stop.account_id,
        weight,
        credit: member.credit,
        in_flight: member.in_flight,
        max_concurrency: stop.max_concurrency,
        ttft: member.ttft,
    }
}

/// What stands in the way, over all accounts that serve the model.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    is_forbidden: bool,
    is_busy: bool,
    is_tried: bool,
    down: Option<(FaultClass, Duration)>,
    /// The end of its rest and its position, of the account that rests the shortest for a soft reason.
    pub(crate) least_bad: Option<(Duration, usize)>,
}

impl Survey {
    pub(crate) fn note(&mut self, obstacle: Obstacle, position: usize, now: Duration) {
        match obstacle {
            // To this user it is as if these did not exist.
            Obstacle::Dialect | Obstacle::OtherOwner => {}
            Obstacle::KeyForbids => self.is_forbidden = true,
            Obstacle::Tried => self.is_tried = true,
            Obstacle::Busy => self.is_busy = true,
            Obstacle::ModelRests(until) => self.note_down(FaultClass::ModelMissing, until, now),
            Obstacle::Resting(class, until) if !is_soft(class) => self.note_down(class, until, now),
            Obstacle::Resting(_, until) => {
                if self.least_bad.is_none_or(|(least, _)| until < least) {
                    self.least_bad = Some((until, position));
                }
            }
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
