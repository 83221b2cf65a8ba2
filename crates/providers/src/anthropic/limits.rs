use std::cmp::Reverse;
use std::time::Duration;

use gateway_domain::{FaultReach, RateLimit, RateLimits, Timestamp};
use http::{HeaderMap, HeaderName};

use crate::{field, retry_after};

/// The headers of one limit of the API; its reset is a time of RFC 3339.
struct Bucket {
    limit: HeaderName,
    remaining: HeaderName,
    reset: HeaderName,
}

/// The headers of one window of a subscription; its reset is in seconds since 1970.
struct Window {
    utilization: HeaderName,
    reset: HeaderName,
    status: HeaderName,
}

macro_rules! bucket {
    ($name:literal) => {
        Bucket {
            limit: HeaderName::from_static(concat!("anthropic-ratelimit-", $name, "-limit")),
            remaining: HeaderName::from_static(concat!("anthropic-ratelimit-", $name, "-remaining")),
            reset: HeaderName::from_static(concat!("anthropic-ratelimit-", $name, "-reset")),
        }
    };
}

macro_rules! window {
    ($name:literal) => {
        Window {
            utilization: unified!($name, "-utilization"),
            reset: unified!($name, "-reset"),
            status: unified!($name, "-status"),
        }
    };
}

macro_rules! unified {
    ($($name:literal),+) => {
        HeaderName::from_static(concat!("anthropic-ratelimit-unified-", $($name),+))
    };
}

static REQUESTS: Bucket = bucket!("requests");
static TOKENS: Bucket = bucket!("tokens");
static INPUT_TOKENS: Bucket = bucket!("input-tokens");
static OUTPUT_TOKENS: Bucket = bucket!("output-tokens");

static WINDOWS: [Window; 2] = [window!("5h"), window!("7d")];
static UNIFIED_STATUS: HeaderName = unified!("status");
static UNIFIED_RESET: HeaderName = unified!("reset");
static CLAIM: HeaderName = unified!("representative-claim");
static OVERAGE_STATUS: HeaderName = unified!("overage-status");

/// The word of a window, or of all of them, that took no more.
const REJECTED: &str = "rejected";
/// What a whole subscription window is counted as.
const WHOLE_WINDOW: u64 = 10_000;
/// Times a window may be used over, where a subscription lets it; what is more is a mistake.
const MOST_USED: f64 = 10.0;

/// What the answer says is left, its times set by our clock, which stands at `now`.
pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> RateLimits {
    // Times of day are the provider's; what counts is how far they are from its own date.
    let date = field::date(headers).unwrap_or(now);
    let here = |reset| Some(now + retry_after::until(reset, date)?);
    let bucket = |bucket: &Bucket| {
        Some(RateLimit {
            limit: field::count(headers, &bucket.limit),
            remaining: field::count(headers, &bucket.remaining)?,
            resets_at: field::time(headers, &bucket.reset).and_then(here),
        })
    };
    RateLimits {
        requests: bucket(&REQUESTS),
        input_tokens: bucket(&INPUT_TOKENS),
        output_tokens: bucket(&OUTPUT_TOKENS),
        tokens: bucket(&TOKENS),
        subscription: subscription(headers, here),
    }
}

/// How long the answer asks to be left alone, from a second to seven days.
///
/// The first of these that is there and can be read:
///
/// 1. `retry-after`, in seconds or as a date;
/// 2. `anthropic-ratelimit-unified-reset`, unless the subscription let the request pass;
/// 3. the latest reset of those limits of which nothing remains.
///
/// Times of day are measured against the answer's own `date`; without one they count as absent.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    retry_after::stated(headers).or_else(|| {
        let date = field::date(headers)?;
        unified_wait(headers, date)
            .or_else(|| exhausted_wait(headers, date))
            .map(retry_after::bounded)
    })
}

/// How much of the account its subscription refuses, if it does.
pub(super) fn subscription_refusal(headers: &HeaderMap) -> Option<FaultReach> {
    if field::text(headers, &UNIFIED_STATUS) != Some(REJECTED) || has_overage(headers) {
        return None;
    }
    // A window of all models is called by its length alone, one of a class of models has that behind it.
    let has_class = |claim: &str| {
        ["five_hour_", "seven_day_"]
            .iter()
            .any(|window| claim.len() > window.len() && claim.starts_with(window))
    };
    Some(match field::text(headers, &CLAIM) {
        Some(claim) if has_class(claim) => FaultReach::ModelFamily,
        _ => FaultReach::Account,
    })
}

/// The fullest window.
fn subscription(headers: &HeaderMap, here: impl Fn(Timestamp) -> Option<Timestamp>) -> Option<RateLimit> {
    let window = |window: &Window| {
        Some(RateLimit {
            limit: Some(WHOLE_WINDOW),
            remaining: window.remaining(headers)?,
            resets_at: field::epoch(headers, &window.reset).and_then(&here),
        })
    };
    let fullest = WINDOWS
        .iter()
        .filter_map(window)
        .min_by_key(|window| (window.remaining, Reverse(window.resets_at)));
    let reset = field::epoch(headers, &UNIFIED_RESET).and_then(&here);
    if subscription_refusal(headers) == Some(FaultReach::Account) {
        return Some(RateLimit {
            limit: Some(WHOLE_WINDOW),
            remaining: 0,
            resets_at: reset.or_else(|| fullest?.resets_at),
        });
    }
    // Where only the reset is told, how full the window is is not known, and nothing is held against it.
    fullest.or_else(|| {
        Some(RateLimit {
            limit: None,
            remaining: WHOLE_WINDOW,
            resets_at: Some(reset?),
        })
    })
}

impl Window {
    fn remaining(&self, headers: &HeaderMap) -> Option<u64> {
        if field::text(headers, &self.status) == Some(REJECTED) {
            return Some(0);
        }
        let used: f64 = field::text(headers, &self.utilization)?.parse().ok()?;
        let is_share = (0.0..=MOST_USED).contains(&used);
        is_share.then(|| WHOLE_WINDOW.saturating_sub((used * WHOLE_WINDOW as f64).round() as u64))
    }
}

fn unified_wait(headers: &HeaderMap, date: Timestamp) -> Option<Duration> {
    // The reset is told with every answer, also with those that another limit refused.
    let is_allowed =
        field::text(headers, &UNIFIED_STATUS).is_some_and(|status| status.starts_with("allowed"));
    if is_allowed || has_overage(headers) {
        return None;
    }
    retry_after::until(field::epoch(headers, &UNIFIED_RESET)?, date)
}

fn exhausted_wait(headers: &HeaderMap, date: Timestamp) -> Option<Duration> {
    [&REQUESTS, &TOKENS, &INPUT_TOKENS, &OUTPUT_TOKENS]
        .into_iter()
        .filter(|bucket| field::count(headers, &bucket.remaining) == Some(0))
        .filter_map(|bucket| retry_after::until(field::time(headers, &bucket.reset)?, date))
        .max()
}

/// Whether requests beyond the subscription are let through and paid for apart.
fn has_overage(headers: &HeaderMap) -> bool {
    field::text(headers, &OVERAGE_STATUS).is_some_and(|status| status.starts_with("allowed"))
}
