use std::time::Duration;

use http::StatusCode;
use http::header::{HeaderMap, HeaderValue};
use proptest::prelude::proptest;
use rstest::rstest;

use crate::support::{DATE, anthropic, headers, limit_headers};

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    anthropic()
        .classify(StatusCode::TOO_MANY_REQUESTS, headers, b"")
        .retry_after
}

fn seconds(lines: &[(&str, &str)]) -> Option<u64> {
    retry_after(&headers(lines)).map(|wait| wait.as_secs())
}

#[rstest]
#[case("5", Some(5))]
#[case(" 5 ", Some(5))]
#[case("0", Some(1))]
#[case("0.2", Some(1))]
#[case("1.0", Some(1))]
#[case("1.5", Some(2))]
#[case("604800", Some(604_800))]
#[case("99999999999999999999999999", Some(604_800))]
#[case("Sun, 22 Nov 2026 12:00:30 GMT", Some(30))]
#[case("Sun, 22 Nov 2026 11:00:00 GMT", Some(1))]
#[case("Thu, 01 Jan 2099 00:00:00 GMT", Some(604_800))]
#[case("soon", None)]
#[case("-5", None)]
#[case("+5", None)]
#[case("1e9", None)]
#[case("inf", None)]
#[case("NaN", None)]
#[case("0x10", None)]
#[case("1.", None)]
#[case(".5", None)]
#[case("1,5", None)]
#[case("", None)]
#[case("Sun, 99 Nov 2026 12:00:30 GMT", None)]
fn retry_after_is_seconds_or_a_date(#[case] value: &str, #[case] expected: Option<u64>) {
    assert_eq!(seconds(&[DATE, ("retry-after", value)]), expected);
}

#[test]
fn retry_after_that_is_not_text_counts_as_absent() {
    let mut answer = headers(&[DATE]);
    answer.insert("retry-after", HeaderValue::from_bytes(b"\xff5").unwrap());
    assert_eq!(retry_after(&answer), None);
}

#[test]
fn the_first_that_can_be_read_counts() {
    let unified = ("anthropic-ratelimit-unified-reset", "1795348860");
    let empty = ("anthropic-ratelimit-requests-remaining", "0");
    let reset = ("anthropic-ratelimit-requests-reset", "2026-11-22T12:00:20Z");
    assert_eq!(
        seconds(&[DATE, ("retry-after", "5"), unified, empty, reset]),
        Some(5)
    );
    assert_eq!(
        seconds(&[DATE, ("retry-after", "soon"), unified, empty, reset]),
        Some(60)
    );
    assert_eq!(seconds(&[DATE, empty, reset]), Some(20));
}

#[test]
fn a_unified_limit_that_let_the_request_pass_has_no_say() {
    let reset = ("anthropic-ratelimit-unified-reset", "1795348860");
    for (status, expected) in [
        ("rejected", Some(60)),
        ("allowed", None),
        ("allowed_warning", None),
    ] {
        assert_eq!(
            seconds(&[DATE, reset, ("anthropic-ratelimit-unified-status", status)]),
            expected
        );
    }
}

#[test]
fn of_the_limits_only_the_used_up_ones_count_and_the_latest_of_them() {
    let answer = [
        DATE,
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2026-11-22T12:00:10Z"),
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        (
            "anthropic-ratelimit-input-tokens-reset",
            "2026-11-22T13:00:40+01:00",
        ),
        ("anthropic-ratelimit-tokens-remaining", "0"),
        ("anthropic-ratelimit-tokens-reset", "whenever"),
        ("anthropic-ratelimit-output-tokens-remaining", "1"),
        ("anthropic-ratelimit-output-tokens-reset", "2026-11-22T14:00:00Z"),
    ];
    assert_eq!(seconds(&answer), Some(40));
}

#[test]
fn without_the_providers_date_times_of_day_say_nothing() {
    assert_eq!(seconds(&[("retry-after", "Sun, 22 Nov 2026 12:00:30 GMT")]), None);
    assert_eq!(
        seconds(&[("anthropic-ratelimit-unified-reset", "1795348860")]),
        None
    );
    assert_eq!(seconds(&[("date", "yesterday"), ("retry-after", "7")]), Some(7));
}

#[rstest]
#[case("1795348799", Some(1))]
#[case("1795348800", Some(1))]
#[case("1795348801", Some(1))]
#[case("1795953600", Some(604_800))]
#[case("1795957200", Some(604_800))]
#[case("0", None)]
#[case("1000000000", None)]
#[case("4070908800", None)]
#[case("18446744073709551615", None)]
#[case("99999999999999999999999999", None)]
#[case("-1795348860", None)]
#[case("+1795348860", None)]
#[case("1795348860.5", None)]
#[case("1e9", None)]
#[case("soon", None)]
#[case("2026-11-22T12:01:00Z", None)]
#[case("", None)]
fn a_unified_reset_that_no_window_has_counts_as_absent(#[case] reset: &str, #[case] expected: Option<u64>) {
    assert_eq!(
        seconds(&[DATE, ("anthropic-ratelimit-unified-reset", reset)]),
        expected
    );
}

#[test]
fn a_reset_that_no_limit_has_leaves_the_word_to_the_next() {
    let answer = [
        DATE,
        ("anthropic-ratelimit-unified-reset", "4070908800"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2026-11-22T12:00:10Z"),
        ("anthropic-ratelimit-tokens-remaining", "0"),
        ("anthropic-ratelimit-tokens-reset", "2099-01-01T00:00:00Z"),
    ];
    assert_eq!(seconds(&answer), Some(10));
}

proptest! {
    #[test]
    fn nothing_that_a_provider_sends_lasts_longer_than_a_week(answer in limit_headers()) {
        if let Some(wait) = retry_after(&answer) {
            assert!((1..=604_800).contains(&wait.as_secs()), "{wait:?}");
        }
    }
}
