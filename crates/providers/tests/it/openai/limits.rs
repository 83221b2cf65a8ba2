use std::time::Duration;

use gateway_domain::{Fault, FaultClass, FaultReach, QuotaWindow, RateLimit, RateLimits, Timestamp};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, proptest};
use proptest::sample::select;
use rstest::rstest;

use super::fixture;
use crate::support::{DATE, classify_by, headers, openai};

const LIMIT_HEADERS: [&str; 9] = [
    "date",
    "retry-after",
    "retry-after-ms",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
];

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

fn limits(lines: &[(&str, &str)]) -> RateLimits {
    openai().rate_limits(&headers(lines), now())
}

fn limited(lines: &[(&str, &str)], body: &str) -> Fault {
    classify_by(openai(), 429, lines, body)
}

fn wait(lines: &[(&str, &str)]) -> Option<u128> {
    limited(lines, "").retry_after.map(|wait| wait.as_millis())
}

#[test]
fn an_answer_says_how_much_there_is_what_is_left_and_until_when() {
    let limits = limits(&[
        ("x-ratelimit-limit-requests", "500"),
        ("x-ratelimit-limit-tokens", "30000"),
        ("x-ratelimit-remaining-requests", "499"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-requests", "120ms"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ]);
    let limit = |limit, remaining, resets_at: &str| {
        Some(RateLimit {
            limit: Some(limit),
            remaining,
            resets_at: resets_at.parse().ok(),
        })
    };
    let expected = RateLimits {
        requests: limit(500, 499, "2026-11-22T12:00:00.12Z"),
        tokens: limit(30_000, 0, "2026-11-22T12:06:00Z"),
        ..RateLimits::default()
    };
    assert_eq!(limits, expected);
}

#[rstest]
#[case(&[])]
#[case(&[("x-ratelimit-limit-tokens", "500"), ("x-ratelimit-reset-tokens", "1s")])]
#[case(&[("x-ratelimit-remaining-tokens", "-1")])]
#[case(&[("x-ratelimit-remaining-tokens", "1e9")])]
#[case(&[("x-ratelimit-remaining-tokens", "")])]
#[case(&[("x-ratelimit-remaining", "7")])]
#[case(&[("anthropic-ratelimit-tokens-remaining", "7")])]
fn nonsense_says_nothing(#[case] lines: &[(&str, &str)]) {
    assert_eq!(limits(lines), RateLimits::default());
}

#[rstest]
#[case("1s", Some(1_000))]
#[case("1h2m3.5s", Some(3_723_500))]
#[case("2m59.56s", Some(179_560))]
#[case("59", Some(59_000))]
#[case("192h", Some(691_200_000))]
#[case("193h", None)]
#[case("1795348860", None)]
#[case("2026-11-22T12:01:00Z", None)]
#[case("-1s", None)]
#[case("soon", None)]
fn a_reset_is_a_span_that_a_limit_may_have(#[case] reset: &str, #[case] millis: Option<i64>) {
    let lines = [
        ("x-ratelimit-remaining-requests", "7"),
        ("x-ratelimit-reset-requests", reset),
    ];
    let resets_at = millis.map(|millis| Timestamp::from_micros(now().as_micros() + millis * 1_000));
    assert_eq!(limits(&lines).requests.unwrap().resets_at, resets_at);
}

#[rstest]
#[case::retry_after(&[("retry-after", "12")], 12_000)]
#[case::a_date(&[DATE, ("retry-after", "Sun, 22 Nov 2026 12:00:30 GMT")], 30_000)]
#[case::milliseconds(&[("retry-after-ms", "1500")], 1_500)]
#[case::milliseconds_go_before(&[("retry-after-ms", "2500.0"), ("retry-after", "2")], 2_500)]
#[case::milliseconds_that_are_none(&[("retry-after-ms", "soon"), ("retry-after", "2")], 2_000)]
#[case::too_short(&[("retry-after-ms", "20")], 1_000)]
#[case::too_long(&[("retry-after-ms", "999999999999")], 604_800_000)]
#[case::no_requests(&[
    ("x-ratelimit-remaining-requests", "0"),
    ("x-ratelimit-reset-requests", "8.64s"),
    ("x-ratelimit-remaining-tokens", "7"),
    ("x-ratelimit-reset-tokens", "6m0s"),
], 8_640)]
#[case::no_tokens(&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")], 360_000)]
#[case::neither(&[
    ("x-ratelimit-remaining-requests", "0"),
    ("x-ratelimit-reset-requests", "1s"),
    ("x-ratelimit-remaining-tokens", "0"),
    ("x-ratelimit-reset-tokens", "1m2s"),
], 62_000)]
fn a_rate_limit_is_the_model_familys(#[case] lines: &[(&str, &str)], #[case] millis: u64) {
    let body = r#"{"error":{"message":"slow down","type":"x","code":"rate_limit_exceeded"}}"#;
    let expected = Fault {
        class: FaultClass::Quota,
        reason: "429 x rate_limit_exceeded".to_owned(),
        retry_after: Some(Duration::from_millis(millis)),
        reach: FaultReach::ModelFamily,
        window: QuotaWindow::Rate,
    };
    assert_eq!(limited(lines, body), expected);
}

