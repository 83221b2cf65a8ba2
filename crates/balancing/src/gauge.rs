use std::array::from_fn;

use gateway_domain::{RateLimit, RateLimits, Timestamp};

use crate::extremes::{greater, lesser};
use crate::health::Moment;

/// What a request is expected to take of an account's limits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Need {
    pub(crate) requests: f32,
    /// Input that does not come from a prompt cache: providers do not count the rest.
    pub(crate) input_tokens: f32,
    pub(crate) output_tokens: f32,
}

/// How an account's limits stand towards one request.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Headroom {
    /// The part of its fullest limit that is used once the request is served, 0 to 1; `None` if no limit is known.
    pub(crate) used: Option<f32>,
    /// Whether some limit has less left than the request needs.
    pub(crate) is_short: bool,
}

/// What an account's answers told of its limits, projected to now, less what is under way.
///
/// Rate limits refill evenly until their reset, as Anthropic's and OpenAI's do; a subscription's window ends as a
/// whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gauges {
    // Of each rate's numbers a row, since a pick projects them for every candidate: a row is one register.
    limit: [f32; RATES],
    left: [f32; RATES],
    per_second: [f32; RATES],
    /// The part of the limit that one of it is: zero where there is no limit.
    part: [f32; RATES],
    /// What open requests are expected to take, as far as no answer has counted it yet.
    pending: [f32; RATES],
    seen_at: f64,
    is_known: bool,
    subscription: Option<Window>,
}

/// Requests, input tokens, output tokens, and tokens of both kinds.
const RATES: usize = 4;

#[derive(Debug, Clone, Copy)]
struct Gauge {
    limit: f32,
    left: f32,
    per_second: f32,
    part: f32,
}

/// A limit that is there again all at once.
#[derive(Debug, Clone, Copy)]
struct Window {
    left: f32,
    used: f32,
    ends_at: f64,
}

impl Default for Gauges {
    fn default() -> Self {
        Self {
            limit: [Gauge::UNLIMITED.limit; RATES],
            left: [Gauge::UNLIMITED.left; RATES],
            per_second: [0.0; RATES],
            part: [0.0; RATES],
            pending: [0.0; RATES],
            seen_at: 0.0,
            is_known: false,
            subscription: None,
        }
    }
}

impl Gauges {
    pub(crate) fn read(&mut self, limits: &RateLimits, at: Moment) {
        self.is_known = true;
        self.seen_at = at.monotonic.as_secs_f64();
        let told = [
            limits.requests,
            limits.input_tokens,
            limits.output_tokens,
            limits.tokens,
        ];
        let gauges = told.map(|limit| limit.map_or(Gauge::UNLIMITED, |limit| Gauge::of(limit, at)));
        self.limit = gauges.map(|gauge| gauge.limit);
        self.left = gauges.map(|gauge| gauge.left);
        self.per_second = gauges.map(|gauge| gauge.per_second);
        self.part = gauges.map(|gauge| gauge.part);
        self.subscription = limits.subscription.map(|limit| Window::of(limit, at));
    }

    pub(crate) fn reserve(&mut self, need: Need) {
        for (pending, need) in self.pending.iter_mut().zip(need.by_rate()) {
            *pending += need;
        }
    }

    pub(crate) fn settle(&mut self, need: Need) {
        for (pending, need) in self.pending.iter_mut().zip(need.by_rate()) {
            *pending = (*pending - need).max(0.0);
        }
    }

    /// `now` in seconds.
    pub(crate) fn headroom(&self, need: Need, now: f64) -> Headroom {
        if !self.is_known {
            return Headroom::default();
        }
        let passed = (now - self.seen_at) as f32;
        let need = need.by_rate();
        let left: [f32; RATES] = from_fn(|rate| {
            let refilled = self.left[rate] + self.per_second[rate] * passed;
            lesser(refilled, self.limit[rate]) - self.pending[rate]
        });
        let parts: [f32; RATES] =
            from_fn(|rate| (self.limit[rate] - left[rate] + need[rate]) * self.part[rate]);
        // Whatever it needs, something must be left of each.
        let spare: [f32; RATES] = from_fn(|rate| left[rate] - greater(need[rate], f32::MIN_POSITIVE));
        let mut used = greater(greater(parts[0], parts[1]), greater(parts[2], parts[3]));
        let mut is_short = lesser(lesser(spare[0], spare[1]), lesser(spare[2], spare[3])) < 0.0;
        if let Some(window) = self.subscription.filter(|window| now < window.ends_at) {
            is_short |= window.left <= 0.0;
            used = greater(used, window.used);
        }
        Headroom {
            used: Some(lesser(used, 1.0)),
            is_short,
        }
    }
}

