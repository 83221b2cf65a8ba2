use std::hash::Hash;
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;

/// How many are remembered of a kind; the longest unused are forgotten first.
const CAPACITY: u64 = 100_000;

/// Failures in a row, by whoever made them.
pub(crate) struct FailureCount<K> {
    policy: Policy,
    failures: Cache<K, Failures>,
}

impl<K: Hash + Eq + Send + Sync + 'static> FailureCount<K> {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            failures: bounded(),
        }
    }

    /// How long `who` has to wait; zero if not at all.
    pub(crate) fn wait(&self, who: &K, now: Duration) -> Duration {
        let failures = self.failures.get(who).unwrap_or_default();
        failures.wait(now)
    }

    pub(crate) fn add(&self, who: K, now: Duration) {
        self.failures.entry(who).and_upsert_with(|entry| {
            entry
                .map_or_else(Failures::default, moka::Entry::into_value)
                .and_one(&self.policy, now)
        });
    }

    pub(crate) fn forget(&self, who: &K) {
        self.failures.invalidate(who);
    }
}

/// From when on failures cost a wait, and how long it may get.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    /// Failures that cost nothing, the last of which begins the first wait.
    pub(crate) free: u32,
    pub(crate) longest: Duration,
}

/// Failures in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Failures {
    count: u32,
    wait_ends: Duration,
}

impl Failures {
    pub(crate) fn wait(&self, now: Duration) -> Duration {
        self.wait_ends.saturating_sub(now)
    }

    pub(crate) fn and_one(self, policy: &Policy, now: Duration) -> Self {
        // As long as the longest wait without a failure, and the row is broken.
        let is_row = now.saturating_sub(self.wait_ends) <= policy.longest;
        let count = if is_row { self.count.saturating_add(1) } else { 1 };
        let wait = match count.checked_sub(policy.free) {
            Some(doublings) => Duration::from_secs(2_u64.saturating_pow(doublings)).min(policy.longest),
            None => Duration::ZERO,
        };
        Self {
            count,
            wait_ends: now.saturating_add(wait),
        }
    }
}

/// Something remembered of each of many.
pub(crate) fn bounded<K, V>() -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    // Not the default policy, which would rather refuse newcomers: a full cache must not stop the counting.
    Cache::builder()
        .max_capacity(CAPACITY)
        .eviction_policy(EvictionPolicy::lru())
        .build()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Failures, Policy};

    #[test]
    fn waits_double_from_a_second_to_a_quarter_of_an_hour() {
        let policy = Policy {
            free: 5,
            longest: Duration::from_secs(900),
        };
        let mut now = Duration::from_secs(1000);
        let mut failures = Failures::default();
        let waits: Vec<u64> = (0..18)
            .map(|_| {
                failures = failures.and_one(&policy, now);
                let wait = failures.wait(now);
                now += wait;
                wait.as_secs()
            })
            .collect();
        assert_eq!(
            waits,
            [
                0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900
            ]
        );
        let later = now + Duration::from_secs(901);
        assert_eq!(failures.and_one(&policy, later).wait(later), Duration::ZERO);
    }
}
