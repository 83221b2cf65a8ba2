use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway_balancing::{Lease, NoAccount, Pool, PoolSettings, Probe, QueuePlace, RateSource, Rates, Wanted};
use gateway_domain::{
    AccountId, ApiKey, Clock, Fault, ManualClock, ProviderKind, RateLimits, TokenCounts, UpstreamAccount,
};

use super::{Ask, Contender, Pick};
use crate::scenarios::plan::AccountPlan;
use crate::scenarios::world::{RATES, START};

const MODEL: &str = "claude-sonnet-4-5";

type Turns = Arc<Mutex<Vec<(usize, Result<Lease, NoAccount>)>>>;

/// The pool, driven as the gateway drives it.
pub(crate) struct Gateway {
    pool: Pool,
    clock: Arc<ManualClock>,
    accounts: Vec<AccountId>,
    keys: HashMap<u64, ApiKey>,
    leases: HashMap<usize, Lease>,
    places: HashMap<usize, QueuePlace>,
    turns: Turns,
}

struct SonnetRates;

impl RateSource for SonnetRates {
    fn rates(&self, _account_id: AccountId, _provider: ProviderKind, _upstream_model: &str) -> Option<Rates> {
        Some(RATES)
    }
}

impl Gateway {
    pub(crate) fn new(strategy: &str, plans: &[AccountPlan], seed: u64) -> Self {
        // The pool draws its lots by the time at which it was made.
        let start = START + Duration::from_micros(seed);
        let clock = Arc::new(ManualClock::at(start));
        let settings = PoolSettings {
            strategy: strategy.to_owned(),
            ..PoolSettings::default()
        };
        let pool = Pool::new(
            Arc::clone(&clock) as Arc<dyn Clock>,
            settings,
            Arc::new(SonnetRates),
        )
        .expect("strategies that there are");
        let accounts: Vec<UpstreamAccount> = plans.iter().zip(0..).map(account).collect();
        let ids = accounts.iter().map(|account| account.id).collect();
        pool.replace(accounts.into_iter().map(Arc::new).collect());
        Self {
            pool,
            clock,
            accounts: ids,
            keys: HashMap::new(),
            leases: HashMap::new(),
            places: HashMap::new(),
            turns: Turns::default(),
        }
    }

    fn hold(&mut self, request: usize, turn: Result<Lease, NoAccount>) -> Pick {
        match turn {
            Ok(lease) => {
                let id = lease.account().id;
                self.leases.insert(request, lease);
                let known = self.accounts.iter().position(|account| *account == id);
                Pick::Account(known.expect("an account of the pool"))
            }
            Err(NoAccount::AllDown { retry_after, .. }) => Pick::None { retry_after },
            Err(_) => Pick::None { retry_after: None },
        }
    }
}

impl Contender for Gateway {
    fn pick(&mut self, ask: &Ask<'_>) -> Pick {
        let tried: Vec<AccountId> = ask.tried.iter().map(|index| self.accounts[*index]).collect();
        let key = self.keys.entry(ask.key).or_insert_with(|| key(ask.key));
        let wanted = Wanted {
            user_id: key.user_id,
            key,
            model: MODEL,
            providers: &[ProviderKind::Anthropic],
            tried: &tried,
            prompt: ask.prompt,
        };
        match self.pool.lease(&wanted) {
            Err(NoAccount::AllBusy) => {
                let turns = Arc::clone(&self.turns);
                let request = ask.request;
                let place = self.pool.wait(&wanted, move |turn| {
                    turns.lock().expect("one thread").push((request, turn));
                });
                match place {
                    Ok(place) => {
                        self.places.insert(request, place);
                        Pick::Waits
                    }
                    Err(_) => Pick::None { retry_after: None },
                }
            }
            turn => self.hold(ask.request, turn),
        }
    }

    fn answering(&mut self, request: usize, ttft: Option<Duration>, limits: RateLimits) {
        self.leases[&request].answering(ttft, limits);
    }

    fn succeeded(&mut self, request: usize, tokens: &TokenCounts) {
        if let Some(lease) = self.leases.remove(&request) {
            lease.succeeded(tokens);
        }
    }

    fn failed(&mut self, request: usize, _account: usize, fault: &Fault) {
        if let Some(lease) = self.leases.remove(&request) {
            lease.failed(fault);
        }
    }

    fn pass(&mut self, now: Duration) {
        self.clock.advance(now.saturating_sub(self.clock.monotonic()));
    }

    fn turns(&mut self) -> Vec<(usize, Pick)> {
        let come = std::mem::take(&mut *self.turns.lock().expect("one thread"));
        let mut turns = Vec::new();
        for (request, turn) in come {
            self.places.remove(&request);
            turns.push((request, self.hold(request, turn)));
        }
        turns
    }

    fn stop_waiting(&mut self, request: usize) {
        self.places.remove(&request);
    }

    fn due_for_probe(&self) -> Vec<usize> {
        self.pool.serve_waiting();
        let index = |id| self.accounts.iter().position(|account| *account == id);
        self.pool.due_for_probe().into_iter().filter_map(index).collect()
    }

    fn probed(&mut self, account: usize, outcome: Result<(), Fault>) {
        let probe = Probe {
            checked_at: self.clock.now(),
            latency: Duration::from_millis(200),
            http_status: None,
            outcome,
            rate_limits: RateLimits::default(),
        };
        self.pool.record_probe(self.accounts[account], &probe);
    }
}

/// The same ids in every run: rendezvous hashing goes by them.
fn id<T: std::str::FromStr>(number: u64) -> T
where
    T::Err: std::fmt::Debug,
{
    let text = format!("0197a000-0000-7000-8000-{number:012x}");
    text.parse().expect("a UUID")
}

fn account((plan, number): (&AccountPlan, u64)) -> UpstreamAccount {
    UpstreamAccount {
        id: id(number),
        weight: plan.weight,
        max_concurrency: plan.max_concurrency,
        ..UpstreamAccount::new(ProviderKind::Anthropic, "https://api.anthropic.com", START)
    }
}

fn key(number: u64) -> ApiKey {
    ApiKey {
        id: id(number),
        ..ApiKey::unrestricted(id(number), START)
    }
}
