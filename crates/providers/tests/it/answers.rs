use gateway_domain::{RateLimits, Timestamp};
use gateway_providers::response_headers;
use http::HeaderMap;
use rstest::rstest;

use crate::support::{anthropic, headers, lines};

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
        ("server", "cloudflare"),
        ("set-cookie", "a=b"),
        ("strict-transport-security", "max-age=1"),
        ("transfer-encoding", "chunked"),
        ("via", "1.1 google"),
        ("www-authenticate", "Bearer"),
        ("x-ratelimit-hop", "1"),
        ("x-ratelimit-limit-requests", "9"),
        ("x-ratelimit-limit-requests", "10"),
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
        "x-ratelimit-limit-requests: 10",
        "x-ratelimit-limit-requests: 9",
        "x-should-retry: false",
    ];
    assert_eq!(lines(&response_headers(&answer)), expected);
}

#[test]
fn an_answer_says_what_is_left_and_until_when() {
    // The provider's clock is an hour behind ours.
    let answer = headers(&[
        ("date", "Sun, 22 Nov 2026 11:00:00 GMT"),
        ("anthropic-ratelimit-requests-remaining", "49"),
        ("anthropic-ratelimit-requests-reset", "2026-11-22T11:00:01Z"),
        ("anthropic-ratelimit-input-tokens-remaining", "39000"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-11-22T11:00:30Z"),
        ("anthropic-ratelimit-output-tokens-remaining", "8000"),
        ("anthropic-ratelimit-output-tokens-reset", "2026-11-22T11:00:05Z"),
    ]);
    let expected = RateLimits {
        requests_remaining: Some(49),
        input_tokens_remaining: Some(39_000),
        output_tokens_remaining: Some(8_000),
        resets_at: Some("2026-11-22T12:00:30Z".parse().unwrap()),
    };
    assert_eq!(anthropic().rate_limits(&answer, now()), expected);
}

#[rstest]
#[case(&[])]
#[case(&[("anthropic-ratelimit-requests-remaining", "-1")])]
#[case(&[("anthropic-ratelimit-requests-remaining", "1e9")])]
#[case(&[("anthropic-ratelimit-requests-remaining", "99999999999999999999999")])]
#[case(&[("anthropic-ratelimit-requests-reset", "soon")])]
#[case(&[("anthropic-ratelimit-requests-reset", "2099-01-01T00:00:00Z")])]
#[case(&[("anthropic-ratelimit-unified-reset", "99999999999999")])]
fn nonsense_says_nothing(#[case] answer: &[(&str, &str)]) {
    let limits = anthropic().rate_limits(&headers(answer), now());
    assert_eq!(limits, RateLimits::default());
}

#[test]
fn a_subscriptions_window_is_told() {
    let reset = now().as_seconds() + 3_600;
    let answer = headers(&[("anthropic-ratelimit-unified-reset", &reset.to_string())]);
    let limits = anthropic().rate_limits(&answer, now());
    assert_eq!(limits.resets_at, Some(Timestamp::from_seconds(reset)));
    assert_eq!(
        anthropic().rate_limits(&HeaderMap::new(), now()),
        RateLimits::default()
    );
}
