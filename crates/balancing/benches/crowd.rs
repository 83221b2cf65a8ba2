use std::sync::Arc;
use std::time::Duration;

use gateway_balancing::{Delivery, NoRates, Pool, PoolSettings, Preamble, Prompt, Wanted};
use gateway_domain::{
    ApiKey, ManualClock, ProviderKind, RateLimit, RateLimits, Timestamp, TokenCounts, UpstreamAccount, UserId,
};

/// A conversation that [`Crowd::of`] has begun.
const BEGUN: u64 = 7;

/// A pool of many accounts whose limits are known, and requests for it.
pub(crate) struct Crowd {
    pub(crate) pool: Pool,
    key: ApiKey,
}

/// The kinds of prompt that are picked for in different ways.
pub(crate) const PROMPTS: [(&str, Prompt); 3] = [
    ("at home", prompt(Some(BEGUN), Some(Duration::from_secs(300)))),
    ("new", prompt(Some(8), Some(Duration::from_secs(300)))),
    ("uncached", prompt(None, None)),
];

const fn prompt(conversation: Option<u64>, cache_lifetime: Option<Duration>) -> Prompt {
    Prompt {
        input_tokens: 20_000,
        output_tokens: 300,
        delivery: Delivery::Streamed,
        conversation,
        preamble: Some(Preamble {
            hash: 99,
            tokens: 10_000,
        }),
        cache_lifetime,
        pin: None,
    }
}

impl Crowd {
    pub(crate) fn of(size: u64, strategy: &str) -> Self {
        let now = Timestamp::from_seconds(1_800_000_000);
        let settings = PoolSettings {
            strategy: strategy.to_owned(),
            ..PoolSettings::default()
        };
        let pool = Pool::new(Arc::new(ManualClock::at(now)), settings, Arc::new(NoRates));
        let crowd = Self {
            pool: pool.expect("a strategy that there is"),
            key: ApiKey::unrestricted(UserId::random(), now),
        };
        let accounts = (0..size).map(|_| Arc::new(account(now))).collect();
        crowd.pool.replace(accounts);
        let all: Vec<_> = (0..size)
            .map(|_| crowd.pool.lease(&crowd.wanted(Prompt::default())))
            .collect();
        for (lease, number) in all.iter().flatten().zip(0..) {
            lease.answering(
                Some(Duration::from_millis(500 + number % 50)),
                limits(now, number),
            );
            lease.succeeded(&TokenCounts::default());
        }
        if let Ok(lease) = crowd.pool.lease(&crowd.wanted(PROMPTS[0].1)) {
            lease.succeeded(&TokenCounts {
                cache_write_5m: 19_000,
                ..TokenCounts::default()
            });
        }
        crowd
    }

    pub(crate) fn wanted(&self, prompt: Prompt) -> Wanted<'_> {
        Wanted {
            user_id: self.key.user_id,
            key: &self.key,
            model: "claude-sonnet-4-5",
            providers: &[ProviderKind::Anthropic],
            tried: &[],
            prompt,
        }
    }
}

fn limits(now: Timestamp, number: u64) -> RateLimits {
    let limit = |limit: u64| {
        Some(RateLimit {
            limit: Some(limit),
            remaining: limit - limit * (number % 40) / 100,
            resets_at: Some(now + Duration::from_secs(number % 40)),
        })
    };
    RateLimits {
        requests: limit(4_000),
        input_tokens: limit(2_000_000),
        output_tokens: limit(400_000),
        ..RateLimits::default()
    }
}

fn account(now: Timestamp) -> UpstreamAccount {
    UpstreamAccount {
        max_concurrency: Some(100),
        ..UpstreamAccount::new(ProviderKind::Anthropic, "https://api.anthropic.com", now)
    }
}
