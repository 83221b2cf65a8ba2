use std::sync::Arc;

use gateway_domain::AccountId;

use crate::choosing::Shortlist;
use crate::health::{HealthStatus, Moment};
use crate::member::Member;
use crate::routes::{NoService, Stop, upstream_model};
use crate::view::{Obstacle, View};
use crate::{Rates, Strategy};

/// Candidates and passed over accounts that are recorded of one request, at the most each.
const MAX_RECORDED: usize = 8;

/// What was thought of the accounts for one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The strategy that picked.
    pub strategy: &'static str,
    /// The accounts that could have served, the picked one first, then the others.
    pub considered: Vec<Consideration>,
}

/// What was thought of one account for one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Consideration {
    /// The account.
    pub account_id: AccountId,
    /// Whether it was picked.
    pub is_picked: bool,
    /// Why it was passed over, or tried for want of a better one, in words; `None` for those among which the strategy
    /// picks.
    pub reason: Option<String>,
    /// What the strategy compared, lower being better, to six digits; only of those among which it picks.
    pub score: Option<f64>,
    /// What the score is made of, by name, to six digits.
    pub parts: Vec<(&'static str, f64)>,
}

/// What is recorded of a pick that has just been made.
pub(crate) fn recorded(
    view: &View<'_>,
    route: &[Stop],
    shortlist: &Shortlist,
    picked: Option<AccountId>,
    strategy: &dyn Strategy,
    at: Moment,
) -> Decision {
    let mut considered: Vec<Consideration> = Vec::with_capacity(MAX_RECORDED);
    match (shortlist.picked, picked) {
        (Some(index), _) => considered.push(of_candidate(shortlist, index, strategy)),
        (None, Some(id)) => {
            let index = view.places.get(&id);
            considered.extend(index.map(|index| least_bad(&view.members[*index], at)));
        }
        (None, None) => {}
    }
    let others = (0..shortlist.candidates.len()).filter(|index| Some(*index) != shortlist.picked);
    let others = others.map(|index| of_candidate(shortlist, index, strategy));
    considered.extend(others.take(MAX_RECORDED - 1));
    // Both lists are in the order of the route; whoever was drawn has no obstacle.
    let mut candidates = shortlist.positions.iter().copied().peekable();
    let rest = route.iter().enumerate().filter(|(position, stop)| {
        let is_candidate = !shortlist.is_sample && candidates.next_if_eq(position).is_some();
        !is_candidate && Some(stop.account_id) != picked
    });
    let mut forbidden = Vec::new();
    let reasons = rest.filter_map(|(_, stop)| {
        let opinion = match view.judge(stop) {
            Ok(_) if shortlist.is_sample => return None,
            Ok(_) => Opinion::of_fit(view, stop),
            Err(Obstacle::Dialect | Obstacle::OtherOwner) => return None,
            Err(Obstacle::KeyForbids) => {
                forbidden.push(stop);
                return None;
            }
            Err(obstacle) => Opinion::Obstacle(obstacle),
        };
        Some(opinion.of(view, stop, at))
    });
    let before = considered.len();
    considered.extend(reasons.take(MAX_RECORDED));
    // What a key may not use says the least, and may be most of all accounts.
    let room = MAX_RECORDED - (considered.len() - before);
    let forbidden = forbidden.into_iter().take(room);
    considered.extend(forbidden.map(|stop| Opinion::Obstacle(Obstacle::KeyForbids).of(view, stop, at)));
    Decision {
        strategy: strategy.name(),
        considered,
    }
}

/// What is thought of each account, in the order of the list but for the picked one.
pub(crate) fn decide(
    view: &View<'_>,
    shortlist: &Shortlist,
    picked: Option<AccountId>,
    strategy: &dyn Strategy,
    at: Moment,
) -> Decision {
    let model: Arc<str> = view.wanted.model.into();
    let mut considered: Vec<Consideration> = view
        .members
        .iter()
        .enumerate()
        .map(|(index, member)| {
            let id = member.account.id;
            let candidates = &shortlist.candidates;
            if let Some(candidate) = candidates.iter().position(|candidate| candidate.account_id == id) {
                return of_candidate(shortlist, candidate, strategy);
            }
            if picked == Some(id) {
                return least_bad(member, at);
            }
            let opinion = opinion(view, index, member, &model, shortlist);
            passed_over(id, opinion.words(member, at))
        })
        .collect();
    considered.sort_by_key(|considered| !considered.is_picked);
    Decision {
        strategy: strategy.name(),
        considered,
    }
}

fn opinion(
    view: &View<'_>,
    index: usize,
    member: &Member,
    model: &Arc<str>,
    shortlist: &Shortlist,
) -> Opinion {
    if !view.wanted.key.allows_model(model) {
        return Opinion::ModelForbidden;
    }
    let account = &member.account;
    let upstream_model = match upstream_model(account, model) {
        Ok(name) => name,
        Err(reason) => return Opinion::NoService(reason),
    };
    let family = account.provider.limits_family(&upstream_model);
    let stop = Stop {
        index,
        family: member
            .families
            .iter()
            .position(|known| known.name() == family)
            .unwrap_or(usize::MAX),
        service: member.service,
        priority: account.priority,
        weight: account.weight,
        provider: account.provider,
        account_id: account.id,
        owner_id: account.owner_id,
        max_concurrency: account.max_concurrency,
        rates: Rates::NOMINAL,
        upstream_model,
    };
    match view.judge(&stop) {
        Ok(_) if shortlist.is_sample => Opinion::NotDrawn,
        Ok(_) => Opinion::of_fit(view, &stop),
        Err(obstacle) => Opinion::Obstacle(obstacle),
    }
}

