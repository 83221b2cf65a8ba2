use std::time::Duration;

/// Waits that double from one fault to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    doublings: u32,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            doublings: 0,
        }
    }

    /// The wait after this fault.
    pub(crate) fn next(&mut self) -> Duration {
        let factor = 1_u32.checked_shl(self.doublings).unwrap_or(u32::MAX);
        self.doublings = self.doublings.saturating_add(1);
        self.first.saturating_mul(factor).min(self.longest)
    }

    /// Undoes `doublings` of them.
    pub(crate) fn step_back(&mut self, doublings: u64) {
        let doublings = u32::try_from(doublings).unwrap_or(u32::MAX);
        // Above this the wait is at its longest anyway, and would take as many steps to come down.
        self.doublings = self
            .doublings
            .min(self.most_doublings())
            .saturating_sub(doublings);
    }

    /// Begins again with the first wait.
    pub(crate) const fn reset(&mut self) {
        self.doublings = 0;
    }

    fn most_doublings(&self) -> u32 {
        let factor = self.longest.as_millis() / self.first.as_millis().max(1);
        factor.checked_ilog2().unwrap_or(0) + 1
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    fn next_seconds(backoff: &mut Backoff, times: usize) -> Vec<u64> {
        (0..times).map(|_| backoff.next().as_secs()).collect()
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(60));
        assert_eq!(next_seconds(&mut backoff, 6), [5, 10, 20, 40, 60, 60]);
        assert_eq!(next_seconds(&mut backoff, 100).last(), Some(&60));
    }

    #[test]
    fn stepping_back_counts_from_the_longest_wait() {
        let mut backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(60));
        next_seconds(&mut backoff, 100);
        backoff.step_back(1);
        assert_eq!(backoff.next().as_secs(), 40);
        backoff.step_back(u64::MAX);
        assert_eq!(backoff.next().as_secs(), 5);
    }
}
