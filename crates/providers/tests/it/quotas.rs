use std::time::Duration;

use gateway_domain::{Fault, FaultClass, FaultReach, QuotaWindow};
use rstest::rstest;

use crate::support::{DATE, IN_SIX_DAYS, REJECTED, anthropic, classify, error};

const SIX_DAYS: u64 = 518_400;

fn coded(code: &str) -> String {
    format!(
        r#"{{"type":"error","error":{{"type":"rate_limit_error","message":"no","details":{{"error_code":"{code}"}}}}}}"#
    )
}

fn spending(reason: &str) -> Fault {
    Fault {
        class: FaultClass::Quota,
        reason: reason.to_owned(),
        retry_after: None,
        reach: FaultReach::Account,
        window: QuotaWindow::Spending,
    }
}

#[rstest]
#[case::enforced("enforced_spend_limit_reached")]
#[case::of_the_contract("contract_spend_limit_reached")]
fn a_spend_limit_is_no_matter_of_waiting(#[case] code: &str) {
    let expected = spending(&format!("429 rate_limit_error {code}"));
    assert_eq!(classify(429, &[], &coded(code)), expected);
    let lines = [("retry-after", "30"), DATE, REJECTED, IN_SIX_DAYS];
    assert_eq!(classify(429, &lines, &coded(code)), expected);

    let fault = anthropic().classify_event(coded(code).as_bytes());
    assert_eq!(fault, spending(&format!("rate_limit_error {code}")));
}

#[test]
fn a_ramp_is_a_rate_limit() {
    let body = coded("ramp_limit_exceeded");
    let fault = classify(429, &[("retry-after", "30")], &body);
    assert_eq!(fault.class, FaultClass::Quota);
    assert_eq!(fault.retry_after, Some(Duration::from_secs(30)));
    assert_eq!(fault.window, QuotaWindow::Rate);
    assert_eq!(classify(429, &[], &body).class, FaultClass::Burst);
    assert_eq!(
        anthropic().classify_event(body.as_bytes()).class,
        FaultClass::Burst
    );
}

const fn claim(claim: &'static str) -> (&'static str, &'static str) {
    ("anthropic-ratelimit-unified-representative-claim", claim)
}

#[rstest]
#[case::retry_after(&[("retry-after", "12")], 12)]
#[case::requests(&[
    DATE,
    ("anthropic-ratelimit-requests-remaining", "0"),
    ("anthropic-ratelimit-requests-reset", "2026-11-22T12:00:20Z"),
], 20)]
#[case::tokens(&[
    DATE,
    ("anthropic-ratelimit-tokens-remaining", "0"),
    ("anthropic-ratelimit-tokens-reset", "2026-11-22T12:00:20Z"),
], 20)]
#[case::input_tokens(&[
    DATE,
    ("anthropic-ratelimit-input-tokens-remaining", "0"),
    ("anthropic-ratelimit-input-tokens-reset", "2026-11-22T12:00:20Z"),
], 20)]
#[case::output_tokens(&[
    DATE,
    ("anthropic-ratelimit-output-tokens-remaining", "0"),
    ("anthropic-ratelimit-output-tokens-reset", "2026-11-22T12:00:20Z"),
], 20)]
#[case::a_subscription_that_let_it_pass(&[
    DATE,
    ("retry-after", "12"),
    ("anthropic-ratelimit-unified-status", "allowed_warning"),
    IN_SIX_DAYS,
    claim("seven_day"),
], 12)]
#[case::a_subscription_that_may_go_beyond(&[
    DATE,
    ("retry-after", "12"),
    REJECTED,
    IN_SIX_DAYS,
    ("anthropic-ratelimit-unified-overage-status", "allowed"),
], 12)]
#[case::a_status_that_is_not_known(&[
    ("retry-after", "12"),
    ("anthropic-ratelimit-unified-status", "rejected?"),
], 12)]
fn a_rate_limit_is_the_model_familys(#[case] lines: &[(&str, &str)], #[case] wait: u64) {
    let fault = classify(429, lines, &error("rate_limit_error", "slow down"));
    let expected = Fault {
        class: FaultClass::Quota,
        reason: "429 rate_limit_error".to_owned(),
        retry_after: Some(Duration::from_secs(wait)),
        reach: FaultReach::ModelFamily,
        window: QuotaWindow::Rate,
    };
    assert_eq!(fault, expected);
}