fn of_candidate(shortlist: &Shortlist, index: usize, strategy: &dyn Strategy) -> Consideration {
    let candidate = &shortlist.candidates[index];
    let parts = strategy.parts(candidate).into_iter().flatten();
    Consideration {
        account_id: candidate.account_id,
        is_picked: shortlist.picked == Some(index),
        reason: None,
        score: Some(to_six_digits(candidate.score)),
        parts: parts.map(|(name, value)| (name, to_six_digits(value))).collect(),
    }
}

/// The account that is tried for want of a better one: it rests, and was not compared.
fn least_bad(member: &Member, at: Moment) -> Consideration {
    let reason = format!("tried for want of a better one: {}", resting_words(member, at));
    Consideration {
        is_picked: true,
        ..passed_over(member.account.id, reason)
    }
}

fn passed_over(account_id: AccountId, reason: String) -> Consideration {
    Consideration {
        account_id,
        is_picked: false,
        reason: Some(reason),
        score: None,
        parts: Vec::new(),
    }
}

/// As a person would write it: an `f32` has no more digits than that.
fn to_six_digits(value: f32) -> f64 {
    let value = f64::from(value);
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the exponent of an f32")]
    let scale = 10_f64.powi(5 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

/// What is thought of one account.
#[derive(Debug, Clone, Copy)]
enum Opinion {
    LowerPriority,
    NotDrawn,
    Strained,
    ModelForbidden,
    NoService(NoService),
    Obstacle(Obstacle),
}

impl Opinion {
    /// Of an account that could serve and was not needed.
    fn of_fit(view: &View<'_>, stop: &Stop) -> Self {
        if view.services[stop.service].is_strained(view.now) {
            Self::Strained
        } else {
            Self::LowerPriority
        }
    }

    fn of(self, view: &View<'_>, stop: &Stop, at: Moment) -> Consideration {
        let words = self.words(&view.members[stop.index], at);
        passed_over(stop.account_id, words)
    }

    fn words(self, member: &Member, at: Moment) -> String {
        match self {
            Self::LowerPriority => "lower priority".to_owned(),
            Self::NotDrawn => "one of many, and not among those that were drawn for this request".to_owned(),
            Self::Strained => "its provider is overloaded".to_owned(),
            Self::ModelForbidden => "the key may not use the model".to_owned(),
            Self::NoService(NoService::Inactive) => "switched off".to_owned(),
            Self::NoService(NoService::NoWeight) => "weight 0: takes no requests".to_owned(),
            Self::NoService(NoService::NoModel) => "does not serve the model".to_owned(),
            Self::Obstacle(obstacle) => obstacle.words(member, at),
        }
    }
}

impl Obstacle {
    fn words(self, member: &Member, at: Moment) -> String {
        match self {
            Self::Dialect => format!(
                "{} does not answer in the client's dialect",
                member.account.provider
            ),
            Self::OtherOwner => "belongs to another user".to_owned(),
            Self::KeyForbids => "not allowed to this key".to_owned(),
            Self::Pinned => "what the request refers to lies in another account".to_owned(),
            Self::Tried => "already tried".to_owned(),
            Self::ModelRests(until) => {
                let until = at.time + until.saturating_sub(at.monotonic);
                format!("did not have the model when last asked; asked again after {until}")
            }
            Self::Busy => {
                let limit = member.account.max_concurrency.unwrap_or(u32::MAX);
                format!("busy: {} of {limit} in flight", member.in_flight)
            }
            Self::Resting(..) => resting_words(member, at),
        }
    }
}

fn resting_words(member: &Member, at: Moment) -> String {
    let (status, reason, until) = member.describe(at);
    let reason = reason.unwrap_or_default();
    match (status, until) {
        (HealthStatus::Unhealthy, Some(until)) => format!("unhealthy, asked again after {until}: {reason}"),
        (HealthStatus::Unhealthy, None) => format!("unhealthy, until a probe succeeds: {reason}"),
        (_, Some(until)) => format!("cooling down until {until}: {reason}"),
        // A rest that is over shuts the gate only while its trial is open.
        (_, None) => format!(
            "half-open, and its one trial is under way: {}",
            member.rest_words()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::to_six_digits;

    #[test]
    fn numbers_are_shown_as_they_were_meant() {
        for (value, shown) in [
            (0.04_f32, 0.04),
            (-0.04, -0.04),
            (1_234_567.0, 1_234_570.0),
            (0.000_012_3, 0.000_012_3),
            (0.0, 0.0),
            (f32::INFINITY, f64::INFINITY),
        ] {
            assert_eq!(to_six_digits(value), shown);
        }
    }
}