#[rstest]
#[case(&[])]
#[case(&[("retry-after", "soon")])]
#[case(&[("retry-after-ms", "-5")])]
#[case(&[("retry-after-ms", "5s")])]
#[case(&[("x-ratelimit-remaining-requests", "0")])]
#[case(&[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "soon")])]
#[case(&[("x-ratelimit-remaining-requests", "1"), ("x-ratelimit-reset-requests", "5s")])]
#[case(&[("x-ratelimit-remaining-tokens", "-1"), ("x-ratelimit-reset-tokens", "0")])]
fn a_limit_that_does_not_say_when_it_ends_is_a_burst(#[case] lines: &[(&str, &str)]) {
    assert_eq!(limited(lines, ""), Fault::new(FaultClass::Burst, "429"));
}

#[test]
fn an_error_names_the_limit_of_which_too_little_remains() {
    let lines = [
        ("x-ratelimit-remaining-requests", "499"),
        ("x-ratelimit-reset-requests", "10s"),
        ("x-ratelimit-remaining-tokens", "1961"),
        ("x-ratelimit-reset-tokens", "56.078s"),
    ];
    let fault = limited(&lines, fixture!("tokens_per_minute"));
    assert_eq!(fault.class, FaultClass::Quota);
    assert_eq!(fault.retry_after, Some(Duration::from_millis(56_078)));
    // Waiting does not make a request fit that by itself is more than the limit.
    let fault = limited(&lines, fixture!("request_too_large"));
    assert_eq!(
        fault,
        Fault::new(FaultClass::Burst, "429 tokens rate_limit_exceeded")
    );
}

proptest! {
    #[test]
    fn whatever_the_headers_hold_limits_end_within_days(
        fields in vec((select(&LIMIT_HEADERS[..]), "[0-9.]{0,12}(ms|s|m|h|d)?[0-9]{0,9}s?|\\PC{0,20}"), 0..12),
        now in any::<i64>().prop_map(Timestamp::from_micros),
    ) {
        let mut answer = HeaderMap::new();
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                answer.append(HeaderName::from_static(name), value);
            }
        }
        let limits = openai().rate_limits(&answer, now);
        if let Some(resets_at) = limits.resets_at() {
            assert!(resets_at >= now);
            assert!(resets_at.since(now).as_secs() <= 8 * 24 * 3_600);
        }
        let lines: Vec<_> = answer
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        if let Some(wait) = wait(&lines) {
            assert!((1_000..=604_800_000).contains(&wait), "{wait}");
        }
    }
}
