use std::time::Duration;

use crate::extremes::greater;

/// How long a sample takes to lose most of its weight to newer ones.
const DECAY_SECONDS: f32 = 10.0;
/// How long it takes to halve while nothing new is learned.
const IDLE_SECONDS: f32 = 30.0;

/// Moving average of the time to the first token that rises at once and falls slowly.
///
/// It falls also while nothing is learned, so that an account that was slow once is found out about again.
///
/// Source: peak EWMA, as in Finagle and linkerd2-proxy.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PeakTtft(Option<Sample>);

#[derive(Debug, Clone, Copy)]
struct Sample {
    seconds: f32,
    /// In seconds.
    at: f64,
}

impl PeakTtft {
    pub(crate) fn observe(&mut self, ttft: Duration, now: Duration) {
        let seconds = ttft.as_secs_f32();
        let average = match self.0 {
            Some(known) if seconds < known.seconds => {
                let passed = (now.as_secs_f64() - known.at) as f32;
                // At least a tenth, so that answers at the same moment count too.
                let kept = (-passed / DECAY_SECONDS).exp().min(0.9);
                known.seconds * kept + seconds * (1.0 - kept)
            }
            _ => seconds,
        };
        self.0 = Some(Sample {
            seconds: average,
            at: now.as_secs_f64(),
        });
    }

    /// In seconds, as `stall` and `now` are; at least `stall`, for which it has kept others waiting. `None` while nothing is known.
    pub(crate) fn seconds(&self, stall: f32, now: f64) -> Option<f32> {
        match self.0 {
            Some(known) => {
                let idle = (now - known.at) as f32;
                Some(greater(
                    known.seconds * IDLE_SECONDS / (IDLE_SECONDS + idle),
                    stall,
                ))
            }
            None => (stall > 0.0).then_some(stall),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::PeakTtft;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn seconds(ttft: PeakTtft, now: u64) -> f32 {
        ttft.seconds(0.0, now as f64 / 1e3).unwrap()
    }

    #[test]
    fn a_peak_counts_at_once_and_is_forgotten_slowly() {
        let mut ttft = PeakTtft::default();
        assert_eq!(ttft.seconds(0.0, 0.0), None);
        ttft.observe(millis(500), millis(0));
        ttft.observe(millis(2_000), millis(0));
        assert_eq!(seconds(ttft, 0), 2.0);
        assert_eq!(seconds(ttft, 30_000), 1.0);
        ttft.observe(millis(500), millis(1_000));
        assert!((1.5..2.0).contains(&seconds(ttft, 1_000)));
        ttft.observe(millis(500), millis(60_000));
        assert!((0.5..0.52).contains(&seconds(ttft, 60_000)));
    }

    #[test]
    fn who_keeps_others_waiting_is_as_slow_as_that() {
        let mut ttft = PeakTtft::default();
        assert_eq!(ttft.seconds(3.0, 0.0), Some(3.0));
        ttft.observe(millis(500), millis(0));
        assert_eq!(ttft.seconds(3.0, 0.0), Some(3.0));
        assert_eq!(ttft.seconds(0.1, 0.0), Some(0.5));
    }
}
