use std::time::Duration;

use gateway_domain::{Limits, Spender, TokenCounts};

use super::bucket::Bucket;
use super::{LimitExceeded, LimitKind};

/// How soon to look again for a free place among the requests open at once.
const CONCURRENCY_RETRY: Duration = Duration::from_secs(1);

/// How far one spender's limits are used.
#[derive(Debug, Clone, Default)]
pub(super) struct Meters {
    pub(super) requests: Option<Bucket>,
    pub(super) tokens: Option<Bucket>,
    pub(super) input_tokens: Option<Bucket>,
    pub(super) output_tokens: Option<Bucket>,
    /// Places beyond `concurrent_requests`.
    burst: Option<Bucket>,
    open: u32,
    concurrent_requests: Option<u32>,
}

/// What letting a request in has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entered {
    /// A place among those that may be open at once.
    Plainly,
    /// One beyond.
    ByBurst,
}

impl Meters {
    /// Brings everything to `now` and to the limits in force.
    pub(super) fn refill(&mut self, limits: &Limits, now: u64) {
        let wide = |limit: Option<u32>| limit.map(u64::from);
        refill(&mut self.requests, wide(limits.requests_per_minute), now);
        refill(&mut self.tokens, limits.tokens_per_minute, now);
        refill(&mut self.input_tokens, limits.input_tokens_per_minute, now);
        refill(&mut self.output_tokens, limits.output_tokens_per_minute, now);
        refill(&mut self.burst, wide(limits.burst_requests), now);
        self.concurrent_requests = limits.concurrent_requests;
    }

    /// The same with the limits that were in force last.
    pub(super) fn refill_as_before(&mut self, now: u64) {
        for bucket in self.buckets().into_iter().flatten() {
            bucket.refill(bucket.per_minute(), now);
        }
    }

    /// The limit that holds the next request back longest.
    pub(super) fn exceeded(&self, spender: Spender) -> Option<LimitExceeded> {
        let reached = |limit, allowed, retry_after| LimitExceeded {
            spender,
            limit,
            allowed,
            retry_after,
        };
        let of_bucket = |limit, bucket: &Option<Bucket>| {
            let bucket = bucket.as_ref()?;
            let retry_after = bucket.wait_for_one();
            (!retry_after.is_zero()).then(|| reached(limit, bucket.per_minute(), retry_after))
        };
        let concurrency = self
            .concurrent_requests
            .filter(|_| self.place().is_none())
            .map(|allowed| {
                reached(
                    LimitKind::ConcurrentRequests,
                    u64::from(allowed),
                    CONCURRENCY_RETRY,
                )
            });
        [
            concurrency,
            of_bucket(LimitKind::OutputTokensPerMinute, &self.output_tokens),
            of_bucket(LimitKind::InputTokensPerMinute, &self.input_tokens),
            of_bucket(LimitKind::TokensPerMinute, &self.tokens),
            of_bucket(LimitKind::RequestsPerMinute, &self.requests),
        ]
        .into_iter()
        .flatten()
        .max_by_key(|exceeded| exceeded.retry_after)
    }

    /// Takes what one request takes, of which there must be enough.
    pub(super) fn enter(&mut self) -> Entered {
        let entered = self.place().unwrap_or(Entered::Plainly);
        self.open = self.open.saturating_add(1);
        take(&mut self.requests, 1);
        if entered == Entered::ByBurst {
            take(&mut self.burst, 1);
        }
        entered
    }

    pub(super) fn leave(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    pub(super) fn undo(&mut self, entered: Entered) {
        self.leave();
        give_back(&mut self.requests, 1);
        if entered == Entered::ByBurst {
            give_back(&mut self.burst, 1);
        }
    }

    pub(super) fn charge_input(&mut self, tokens: u64) {
        take(&mut self.tokens, tokens);
        take(&mut self.input_tokens, tokens);
    }

    pub(super) fn give_back_input(&mut self, tokens: u64) {
        give_back(&mut self.tokens, tokens);
        give_back(&mut self.input_tokens, tokens);
    }

    /// Charges what was used beyond the input that was expected, or gives back what was not; what has been refilled of it
    /// meanwhile stays so.
    pub(super) fn settle(&mut self, expected_input: u64, used: &TokenCounts) {
        let written = used.cache_write_5m.saturating_add(used.cache_write_1h);
        correct(&mut self.tokens, expected_input, used.total());
        correct(
            &mut self.input_tokens,
            expected_input,
            used.input.saturating_add(written),
        );
        take(&mut self.output_tokens, used.output);
    }

    /// Whether forgetting it changes nothing.
    pub(super) fn is_idle(&mut self, now: u64) -> bool {
        self.refill_as_before(now);
        let is_full =
            |bucket: &mut Option<&mut Bucket>| bucket.as_ref().is_none_or(|bucket| bucket.is_full());
        self.open == 0 && self.buckets().iter_mut().all(is_full)
    }

    /// The place that one more request would take; `None` if there is none.
    fn place(&self) -> Option<Entered> {
        let Some(limit) = self.concurrent_requests else {
            return Some(Entered::Plainly);
        };
        if self.open < limit {
            return Some(Entered::Plainly);
        }
        let burst = self.burst.as_ref()?;
        let is_within = u64::from(self.open - limit) < burst.per_minute();
        (is_within && burst.wait_for_one().is_zero()).then_some(Entered::ByBurst)
    }

    fn buckets(&mut self) -> [Option<&mut Bucket>; 5] {
        [
            self.requests.as_mut(),
            self.tokens.as_mut(),
            self.input_tokens.as_mut(),
            self.output_tokens.as_mut(),
            self.burst.as_mut(),
        ]
    }
}

fn refill(bucket: &mut Option<Bucket>, per_minute: Option<u64>, now: u64) {
    match per_minute {
        Some(per_minute) => bucket.get_or_insert_default().refill(per_minute, now),
        None => *bucket = None,
    }
}

fn take(bucket: &mut Option<Bucket>, count: u64) {
    if let Some(bucket) = bucket {
        bucket.take(count);
    }
}

fn correct(bucket: &mut Option<Bucket>, taken: u64, count: u64) {
    take(bucket, count.saturating_sub(taken));
    give_back(bucket, taken.saturating_sub(count));
}

fn give_back(bucket: &mut Option<Bucket>, count: u64) {
    if let Some(bucket) = bucket {
        bucket.give_back(count);
    }
}
