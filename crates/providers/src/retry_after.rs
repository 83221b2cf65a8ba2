use std::time::Duration;

use chrono::DateTime;
use gateway_domain::Timestamp;
use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// A provider that asks to be left alone for less is left alone for so long.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest window that any provider has.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);

const BUCKETS: [(&str, &str); 4] = [
    (
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    (
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ),
    (
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ),
    (
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    ),
];
const UNIFIED_RESET: &str = "anthropic-ratelimit-unified-reset";
const UNIFIED_STATUS: &str = "anthropic-ratelimit-unified-status";

/// How long the answer asks to be left alone, from a second to seven days.
///
/// The first of these that is there and can be read:
///
/// 1. `retry-after`, in seconds or as a date;
/// 2. `anthropic-ratelimit-unified-reset`, in seconds since 1970, unless the unified limit allowed the request;
/// 3. the latest reset of those limits of which nothing remains.
///
/// Times of day are measured against the answer's own `date`, so that no clock of ours matters; without one they
/// count as absent.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    stated_wait(headers)
        .or_else(|| unified_wait(headers))
        .or_else(|| exhausted_wait(headers))
        .map(|wait| wait.clamp(SHORTEST, LONGEST))
}

/// What `retry-after` itself says, within the same bounds.
pub(crate) fn stated_retry_after(headers: &HeaderMap) -> Option<Duration> {
    stated_wait(headers).map(|wait| wait.clamp(SHORTEST, LONGEST))
}

/// A wait that can be true.
pub(crate) fn bounded(wait: Duration) -> Option<Duration> {
    (wait <= LONGEST).then_some(wait)
}

/// A count in a header.
pub(crate) fn count(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

fn stated_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = text(headers, RETRY_AFTER.as_str())?;
    seconds(text).or_else(|| Some(http_date(text)?.since(date(headers)?)))
}

fn unified_wait(headers: &HeaderMap) -> Option<Duration> {
    // The reset is told with every answer, also with those that another limit refused.
    if text(headers, UNIFIED_STATUS).is_some_and(|status| status.starts_with("allowed")) {
        return None;
    }
    Some(unified_reset(headers)?.since(date(headers)?))
}

fn exhausted_wait(headers: &HeaderMap) -> Option<Duration> {
    let date = date(headers)?;
    BUCKETS
        .iter()
        .filter(|(remaining, _)| count(headers, remaining) == Some(0))
        .filter_map(|(_, reset)| text(headers, reset)?.parse::<Timestamp>().ok())
        .map(|reset| reset.since(date))
        .max()
}

fn unified_reset(headers: &HeaderMap) -> Option<Timestamp> {
    let seconds: u32 = text(headers, UNIFIED_RESET)?.parse().ok()?;
    Some(Timestamp::from_seconds(i64::from(seconds)))
}

pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(text(headers, DATE.as_str())?)
}

pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// Seconds in digits, with or without a fraction; nothing else that might pass for a number.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    // More digits than fit mean more seconds than count.
    let whole: u64 = whole.parse().unwrap_or(u64::MAX);
    let has_fraction = fraction.bytes().any(|digit| digit != b'0');
    Some(Duration::from_secs(whole.saturating_add(u64::from(has_fraction))))
}

/// A date as HTTP has it: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc2822(text)
        .ok()
        .map(|date| Timestamp::from(date.to_utc()))
}
