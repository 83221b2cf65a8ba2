mod bucket;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway_domain::{ApiKeyId, Clock, Limits};

use self::bucket::Bucket;

/// Holds every key to its limits, in this process.
///
/// Requests and tokens have a token bucket each, which holds one minute's allowance and refills evenly. Keys that
/// are back at rest are forgotten, so memory follows the keys in use.
pub struct Limiter {
    clock: Arc<dyn Clock>,
    shards: [Mutex<Shard>; SHARDS],
}

const SHARDS: usize = 32;

impl Limiter {
    /// A limiter that has seen no requests.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Lets a request of `key` in, if its limits allow it; the request counts until the admission is dropped.
    ///
    /// `limits` are those in force now, and count from now on. Requests that were let in while the key had no limit
    /// at all do not count as open.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded`] for the limit that holds the request back longest. A refused request counts for nothing.
    pub fn admit(self: &Arc<Self>, key: ApiKeyId, limits: &Limits) -> Result<Admission, LimitExceeded> {
        if *limits == Limits::default() {
            return Ok(Admission { counted: None });
        }
        let now = self.now();
        let mut shard = self.shard(key);
        shard.forget_idle(now);
        let state = shard.keys.entry(key).or_default();
        state.refill(limits, now);
        if let Some(exceeded) = state.exceeded() {
            return Err(exceeded);
        }
        state.open = state.open.saturating_add(1);
        if let Some(requests) = &mut state.requests {
            requests.take(1);
        }
        Ok(Admission {
            counted: Some((Arc::clone(self), key)),
        })
    }

    /// What `key` has left of its limits, for dashboards and rate-limit headers.
    #[must_use]
    pub fn standing(&self, key: ApiKeyId, limits: &Limits) -> Standing {
        let mut state = self.shard(key).keys.get(&key).cloned().unwrap_or_default();
        state.refill(limits, self.now());
        Standing {
            requests: state.requests.as_ref().map(Allowance::of),
            tokens: state.tokens.as_ref().map(Allowance::of),
            open_requests: state.open,
            concurrent_requests: limits.concurrent_requests,
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_nanos()).unwrap_or(u64::MAX)
    }

    fn shard(&self, key: ApiKeyId) -> MutexGuard<'_, Shard> {
        // The last byte of a UUIDv7 is random.
        let place = usize::from(key.as_uuid().as_bytes()[15]) % SHARDS;
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn charge_tokens(&self, key: ApiKeyId, count: u64) {
        let now = self.now();
        if let Some(tokens) = self
            .shard(key)
            .keys
            .get_mut(&key)
            .and_then(|state| state.tokens.as_mut())
        {
            // What was refilled until now is none of this charge's.
            tokens.refill(tokens.per_minute(), now);
            tokens.take(count);
        }
    }

    fn close_request(&self, key: ApiKeyId) {
        if let Some(state) = self.shard(key).keys.get_mut(&key) {
            state.open = state.open.saturating_sub(1);
        }
    }

    #[cfg(test)]
    fn keys_remembered(&self) -> usize {
        let count = |shard: &Mutex<Shard>| shard.lock().unwrap().keys.len();
        self.shards.iter().map(count).sum()
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").finish_non_exhaustive()
    }
}

/// A request that was let in; it stops counting as open when this is dropped.
#[must_use = "a request counts as open only while its admission is held"]
#[derive(Debug)]
pub struct Admission {
    /// `None` for a key without limits.
    counted: Option<(Arc<Limiter>, ApiKeyId)>,
}

impl Admission {
    /// Charges what the request turned out to use, input and output together.
    ///
    /// It may put the key in debt: further requests are then refused until the debt is refilled.
    pub fn charge_tokens(&self, count: u64) {
        if let Some((limiter, key)) = &self.counted {
            limiter.charge_tokens(*key, count);
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some((limiter, key)) = &self.counted {
            limiter.close_request(*key);
        }
    }
}

/// A limit that a key has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key's limit of {allowed} {limit} is reached")]
pub struct LimitExceeded {
    /// Which one.
    pub limit: LimitKind,
    /// How much it allows.
    pub allowed: u64,
    /// When the same request would be let in if nothing else happened; a guess for concurrency and for limits of 0.
    pub retry_after: Duration,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitKind {
    /// Requests started in a minute.
    RequestsPerMinute,
    /// Input and output tokens in a minute.
    TokensPerMinute,
    /// Requests open at once.
    ConcurrentRequests,
}

impl LimitKind {
    /// The word that stands for it in answers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests_per_minute",
            Self::TokensPerMinute => "tokens_per_minute",
            Self::ConcurrentRequests => "concurrent_requests",
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestsPerMinute => "requests per minute",
            Self::TokensPerMinute => "tokens per minute",
            Self::ConcurrentRequests => "concurrent requests",
        })
    }
}