#[rstest]
#[case::without_a_claim(&[DATE, REJECTED, IN_SIX_DAYS], SIX_DAYS, FaultReach::Account)]
#[case::five_hours(&[DATE, REJECTED, IN_SIX_DAYS, claim("five_hour")], SIX_DAYS, FaultReach::Account)]
#[case::seven_days(&[DATE, REJECTED, IN_SIX_DAYS, claim("seven_day")], SIX_DAYS, FaultReach::Account)]
#[case::opus(&[DATE, REJECTED, IN_SIX_DAYS, claim("seven_day_opus")], SIX_DAYS, FaultReach::ModelFamily)]
#[case::sonnet(&[DATE, REJECTED, IN_SIX_DAYS, claim("seven_day_sonnet")], SIX_DAYS, FaultReach::ModelFamily)]
#[case::no_class(&[DATE, REJECTED, IN_SIX_DAYS, claim("seven_day_")], SIX_DAYS, FaultReach::Account)]
#[case::no_window(&[DATE, REJECTED, IN_SIX_DAYS, claim("opus")], SIX_DAYS, FaultReach::Account)]
#[case::overage_that_is_rejected_too(
    &[DATE, REJECTED, IN_SIX_DAYS, ("anthropic-ratelimit-unified-overage-status", "rejected")],
    SIX_DAYS,
    FaultReach::Account,
)]
#[case::retry_after_goes_before(&[DATE, REJECTED, IN_SIX_DAYS, ("retry-after", "90")], 90, FaultReach::Account)]
#[case::without_a_date(&[REJECTED, IN_SIX_DAYS, ("retry-after", "90")], 90, FaultReach::Account)]
#[case::a_reset_that_cannot_be(
    &[DATE, REJECTED, ("anthropic-ratelimit-unified-reset", "4070908800"), ("retry-after", "90")],
    90,
    FaultReach::Account,
)]
fn a_subscriptions_window_is_told_from_a_rate_limit(
    #[case] lines: &[(&str, &str)],
    #[case] wait: u64,
    #[case] reach: FaultReach,
) {
    let fault = classify(429, lines, &error("rate_limit_error", "limit reached"));
    let expected = Fault {
        class: FaultClass::Quota,
        reason: "429 rate_limit_error".to_owned(),
        retry_after: Some(Duration::from_secs(wait)),
        reach,
        window: QuotaWindow::Subscription,
    };
    assert_eq!(fault, expected);
}

#[rstest]
#[case::nothing(&[])]
#[case::no_date(&[REJECTED, IN_SIX_DAYS])]
#[case::no_reset(&[DATE, REJECTED, claim("seven_day")])]
#[case::a_reset_that_cannot_be(&[DATE, REJECTED, ("anthropic-ratelimit-unified-reset", "4070908800")])]
fn a_limit_that_does_not_say_when_it_ends_is_a_burst(#[case] lines: &[(&str, &str)]) {
    let fault = classify(429, lines, &error("rate_limit_error", "slow down"));
    assert_eq!(fault, Fault::new(FaultClass::Burst, "429 rate_limit_error"));
}

#[rstest]
#[case::bad_request(400)]
#[case::unauthorized(401)]
#[case::not_found(404)]
#[case::server(500)]
#[case::overload(529)]
fn only_a_429_is_a_limit(#[case] status: u16) {
    let fault = classify(status, &[DATE, REJECTED, IN_SIX_DAYS], "");
    assert_eq!(
        (fault.retry_after, fault.reach, fault.window),
        (None, FaultReach::Account, QuotaWindow::Rate)
    );
}
