use gateway_domain::{RateLimit, RateLimits, Timestamp};
use gateway_providers::response_headers;
use http::HeaderMap;
use proptest::prelude::{Strategy, any, proptest};
use rstest::rstest;

use crate::support::{LIMIT_HEADERS, anthropic, headers, limit_headers, lines};

/// The provider's clock is an hour behind ours.
const DATE: (&str, &str) = ("date", "Sun, 22 Nov 2026 11:00:00 GMT");
/// A minute later, by the provider's clock.
const IN_A_MINUTE: &str = "1795345260";

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

#[test]
fn clients_see_what_is_on_the_list_and_nothing_else() {
    let answer = headers(&[
        ("alt-svc", "h3"),
        ("anthropic-organization-id", "org"),
        ("anthropic-ratelimit-requests-remaining", "7"),
        ("cf-ray", "1"),
        ("connection", "close, x-ratelimit-hop"),
        ("content-encoding", "gzip"),
        ("content-length", "7"),
        ("content-type", "text/event-stream; charset=utf-8"),
        ("date", "Sun, 22 Nov 2026 12:00:00 GMT"),
        ("openai-organization", "org"),
        ("openai-processing-ms", "12"),
        ("openai-version", "2020-10-01"),
        ("request-id", "req_1"),
        ("retry-after", "5"),
        ("retry-after-ms", "5000"),
        ("server", "cloudflare"),
        ("set-cookie", "a=b"),
        ("strict-transport-security", "max-age=1"),
        ("transfer-encoding", "chunked"),
        ("via", "1.1 google"),
        ("www-authenticate", "Bearer"),
        ("x-gemini-service-tier", "priority"),
        ("x-ratelimit-hop", "1"),
        ("x-ratelimit-limit-requests", "9"),
        ("x-ratelimit-limit-requests", "10"),
        ("x-request-id", "req_1"),
        ("x-should-retry", "false"),
        ("x-unknown", "1"),
    ]);
    let expected = [
        "anthropic-ratelimit-requests-remaining: 7",
        "content-type: text/event-stream; charset=utf-8",
        "openai-processing-ms: 12",
        "openai-version: 2020-10-01",
        "request-id: req_1",
        "retry-after: 5",
        "x-gemini-service-tier: priority",
        "x-ratelimit-limit-requests: 10",
        "x-ratelimit-limit-requests: 9",
        "x-should-retry: false",
    ];
    assert_eq!(lines(&response_headers(&answer)), expected);
}

fn limits(lines: &[(&str, &str)]) -> RateLimits {
    anthropic().rate_limits(&headers(lines), now())
}

/// A subscription's window with so much left, which starts again so many seconds from now.
fn window(remaining: u64, resets_in: Option<i64>) -> Option<RateLimit> {
    Some(RateLimit {
        limit: Some(10_000),
        remaining,
        resets_at: resets_in.map(|seconds| Timestamp::from_seconds(now().as_seconds() + seconds)),
    })
}

#[test]
fn an_answer_says_how_much_there_is_what_is_left_and_until_when() {
    let limits = limits(&[
        DATE,
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "49"),
        ("anthropic-ratelimit-requests-reset", "2026-11-22T11:00:01Z"),
        ("anthropic-ratelimit-tokens-limit", "48000"),
        ("anthropic-ratelimit-tokens-remaining", "47000"),
        ("anthropic-ratelimit-tokens-reset", "2026-11-22T12:00:20+01:00"),
        ("anthropic-ratelimit-input-tokens-limit", "40000"),
        ("anthropic-ratelimit-input-tokens-remaining", "39000"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-11-22T11:00:30Z"),
        ("anthropic-ratelimit-output-tokens-limit", "8000"),
        ("anthropic-ratelimit-output-tokens-remaining", "0"),
        ("anthropic-ratelimit-output-tokens-reset", "2026-11-22T10:59:59Z"),
    ]);
    let limit = |limit, remaining, resets_at: &str| {
        Some(RateLimit {
            limit: Some(limit),
            remaining,
            resets_at: resets_at.parse().ok(),
        })
    };
    let expected = RateLimits {
        requests: limit(50, 49, "2026-11-22T12:00:01Z"),
        tokens: limit(48_000, 47_000, "2026-11-22T12:00:20Z"),
        input_tokens: limit(40_000, 39_000, "2026-11-22T12:00:30Z"),
        output_tokens: limit(8_000, 0, "2026-11-22T12:00:00Z"),
        subscription: None,
    };
    assert_eq!(limits, expected);
}

