use std::time::Duration;

use gateway_domain::{Fault, FaultClass, FaultReach, QuotaWindow, RateLimits, Timestamp};
use rstest::rstest;

use super::fixture;
use crate::support::{DATE, classify_by, gemini, headers};

const OF_A_DAY: &str = fixture!("quota_of_a_day");

fn quota(window: QuotaWindow, wait: Duration, words: &str) -> Fault {
    Fault {
        class: FaultClass::Quota,
        reason: format!("429 RESOURCE_EXHAUSTED {words}"),
        retry_after: Some(wait),
        reach: FaultReach::ModelFamily,
        window,
    }
}

fn wait(lines: &[(&str, &str)], body: &str) -> Option<u64> {
    let fault = classify_by(gemini(), 429, lines, body);
    fault.retry_after.map(|wait| wait.as_secs())
}

fn delayed(delay: &str, quota: &str) -> String {
    format!(
        r#"{{"error":{{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{{"violations":[{{"quotaId":"{quota}"}}]}},{{"retryDelay":"{delay}"}}]}}}}"#
    )
}

#[test]
fn a_quota_of_a_minute_is_over_when_its_delay_is() {
    let body = fixture!("quota_of_a_minute");
    let expected = quota(
        QuotaWindow::Rate,
        Duration::from_millis(34_500),
        "GenerateContentInputTokensPerModelPerMinute-FreeTier",
    );
    assert_eq!(classify_by(gemini(), 429, &[DATE], body), expected);
    assert_eq!(gemini().classify_event(body.as_bytes()), expected);
}

#[rstest]
#[case::alone(OF_A_DAY, "GenerateRequestsPerDayPerProjectPerModel-FreeTier")]
#[case::beside_those_of_a_minute(
    fixture!("quotas_of_minute_and_day"),
    "GenerateContentInputTokensPerModelPerMinute-FreeTier"
)]
#[case::in_the_error_info(
    fixture!("quota_of_a_day_in_error_info"),
    "RATE_LIMIT_EXCEEDED Gemini25ProRequestsPerDay"
)]
fn a_quota_of_a_day_is_over_at_midnight_in_california(#[case] body: &str, #[case] words: &str) {
    // It is four in the morning there.
    let expected = quota(QuotaWindow::Subscription, Duration::from_secs(20 * 3_600), words);
    assert_eq!(classify_by(gemini(), 429, &[DATE], body), expected);
}

#[rstest]
#[case::standard_time("Sun, 22 Nov 2026 12:00:00 GMT", 20 * 3_600)]
#[case::summer_time("Wed, 01 Jul 2026 12:00:00 GMT", 19 * 3_600)]
#[case::a_day_of_23_hours("Sun, 08 Mar 2026 08:00:00 GMT", 23 * 3_600)]
#[case::a_day_of_25_hours("Sun, 01 Nov 2026 07:00:00 GMT", 25 * 3_600)]
#[case::a_second_before("Sun, 22 Nov 2026 07:59:59 GMT", 1)]
fn midnight_is_measured_against_the_answers_own_date(#[case] date: &str, #[case] expected: u64) {
    assert_eq!(wait(&[("date", date)], OF_A_DAY), Some(expected));
}

#[test]
fn without_a_date_the_delay_has_to_do() {
    assert_eq!(wait(&[], OF_A_DAY), Some(36));
    assert_eq!(wait(&[("date", "yesterday")], OF_A_DAY), Some(36));
    let fault = classify_by(gemini(), 429, &[], fixture!("quota_of_a_day_in_error_info"));
    assert_eq!(fault.class, FaultClass::Burst);
    assert_eq!(
        gemini()
            .classify_event(OF_A_DAY.as_bytes())
            .retry_after
            .unwrap()
            .as_secs(),
        36
    );
}

#[test]
fn a_delay_of_hours_is_meant() {
    let of_a_day = "GenerateRequestsPerDayPerProjectPerModel-FreeTier";
    assert_eq!(wait(&[DATE], &delayed("3599s", of_a_day)), Some(20 * 3_600));
    assert_eq!(wait(&[DATE], &delayed("35643.5s", of_a_day)), Some(35_643));
    assert_eq!(wait(&[DATE, ("retry-after", "7200")], OF_A_DAY), Some(7_200));
}

#[rstest]
#[case("34s", Some(34))]
#[case("0s", Some(1))]
#[case("0.2s", Some(1))]
#[case("604800s", Some(604_800))]
#[case("650000s", Some(604_800))]
#[case("99999999s", None)]
#[case("-5s", None)]
#[case("soon", None)]
#[case("", None)]
fn a_delay_that_cannot_be_counts_as_absent(#[case] delay: &str, #[case] expected: Option<u64>) {
    let body = delayed(delay, "GenerateRequestsPerMinutePerProjectPerModel");
    assert_eq!(wait(&[], &body), expected);
    let fault = classify_by(gemini(), 429, &[], &body);
    assert_eq!(fault.class == FaultClass::Burst, expected.is_none());
}

#[test]
fn retry_after_goes_before_the_delay() {
    let body = fixture!("quota_of_a_minute");
    assert_eq!(wait(&[("retry-after", "5")], body), Some(5));
    assert_eq!(wait(&[("retry-after", "soon")], body), Some(34));
}

#[test]
fn an_account_without_credit_is_no_matter_of_waiting() {
    let expected = Fault {
        class: FaultClass::Quota,
        reason: "429 RESOURCE_EXHAUSTED account_without_credit".to_owned(),
        retry_after: None,
        reach: FaultReach::Account,
        window: QuotaWindow::Spending,
    };
    let body = fixture!("credits_depleted");
    assert_eq!(
        classify_by(gemini(), 429, &[DATE, ("retry-after", "30")], body),
        expected
    );
    assert_eq!(gemini().classify_event(body.as_bytes()), expected);
}

#[test]
fn no_header_tells_of_limits() {
    let lines = headers(&[
        DATE,
        ("x-ratelimit-remaining-requests", "0"),
        ("retry-after", "5"),
    ]);
    let limits = gemini().rate_limits(&lines, Timestamp::from_seconds(0));
    assert_eq!(limits, RateLimits::default());
}
