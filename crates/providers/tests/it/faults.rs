use std::time::Duration;

use gateway_domain::{Fault, FaultClass, FaultReach, QuotaWindow};
use http::StatusCode;
use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use rstest::rstest;

use crate::support::{DATE, IN_SIX_DAYS, REJECTED, anthropic, classify, error, headers};

const MODEL_OF_ANOTHER_SHAPE: &str = r#"{"error":"model 'claude-5' not found"}"#;
const MODEL_CODE: &str = r#"{"error":{"code":"model_not_found","message":"no"}}"#;
const OTHER_SHAPE: &str = r#"{"error":"no"}"#;
const CUT_SHORT: &str = r#"{"type":"error","error":{"type":"overloaded_error","message":"model: Overl"#;
const HTML: &str = "<html><head><title>model: error</title></head></html>";
const OVERLOADED: &str = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;

#[rstest]
#[case::no_credit(
    400,
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.",
    FaultClass::Credential
)]
#[case::no_credit_in_short(400, "credit balance is too low", FaultClass::Credential)]
#[case::own_usage_limit(
    400,
    "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
    FaultClass::Credential
)]
#[case::organization_disabled(400, "This organization has been disabled.", FaultClass::Credential)]
#[case::bad_request(400, "messages: field required", FaultClass::Client)]
#[case::prompt_too_long(400, "prompt is too long: 200001 tokens > 200000 maximum", FaultClass::Client)]
#[case::quoted_field(
    400,
    "Your credit balance is too low: Extra inputs are not permitted",
    FaultClass::Client
)]
#[case::quoted_path(
    400,
    "metadata.credit balance is too low: Extra inputs are not permitted",
    FaultClass::Client
)]
#[case::unknown_model_in_a_bad_request(400, "model: not a model", FaultClass::Client)]
#[case::unauthorized(401, "invalid x-api-key", FaultClass::Credential)]
#[case::payment_required(402, "payment required", FaultClass::Credential)]
#[case::organization_forbidden(
    403,
    "Your account does not have access to the organization.",
    FaultClass::Credential
)]
#[case::organization_disabled_and_forbidden(
    403,
    "This organization has been disabled.",
    FaultClass::Credential
)]
#[case::model_forbidden(
    403,
    "Your API key does not have permission to use this Model.",
    FaultClass::ModelMissing
)]
#[case::model_missing(404, "model: claude-5", FaultClass::ModelMissing)]
#[case::model_missing_in_words(404, "The model `claude-5` does not exist", FaultClass::ModelMissing)]
#[case::path_missing(404, "Not Found", FaultClass::Client)]
#[case::file_missing(404, "File not found: model", FaultClass::Client)]
#[case::method(405, "no", FaultClass::Client)]
#[case::proxy_refuses(407, "no", FaultClass::Transport)]
#[case::no_answer_in_time(408, "no", FaultClass::Transport)]
#[case::conflict(409, "no", FaultClass::Client)]
#[case::too_large(413, "Request exceeds the maximum size", FaultClass::Client)]
#[case::other_of_the_client(418, "no", FaultClass::Client)]
#[case::unprocessable(422, "no", FaultClass::Client)]
#[case::limit_without_an_end(429, "no", FaultClass::Burst)]
#[case::server(500, "Internal server error", FaultClass::Server)]
#[case::bad_gateway(502, "no", FaultClass::Server)]
#[case::unavailable(503, "no", FaultClass::Overload)]
#[case::gateway_timeout(504, "no", FaultClass::Server)]
#[case::other_of_the_server(520, "no", FaultClass::Server)]
#[case::overloaded(529, "Overloaded", FaultClass::Overload)]
#[case::redirect(301, "no", FaultClass::Server)]
#[case::redirect_with_the_method(307, "no", FaultClass::Server)]
#[case::not_modified(304, "no", FaultClass::Server)]
#[case::informational(100, "no", FaultClass::Server)]
#[case::beyond_all(999, "no", FaultClass::Server)]
fn answers_are_classified(#[case] status: u16, #[case] message: &str, #[case] expected: FaultClass) {
    let body = error("some_error", message);
    assert_eq!(classify(status, &[], &body).class, expected);
}

#[rstest]
#[case::bad_request(400, FaultClass::Client)]
#[case::unauthorized(401, FaultClass::Credential)]
#[case::payment_required(402, FaultClass::Credential)]
#[case::forbidden(403, FaultClass::Credential)]
#[case::not_found(404, FaultClass::Client)]
#[case::proxy_refuses(407, FaultClass::Transport)]
#[case::no_answer_in_time(408, FaultClass::Transport)]
#[case::conflict(409, FaultClass::Client)]
#[case::too_large(413, FaultClass::Client)]
#[case::unprocessable(422, FaultClass::Client)]
#[case::limit(429, FaultClass::Burst)]
#[case::server(500, FaultClass::Server)]
#[case::bad_gateway(502, FaultClass::Server)]
#[case::unavailable(503, FaultClass::Overload)]
#[case::gateway_timeout(504, FaultClass::Server)]
#[case::overloaded(529, FaultClass::Overload)]
#[case::redirect(302, FaultClass::Server)]
fn where_the_body_says_nothing_the_status_decides(
    #[case] status: u16,
    #[case] expected: FaultClass,
    #[values(
        "",
        HTML,
        CUT_SHORT,
        OTHER_SHAPE,
        "null",
        "[]",
        r#"{"detail":"model"}"#,
        "\u{feff}{}"
    )]
    body: &str,
) {
    let fault = classify(status, &[], body);
    assert_eq!(fault, Fault::new(expected, status.to_string()));
}