#[test]
fn without_the_providers_date_ours_has_to_do() {
    let reset = ("anthropic-ratelimit-unified-reset", "1795348860");
    let expected = Timestamp::from_seconds(now().as_seconds() + 60);
    assert_eq!(limits(&[reset]).resets_at(), Some(expected));
    assert_eq!(
        limits(&[reset, ("date", "yesterday")]).resets_at(),
        Some(expected)
    );
}

#[test]
fn of_a_limit_what_can_be_read_counts() {
    let requests = limits(&[
        DATE,
        ("anthropic-ratelimit-requests-limit", "many"),
        ("anthropic-ratelimit-requests-remaining", "7"),
        ("anthropic-ratelimit-requests-reset", "soon"),
    ])
    .requests;
    let expected = RateLimit {
        limit: None,
        remaining: 7,
        resets_at: None,
    };
    assert_eq!(requests, Some(expected));
}

#[rstest]
#[case(&[])]
#[case(&[("anthropic-ratelimit-requests-remaining", "-1")])]
#[case(&[("anthropic-ratelimit-requests-remaining", "+1")])]
#[case(&[("anthropic-ratelimit-requests-remaining", "1e9")])]
#[case(&[("anthropic-ratelimit-requests-remaining", "1.5")])]
#[case(&[("anthropic-ratelimit-requests-remaining", "99999999999999999999999")])]
#[case(&[("anthropic-ratelimit-requests-remaining", "")])]
#[case(&[("anthropic-ratelimit-requests-reset", "soon")])]
#[case(&[("anthropic-ratelimit-requests-reset", "2099-01-01T00:00:00Z")])]
#[case(&[("anthropic-ratelimit-requests-limit", "50")])]
#[case(&[("anthropic-ratelimit-unified-reset", "99999999999999")])]
#[case(&[("anthropic-ratelimit-unified-reset", "4070908800")])]
#[case(&[("anthropic-ratelimit-unified-reset", "0")])]
#[case(&[("anthropic-ratelimit-unified-reset", "-5")])]
#[case(&[("anthropic-ratelimit-unified-reset", "1e9")])]
#[case(&[("anthropic-ratelimit-unified-status", "allowed")])]
#[case(&[("anthropic-ratelimit-unified-5h-reset", "1795348860")])]
#[case(&[("anthropic-ratelimit-unified-5h-utilization", "-0.1")])]
#[case(&[("anthropic-ratelimit-unified-5h-utilization", "1e9")])]
#[case(&[("anthropic-ratelimit-unified-5h-utilization", "NaN")])]
#[case(&[("anthropic-ratelimit-unified-5h-utilization", "inf")])]
#[case(&[("anthropic-ratelimit-unified-5h-utilization", "half")])]
#[case(&[("anthropic-ratelimit-unified-30d-utilization", "0.5")])]
fn nonsense_says_nothing(#[case] answer: &[(&str, &str)]) {
    assert_eq!(limits(answer), RateLimits::default());
}

#[rstest]
#[case("0", 10_000)]
#[case("0.0", 10_000)]
#[case("0.29", 7_100)]
#[case("0.4567", 5_433)]
#[case("1", 0)]
#[case("1.0", 0)]
#[case("1.02", 0)]
fn a_subscriptions_window_says_how_full_it_is(#[case] used: &str, #[case] remaining: u64) {
    let subscription = limits(&[
        DATE,
        ("anthropic-ratelimit-unified-status", "allowed"),
        ("anthropic-ratelimit-unified-5h-utilization", used),
        ("anthropic-ratelimit-unified-5h-reset", IN_A_MINUTE),
    ])
    .subscription;
    assert_eq!(subscription, window(remaining, Some(60)));
}

