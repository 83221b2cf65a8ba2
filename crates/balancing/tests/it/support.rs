use std::sync::Arc;
use std::time::Duration;

use gateway_balancing::{
    Health, HealthStatus, Lease, NoAccount, NoRates, Pool, PoolSettings, Probe, Prompt, Wanted,
};
use gateway_domain::{
    AccountId, ApiKey, Clock, Fault, FaultClass, ManualClock, ProviderKind, RateLimits, Timestamp,
    TokenCounts, UpstreamAccount, UserId,
};

pub(crate) const MODEL: &str = "claude-sonnet-4-5";

/// A pool on a clock that stands still, and a key to ask it with.
pub(crate) struct TestPool {
    pub(crate) pool: Pool,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) key: ApiKey,
}

impl TestPool {
    /// With round robin, so that whose turn it is can be foretold.
    pub(crate) fn of(accounts: &[UpstreamAccount]) -> Self {
        Self::with_strategy("round_robin", accounts)
    }

    pub(crate) fn with_strategy(strategy: &str, accounts: &[UpstreamAccount]) -> Self {
        let settings = PoolSettings {
            strategy: strategy.to_owned(),
            ..PoolSettings::default()
        };
        Self::with_settings(settings, accounts)
    }

    pub(crate) fn with_settings(settings: PoolSettings, accounts: &[UpstreamAccount]) -> Self {
        let clock = Arc::new(ManualClock::at(start()));
        let pool = Pool::new(Arc::clone(&clock) as Arc<dyn Clock>, settings, Arc::new(NoRates))
            .expect("known strategies");
        let test = Self {
            pool,
            clock,
            key: key(),
        };
        test.replace(accounts);
        test
    }

    pub(crate) fn replace(&self, accounts: &[UpstreamAccount]) {
        self.pool
            .replace(accounts.iter().cloned().map(Arc::new).collect());
    }

    pub(crate) fn wanted(&self) -> Wanted<'_> {
        Wanted {
            user_id: self.key.user_id,
            key: &self.key,
            model: MODEL,
            providers: &[ProviderKind::Anthropic],
            tried: &[],
            prompt: Prompt::default(),
        }
    }

    pub(crate) fn lease(&self) -> Result<Lease, NoAccount> {
        self.pool.lease(&self.wanted())
    }

    pub(crate) fn lease_after(&self, tried: &[AccountId]) -> Result<Lease, NoAccount> {
        self.pool.lease(&Wanted {
            tried,
            ..self.wanted()
        })
    }

    /// Sends one request that succeeds, and says where.
    pub(crate) fn serve(&self) -> AccountId {
        let lease = self.lease().expect("an account");
        lease.succeeded(&TokenCounts::default());
        lease.account().id
    }

    /// Sends one request that fails, and says where.
    pub(crate) fn fail(&self, fault: &Fault) -> AccountId {
        let lease = self.lease().expect("an account");
        lease.failed(fault);
        lease.account().id
    }

    pub(crate) fn health(&self, account: &UpstreamAccount) -> Health {
        self.pool.health(account.id).expect("an account of the pool")
    }

    pub(crate) fn status(&self, account: &UpstreamAccount) -> HealthStatus {
        self.health(account).status
    }

    pub(crate) fn probe(&self, account: &UpstreamAccount, outcome: Result<(), Fault>) -> Health {
        let probe = Probe {
            checked_at: self.clock.now(),
            latency: Duration::from_millis(12),
            http_status: Some(if outcome.is_ok() { 200 } else { 500 }),
            outcome,
            rate_limits: RateLimits::default(),
        };
        self.pool
            .record_probe(account.id, &probe)
            .expect("an account of the pool")
    }

    pub(crate) fn explain(&self, account: &UpstreamAccount) -> Option<String> {
        self.explain_for(account, &self.wanted())
    }

    pub(crate) fn explain_for(&self, account: &UpstreamAccount, wanted: &Wanted<'_>) -> Option<String> {
        let (_, decision) = self.pool.decide(wanted);
        decision
            .considered
            .into_iter()
            .find(|considered| considered.account_id == account.id)
            .expect("every account is considered")
            .reason
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub(crate) fn start() -> Timestamp {
    "2026-01-31T12:00:00Z".parse().expect("a time")
}

pub(crate) fn fault(class: FaultClass) -> Fault {
    Fault::new(class, "as told")
}

pub(crate) fn quota(seconds: u64) -> Fault {
    fault(FaultClass::Quota).retry_after(Duration::from_secs(seconds))
}

/// Until when an account rests, counted from the start.
pub(crate) fn rest_end(health: &Health) -> Duration {
    health.until.expect("an end").since(start())
}

pub(crate) fn account() -> UpstreamAccount {
    UpstreamAccount::new(ProviderKind::Anthropic, "https://api.anthropic.com", start())
}

pub(crate) fn weighing(weight: u16) -> UpstreamAccount {
    UpstreamAccount { weight, ..account() }
}

pub(crate) fn in_tier(priority: i32) -> UpstreamAccount {
    UpstreamAccount {
        priority,
        ..account()
    }
}

pub(crate) fn limited_to(max_concurrency: u32) -> UpstreamAccount {
    UpstreamAccount {
        max_concurrency: Some(max_concurrency),
        ..account()
    }
}

pub(crate) fn key() -> ApiKey {
    ApiKey::unrestricted(UserId::random(), start())
}
