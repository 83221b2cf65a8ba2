use std::time::Duration;

/// How long an outcome counts.
pub(crate) const SPAN: Duration = Duration::from_secs(60);

const BUCKETS: u64 = 6;
const BUCKET_SECONDS: u64 = SPAN.as_secs() / BUCKETS;

/// Outcomes of the last minute, to a sixth of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Window {
    buckets: [Tally; BUCKETS as usize],
    /// The number of the newest bucket, counted from the clock's origin.
    newest: u64,
}

impl Window {
    /// Where an outcome of `now` is counted.
    pub(crate) fn at(&mut self, now: Duration) -> &mut Tally {
        let current = now.as_secs() / BUCKET_SECONDS;
        let passed = current.saturating_sub(self.newest).min(BUCKETS);
        for step in 1..=passed {
            self.buckets[slot(self.newest + step)] = Tally::default();
        }
        self.newest = self.newest.max(current);
        &mut self.buckets[slot(self.newest)]
    }

    /// All outcomes of the minute before `now`.
    pub(crate) fn tally(&self, now: Duration) -> Tally {
        let current = now.as_secs() / BUCKET_SECONDS;
        let mut sum = Tally::default();
        for age in current.saturating_sub(self.newest)..BUCKETS {
            // The newest bucket first, then those before it.
            let back = age - current.saturating_sub(self.newest);
            if let Some(number) = self.newest.checked_sub(back) {
                sum.add(self.buckets[slot(number)]);
            }
        }
        sum
    }
}

const fn slot(number: u64) -> usize {
    (number % BUCKETS) as usize
}

/// Outcomes by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Answered.
    pub(crate) answered: u32,
    /// Failed on the way or at the server: what outliers are told by.
    pub(crate) broken: u32,
    /// Refused: credential, limits, overload.
    pub(crate) refused: u32,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.answered = self.answered.saturating_add(other.answered);
        self.broken = self.broken.saturating_add(other.broken);
        self.refused = self.refused.saturating_add(other.refused);
    }

    pub(crate) const fn total(&self) -> u32 {
        self.answered
            .saturating_add(self.broken)
            .saturating_add(self.refused)
    }

    pub(crate) const fn failed(&self) -> u32 {
        self.broken.saturating_add(self.refused)
    }

    pub(crate) fn success_rate(&self) -> Option<f64> {
        (self.total() > 0).then(|| f64::from(self.answered) / f64::from(self.total()))
    }

    /// The share that failed, 0 to 1; nearer to 0 the fewer there are, since one fault says little.
    pub(crate) fn failed_share(&self) -> f32 {
        const DOUBT: f32 = 2.0;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a minute's requests are no large number"
        )]
        let share = self.failed() as f32 / (self.total() as f32 + DOUBT);
        share
    }

    /// Half of at least 20 broke.
    pub(crate) const fn is_outlier(&self) -> bool {
        self.total() >= 20 && self.broken.saturating_mul(2) >= self.total()
    }

    /// A fifth of at least 10 failed.
    pub(crate) const fn is_degraded(&self) -> bool {
        self.total() >= 10 && self.failed().saturating_mul(5) >= self.total()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Window;

    #[test]
    fn outcomes_are_forgotten_after_a_minute() {
        let mut window = Window::default();
        window.at(Duration::from_secs(5)).answered += 1;
        window.at(Duration::from_secs(35)).broken += 1;
        assert_eq!(window.tally(Duration::from_secs(35)).total(), 2);
        assert_eq!(window.tally(Duration::from_secs(59)).total(), 2);
        assert_eq!(window.tally(Duration::from_secs(60)).answered, 0);
        assert_eq!(window.tally(Duration::from_secs(60)).broken, 1);
        assert_eq!(window.tally(Duration::from_secs(95)).total(), 0);
    }

    #[test]
    fn a_long_pause_leaves_nothing_behind() {
        let mut window = Window::default();
        for second in 0..60 {
            window.at(Duration::from_secs(second)).answered += 1;
        }
        assert_eq!(window.tally(Duration::from_secs(59)).answered, 60);
        window.at(Duration::from_secs(100_000)).answered += 1;
        assert_eq!(window.tally(Duration::from_secs(100_000)).total(), 1);
    }
}
