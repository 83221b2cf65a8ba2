use std::fmt;
use std::sync::Arc;

use gateway_domain::{AccountId, ApiKey, Clock, ProviderKind, UpstreamAccount};

use crate::choosing::Shortlist;
use crate::decision::{Decision, decide, recorded};
use crate::rests::KnownRest;
use crate::routes::Stop;
use crate::shared::{Shared, State, Strategies};
use crate::view::View;
use crate::{
    Health, Lease, NoAccount, PoolSettings, Probe, QueuePlace, RateSource, Strategy, Wanted, strategy,
};

/// The accounts that requests can be served by, and what is known of each.
///
/// One lock guards it all, and is held for some microseconds: a pick has to see every candidate's state at once.
pub struct Pool {
    shared: Arc<Shared>,
}

/// A setting names a strategy that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no strategy {0:?}")]
pub struct UnknownStrategy(pub String);

impl Pool {
    /// A pool without accounts; [`Pool::replace`] fills it.
    ///
    /// # Errors
    ///
    /// [`UnknownStrategy`] if `settings` name one.
    pub fn new(
        clock: Arc<dyn Clock>,
        settings: PoolSettings,
        rates: Arc<dyn RateSource>,
    ) -> Result<Self, UnknownStrategy> {
        let find = |name: &String| strategy(name).ok_or_else(|| UnknownStrategy(name.clone()));
        let group = |group: &crate::StrategyGroup| Ok((group.clone(), find(&group.strategy)?));
        let strategies = Strategies {
            default: find(&settings.strategy)?,
            groups: settings.groups.values().map(group).collect::<Result<_, _>>()?,
        };
        Ok(Self {
            shared: Arc::new(Shared::new(clock, settings, rates, strategies)),
        })
    }

    /// The settings that it was made with.
    #[must_use]
    pub fn settings(&self) -> &PoolSettings {
        &self.shared.settings
    }

    /// Takes these accounts in the place of those that it has.
    ///
    /// What is known of an account stays with its id, and open leases stay valid. Of two with the same id the first
    /// counts.
    pub fn replace(&self, accounts: Vec<Arc<UpstreamAccount>>) {
        self.shared.state().replace(accounts, &self.shared.settings);
        self.shared.serve_waiting();
    }

    /// Asks for the prices anew, which are otherwise remembered with each model.
    pub fn prices_changed(&self) {
        self.shared.state().routes.clear();
    }

    /// An account to serve the request with.
    ///
    /// # Errors
    ///
    /// [`NoAccount`] when none can, with the reason.
    pub fn lease(&self, wanted: &Wanted<'_>) -> Result<Lease, NoAccount> {
        let mut state = self.shared.state();
        self.lease_from(&mut state, wanted)
    }

    /// As [`Pool::lease`], with what spoke for and against the accounts that could have served.
    ///
    /// Accounts of other users are left out, and of many candidates all but the best few.
    pub fn lease_explained(&self, wanted: &Wanted<'_>) -> (Result<Lease, NoAccount>, Decision) {
        let mut state = self.shared.state();
        let lease = self.lease_from(&mut state, wanted);
        let at = self.shared.moment(&state);
        let picked = lease.as_ref().ok().map(|lease| lease.account().id);
        let strategy = self.strategy_of(wanted);
        let decision = self.with_view(&mut state, wanted, |view, route, shortlist| {
            recorded(view, route, shortlist, picked, strategy, at)
        });
        (lease, decision)
    }

    /// What would be decided if the request came now, with what is thought of each account; nothing is leased.
    ///
    /// It decides as [`Pool::lease`] does, but looks at every account and puts the reasons into words: for people,
    /// not for every request.
    pub fn decide(&self, wanted: &Wanted<'_>) -> (Result<AccountId, NoAccount>, Decision) {
        let mut state = self.shared.state();
        let at = self.shared.moment(&state);
        let waited = self.shared.not_waited(&state);
        let chosen = state.choose(&self.shared, wanted, waited, at.monotonic);
        let strategy = self.strategy_of(wanted);
        self.with_view(&mut state, wanted, |view, route, shortlist| {
            let chosen = chosen.map(|position| route[position].account_id);
            (chosen, decide(view, shortlist, chosen.ok(), strategy, at))
        })
    }

    /// Waits for a place: `on_turn` is called with a lease when the request's turn has come, or with the reason when
    /// there is nothing left to wait for. It may be called before this returns.
    ///
    /// Keys take turns by the size of their requests. A place that a lease gives back goes to a request that waits for
    /// it. How long to wait is the caller's to decide ([`PoolSettings::max_wait`]).
    ///
    /// # Errors
    ///
    /// [`NoAccount::QueueFull`] when as many wait as may.
    pub fn wait(
        &self,
        wanted: &Wanted<'_>,
        on_turn: impl FnOnce(Result<Lease, NoAccount>) + Send + 'static,
    ) -> Result<QueuePlace, NoAccount> {
        self.shared.wait(wanted, Box::new(on_turn))
    }

