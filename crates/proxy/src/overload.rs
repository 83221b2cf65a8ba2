use std::time::Duration;

/// Nobody is kept waiting longer for an overloaded account; one that asks for more is not tried again.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The pauses of one request between its tries at accounts whose provider is overloaded.
#[derive(Debug)]
pub(crate) struct Pauses {
    first: Duration,
    taken: u32,
    /// Some random number.
    lot: u64,
}

impl Pauses {
    pub(crate) const fn new(first: Duration, lot: u64) -> Self {
        Self { first, taken: 0, lot }
    }

    /// How long to leave an account alone that asked for so much, up to a fifth more: requests that failed together
    /// shall not come back together. Without a wish the pause doubles each time and may be up to a fifth less.
    pub(crate) fn next(&self, asked_for: Option<Duration>) -> Duration {
        let lot = u32::try_from(self.lot.rotate_right(self.taken) % 21).unwrap_or_default();
        let (wait, percent) = match asked_for {
            Some(wait) => (wait, 100 + lot),
            None => (self.first.saturating_mul(1 << self.taken.min(16)), 80 + 2 * lot),
        };
        wait.min(LONGEST_PAUSE).saturating_mul(percent) / 100
    }

    pub(crate) const fn take(&mut self) {
        self.taken += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pauses;

    const SECOND: Duration = Duration::from_secs(1);

    fn pauses(lot: u64) -> Pauses {
        Pauses::new(SECOND, lot)
    }

    #[test]
    fn pauses_double_within_a_fifth() {
        for lot in 0..100 {
            let mut pauses = pauses(lot);
            for expected in [1, 2, 4, 5, 5] {
                let expected = SECOND * expected;
                let pause = pauses.next(None);
                assert!(
                    pause >= expected * 4 / 5 && pause <= expected * 6 / 5,
                    "{pause:?}"
                );
                pauses.take();
            }
        }
    }

    #[test]
    fn what_is_asked_for_is_never_cut_short() {
        for lot in 0..100 {
            for millis in [10, 1_000, 4_999] {
                let asked_for = Duration::from_millis(millis);
                let pause = pauses(lot).next(Some(asked_for));
                assert!(pause >= asked_for && pause <= asked_for * 6 / 5, "{pause:?}");
            }
        }
    }

    #[test]
    fn requests_do_not_pause_alike() {
        assert_ne!(pauses(1).next(None), pauses(2).next(None));
    }
}
