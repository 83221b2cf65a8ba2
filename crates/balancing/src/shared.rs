use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway_domain::{AccountId, ApiKey, Clock, Fault, RateLimits, TokenCounts, UpstreamAccount};

use crate::chance::Chance;
use crate::choosing::Shortlist;
use crate::errand::Errand;
use crate::fair_queue::FairQueue;
use crate::gauge::Need;
use crate::health::{Moment, Ticket};
use crate::member::{Answered, Member};
use crate::prompt_caches::PromptCaches;
use crate::routes::Routes;
use crate::service::Service;
use crate::table::Table;
use crate::view::View;
use crate::waiting::Waiter;
use crate::{NoAccount, PoolSettings, RateSource, Strategy, StrategyGroup, Wanted};

/// How long it is remembered which account holds a container or a file.
const PIN_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What the pool and its leases have in common.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: PoolSettings,
    pub(crate) rates: Arc<dyn RateSource>,
    pub(crate) strategies: Strategies,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) members: Vec<Member>,
    pub(crate) places: HashMap<AccountId, usize>,
    pub(crate) table: Table,
    pub(crate) services: Vec<Service>,
    pub(crate) routes: Routes,
    pub(crate) shortlist: Shortlist,
    pub(crate) chance: Chance,
    pub(crate) newest: Ticket,
    pub(crate) caches: PromptCaches,
    /// Which account holds what requests refer to.
    pub(crate) pins: PromptCaches,
    pub(crate) queue: FairQueue<Waiter>,
    /// When it was last looked for places that came free by the passing of time.
    pub(crate) last_tick: Option<Duration>,
}

/// How accounts are picked for which requests.
pub(crate) struct Strategies {
    pub(crate) default: &'static dyn Strategy,
    pub(crate) groups: Vec<(StrategyGroup, &'static dyn Strategy)>,
}

impl Strategies {
    pub(crate) fn of(&self, key: &ApiKey, model: &str) -> &'static dyn Strategy {
        let group = self.groups.iter().find(|(group, _)| group.fits(key, model));
        group.map_or(self.default, |(_, strategy)| *strategy)
    }
}

/// An account that was picked.
pub(crate) struct Pick {
    pub(crate) account: Arc<UpstreamAccount>,
    pub(crate) errand: Errand,
    pub(crate) ticket: Ticket,
}

