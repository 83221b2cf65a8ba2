use std::sync::Arc;

use crate::choosing::{Obstacle, Survey, judge};
use crate::health::{HealthStatus, Moment};
use crate::member::Member;
use crate::routes::{NoService, Stop};
use crate::{Consideration, Wanted};

/// What would be thought of each account for this request, in the order of the list.
pub(crate) fn consider(members: &[Member], wanted: &Wanted<'_>, at: Moment) -> Vec<Consideration> {
    let now = at.monotonic;
    let model: Arc<str> = wanted.model.into();
    let is_model_allowed = wanted.key.allows_model(wanted.model);
    let mut survey = Survey::default();
    let mut tier = None;
    let opinions: Vec<Opinion> = members
        .iter()
        .enumerate()
        .map(|(position, member)| {
            if !is_model_allowed {
                return Opinion::ModelForbidden;
            }
            let stop = match Stop::at(position, &member.account, &model) {
                Ok(stop) => stop,
                Err(reason) => return Opinion::NoService(reason),
            };
            match judge(&stop, member, wanted, now) {
                Ok(_) => {
                    tier = Some(tier.map_or(stop.priority, |best: i32| best.min(stop.priority)));
                    Opinion::Candidate
                }
                Err(obstacle) => {
                    survey.note(obstacle, position, now);
                    Opinion::Obstacle(obstacle)
                }
            }
        })
        .collect();
    let least_bad = survey
        .least_bad
        .filter(|_| tier.is_none())
        .map(|(_, position)| position);
    members
        .iter()
        .zip(opinions)
        .enumerate()
        .map(|(position, (member, opinion))| Consideration {
            account_id: member.account.id,
            reason: match opinion {
                _ if least_bad == Some(position) => None,
                Opinion::Candidate if tier == Some(member.account.priority) => None,
                opinion => Some(opinion.words(member, at)),
            },
        })
        .collect()
}

/// Why accounts on the way to the model would be passed over, as far as the key's owner may know of them.
pub(crate) fn passed_over(
    route: &[Stop],
    members: &[Member],
    wanted: &Wanted<'_>,
    at: Moment,
) -> Vec<Consideration> {
    let mut tier = None;
    let reason = |stop: &Stop| {
        let member = &members[stop.index];
        match judge(stop, member, wanted, at.monotonic) {
            Ok(_) if *tier.get_or_insert(stop.priority) == stop.priority => None,
            Ok(_) => Some(Opinion::Candidate.words(member, at)),
            Err(Obstacle::Dialect | Obstacle::OtherOwner) => None,
            Err(obstacle) => Some(obstacle.words(member, at)),
        }
    };
    let reasons = route.iter().map(reason);
    let considered = route.iter().zip(reasons).filter(|(_, reason)| reason.is_some());
    considered
        .map(|(stop, reason)| Consideration {
            account_id: stop.account_id,
            reason,
        })
        .collect()
}

/// What is thought of one account.
#[derive(Debug, Clone, Copy)]
enum Opinion {
    Candidate,
    ModelForbidden,
    NoService(NoService),
    Obstacle(Obstacle),
}

impl Opinion {
    fn words(self, member: &Member, at: Moment) -> String {
        match self {
            // The only one that is asked in words is one in a tier that is not needed.
            Self::Candidate => "lower priority".to_owned(),
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
    let (status, reason, until) = member.machine.describe(at);
    let reason = reason.unwrap_or_default();
    match (status, until) {
        (HealthStatus::Unhealthy, Some(until)) => format!("unhealthy, tried again after {until}: {reason}"),
        (_, Some(until)) => format!("cooling down until {until}: {reason}"),
        // A rest that is over shuts the gate only while its trial is open.
        (_, None) => format!("half-open, and its one trial is under way: {reason}"),
    }
}