#[rstest]
#[case::model_missing(404, MODEL_OF_ANOTHER_SHAPE, FaultClass::ModelMissing)]
#[case::model_missing_by_its_code(404, MODEL_CODE, FaultClass::ModelMissing)]
#[case::model_forbidden(403, MODEL_OF_ANOTHER_SHAPE, FaultClass::ModelMissing)]
#[case::no_credit(400, r#"{"error":"credit balance is too low"}"#, FaultClass::Credential)]
#[case::overloaded_server(500, OVERLOADED, FaultClass::Overload)]
#[case::overloaded_gateway(502, OVERLOADED, FaultClass::Overload)]
#[case::overloaded_timeout(504, OVERLOADED, FaultClass::Overload)]
#[case::overloaded_at_the_client(400, OVERLOADED, FaultClass::Client)]
fn what_a_body_says_beside_its_message_counts(
    #[case] status: u16,
    #[case] body: &str,
    #[case] expected: FaultClass,
) {
    assert_eq!(classify(status, &[], body).class, expected);
}

#[rstest]
#[case::overloaded(529, "")]
#[case::unavailable(503, HTML)]
#[case::server(500, OVERLOADED)]
fn an_overloaded_server_may_say_for_how_long(#[case] status: u16, #[case] body: &str) {
    let told = classify(status, &[("retry-after", "4"), REJECTED], body);
    assert_eq!(
        (told.class, told.retry_after),
        (FaultClass::Overload, Some(Duration::from_secs(4)))
    );
    // Limits are told with every answer, and are not why this one failed.
    let untold = classify(status, &[DATE, REJECTED, IN_SIX_DAYS], body);
    assert_eq!((untold.class, untold.retry_after), (FaultClass::Overload, None));
}

#[rstest]
#[case::bad_request(400)]
#[case::unauthorized(401)]
#[case::not_found(404)]
#[case::server(500)]
fn a_fault_of_another_class_has_no_wait(#[case] status: u16) {
    assert_eq!(classify(status, &[("retry-after", "4")], "").retry_after, None);
}

#[rstest]
#[case::overloaded("overloaded_error", "Overloaded", FaultClass::Overload)]
#[case::limit("rate_limit_error", "no", FaultClass::Burst)]
#[case::unauthorized("authentication_error", "no", FaultClass::Credential)]
#[case::forbidden("permission_error", "no", FaultClass::Credential)]
#[case::model_forbidden(
    "permission_error",
    "Your API key does not have permission to use this model.",
    FaultClass::ModelMissing
)]
#[case::payment_required("billing_error", "no", FaultClass::Credential)]
#[case::model_missing("not_found_error", "model: claude-5", FaultClass::ModelMissing)]
#[case::not_found("not_found_error", "no", FaultClass::Client)]
#[case::bad_request("invalid_request_error", "no", FaultClass::Client)]
#[case::no_credit(
    "invalid_request_error",
    "Your credit balance is too low to access the Anthropic API.",
    FaultClass::Credential
)]
#[case::own_usage_limit(
    "invalid_request_error",
    "You have reached your specified API usage limits.",
    FaultClass::Credential
)]
#[case::organization_disabled(
    "invalid_request_error",
    "This organization has been disabled.",
    FaultClass::Credential
)]
#[case::too_large("request_too_large", "no", FaultClass::Client)]
#[case::conflict("conflict_error", "no", FaultClass::Client)]
#[case::server("api_error", "no", FaultClass::Server)]
#[case::no_answer_in_time("timeout_error", "no", FaultClass::Server)]
#[case::not_known_yet("error_of_tomorrow", "no", FaultClass::Server)]
fn error_events_are_classified(#[case] kind: &str, #[case] message: &str, #[case] expected: FaultClass) {
    let fault = anthropic().classify_event(error(kind, message).as_bytes());
    assert_eq!(fault.class, expected);
    assert!(fault.reason.starts_with(kind), "{}", fault.reason);
    assert_eq!(
        (fault.retry_after, fault.reach, fault.window),
        (None, FaultReach::Account, QuotaWindow::Rate)
    );
}

#[rstest]
fn an_event_that_says_nothing_is_the_servers_fault(
    #[values("", HTML, CUT_SHORT, OTHER_SHAPE, "null", "[]", "{}")] event: &str,
) {
    let expected = Fault::new(FaultClass::Server, "an error that cannot be read");
    assert_eq!(anthropic().classify_event(event.as_bytes()), expected);
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
