use std::time::Duration;

use gateway_domain::{Fault, FaultClass, FaultReach, QuotaWindow};
use http::StatusCode;
use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use rstest::rstest;

use crate::support::{anthropic, headers};

const DATE: (&str, &str) = ("date", "Sun, 22 Nov 2026 12:00:00 GMT");
const REJECTED: (&str, &str) = ("anthropic-ratelimit-unified-status", "rejected");
const IN_SIX_DAYS: (&str, &str) = ("anthropic-ratelimit-unified-reset", "1795867200");
const SIX_DAYS: u64 = 518_400;

fn classify(status: u16, lines: &[(&str, &str)], body: &str) -> Fault {
    let status = StatusCode::from_u16(status).expect("a status");
    anthropic().classify(status, &headers(lines), body.as_bytes())
}

fn error(kind: &str, message: &str) -> String {
    let message = message.replace('"', "\\\"");
    format!(
        r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_011CS"}}"#
    )
}

fn coded(code: &str) -> String {
    format!(
        r#"{{"type":"error","error":{{"type":"rate_limit_error","message":"no","details":{{"error_code":"{code}"}}}}}}"#
    )
}

#[rstest]
#[case(
    400,
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.",
    FaultClass::Credential
)]
#[case(400, "credit balance is too low", FaultClass::Credential)]
#[case(
    400,
    "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
    FaultClass::Credential
)]
#[case(400, "This organization has been disabled.", FaultClass::Credential)]
#[case(400, "messages: field required", FaultClass::Client)]
#[case(400, "prompt is too long: 200001 tokens > 200000 maximum", FaultClass::Client)]
#[case(
    400,
    "Your credit balance is too low: Extra inputs are not permitted",
    FaultClass::Client
)]
#[case(
    400,
    "metadata.credit balance is too low: Extra inputs are not permitted",
    FaultClass::Client
)]
#[case(401, "invalid x-api-key", FaultClass::Credential)]
#[case(402, "payment required", FaultClass::Credential)]
#[case(
    403,
    "Your account does not have access to the organization.",
    FaultClass::Credential
)]
#[case(
    403,
    "Your API key does not have permission to use this Model.",
    FaultClass::ModelMissing
)]
#[case(404, "model: claude-5", FaultClass::ModelMissing)]
#[case(404, "The model `claude-5` does not exist", FaultClass::ModelMissing)]
#[case(404, "Not Found", FaultClass::Client)]
#[case(404, "File not found: model", FaultClass::Client)]
#[case(405, "no", FaultClass::Client)]
#[case(407, "no", FaultClass::Transport)]
#[case(408, "no", FaultClass::Transport)]
#[case(409, "no", FaultClass::Client)]
#[case(413, "Request exceeds the maximum size", FaultClass::Client)]
#[case(418, "no", FaultClass::Client)]
#[case(422, "no", FaultClass::Client)]
#[case(429, "no", FaultClass::Burst)]
#[case(500, "Internal server error", FaultClass::Server)]
#[case(502, "no", FaultClass::Server)]
#[case(503, "no", FaultClass::Overload)]
#[case(504, "no", FaultClass::Server)]
#[case(520, "no", FaultClass::Server)]
#[case(529, "Overloaded", FaultClass::Overload)]
#[case(301, "no", FaultClass::Server)]
#[case(304, "no", FaultClass::Server)]
#[case(100, "no", FaultClass::Server)]
fn answers_are_classified(#[case] status: u16, #[case] message: &str, #[case] expected: FaultClass) {
    let body = error("some_error", message);
    assert_eq!(classify(status, &[], &body).class, expected);
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

#[test]
fn an_overloaded_server_may_say_for_how_long() {
    let fault = classify(529, &[("retry-after", "4")], "");
    assert_eq!(
        (fault.class, fault.retry_after),
        (FaultClass::Overload, Some(Duration::from_secs(4)))
    );
    assert_eq!(
        classify(500, &[], &error("overloaded_error", "Overloaded")).class,
        FaultClass::Overload
    );
}

#[rstest]
#[case("overloaded_error", "Overloaded", FaultClass::Overload)]
#[case("rate_limit_error", "no", FaultClass::Burst)]
#[case("authentication_error", "no", FaultClass::Credential)]
#[case("permission_error", "no", FaultClass::Credential)]
#[case("billing_error", "no", FaultClass::Credential)]
#[case("not_found_error", "model: claude-5", FaultClass::ModelMissing)]
#[case("not_found_error", "no", FaultClass::Client)]
#[case("invalid_request_error", "no", FaultClass::Client)]
#[case(
    "invalid_request_error",
    "Your credit balance is too low to access the Anthropic API.",
    FaultClass::Credential
)]
#[case("request_too_large", "no", FaultClass::Client)]
#[case("conflict_error", "no", FaultClass::Client)]
#[case("api_error", "no", FaultClass::Server)]
#[case("timeout_error", "no", FaultClass::Server)]
#[case("error_of_tomorrow", "no", FaultClass::Server)]
fn error_events_are_classified(#[case] kind: &str, #[case] message: &str, #[case] expected: FaultClass) {
    let fault = anthropic().classify_event(error(kind, message).as_bytes());
    assert_eq!(fault.class, expected);
    assert!(fault.reason.starts_with(kind), "{}", fault.reason);
}

#[test]
fn the_reason_of_a_clients_own_mistake_does_not_quote_the_client() {
    let body = error(
        "invalid_request_error",
        "messages.0.content.0: Input tag 'secret plan' found",
    );
    assert_eq!(classify(400, &[], &body).reason, "400 invalid_request_error");
}

#[rstest]
#[case(529, "", "529")]
#[case(502, "<html>bad gateway</html>", "502")]
#[case(500, "[1,2]", "500")]
#[case(500, r#"{"error":null}"#, "500")]
#[case(500, r#"{"error":{"type":7,"message":[]}}"#, "500")]
#[case(
    500,
    r#"{"error":{"type":"api_error","message":"quotes a prompt"}}"#,
    "500 api_error"
)]
#[case(500, r#"{"error":{"type":"two words","message":"quotes a prompt"}}"#, "500")]
#[case(401, r#"{"error":{"type":"sk-ant-api03-0123456789"}}"#, "401")]
#[case(
    400,
    r#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#,
    "400 invalid_request_error account_without_credit_or_disabled"
)]
fn the_reason_is_made_of_known_words(#[case] status: u16, #[case] body: &str, #[case] expected: &str) {
    assert_eq!(classify(status, &[], body).reason, expected);
}

proptest! {
    #[test]
    fn whatever_is_answered_is_a_fault(status in 100_u16..=999, body in vec(any::<u8>(), 0..200)) {
        let status = StatusCode::from_u16(status).unwrap();
        let fault = anthropic().classify(status, &headers(&[]), &body);
        assert!(!fault.reason.is_empty());
        assert!(!anthropic().classify_event(&body).reason.is_empty());
    }

    #[test]
    fn whatever_json_is_answered_is_a_fault(
        body in r#"(\{"error":)?(\{"(type|message|details)":(null|"x"|\[\]|\{"error_code":1\})\}|null|"x"|[0-9])\}?"#,
    ) {
        let fault = anthropic().classify(StatusCode::BAD_REQUEST, &headers(&[]), body.as_bytes());
        assert_eq!(fault.class, FaultClass::Client);
    }
}