impl Shared {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        settings: PoolSettings,
        rates: Arc<dyn RateSource>,
        strategies: Strategies,
    ) -> Self {
        let state = State {
            members: Vec::new(),
            places: HashMap::new(),
            table: Table::default(),
            services: Vec::new(),
            routes: Routes::default(),
            shortlist: Shortlist::default(),
            // Instances that start together must not draw the same lots; the start's microsecond differs.
            chance: Chance::seeded(clock.now().as_micros().unsigned_abs()),
            newest: Ticket::default(),
            caches: PromptCaches::new(settings.remembered_conversations),
            pins: PromptCaches::new(settings.remembered_conversations),
            queue: FairQueue::default(),
            last_tick: None,
        };
        Self {
            clock,
            settings,
            rates,
            strategies,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // Each change is whole before anything in it can panic, so a poisoned state is still a good one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn moment(&self, state: &State) -> Moment {
        Moment {
            monotonic: self.clock.monotonic(),
            time: self.clock.now(),
            newest: state.newest,
        }
    }

    /// How long a request has waited that has just come: not at all, if it may.
    pub(crate) fn not_waited(&self, state: &State) -> Option<Duration> {
        (state.queue.len() < self.settings.max_waiting).then_some(Duration::ZERO)
    }

    /// Picks an account and notes that a lease of it has begun.
    pub(crate) fn pick(
        &self,
        state: &mut State,
        wanted: &Wanted<'_>,
        waited: Option<Duration>,
    ) -> Result<Pick, NoAccount> {
        let now = self.clock.monotonic();
        let position = state.choose(self, wanted, waited, now)?;
        let State {
            members,
            table,
            routes,
            shortlist,
            newest,
            ..
        } = state;
        let route = routes.find(wanted.model, members, table, &*self.rates);
        shortlist.book_turn(route, table);
        let stop = &route[position];
        let need = Need::of(&wanted.prompt, shortlist.cached_tokens());
        let upstream_model = Arc::clone(&stop.upstream_model);
        let errand = Errand::new(upstream_model, stop.family, &wanted.prompt, need, now);
        newest.0 += 1;
        let ticket = *newest;
        let member = &mut members[stop.index];
        member.lease_began(ticket, &errand);
        table.refresh(stop.index, member, errand.family);
        Ok(Pick {
            account: Arc::clone(&member.account),
            errand,
            ticket,
        })
    }

    pub(crate) fn is_well(&self, id: AccountId) -> bool {
        let now = self.clock.monotonic();
        self.state()
            .member(id)
            .is_some_and(|member| member.machine.is_well(now))
    }

    pub(crate) fn answering(
        self: &Arc<Self>,
        id: AccountId,
        ticket: Ticket,
        errand: &Errand,
        ttft: Option<Duration>,
        limits: RateLimits,
    ) {
        let is_awaited = {
            let mut state = self.state();
            let at = self.moment(&state);
            let mut is_back = false;
            let service = state.change(id, errand.family, &self.settings, |member, _| {
                let was_resting = member.is_resting(errand);
                member.answering(ticket, errand, ttft, limits, at);
                is_back = was_resting && !member.is_resting(errand);
                member.service
            });
            let Some(service) = service else { return };
            state.services[service].answered(at.monotonic);
            is_back && state.queue.len() > 0
        };
        if is_awaited {
            self.serve_waiting();
        }
    }

    pub(crate) fn succeeded(&self, id: AccountId, ticket: Ticket, errand: &Errand, tokens: &TokenCounts) {
        let mut state = self.state();
        let at = self.moment(&state);
        let is_known = state.change(id, errand.family, &self.settings, |member, _| {
            member.succeeded(ticket, errand, at);
        });
        if is_known.is_some() {
            state.remember(id, errand, tokens, at.monotonic);
        }
    }

    pub(crate) fn holds(&self, id: AccountId, pin: u64) {
        let now = self.clock.monotonic();
        self.state().pins.keep(pin, id, 0, PIN_LIFETIME, now);
    }

    pub(crate) fn failed(&self, id: AccountId, ticket: Ticket, errand: &Errand, fault: &Fault) {
        let mut state = self.state();
        let at = self.moment(&state);
        let service = state.change(id, errand.family, &self.settings, |member, chance| {
            member.failed(ticket, errand, fault, &self.settings, at, chance);
            member.service
        });
        if let Some(service) = service {
            state.services[service].failed(fault.class, at.monotonic);
        }
    }

    pub(crate) fn ended(
        self: &Arc<Self>,
        id: AccountId,
        ticket: Ticket,
        errand: &Errand,
        answered: Answered,
    ) {
        let now = self.clock.monotonic();
        let waits = {
            let mut state = self.state();
            state.change(id, errand.family, &self.settings, |member, _| {
                member.lease_ended(ticket, errand, answered, now);
            });
            state.queue.len() > 0
        };
        if waits {
            self.serve_waiting();
        }
    }
}

impl State {
    /// Takes these accounts in the place of those that it has; what is known of an account stays with its id.
    pub(crate) fn replace(&mut self, accounts: Vec<Arc<UpstreamAccount>>, settings: &PoolSettings) {
        let before = self.members.drain(..).zip(self.table.take_credits());
        let mut known: HashMap<AccountId, (Member, i64)> = before
            .map(|(member, credit)| (member.account.id, (member, credit)))
            .collect();
        let mut credits = Vec::with_capacity(accounts.len());
        let mut services = std::mem::take(&mut self.services);
        self.places.clear();
        self.routes.clear();
        let mut is_same_ring = true;
        for account in accounts {
            if self.places.contains_key(&account.id) {
                continue;
            }
            self.places.insert(account.id, self.members.len());
            let (mut member, credit) = match known.remove(&account.id) {
                Some((member, credit)) => {
                    is_same_ring &= member.account.weight == account.weight;
                    (member.with_account(account), credit)
                }
                None => {
                    is_same_ring = false;
                    (Member::new(account, settings, self.newest), 0)
                }
            };
            credits.push(credit);
            member.service = self.service_of(&member.account, &mut services);
            self.members.push(member);
        }
        if !is_same_ring || !known.is_empty() {
            // A debt of a thousand turns, run up at a weight of a thousand, would starve an account at weight one.
            credits.fill(0);
        }
        self.table.set_credits(credits);
        self.table.rebuild(&self.members);
    }

