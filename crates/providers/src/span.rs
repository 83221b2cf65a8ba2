use std::time::Duration;

use crate::field::is_digits;

/// A span of time as Go writes it: `120ms`, `1s`, `6m0s`, `1h2m3.5s`; Protobuf's `34.5s` is one, too.
///
/// A number that stands alone is seconds, as Azure sends it.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    if is_number(text) {
        return seconds(text, 1.0);
    }
    let mut rest = text;
    let mut whole = Duration::ZERO;
    loop {
        let (number, behind) = rest.split_at(rest.find(|letter: char| letter.is_ascii_alphabetic())?);
        let end = behind
            .find(|letter: char| !letter.is_ascii_alphabetic())
            .unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let unit = match unit {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        whole = whole.checked_add(seconds(number, unit)?)?;
        if behind.is_empty() {
            return Some(whole);
        }
        rest = behind;
    }
}

/// A span in milliseconds, as a number alone.
pub(crate) fn milliseconds(text: &str) -> Option<Duration> {
    seconds(text, 0.001)
}

/// So many times a unit of so many seconds.
fn seconds(number: &str, unit: f64) -> Option<Duration> {
    let number: f64 = number.parse().ok().filter(|_| is_number(number))?;
    Duration::try_from_secs_f64(number * unit).ok()
}

/// Digits with or without a fraction; nothing else that might pass for a number.
fn is_number(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    is_digits(whole) && is_digits(fraction)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn a_span_is_a_row_of_numbers_with_units() {
        for (text, millis) in [
            ("0s", 0),
            ("1s", 1_000),
            ("8.64s", 8_640),
            ("120ms", 120),
            ("6m0s", 360_000),
            ("1h2m3.5s", 3_723_500),
            ("1d2h", 93_600_000),
            ("34", 34_000),
            ("34.5", 34_500),
            ("36.429760048s", 36_429),
        ] {
            let span = parse(text).map(|span| span.as_millis());
            assert_eq!(span, Some(millis), "{text}");
        }
        assert_eq!(parse("1.5s"), Some(Duration::from_millis(1_500)));
    }

    #[test]
    fn what_only_looks_like_a_span_is_none() {
        for text in [
            "",
            "s",
            "soon",
            "-1s",
            "+1s",
            "1e3s",
            "1 s",
            "1.s",
            ".5s",
            "1s5",
            "1y",
            "infs",
            "NaN",
            "inf",
            "1ss",
            "99999999999999999999s",
            "2026-11-22T12:00:00Z",
            "1,5s",
            "ßs",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