    /// Gives places that came free by the passing of time to the requests that wait for them.
    ///
    /// Those of leases that end are given at once; whoever waits calls this now and then for the others. However many
    /// call it, it looks a few times a second.
    pub fn serve_waiting(&self) {
        if self.shared.is_time_to_look() {
            self.shared.serve_waiting();
        }
    }

    /// Requests that wait for a place.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.state().queue.len()
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
        let health = {
            let mut state = self.shared.state();
            let at = self.shared.moment(&state);
            let settings = &self.shared.settings;
            state.change_whole(id, settings, |member, _| {
                member.reset(settings, at.newest);
                member.health(at)
            })?
        };
        self.shared.serve_waiting();
        Some(health)
    }

    /// Takes note of a probe; `None` when the account is not in the pool.
    ///
    /// A failed probe counts as a failed request; if nothing else speaks for the account, one is enough to take it
    /// out. A good one ends the rest after a credential fault unless requests belied one before, makes one after a
    /// server or a transport fault half-open, and means nothing for quota and burst, which listing models does not
    /// test.
    pub fn record_probe(&self, id: AccountId, probe: &Probe) -> Option<Health> {
        let health = {
            let mut state = self.shared.state();
            let at = self.shared.moment(&state);
            let settings = &self.shared.settings;
            state.change_whole(id, settings, |member, chance| {
                member.probed(probe, settings, at, chance);
                member.health(at)
            })?
        };
        self.shared.serve_waiting();
        Some(health)
    }

    /// The accounts that are out for a reason that a probe can find to be over, and due for one.
    #[must_use]
    pub fn due_for_probe(&self) -> Vec<AccountId> {
        let now = self.shared.clock.monotonic();
        let state = self.shared.state();
        let is_due = |member: &&crate::member::Member| {
            member.account.is_active && member.machine.rest().is_some_and(|rest| rest.wants_probe(now))
        };
        state
            .members
            .iter()
            .filter(is_due)
            .map(|member| member.account.id)
            .collect()
    }

    /// The rests that are to be remembered over a restart: those that end later than now.
    #[must_use]
    pub fn rests(&self) -> Vec<KnownRest> {
        let state = self.shared.state();
        let at = self.shared.moment(&state);
        state
            .members
            .iter()
            .flat_map(|member| KnownRest::of(member, at))
            .collect()
    }

    /// Goes on with rests that began before a restart; those that are over or of unknown accounts are passed over.
    pub fn resume(&self, rests: &[KnownRest]) {
        let mut state = self.shared.state();
        let at = self.shared.moment(&state);
        for rest in rests {
            let settings = &self.shared.settings;
            state.change_whole(rest.account_id, settings, |member, _| {
                rest.resume(member, settings, at);
            });
        }
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

    /// The accounts that could serve `model` to `key`, each with what its provider calls the model.
    #[must_use]
    pub fn serving(&self, key: &ApiKey, model: &str) -> Vec<(AccountId, ProviderKind, Arc<str>)> {
        let mut state = self.shared.state();
        let State {
            members,
            table,
            routes,
            ..
        } = &mut *state;
        let route = routes.find(model, members, table, &*self.shared.rates);
        let is_open = |stop: &&Stop| {
            stop.owner_id.is_none_or(|owner| owner == key.user_id) && key.allows_account(stop.account_id)
        };
        let named = |stop: &Stop| (stop.account_id, stop.provider, Arc::clone(&stop.upstream_model));
        route.iter().filter(is_open).map(named).collect()
    }

    fn lease_from(&self, state: &mut State, wanted: &Wanted<'_>) -> Result<Lease, NoAccount> {
        let pick = self.shared.pick(state, wanted, self.shared.not_waited(state))?;
        Ok(Lease::new(
            Arc::clone(&self.shared),
            pick.account,
            pick.errand,
            pick.ticket,
        ))
    }

    /// Looks back at a choice that has just been made.
    fn with_view<T>(
        &self,
        state: &mut State,
        wanted: &Wanted<'_>,
        look: impl FnOnce(&View<'_>, &[Stop], &Shortlist) -> T,
    ) -> T {
        let now = self.shared.clock.monotonic();
        let pinned = state.home_of_pin(wanted, now);
        let State {
            members,
            places,
            table,
            services,
            routes,
            shortlist,
            ..
        } = state;
        let route = routes.find(wanted.model, members, table, &*self.shared.rates);
        let view = View {
            members,
            places,
            table,
            services,
            settings: &self.shared.settings,
            looks_at: self.strategy_of(wanted).looks_at(),
            wanted,
            now,
            now_seconds: now.as_secs_f64(),
            pinned,
            is_plain: View::is_plain(wanted, pinned),
            waited: None,
        };
        look(&view, route, shortlist)
    }

    fn strategy_of(&self, wanted: &Wanted<'_>) -> &'static dyn Strategy {
        self.shared.strategies.of(wanted.key, wanted.model)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("strategy", &self.shared.strategies.default.name())
            .field("accounts", &self.shared.state().members.len())
            .finish_non_exhaustive()
    }
}