/// What a key has left of its limits; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Requests that may be started.
    pub requests: Option<Allowance>,
    /// Tokens that may be used.
    pub tokens: Option<Allowance>,
    /// Requests open now, as far as they were counted.
    pub open_requests: u32,
    /// Requests that may be open at once.
    pub concurrent_requests: Option<u32>,
}

/// What is left of one minute's allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The whole allowance.
    pub limit: u64,
    /// What is left of it now; 0 while in debt.
    pub remaining: u64,
    /// When all of it is there again, if nothing more is used.
    pub resets_in: Duration,
}

impl Allowance {
    fn of(bucket: &Bucket) -> Self {
        Self {
            limit: bucket.per_minute(),
            remaining: bucket.remaining(),
            resets_in: bucket.wait_for_full(),
        }
    }
}

/// How soon to look again for a free place among the requests open at once.
const CONCURRENCY_RETRY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Default)]
struct KeyState {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    open: u32,
    concurrent_requests: Option<u32>,
}

impl KeyState {
    fn refill(&mut self, limits: &Limits, now: u64) {
        refill(&mut self.requests, limits.requests_per_minute.map(u64::from), now);
        refill(&mut self.tokens, limits.tokens_per_minute, now);
        self.concurrent_requests = limits.concurrent_requests;
    }

    /// The limit that holds the next request back longest.
    fn exceeded(&self) -> Option<LimitExceeded> {
        let of_bucket = |limit, bucket: &Option<Bucket>| {
            let bucket = bucket.as_ref()?;
            let retry_after = bucket.wait_for_one();
            (!retry_after.is_zero()).then(|| LimitExceeded {
                limit,
                allowed: bucket.per_minute(),
                retry_after,
            })
        };
        let concurrency = self
            .concurrent_requests
            .filter(|&allowed| self.open >= allowed)
            .map(|allowed| LimitExceeded {
                limit: LimitKind::ConcurrentRequests,
                allowed: u64::from(allowed),
                retry_after: CONCURRENCY_RETRY,
            });
        [
            concurrency,
            of_bucket(LimitKind::TokensPerMinute, &self.tokens),
            of_bucket(LimitKind::RequestsPerMinute, &self.requests),
        ]
        .into_iter()
        .flatten()
        .max_by_key(|exceeded| exceeded.retry_after)
    }

    /// Whether forgetting it changes nothing.
    fn is_idle(&mut self, now: u64) -> bool {
        let is_full = |bucket: &mut Option<Bucket>| {
            bucket.as_mut().is_none_or(|bucket| {
                bucket.refill(bucket.per_minute(), now);
                bucket.is_full()
            })
        };
        self.open == 0 && is_full(&mut self.requests) && is_full(&mut self.tokens)
    }
}

fn refill(bucket: &mut Option<Bucket>, per_minute: Option<u64>, now: u64) {
    match per_minute {
        Some(per_minute) => bucket.get_or_insert_default().refill(per_minute, now),
        None => *bucket = None,
    }
}

#[derive(Debug, Default)]
struct Shard {
    keys: HashMap<ApiKeyId, KeyState>,
    /// How many keys there may be before idle ones are looked for.
    patience: usize,
}

const LEAST_PATIENCE: usize = 64;

impl Shard {
    /// Doubling the patience with the keys in use keeps the cost of looking constant per request.
    fn forget_idle(&mut self, now: u64) {
        if self.keys.len() >= self.patience.max(LEAST_PATIENCE) {
            self.keys.retain(|_, state| !state.is_idle(now));
            self.patience = self.keys.len() * 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use gateway_domain::{ApiKeyId, Limits, ManualClock, Timestamp};

    use super::{LEAST_PATIENCE, Limiter, SHARDS};

    #[test]
    fn forgets_keys_that_are_back_at_rest() {
        let clock = Arc::new(ManualClock::at(Timestamp::default()));
        let limiter = Arc::new(Limiter::new(clock.clone()));
        let limits = Limits {
            requests_per_minute: Some(1),
            ..Limits::default()
        };
        for _ in 0..100 {
            for _ in 0..SHARDS * LEAST_PATIENCE {
                drop(limiter.admit(ApiKeyId::random(), &limits).unwrap());
            }
            clock.advance(Duration::from_secs(60));
        }
        assert!(limiter.keys_remembered() <= SHARDS * LEAST_PATIENCE * 3);
    }

    #[test]
    fn keys_without_limits_leave_no_trace() {
        let limiter = Arc::new(Limiter::new(Arc::new(ManualClock::at(Timestamp::default()))));
        let admission = limiter.admit(ApiKeyId::random(), &Limits::default()).unwrap();
        assert_eq!(limiter.keys_remembered(), 0);
        admission.charge_tokens(1);
    }
}
