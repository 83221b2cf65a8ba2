use std::collections::HashMap;
use std::time::Duration;

use gateway_domain::AccountId;

use crate::AccountState;

/// What is seen of an account at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSighting {
    /// What would be told of it.
    pub state: AccountState,
    /// Whether it takes requests.
    pub standing: AccountStanding,
}

/// Whether an account takes requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStanding {
    /// It answers.
    Serving,
    /// It answers in part, or its next request decides.
    Wavering,
    /// It takes none.
    Out,
    /// Nobody has asked it yet.
    Untold,
    /// It is switched off.
    Off,
}

/// How an account's being out has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChange {
    /// It is out for longer than the grace.
    Out(AccountState),
    /// It was out and takes requests again.
    Back(AccountState),
    /// It was out and is switched off or deleted now: nothing is to be told, but it is not out any more.
    Gone(AccountId),
}

/// Notices which accounts go out and come back.
///
/// An account is out when it has taken no requests for the grace, trials that failed meanwhile included. It is back when
/// it answers, or when it has been given requests for the grace.
#[derive(Debug)]
pub struct AccountWatch {
    grace: Duration,
    /// Those that do not simply serve.
    phases: HashMap<AccountId, Phase>,
}

/// All times are monotonic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Out, but not for long enough to be told.
    Failing {
        since: Duration,
        /// Since when it has been given requests again.
        wavers_since: Option<Duration>,
    },
    /// Told to be out.
    Out,
    /// Told to be out, and given requests again.
    Returning { since: Duration },
}

impl AccountWatch {
    /// A watch to which every account counts as well.
    #[must_use]
    pub fn new(grace: Duration) -> Self {
        Self {
            grace,
            phases: HashMap::new(),
        }
    }

    /// Takes over what was told before a restart: these accounts are out.
    pub fn resume(&mut self, out: impl IntoIterator<Item = AccountId>) {
        self.phases.extend(out.into_iter().map(|id| (id, Phase::Out)));
    }

    /// What has changed, given all accounts as they are at `now` on the monotonic clock.
    ///
    /// A change stays due until it is [noted](Self::note).
    pub fn changes(&mut self, sightings: &[AccountSighting], now: Duration) -> Vec<AccountChange> {
        let mut changes = Vec::new();
        let mut unseen = self.phases.clone();
        for sighting in sightings {
            let id = sighting.state.account_id;
            unseen.remove(&id);
            changes.extend(self.change(sighting, now));
        }
        for (id, phase) in unseen {
            match phase {
                Phase::Failing { .. } => {
                    self.phases.remove(&id);
                }
                Phase::Out | Phase::Returning { .. } => changes.push(AccountChange::Gone(id)),
            }
        }
        changes
    }

    /// Takes note that this change was told, or kept to be told.
    pub fn note(&mut self, change: &AccountChange) {
        match change {
            AccountChange::Out(state) => self.phases.insert(state.account_id, Phase::Out),
            AccountChange::Back(state) => self.phases.remove(&state.account_id),
            AccountChange::Gone(id) => self.phases.remove(id),
        };
    }

    fn change(&mut self, sighting: &AccountSighting, now: Duration) -> Option<AccountChange> {
        let (id, state) = (sighting.state.account_id, || sighting.state.clone());
        let lasts = |since: Duration| now.saturating_sub(since) >= self.grace;
        let phase = self.phases.get(&id).copied();
        match (phase, sighting.standing) {
            (None, AccountStanding::Out) => {
                self.phases.insert(
                    id,
                    Phase::Failing {
                        since: now,
                        wavers_since: None,
                    },
                );
                self.grace.is_zero().then(|| AccountChange::Out(state()))
            }
            (Some(Phase::Failing { since, .. }), AccountStanding::Out) => {
                self.phases.insert(
                    id,
                    Phase::Failing {
                        since,
                        wavers_since: None,
                    },
                );
                lasts(since).then(|| AccountChange::Out(state()))
            }
            (Some(Phase::Failing { since, wavers_since }), AccountStanding::Wavering) => {
                let wavers_since = wavers_since.unwrap_or(now);
                if lasts(wavers_since) {
                    self.phases.remove(&id);
                } else {
                    let wavers_since = Some(wavers_since);
                    self.phases.insert(id, Phase::Failing { since, wavers_since });
                }
                None
            }
            (Some(Phase::Failing { .. }), AccountStanding::Serving | AccountStanding::Off) => {
                self.phases.remove(&id);
                None
            }
            (Some(Phase::Out | Phase::Returning { .. }), AccountStanding::Serving) => {
                Some(AccountChange::Back(state()))
            }
            (Some(Phase::Out | Phase::Returning { .. }), AccountStanding::Off) => {
                Some(AccountChange::Gone(id))
            }
            (Some(Phase::Out), AccountStanding::Wavering) => {
                self.phases.insert(id, Phase::Returning { since: now });
                self.grace.is_zero().then(|| AccountChange::Back(state()))
            }
            (Some(Phase::Returning { since }), AccountStanding::Wavering) => {
                lasts(since).then(|| AccountChange::Back(state()))
            }
            (Some(Phase::Returning { .. }), AccountStanding::Out) => {
                self.phases.insert(id, Phase::Out);
                None
            }
            // A trial that is still to come says nothing, nor does an account that nobody has asked.
            (None | Some(_), _) => None,
        }
    }
}
