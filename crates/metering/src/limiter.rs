mod bucket;
mod exceeded;
mod meters;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gateway_domain::{Clock, Limits, RateLimit, RateLimits, Spender, TokenCounts};

use self::bucket::Bucket;
pub use self::exceeded::{LimitExceeded, LimitKind};
use self::meters::{Entered, Meters};

/// Holds keys, users and accounts to their limits, in this process.
///
/// Requests and tokens have a token bucket each, which holds one minute's allowance and refills evenly. Whoever is back
/// at rest is forgotten, so memory follows those in use.
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

    /// Lets a request in, if the limits of all that it counts against allow it; it counts as open until the admission is
    /// dropped.
    ///
    /// The limits are those in force now, and count from now on. Requests that were let in while there was no limit at
    /// all do not count as open.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded`] for the limit that holds the request back longest. A refused request counts for nothing.
    pub fn admit(self: &Arc<Self>, wanted: &[(Spender, &Limits)]) -> Result<Admission, LimitExceeded> {
        let mut admission = Admission {
            limiter: Arc::clone(self),
            counted: Vec::new(),
            expected_input: 0,
        };
        let mut refusal: Option<LimitExceeded> = None;
        for (spender, limits) in wanted.iter().filter(|(_, limits)| **limits != Limits::default()) {
            match self.enter(*spender, limits) {
                Ok(entered) => admission.counted.push((*spender, entered)),
                Err(exceeded) if refusal.is_none_or(|other| other.retry_after < exceeded.retry_after) => {
                    refusal = Some(exceeded);
                }
                Err(_) => {}
            }
        }
        match refusal {
            None => Ok(admission),
            Some(exceeded) => {
                admission.undo();
                Err(exceeded)
            }
        }
    }

    /// What is left of the limits, of each kind the one of which the least is left: for rate-limit headers.
    #[must_use]
    pub fn standing(&self, of: &[(Spender, &Limits)]) -> RateLimits {
        let (now, at) = (self.now(), self.clock.now());
        let mut least = RateLimits::default();
        for (spender, limits) in of.iter().filter(|(_, limits)| **limits != Limits::default()) {
            let mut meters = self
                .shard(*spender)
                .spenders
                .get(spender)
                .cloned()
                .unwrap_or_default();
            meters.refill(limits, now);
            let left = |bucket: &Option<Bucket>| {
                bucket.as_ref().map(|bucket| RateLimit {
                    limit: Some(bucket.per_minute()),
                    remaining: bucket.remaining(),
                    resets_at: Some(at + bucket.wait_for_full()),
                })
            };
            keep_least(&mut least.requests, left(&meters.requests));
            keep_least(&mut least.tokens, left(&meters.tokens));
            keep_least(&mut least.input_tokens, left(&meters.input_tokens));
            keep_least(&mut least.output_tokens, left(&meters.output_tokens));
        }
        least
    }

    fn enter(&self, spender: Spender, limits: &Limits) -> Result<Entered, LimitExceeded> {
        let now = self.now();
        let mut shard = self.shard(spender);
        shard.forget_idle(now);
        let meters = shard.spenders.entry(spender).or_default();
        meters.refill(limits, now);
        match meters.exceeded(spender) {
            Some(exceeded) => Err(exceeded),
            None => Ok(meters.enter()),
        }
    }

    fn change(&self, spender: Spender, change: impl FnOnce(&mut Meters)) {
        let now = self.now();
        if let Some(meters) = self.shard(spender).spenders.get_mut(&spender) {
            // What was refilled until now is none of this change's.
            meters.refill_as_before(now);
            change(meters);
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_nanos()).unwrap_or(u64::MAX)
    }

    fn shard(&self, spender: Spender) -> MutexGuard<'_, Shard> {
        // The last byte of a UUIDv7 is random.
        let place = usize::from(spender.id().as_bytes()[15]) % SHARDS;
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn spenders_remembered(&self) -> usize {
        let count = |shard: &Mutex<Shard>| shard.lock().unwrap().spenders.len();
        self.shards.iter().map(count).sum()
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").finish_non_exhaustive()
    }
}