    fn service_of(&mut self, account: &UpstreamAccount, before: &mut Vec<Service>) -> usize {
        if let Some(place) = self.services.iter().position(|service| service.runs(account)) {
            return place;
        }
        let known = before.iter().position(|service| service.runs(account));
        self.services
            .push(known.map_or_else(|| Service::of(account), |place| before.swap_remove(place)));
        self.services.len() - 1
    }

    /// The place in the model's route of the account that serves; the shortlist tells how it came to that.
    pub(crate) fn choose(
        &mut self,
        shared: &Shared,
        wanted: &Wanted<'_>,
        waited: Option<Duration>,
        now: Duration,
    ) -> Result<usize, NoAccount> {
        let strategy = shared.strategies.of(wanted.key, wanted.model);
        let pinned = self.home_of_pin(wanted, now);
        let route = self
            .routes
            .find(wanted.model, &mut self.members, &mut self.table, &*shared.rates);
        let view = View {
            members: &self.members,
            places: &self.places,
            table: &self.table,
            services: &self.services,
            settings: &shared.settings,
            looks_at: strategy.looks_at(),
            wanted,
            now,
            now_seconds: now.as_secs_f64(),
            pinned,
            waited,
            is_plain: View::is_plain(wanted, pinned),
        };
        let draw = self.chance.draw();
        self.shortlist.pick(route, &view, &self.caches, strategy, draw)
    }

    /// The account that holds what the request refers to, if that is known and there still is such an account for its
    /// user: otherwise the provider has the right words for that it is gone.
    pub(crate) fn home_of_pin(&self, wanted: &Wanted<'_>, now: Duration) -> Option<AccountId> {
        let homes = self.pins.find(wanted.prompt.pin?);
        let newest = homes.alive(now).max_by_key(|home| home.expires)?;
        let member = &self.members[*self.places.get(&newest.account_id)?];
        let may_serve = member.account.is_active && member.account.serves_user(wanted.user_id);
        may_serve.then_some(newest.account_id)
    }

    /// Changes what is known of an account, as far as it concerns it as a whole and one family of its models; `None`
    /// when there is no such account.
    pub(crate) fn change<T>(
        &mut self,
        id: AccountId,
        family: usize,
        settings: &PoolSettings,
        change: impl FnOnce(&mut Member, &mut Chance) -> T,
    ) -> Option<T> {
        let index = *self.places.get(&id)?;
        let member = self.members.get_mut(index)?;
        let outcome = change(member, &mut self.chance);
        member.find_plain(settings);
        self.table.refresh(index, member, family);
        Some(outcome)
    }

    /// The same for a change that may concern all of its families.
    pub(crate) fn change_whole<T>(
        &mut self,
        id: AccountId,
        settings: &PoolSettings,
        change: impl FnOnce(&mut Member, &mut Chance) -> T,
    ) -> Option<T> {
        let index = *self.places.get(&id)?;
        let member = self.members.get_mut(index)?;
        let outcome = change(member, &mut self.chance);
        member.find_plain(settings);
        self.table.refresh_whole(index, member);
        Some(outcome)
    }

    pub(crate) fn member(&mut self, id: AccountId) -> Option<&mut Member> {
        self.places
            .get(&id)
            .and_then(|place| self.members.get_mut(*place))
    }

    /// What an answer shows to lie in the account's cache from now on.
    fn remember(&mut self, id: AccountId, errand: &Errand, tokens: &TokenCounts, now: Duration) {
        if let Some(pin) = errand.pin {
            self.pins.keep(pin, id, 0, PIN_LIFETIME, now);
        }
        let Some(lifetime) = errand.cache_lifetime else {
            return;
        };
        let cached = tokens
            .cache_read
            .saturating_add(tokens.cache_write_5m)
            .saturating_add(tokens.cache_write_1h);
        if cached == 0 {
            return;
        }
        let mut has_begun = false;
        if let Some(conversation) = errand.conversation {
            has_begun = self.caches.find(conversation).alive(now).next().is_none();
            self.caches.keep(conversation, id, cached, lifetime, now);
        }
        if let Some(preamble) = errand.preamble {
            let shared = preamble.tokens.min(cached);
            self.caches.keep(preamble.hash, id, shared, lifetime, now);
            if has_begun {
                self.caches.count_use(preamble.hash, lifetime, now);
            }
        }
    }
}
