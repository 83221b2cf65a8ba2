use std::time::Duration;

use crate::PoolSettings;

/// The share that an account has while it comes back from a rest: it grows to the full one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SlowStart(Option<Duration>);

/// What it begins with.
const FIRST_SHARE: f32 = 0.125;

impl SlowStart {
    pub(crate) const fn from(now: Duration) -> Self {
        Self(Some(now))
    }

    /// When it is over.
    pub(crate) fn until(self, settings: &PoolSettings) -> Duration {
        let over = |since: Duration| since.saturating_add(settings.slow_start());
        self.0.map_or(Duration::ZERO, over)
    }

    /// Above 0 to 1.
    pub(crate) fn share(self, now: Duration, settings: &PoolSettings) -> f32 {
        let Some(since) = self.0 else { return 1.0 };
        let passed = now.saturating_sub(since).as_secs_f32();
        let whole = settings.slow_start().as_secs_f32();
        if passed < whole {
            (passed / whole).max(FIRST_SHARE)
        } else {
            1.0
        }
    }
}