#[rstest]
#[case::the_short_one("0.8", "0.3", 2_000, 60)]
#[case::the_long_one("0.3", "0.8", 2_000, 3_600)]
#[case::the_later_one_of_two_alike("1.0", "1.0", 0, 3_600)]
fn of_a_subscriptions_windows_the_fullest_counts(
    #[case] used_of_5h: &str,
    #[case] used_of_7d: &str,
    #[case] remaining: u64,
    #[case] resets_in: i64,
) {
    let subscription = limits(&[
        DATE,
        ("anthropic-ratelimit-unified-5h-utilization", used_of_5h),
        ("anthropic-ratelimit-unified-5h-reset", IN_A_MINUTE),
        ("anthropic-ratelimit-unified-7d-utilization", used_of_7d),
        ("anthropic-ratelimit-unified-7d-reset", "1795348800"),
    ])
    .subscription;
    assert_eq!(subscription, window(remaining, Some(resets_in)));
}

#[test]
fn a_window_that_rejects_has_nothing_left_whatever_its_utilization() {
    let subscription = limits(&[
        DATE,
        ("anthropic-ratelimit-unified-5h-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-utilization", "0.97"),
        ("anthropic-ratelimit-unified-7d-status", "allowed"),
        ("anthropic-ratelimit-unified-7d-utilization", "0.99"),
    ])
    .subscription;
    assert_eq!(subscription, window(0, None));
}

#[rstest]
#[case::by_its_reset(&[("anthropic-ratelimit-unified-reset", IN_A_MINUTE)], Some(60))]
#[case::by_its_windows(&[
    ("anthropic-ratelimit-unified-7d-utilization", "0.99"),
    ("anthropic-ratelimit-unified-7d-reset", IN_A_MINUTE),
], Some(60))]
#[case::by_nothing(&[], None)]
fn a_subscription_that_rejects_has_nothing_left(
    #[case] lines: &[(&str, &str)],
    #[case] resets_in: Option<i64>,
) {
    let lines = [&[DATE, ("anthropic-ratelimit-unified-status", "rejected")], lines].concat();
    assert_eq!(limits(&lines).subscription, window(0, resets_in));
}

#[test]
fn a_class_of_models_that_is_used_up_leaves_the_others_what_they_have() {
    let subscription = limits(&[
        DATE,
        ("anthropic-ratelimit-unified-status", "rejected"),
        ("anthropic-ratelimit-unified-reset", "1795348800"),
        (
            "anthropic-ratelimit-unified-representative-claim",
            "seven_day_opus",
        ),
        ("anthropic-ratelimit-unified-5h-utilization", "0.25"),
        ("anthropic-ratelimit-unified-5h-reset", IN_A_MINUTE),
    ])
    .subscription;
    assert_eq!(subscription, window(7_500, Some(60)));
}

#[test]
fn where_only_the_reset_is_told_nothing_is_held_against_the_subscription() {
    let reset = now().as_seconds() + 3_600;
    let limits = limits(&[("anthropic-ratelimit-unified-reset", &reset.to_string())]);
    let expected = RateLimit {
        limit: None,
        remaining: 10_000,
        resets_at: Some(Timestamp::from_seconds(reset)),
    };
    assert_eq!(limits.subscription, Some(expected));
    assert_eq!(limits.resets_at(), expected.resets_at);
    assert_eq!(
        anthropic().rate_limits(&HeaderMap::new(), now()),
        RateLimits::default()
    );
}

#[test]
fn headers_that_are_not_text_say_nothing() {
    let mut answer = HeaderMap::new();
    for name in LIMIT_HEADERS {
        answer.insert(name, http::HeaderValue::from_bytes(b"\xff7").unwrap());
    }
    assert_eq!(anthropic().rate_limits(&answer, now()), RateLimits::default());
}

proptest! {
    #[test]
    fn whatever_the_headers_hold_limits_end_within_days(
        answer in limit_headers(),
        now in any::<i64>().prop_map(Timestamp::from_micros),
    ) {
        let limits = anthropic().rate_limits(&answer, now);
        if let Some(resets_at) = limits.resets_at() {
            assert!(resets_at >= now);
            assert!(resets_at.since(now).as_secs() <= 8 * 24 * 3_600);
        }
        assert!(limits.subscription.is_none_or(|window| window.remaining <= 10_000));
    }
}
