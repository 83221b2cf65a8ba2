use std::time::Duration;

use gateway_domain::{AccountId, Fault, FaultClass, QuotaWindow, Timestamp};

use crate::PoolSettings;
use crate::health::{LONGEST_WINDOW, Moment, Rest, Wait};
use crate::member::Member;

const LONGEST_MONTH: Duration = Duration::from_secs(31 * 24 * 3_600);

/// A rest as it is remembered over a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRest {
    /// The account that rests.
    pub account_id: AccountId,
    /// The family of models that rests; `None` when it is the whole account.
    pub family: Option<String>,
    /// What it rests for.
    pub class: FaultClass,
    /// Why, for an operator.
    pub reason: String,
    /// The limit that was reached, where one was.
    pub window: QuotaWindow,
    /// When it should be over.
    pub ends_at: Timestamp,
}

impl KnownRest {
    pub(crate) fn of(member: &Member, at: Moment) -> impl Iterator<Item = Self> {
        let own = member.machine.rest().map(|rest| (None, rest));
        let families = member.families.iter();
        let theirs = families.filter_map(|family| Some((Some(family.name().to_owned()), family.rest()?)));
        own.into_iter()
            .chain(theirs)
            .filter(move |(_, rest)| at.time < rest.ends_at)
            .map(|(family, rest)| Self {
                account_id: member.account.id,
                family,
                class: rest.class,
                reason: rest.reason.clone(),
                window: rest.window,
                ends_at: rest.ends_at,
            })
    }

    pub(crate) fn resume(&self, member: &mut Member, settings: &PoolSettings, at: Moment) {
        let end = self.ends_at.since(at.time);
        if end == Duration::ZERO {
            return;
        }
        let fault = Fault {
            window: self.window,
            ..Fault::new(self.class, self.reason.clone())
        };
        // A clock that was set, or settings that were, must not make a rest longer than any could be now.
        let (end, trial) = match self.window {
            QuotaWindow::Rate => (
                end.min(settings.max_quota_rest()),
                end.min(settings.max_quota_rest()),
            ),
            QuotaWindow::Subscription => {
                let end = end.min(LONGEST_WINDOW);
                (end, end.min(settings.subscription_trial()))
            }
            QuotaWindow::Spending => (end.min(LONGEST_MONTH), end.min(LONGEST_MONTH)),
        };
        let rest = Rest::new(&fault, Wait { trial, end }, at);
        match &self.family {
            None => member.machine.resume(rest),
            Some(name) => member.family_named(name).resume(rest),
        }
    }
}
