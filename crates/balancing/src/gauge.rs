use std::time::Duration;

use gateway_domain::{RateLimit, RateLimits};

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
    /// The part of its fullest limit that is used once the request is served, 0 to 1.
    pub(crate) used: f32,
    /// Whether some limit has less left than the request needs.
    pub(crate) is_short: bool,
}

/// What an account's answers told of its limits, projected to now, less what is under way.
///
/// Rate limits refill evenly until their reset, as Anthropic's and OpenAI's do; a subscription's window ends as a
/// whole.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    is_known: bool,
    requests: Option<Gauge>,
    input_tokens: Option<Gauge>,
    output_tokens: Option<Gauge>,
    tokens: Option<Gauge>,
    subscription: Option<Gauge>,
    /// What open requests are expected to take, as far as no answer has counted it yet.
    pending: Need,
}

#[derive(Debug, Clone, Copy)]
struct Gauge {
    limit: f32,
    left: f32,
    per_second: f32,
    /// When all of it is there again, in seconds.
    full_at: f64,
    seen_at: f64,
}

impl Gauges {
    pub(crate) fn read(&mut self, limits: &RateLimits, at: Moment) {
        self.is_known = true;
        self.requests = limits.requests.map(|limit| Gauge::refilling(limit, at));
        self.input_tokens = limits.input_tokens.map(|limit| Gauge::refilling(limit, at));
        self.output_tokens = limits.output_tokens.map(|limit| Gauge::refilling(limit, at));
        self.tokens = limits.tokens.map(|limit| Gauge::refilling(limit, at));
        self.subscription = limits.subscription.map(|limit| Gauge::ending(limit, at));
    }

    pub(crate) fn reserve(&mut self, need: Need) {
        self.pending.requests += need.requests;
        self.pending.input_tokens += need.input_tokens;
        self.pending.output_tokens += need.output_tokens;
    }

    pub(crate) fn settle(&mut self, need: Need) {
        let less = |pending: f32, need: f32| (pending - need).max(0.0);
        self.pending.requests = less(self.pending.requests, need.requests);
        self.pending.input_tokens = less(self.pending.input_tokens, need.input_tokens);
        self.pending.output_tokens = less(self.pending.output_tokens, need.output_tokens);
    }

    pub(crate) fn headroom(&self, need: Need, now: Duration) -> Headroom {
        let mut headroom = Headroom::default();
        if !self.is_known {
            return headroom;
        }
        let now = now.as_secs_f64();
        let pending = &self.pending;
        let gauges = [
            (self.requests, pending.requests, need.requests),
            (self.input_tokens, pending.input_tokens, need.input_tokens),
            (self.output_tokens, pending.output_tokens, need.output_tokens),
            (
                self.tokens,
                pending.input_tokens + pending.output_tokens,
                need.input_tokens + need.output_tokens,
            ),
            (self.subscription, 0.0, 0.0),
        ];
        for (gauge, pending, need) in gauges {
            let Some(gauge) = gauge else { continue };
            let left = gauge.left(now) - pending;
            headroom.is_short |= left < need || left <= 0.0;
            headroom.used = headroom.used.max(1.0 - (left - need) / gauge.limit);
        }
        headroom.used = headroom.used.clamp(0.0, 1.0);
        headroom
    }
}

impl Gauge {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "an estimate"
    )]
    fn refilling(limit: RateLimit, at: Moment) -> Self {
        let left = limit.remaining as f32;
        let whole = limit.limit.map_or(left, |limit| limit as f32).max(1.0);
        // Without a word on it, a minute: what every rate is counted by.
        let seconds = limit
            .resets_at
            .map_or(60.0, |reset| reset.since(at.time).as_secs_f64());
        let seen_at = at.monotonic.as_secs_f64();
        Self {
            limit: whole,
            left,
            per_second: (whole - left).max(0.0) / seconds.max(0.001) as f32,
            full_at: seen_at + seconds,
            seen_at,
        }
    }

    fn ending(limit: RateLimit, at: Moment) -> Self {
        let gauge = Self::refilling(limit, at);
        Self {
            per_second: 0.0,
            full_at: limit.resets_at.map_or(f64::INFINITY, |_| gauge.full_at),
            ..gauge
        }
    }

    fn left(&self, now: f64) -> f32 {
        if self.full_at <= now {
            self.limit
        } else {
            (self.left + self.per_second * (now - self.seen_at) as f32).min(self.limit)
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
        let headroom = Gauges::default().headroom(input(1e9), Duration::ZERO);
        assert!(!headroom.is_short && headroom.used == 0.0);
    }

    #[test]
    fn a_rate_refills_evenly_and_open_requests_count_against_it() {
        let mut gauges = Gauges::default();
        let limits = RateLimits {
            input_tokens: Some(tokens(1000, 0, 10)),
            ..RateLimits::default()
        };
        gauges.read(&limits, at(0));
        let is_short = |gauges: &Gauges, need, second| {
            gauges.headroom(input(need), Duration::from_secs(second)).is_short
        };
        assert!(is_short(&gauges, 100.0, 0));
        assert!(is_short(&gauges, 501.0, 5) && !is_short(&gauges, 499.0, 5));
        gauges.reserve(input(300.0));
        assert!(is_short(&gauges, 201.0, 5) && !is_short(&gauges, 199.0, 5));
        assert!(!is_short(&gauges, 700.0, 60));
        gauges.settle(input(300.0));
        assert!(!is_short(&gauges, 499.0, 5));
        let used = gauges.headroom(input(0.0), Duration::from_secs(5)).used;
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
        assert!(gauges.headroom(input(1.0), Duration::from_secs(99)).is_short);
        assert!(!gauges.headroom(input(1.0), Duration::from_secs(100)).is_short);
    }
}
