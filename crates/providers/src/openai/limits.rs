use std::time::Duration;

use gateway_domain::{RateLimit, RateLimits, Timestamp};
use http::{HeaderMap, HeaderName};

use crate::{field, retry_after, span};

/// The headers of one limit; its reset is a span of time.
struct Bucket {
    /// What an error's type calls it.
    name: &'static str,
    limit: HeaderName,
    remaining: HeaderName,
    reset: HeaderName,
}

macro_rules! bucket {
    ($name:literal) => {
        Bucket {
            name: $name,
            limit: HeaderName::from_static(concat!("x-ratelimit-limit-", $name)),
            remaining: HeaderName::from_static(concat!("x-ratelimit-remaining-", $name)),
            reset: HeaderName::from_static(concat!("x-ratelimit-reset-", $name)),
        }
    };
}

static REQUESTS: Bucket = bucket!("requests");
static TOKENS: Bucket = bucket!("tokens");

static RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// What the answer says is left, its times set by our clock, which stands at `now`.
pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> RateLimits {
    let bucket = |bucket: &Bucket| {
        Some(RateLimit {
            limit: field::count(headers, &bucket.limit),
            remaining: field::count(headers, &bucket.remaining)?,
            resets_at: field::span(headers, &bucket.reset).map(|span| now + span),
        })
    };
    RateLimits {
        requests: bucket(&REQUESTS),
        tokens: bucket(&TOKENS),
        ..RateLimits::default()
    }
}

/// How long the answer asks to be left alone, from a second to seven days.
///
/// The first of these that is there and can be read:
///
/// 1. `retry-after-ms`;
/// 2. `retry-after`, in seconds or as a date;
/// 3. the latest reset of those limits of which nothing remains, or that `named` is the name of: what remains may be
///    less than the request would take.
pub(super) fn wait(headers: &HeaderMap, named: Option<&str>) -> Option<Duration> {
    in_milliseconds(headers)
        .or_else(|| retry_after::stated(headers))
        .or_else(|| {
            [&REQUESTS, &TOKENS]
                .into_iter()
                .filter(|bucket| {
                    field::count(headers, &bucket.remaining) == Some(0) || named == Some(bucket.name)
                })
                .filter_map(|bucket| field::span(headers, &bucket.reset))
                .max()
                .map(retry_after::bounded)
        })
}

fn in_milliseconds(headers: &HeaderMap) -> Option<Duration> {
    let text = field::text(headers, &RETRY_AFTER_MS)?;
    span::milliseconds(text).map(retry_after::bounded)
}
