use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway_domain::{AccountId, Clock, Fault, RateLimits, UpstreamAccount};

use crate::chance::Chance;
use crate::choosing::Shortlist;
use crate::explaining::{consider, passed_over};
use crate::health::{Moment, Ticket};
use crate::member::Member;
use crate::routes::Routes;
use crate::{Consideration, Health, Lease, NoAccount, PoolSettings, Probe, Strategy, Wanted};

/// The accounts that requests can be served by, and what is known of each.
///
/// One lock guards it all and is held for a microsecond or two: a pick has to see every candidate's state at once.
pub struct Pool {
    shared: Arc<Shared>,
}

/// What the pool and its leases have in common.
pub(crate) struct Shared {
    clock: Arc<dyn Clock>,
    settings: PoolSettings,
    strategy: &'static dyn Strategy,
    state: Mutex<State>,
}

struct State {
    members: Vec<Member>,
    places: HashMap<AccountId, usize>,
    routes: Routes,
    shortlist: Shortlist,
    chance: Chance,
    newest: Ticket,
}

/// An account that was picked.
struct Pick {
    account: Arc<UpstreamAccount>,
    upstream_model: Arc<str>,
    ticket: Ticket,
}

impl Pool {
    /// A pool without accounts; [`Pool::replace`] fills it.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, settings: PoolSettings, strategy: &'static dyn Strategy) -> Self {
        let state = State {
            members: Vec::new(),
            places: HashMap::new(),
            routes: Routes::default(),
            shortlist: Shortlist::default(),
            // Instances that start together must not draw the same lots; the start's microsecond differs.
            chance: Chance::seeded(clock.now().as_micros().unsigned_abs()),
            newest: Ticket::default(),
        };
        let shared = Shared {
            clock,
            settings,
            strategy,
            state: Mutex::new(state),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Takes these accounts in the place of those that it has.
    ///
    /// What is known of an account stays with its id, and open leases stay valid. Of two with the same id the first
    /// counts.
    pub fn replace(&self, accounts: Vec<Arc<UpstreamAccount>>) {
        self.shared.state().replace(accounts, &self.shared.settings);
    }

    /// An account to serve the request with.
    ///
    /// # Errors
    ///
    /// [`NoAccount`] when none can, with the reason.
    pub fn lease(&self, wanted: &Wanted<'_>) -> Result<Lease, NoAccount> {
        let now = self.shared.clock.monotonic();
        let pick = self.shared.state().pick(wanted, self.shared.strategy, now)?;
        Ok(Lease::new(
            Arc::clone(&self.shared),
            pick.account,
            pick.upstream_model,
            pick.ticket,
        ))
    }

    /// What each account would be thought of if the request came now; nothing is leased.
    ///
    /// It decides as [`Pool::lease`] does, but looks at every account and puts the reasons into words: for reports,
    /// not for every request.
    #[must_use]
    pub fn explain(&self, wanted: &Wanted<'_>) -> Vec<Consideration> {
        let state = self.shared.state();
        consider(&state.members, wanted, self.shared.moment(&state))
    }

    /// The accounts that serve the model, and would be passed over if the request came now, each with the reason.
    ///
    /// Cheap where none is, and silent about accounts of other users: fit for every request.
    #[must_use]
    pub fn passed_over(&self, wanted: &Wanted<'_>) -> Vec<Consideration> {
        let mut state = self.shared.state();
        let at = self.shared.moment(&state);
        let State { members, routes, .. } = &mut *state;
        passed_over(routes.find(wanted.model, members), members, wanted, at)
    }

    /// How an account is doing, `None` when it is not in the pool.
    #[must_use]
    pub fn health(&self, id: AccountId) -> Option<Health> {
        let mut state = self.shared.state();
        let at = self.shared.moment(&state);
        state.member(id).map(|member| member.health(at))
    }

    /// Forgets an account's faults and rests, as after an edit; `None` when it is not in the pool.
    ///
    /// What still comes of requests that are open now does not count any more.
    pub fn reset(&self, id: AccountId) -> Option<Health> {
        let mut state = self.shared.state();
        let at = self.shared.moment(&state);
        let member = state.member(id)?;
        member.reset(&self.shared.settings, at.newest);
        Some(member.health(at))
    }

    /// Takes note of a probe; `None` when the account is not in the pool.
    ///
    /// A failed probe counts as a failed request; if nothing else speaks for the account, one is enough to take it
    /// out. A good one ends the rest after a credential fault, makes one after an overload, a server or a transport
    /// fault half-open, and means nothing for quota and burst, which listing models does not test.
    pub fn record_probe(&self, id: AccountId, probe: &Probe) -> Option<Health> {
        let mut state = self.shared.state();
        let at = self.shared.moment(&state);
        let State {
            members,
            places,
            chance,
            ..
        } = &mut *state;
        let member = members.get_mut(*places.get(&id)?)?;
        member.probed(probe, at, chance);
        Some(member.health(at))
    }

    /// The accounts as they are now.
    #[must_use]
    pub fn accounts(&self) -> Vec<Arc<UpstreamAccount>> {
        let state = self.shared.state();
        state
            .members
            .iter()
            .map(|member| Arc::clone(&member.account))
            .collect()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("strategy", &self.shared.strategy.name())
            .field("accounts", &self.shared.state().members.len())
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn succeeded(
        &self,
        id: AccountId,
        ticket: Ticket,
        ttft: Option<Duration>,
        limits: RateLimits,
    ) {
        let mut state = self.state();
        let at = self.moment(&state);
        if let Some(member) = state.member(id) {
            member.succeeded(ticket, ttft, limits, at);
        }
    }

    pub(crate) fn failed(&self, id: AccountId, ticket: Ticket, upstream_model: &str, fault: &Fault) {
        let mut state = self.state();
        let at = self.moment(&state);
        let State {
            members,
            places,
            chance,
            ..
        } = &mut *state;
        if let Some(member) = places.get(&id).and_then(|place| members.get_mut(*place)) {
            member.failed(ticket, upstream_model, fault, &self.settings, at, chance);
        }
    }

    pub(crate) fn answering(&self, id: AccountId, ticket: Ticket) {
        let mut state = self.state();
        let at = self.moment(&state);
        if let Some(member) = state.member(id) {
            member.answering(ticket, at);
        }
    }

    pub(crate) fn ended(&self, id: AccountId, ticket: Ticket) {
        if let Some(member) = self.state().member(id) {
            member.lease_ended(ticket);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is whole before anything in it can panic, so a poisoned state is still a good one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moment(&self, state: &State) -> Moment {
        Moment {
            monotonic: self.clock.monotonic(),
            time: self.clock.now(),
            newest: state.newest,
        }
    }
}

impl State {
    fn replace(&mut self, accounts: Vec<Arc<UpstreamAccount>>, settings: &PoolSettings) {
        let mut known: HashMap<AccountId, Member> = self
            .members
            .drain(..)
            .map(|member| (member.account.id, member))
            .collect();
        self.places.clear();
        self.routes.clear();
        let mut is_same_ring = true;
        for account in accounts {
            if self.places.contains_key(&account.id) {
                continue;
            }
            self.places.insert(account.id, self.members.len());
            let member = match known.remove(&account.id) {
                Some(member) => {
                    is_same_ring &= member.account.weight == account.weight;
                    member.with_account(account)
                }
                None => {
                    is_same_ring = false;
                    Member::new(account, settings, self.newest)
                }
            };
            self.members.push(member);
        }
        if !is_same_ring || !known.is_empty() {
            // A debt of a thousand turns, run up at a weight of a thousand, would starve an account at weight one.
            for member in &mut self.members {
                member.credit = 0;
            }
        }
    }

    fn pick(
        &mut self,
        wanted: &Wanted<'_>,
        strategy: &dyn Strategy,
        now: Duration,
    ) -> Result<Pick, NoAccount> {
        let Self {
            members,
            routes,
            shortlist,
            chance,
            newest,
            ..
        } = self;
        let route = routes.find(wanted.model, members);
        let position = shortlist.pick(route, members, wanted, now, strategy, chance.draw())?;
        let stop = &route[position];
        newest.0 += 1;
        let member = &mut members[stop.index];
        member.lease_began(*newest, now);
        Ok(Pick {
            account: Arc::clone(&member.account),
            upstream_model: Arc::clone(&stop.upstream_model),
            ticket: *newest,
        })
    }

    fn member(&mut self, id: AccountId) -> Option<&mut Member> {
        self.places
            .get(&id)
            .and_then(|place| self.members.get_mut(*place))
    }
}