/// Of two of a kind the one of which less is left.
fn keep_least(least: &mut Option<RateLimit>, other: Option<RateLimit>) {
    let is_less = |other: &RateLimit| least.is_none_or(|least| other.remaining < least.remaining);
    if let Some(other) = other.filter(is_less) {
        *least = Some(other);
    }
}

/// A request that was let in; it stops counting as open when this is dropped.
#[must_use = "a request counts as open only while its admission is held"]
#[derive(Debug)]
pub struct Admission {
    limiter: Arc<Limiter>,
    /// Those with limits.
    counted: Vec<(Spender, Entered)>,
    /// Input tokens that were charged before it was known how many there are.
    expected_input: u64,
}

impl Admission {
    /// Charges the input that the request probably has, so that the next one finds it taken; [`settle`](Self::settle)
    /// puts it right.
    pub fn expect_input(&mut self, tokens: u64) {
        self.expected_input += tokens;
        self.change_all(|meters| meters.charge_input(tokens));
    }

    /// Charges what the request turned out to use, in the place of what was expected.
    ///
    /// It may put a limit in debt: further requests are then refused until the debt is refilled.
    pub fn settle(&mut self, used: &TokenCounts) {
        let expected = std::mem::take(&mut self.expected_input);
        self.change_all(|meters| meters.settle(expected, used));
    }

    fn change_all(&self, change: impl Fn(&mut Meters)) {
        for (spender, _) in &self.counted {
            self.limiter.change(*spender, &change);
        }
    }

    /// As if it had never been let in.
    fn undo(mut self) {
        for (spender, entered) in std::mem::take(&mut self.counted) {
            self.limiter.change(spender, |meters| meters.undo(entered));
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let expected = self.expected_input;
        for (spender, _) in &self.counted {
            self.limiter.change(*spender, |meters| {
                meters.give_back_input(expected);
                meters.leave();
            });
        }
    }
}

#[derive(Debug, Default)]
struct Shard {
    spenders: HashMap<Spender, Meters>,
    /// How many there may be before idle ones are looked for.
    patience: usize,
}

const LEAST_PATIENCE: usize = 64;

impl Shard {
    /// Doubling the patience with those in use keeps the cost of looking constant per request.
    fn forget_idle(&mut self, now: u64) {
        if self.spenders.len() >= self.patience.max(LEAST_PATIENCE) {
            self.spenders.retain(|_, meters| !meters.is_idle(now));
            self.patience = self.spenders.len() * 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use gateway_domain::{ApiKeyId, Limits, ManualClock, Spender, Timestamp, TokenCounts};

    use super::{LEAST_PATIENCE, Limiter, SHARDS};

    #[test]
    fn forgets_those_that_are_back_at_rest() {
        let clock = Arc::new(ManualClock::at(Timestamp::default()));
        let limiter = Arc::new(Limiter::new(clock.clone()));
        let limits = Limits {
            requests_per_minute: Some(1),
            ..Limits::default()
        };
        for _ in 0..100 {
            for _ in 0..SHARDS * LEAST_PATIENCE {
                let key = Spender::Key(ApiKeyId::random());
                drop(limiter.admit(&[(key, &limits)]).unwrap());
            }
            clock.advance(Duration::from_secs(60));
        }
        assert!(limiter.spenders_remembered() <= SHARDS * LEAST_PATIENCE * 3);
    }

    #[test]
    fn those_without_limits_leave_no_trace() {
        let limiter = Arc::new(Limiter::new(Arc::new(ManualClock::at(Timestamp::default()))));
        let key = Spender::Key(ApiKeyId::random());
        let mut admission = limiter.admit(&[(key, &Limits::default())]).unwrap();
        admission.settle(&TokenCounts {
            input: 1,
            ..TokenCounts::default()
        });
        assert_eq!(limiter.spenders_remembered(), 0);
    }
}
