use std::time::Duration;

use gateway_domain::Timestamp;
use http::HeaderMap;
use http::header::RETRY_AFTER;

use crate::field;

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// A provider that asks to be left alone for less is left alone for so long.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest window that any provider has.
const LONGEST: Duration = DAY.saturating_mul(7);
/// Windows may end on the full hour after; what lies beyond that is a mistake.
const FARTHEST: Duration = DAY.saturating_mul(8);

/// What `retry-after` says, in seconds or as a date, from a second to seven days.
///
/// A date is measured against the answer's own, so that no clock of ours matters; without one it counts as absent.
pub(crate) fn stated(headers: &HeaderMap) -> Option<Duration> {
    let text = field::text(headers, &RETRY_AFTER)?;
    seconds(text)
        .or_else(|| Some(field::http_date(text)?.since(field::date(headers)?)))
        .map(bounded)
}

/// A wait as it is believed: from a second to seven days.
pub(crate) fn bounded(wait: Duration) -> Duration {
    wait.clamp(SHORTEST, LONGEST)
}

/// How long it is from `date` until a limit's `reset`, nothing when it has passed; `None` for times that no limit has.
pub(crate) fn until(reset: Timestamp, date: Timestamp) -> Option<Duration> {
    possible(date.since(reset))?;
    possible(reset.since(date))
}

/// A span until a limit's reset; `None` if it is longer than that of any limit.
pub(crate) fn possible(span: Duration) -> Option<Duration> {
    (span <= FARTHEST).then_some(span)
}

/// Seconds in digits, with or without a fraction; nothing else that might pass for a number.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !field::is_digits(whole) || !field::is_digits(fraction) {
        return None;
    }
    // More digits than fit mean more seconds than count.
    let whole: u64 = whole.parse().unwrap_or(u64::MAX);
    let has_fraction = fraction.bytes().any(|digit| digit != b'0');
    Some(Duration::from_secs(whole.saturating_add(u64::from(has_fraction))))
}
