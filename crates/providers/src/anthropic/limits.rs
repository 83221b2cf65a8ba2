use gateway_domain::{RateLimit, RateLimits, Timestamp};
use http::HeaderMap;

use crate::retry_after::{bounded, count, date, text};

/// The subscription's windows that the headers may tell of.
const SUBSCRIPTION_WINDOWS: [&str; 2] = ["5h", "7d"];
/// What a whole subscription window is counted as.
const WHOLE_WINDOW: u64 = 10_000;

pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> RateLimits {
    // Times of day are the provider's; what counts is how far they are from its own date.
    let here = |reset: Timestamp| bounded(reset.since(date(headers).unwrap_or(now))).map(|wait| now + wait);
    let bucket = |name: &str| {
        let resets_at = text(headers, &format!("anthropic-ratelimit-{name}-reset"));
        Some(RateLimit {
            limit: count(headers, &format!("anthropic-ratelimit-{name}-limit")),
            remaining: count(headers, &format!("anthropic-ratelimit-{name}-remaining"))?,
            resets_at: resets_at.and_then(|reset| here(reset.parse().ok()?)),
        })
    };
    let window = |name: &&str| {
        let used = text(headers, &format!("anthropic-ratelimit-unified-{name}-utilization"))?;
        let used: f64 = used.parse().ok().filter(|used| (0.0..=100.0).contains(used))?;
        let reset = count(headers, &format!("anthropic-ratelimit-unified-{name}-reset"));
        Some(RateLimit {
            limit: Some(WHOLE_WINDOW),
            remaining: WHOLE_WINDOW.saturating_sub((used * 10_000.0).ceil() as u64),
            resets_at: reset.and_then(|seconds| here(Timestamp::from_seconds(i64::try_from(seconds).ok()?))),
        })
    };
    RateLimits {
        requests: bucket("requests"),
        input_tokens: bucket("input-tokens"),
        output_tokens: bucket("output-tokens"),
        tokens: bucket("tokens"),
        subscription: SUBSCRIPTION_WINDOWS.iter().filter_map(window).min_by_key(|window| window.remaining),
    }
}
