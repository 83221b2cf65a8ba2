use std::time::Duration;

/// Seconds over which requests and retries are counted, the current one included.
const WINDOW: u64 = 10;

/// How many further tries may be made by all requests together, so that a storm does not feed itself.
///
/// A share of the requests of the last ten seconds, or a fixed number where that is more.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    percent: u32,
    least: u32,
    // Invariant: the count of second `s` is at `s % WINDOW`, unless it is older.
    seconds: [Count; WINDOW as usize],
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    second: u64,
    requests: u32,
    retries: u32,
}

impl RetryBudget {
    pub(crate) fn new(percent: u32, least: u32) -> Self {
        Self {
            percent,
            least,
            seconds: [Count::default(); WINDOW as usize],
        }
    }

    /// Counts a request at `now`, in monotonic time.
    pub(crate) fn note_request(&mut self, now: Duration) {
        let count = self.count(now);
        count.requests = count.requests.saturating_add(1);
    }

    /// Whether a retry can be paid for.
    pub(crate) fn has_left(&self, now: Duration) -> bool {
        let oldest = (now.as_secs() + 1).saturating_sub(WINDOW);
        let recent = self.seconds.iter().filter(|count| count.second >= oldest);
        let (requests, retries) = recent.fold((0_u64, 0_u64), |(requests, retries), count| {
            (
                requests + u64::from(count.requests),
                retries + u64::from(count.retries),
            )
        });
        retries < (requests * u64::from(self.percent) / 100).max(u64::from(self.least))
    }

    /// Pays for a retry, if there is anything left.
    pub(crate) fn spend(&mut self, now: Duration) -> bool {
        let has_left = self.has_left(now);
        if has_left {
            let count = self.count(now);
            count.retries = count.retries.saturating_add(1);
        }
        has_left
    }

    fn count(&mut self, now: Duration) -> &mut Count {
        let second = now.as_secs();
        let count = &mut self.seconds[usize::try_from(second % WINDOW).unwrap_or_default()];
        if count.second != second {
            *count = Count {
                second,
                ..Count::default()
            };
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::RetryBudget;

    /// How many retries are paid for at `millis` before one is refused.
    fn spend_all(budget: &mut RetryBudget, millis: u64) -> u32 {
        let mut spent = 0;
        while budget.spend(Duration::from_millis(millis)) {
            spent += 1;
        }
        spent
    }

    fn requests(budget: &mut RetryBudget, millis: u64, count: u32) {
        for _ in 0..count {
            budget.note_request(Duration::from_millis(millis));
        }
    }

    #[test]
    fn few_requests_may_still_be_retried() {
        let mut budget = RetryBudget::new(20, 10);
        assert_eq!(spend_all(&mut budget, 0), 10);
        requests(&mut budget, 500, 49);
        assert_eq!(spend_all(&mut budget, 900), 0);
    }

    #[test]
    fn many_requests_may_be_retried_by_their_share() {
        let mut budget = RetryBudget::new(20, 10);
        requests(&mut budget, 1_000, 100);
        requests(&mut budget, 7_000, 100);
        assert_eq!(spend_all(&mut budget, 9_000), 40);
    }

    #[test]
    fn what_is_older_than_ten_seconds_does_not_count() {
        let mut budget = RetryBudget::new(20, 10);
        requests(&mut budget, 1_000, 100);
        assert_eq!(spend_all(&mut budget, 10_999), 20);
        assert_eq!(spend_all(&mut budget, 11_000), 0);
        assert_eq!(spend_all(&mut budget, 19_999), 0);
        assert_eq!(spend_all(&mut budget, 25_000), 10);
        assert_eq!(spend_all(&mut budget, 1_000_000), 10);
    }

    #[test]
    fn asking_costs_nothing() {
        let mut budget = RetryBudget::new(0, 1);
        let now = Duration::ZERO;
        assert!(budget.has_left(now) && budget.has_left(now));
        assert!(budget.spend(now));
        assert!(!budget.has_left(now));
    }
}
