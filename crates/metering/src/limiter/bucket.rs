use std::time::Duration;

/// A token bucket that holds one minute's allowance, reckoned without rounding.
///
/// It keeps what was taken and not yet refilled, rather than what is left, so that a raised limit helps at once.
/// More may be taken than there is: the bucket is then in debt and gives nothing until the debt is refilled.
#[derive(Debug, Clone, Default)]
pub(super) struct Bucket {
    per_minute: u64,
    /// In units of which a minute refills `per_minute * UNITS`, and a nanosecond `per_minute`.
    taken: u128,
    /// Nanoseconds of the limiter's clock.
    refilled_at: u64,
}

const NANOS_PER_MINUTE: u64 = 60_000_000_000;

/// One request or one token.
const UNITS: u128 = NANOS_PER_MINUTE as u128;

/// What is told about a limit that lets nothing through: there is no right time to come back.
const NEVER: Duration = Duration::from_secs(60);

impl Bucket {
    /// Brings the bucket to `now` and to the limit in force.
    pub(super) fn refill(&mut self, per_minute: u64, now: u64) {
        let passed = now.saturating_sub(self.refilled_at);
        let refilled = u128::from(passed) * u128::from(self.per_minute);
        self.taken = self.taken.saturating_sub(refilled);
        self.refilled_at = self.refilled_at.max(now);
        if per_minute < self.per_minute {
            // A lowered limit keeps the wait as long as it was, or a debt would take hours to refill.
            self.taken = scale(self.taken, per_minute, self.per_minute);
        }
        self.per_minute = per_minute;
    }

    pub(super) fn take(&mut self, count: u64) {
        self.taken = self.taken.saturating_add(u128::from(count) * UNITS);
    }

    /// Undoes a [`take`](Self::take).
    pub(super) fn give_back(&mut self, count: u64) {
        self.taken = self.taken.saturating_sub(u128::from(count) * UNITS);
    }

    pub(super) const fn per_minute(&self) -> u64 {
        self.per_minute
    }

    pub(super) const fn is_full(&self) -> bool {
        self.taken == 0
    }

    /// What is left to take, none while in debt.
    pub(super) fn remaining(&self) -> u64 {
        let left = self.capacity().saturating_sub(self.taken) / UNITS;
        u64::try_from(left).unwrap_or(u64::MAX)
    }

    /// How long until there is one to take; zero if there is one now.
    pub(super) fn wait_for_one(&self) -> Duration {
        if self.per_minute == 0 {
            return NEVER;
        }
        self.time_to_refill(self.taken.saturating_add(UNITS).saturating_sub(self.capacity()))
    }

    /// How long until nothing is taken.
    pub(super) fn wait_for_full(&self) -> Duration {
        self.time_to_refill(self.taken)
    }

    fn capacity(&self) -> u128 {
        u128::from(self.per_minute) * UNITS
    }

    fn time_to_refill(&self, units: u128) -> Duration {
        if units == 0 {
            return Duration::ZERO;
        }
        if self.per_minute == 0 {
            return NEVER;
        }
        let nanos = units.div_ceil(u128::from(self.per_minute));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// `taken * to / from` for `to < from`, without overflow.
fn scale(taken: u128, to: u64, from: u64) -> u128 {
    let (to, from) = (u128::from(to), u128::from(from));
    (taken / from).saturating_mul(to) + (taken % from) * to / from
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::Bucket;

    fn bucket(per_minute: u64, taken: u64) -> Bucket {
        let mut bucket = Bucket::default();
        bucket.refill(per_minute, 0);
        bucket.take(taken);
        bucket
    }

    #[test]
    fn refills_evenly() {
        let mut bucket = bucket(60, 60);
        assert_eq!(bucket.wait_for_one(), Duration::from_secs(1));
        assert_eq!(bucket.wait_for_full(), Duration::from_secs(60));
        bucket.refill(60, 1_500_000_000);
        assert_eq!(bucket.remaining(), 1);
        assert_eq!(bucket.wait_for_one(), Duration::ZERO);
    }

    #[test]
    fn a_raised_limit_helps_at_once_and_a_lowered_one_waits_no_longer() {
        let mut bucket = bucket(10, 10);
        bucket.refill(100, 0);
        assert_eq!(bucket.remaining(), 90);
        bucket.take(90);
        let wait = bucket.wait_for_full();
        bucket.refill(10, 0);
        assert_eq!(bucket.wait_for_full(), wait);
    }

    proptest! {
        #[test]
        fn the_wait_is_exact(per_minute in 1..=u64::MAX, taken in any::<u64>(), now in any::<u64>()) {
            let mut bucket = bucket(per_minute, taken);
            bucket.refill(per_minute, now);
            let wait = u64::try_from(bucket.wait_for_one().as_nanos()).unwrap_or(u64::MAX);
            if let Some(then) = now.checked_add(wait) {
                if wait > 0 {
                    let mut early = bucket.clone();
                    early.refill(per_minute, then - 1);
                    prop_assert_eq!(early.remaining(), 0);
                }
                bucket.refill(per_minute, then);
                prop_assert!(bucket.remaining() >= 1);
            }
        }

        #[test]
        fn nothing_overflows(steps in proptest::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 0..20)) {
            let mut bucket = Bucket::default();
            for (per_minute, now, count) in steps {
                bucket.refill(per_minute, now);
                bucket.take(count);
                let _ = (bucket.remaining(), bucket.wait_for_one(), bucket.wait_for_full());
            }
        }
    }
}