impl Need {
    const fn by_rate(self) -> [f32; RATES] {
        [
            self.requests,
            self.input_tokens,
            self.output_tokens,
            self.input_tokens + self.output_tokens,
        ]
    }
}

impl Gauge {
    const UNLIMITED: Self = Self {
        limit: f32::MAX,
        left: f32::MAX,
        per_second: 0.0,
        part: 0.0,
    };

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "an estimate"
    )]
    fn of(limit: RateLimit, at: Moment) -> Self {
        let left = limit.remaining as f32;
        let whole = limit.limit.map_or(left, |limit| limit as f32).max(1.0);
        // Without a word on it, a minute: what every rate is counted by.
        let seconds = limit
            .resets_at
            .map_or(60.0, |reset| reset.since(at.time).as_secs_f64());
        Self {
            limit: whole,
            left,
            per_second: (whole - left).max(0.0) / seconds.max(0.001) as f32,
            part: 1.0 / whole,
        }
    }
}

impl Window {
    fn of(limit: RateLimit, at: Moment) -> Self {
        let gauge = Gauge::of(limit, at);
        let ends_at = |reset: Timestamp| at.monotonic.as_secs_f64() + reset.since(at.time).as_secs_f64();
        Self {
            left: gauge.left,
            used: 1.0 - gauge.left * gauge.part,
            ends_at: limit.resets_at.map_or(f64::INFINITY, ends_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gateway_domain::{RateLimit, RateLimits, Timestamp};

    use super::{Gauges, Need};
    use crate::health::{Moment, Ticket};

    fn at(seconds: u64) -> Moment {
        Moment {
            monotonic: Duration::from_secs(seconds),
            time: Timestamp::from_seconds(1_000_000) + Duration::from_secs(seconds),
            newest: Ticket::default(),
        }
    }

    fn tokens(limit: u64, remaining: u64, resets_in: u64) -> RateLimit {
        RateLimit {
            limit: Some(limit),
            remaining,
            resets_at: Some(at(resets_in).time),
        }
    }

    fn input(input_tokens: f32) -> Need {
        Need {
            requests: 1.0,
            input_tokens,
            output_tokens: 0.0,
        }
    }

    #[test]
    fn nothing_told_is_no_limit() {
        let headroom = Gauges::default().headroom(input(1e9), 0.0);
        assert!(!headroom.is_short && headroom.used.is_none());
    }

    #[test]
    fn a_rate_refills_evenly_and_open_requests_count_against_it() {
        let mut gauges = Gauges::default();
        let limits = RateLimits {
            input_tokens: Some(tokens(1000, 0, 10)),
            ..RateLimits::default()
        };
        gauges.read(&limits, at(0));
        let is_short = |gauges: &Gauges, need, second| gauges.headroom(input(need), second).is_short;
        assert!(is_short(&gauges, 100.0, 0.0));
        assert!(is_short(&gauges, 501.0, 5.0) && !is_short(&gauges, 499.0, 5.0));
        gauges.reserve(input(300.0));
        assert!(is_short(&gauges, 201.0, 5.0) && !is_short(&gauges, 199.0, 5.0));
        assert!(!is_short(&gauges, 700.0, 60.0));
        gauges.settle(input(300.0));
        assert!(!is_short(&gauges, 499.0, 5.0));
        let used = gauges.headroom(input(0.0), 5.0).used.unwrap();
        assert!((used - 0.5).abs() < 0.01, "{used}");
    }

    #[test]
    fn a_subscriptions_window_ends_as_a_whole() {
        let mut gauges = Gauges::default();
        let limits = RateLimits {
            subscription: Some(tokens(10_000, 0, 100)),
            ..RateLimits::default()
        };
        gauges.read(&limits, at(0));
        assert!(gauges.headroom(input(1.0), 99.0).is_short);
        assert!(!gauges.headroom(input(1.0), 100.0).is_short);
    }
}
