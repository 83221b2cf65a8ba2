//! Headers as texts, counts and times; what cannot be read counts as absent.

use std::time::Duration;

use chrono::DateTime;
use gateway_domain::Timestamp;
use http::header::DATE;
use http::{HeaderMap, HeaderName};

use crate::{retry_after, span};

pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// Digits, and nothing else that might pass for a number.
pub(crate) fn count(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    text(headers, name).filter(|text| is_digits(text))?.parse().ok()
}

/// A time as RFC 3339 has it.
pub(crate) fn time(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    text(headers, name)?.parse().ok()
}

/// A time in seconds since 1970.
pub(crate) fn epoch(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    let seconds = i64::try_from(count(headers, name)?).ok()?;
    Some(Timestamp::from_seconds(seconds))
}

/// A span of time that a limit may have, in the form of `6m0s`.
pub(crate) fn span(headers: &HeaderMap, name: &HeaderName) -> Option<Duration> {
    span::parse(text(headers, name)?).and_then(retry_after::possible)
}

/// When the answer was given, by the clock of who gave it.
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(text(headers, &DATE)?)
}

/// A date as HTTP has it: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc2822(text)
        .ok()
        .map(|date| Timestamp::from(date.to_utc()))
}

pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
