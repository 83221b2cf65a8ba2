use std::time::Duration;

use crate::ttft::PeakTtft;

/// How fast an account answers in one way, and who waits for it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pace {
    /// Open requests without content yet.
    pub(crate) waiting: u32,
    /// Since when none of them got any.
    since: Duration,
    content: PeakTtft,
}

impl Pace {
    pub(crate) fn began(&mut self, now: Duration) {
        if self.waiting == 0 {
            self.since = now;
        }
        self.waiting += 1;
    }

    pub(crate) fn answered(&mut self, after: Duration, now: Duration) {
        self.waiting = self.waiting.saturating_sub(1);
        self.since = now;
        self.content.observe(after, now);
    }

    /// One has gone without content, after as long: it would have taken at least that.
    pub(crate) fn left(&mut self, after: Duration, now: Duration) {
        self.waiting = self.waiting.saturating_sub(1);
        let known = self.content.seconds(0.0, now.as_secs_f64());
        if known.is_none_or(|known| known < after.as_secs_f32()) && after >= LONG {
            self.content.observe(after, now);
        }
    }

    /// Seconds to the first content; as long as others wait already, if that is more. `None` while nothing is known.
    pub(crate) fn seconds(&self, now: Duration, now_seconds: f64) -> Option<f32> {
        let stall = if self.waiting == 0 {
            0.0
        } else {
            now.saturating_sub(self.since).as_secs_f32()
        };
        self.content.seconds(stall, now_seconds)
    }
}

/// Whoever leaves sooner tells nothing about the account.
const LONG: Duration = Duration::from_secs(1);
