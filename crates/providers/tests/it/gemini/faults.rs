use std::time::Duration;

use gateway_domain::{Fault, FaultClass};
use http::StatusCode;
use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use rstest::rstest;

use super::fixture;
use crate::support::{classify_by, gemini, headers};

fn classify(status: u16, body: &str) -> Fault {
    classify_by(gemini(), status, &[], body)
}

#[rstest]
#[case::key_not_valid(400, fixture!("key_not_valid"), FaultClass::Credential, "INVALID_ARGUMENT API_KEY_INVALID")]
#[case::key_expired(400, fixture!("key_expired"), FaultClass::Credential, "INVALID_ARGUMENT")]
#[case::location(400, fixture!("location"), FaultClass::Credential, "FAILED_PRECONDITION")]
#[case::no_free_tier(400, fixture!("free_tier_not_available"), FaultClass::Credential, "FAILED_PRECONDITION")]
#[case::file_not_active(400, fixture!("file_not_active"), FaultClass::Client, "FAILED_PRECONDITION")]
#[case::unknown_field(400, fixture!("unknown_field"), FaultClass::Client, "INVALID_ARGUMENT")]
#[case::thought_signature(400, fixture!("thought_signature"), FaultClass::Client, "INVALID_ARGUMENT")]
#[case::token_type(
    401,
    fixture!("token_type"),
    FaultClass::Credential,
    "UNAUTHENTICATED ACCESS_TOKEN_TYPE_UNSUPPORTED"
)]
#[case::consumer_suspended(
    403,
    fixture!("consumer_suspended"),
    FaultClass::Credential,
    "PERMISSION_DENIED CONSUMER_SUSPENDED"
)]
#[case::key_leaked(403, fixture!("key_leaked"), FaultClass::Credential, "PERMISSION_DENIED")]
#[case::service_blocked(
    403,
    fixture!("service_blocked"),
    FaultClass::Credential,
    "PERMISSION_DENIED API_KEY_SERVICE_BLOCKED"
)]
#[case::file_of_another(403, fixture!("file_of_another"), FaultClass::Client, "PERMISSION_DENIED")]
#[case::cache_of_another(403, fixture!("cache_of_another"), FaultClass::Client, "PERMISSION_DENIED")]
#[case::tuned_model_of_another(
    403,
    fixture!("tuned_model_of_another"),
    FaultClass::ModelMissing,
    "PERMISSION_DENIED"
)]
#[case::model_not_found(404, fixture!("model_not_found"), FaultClass::ModelMissing, "NOT_FOUND")]
#[case::model_retired(404, fixture!("model_retired"), FaultClass::ModelMissing, "NOT_FOUND")]
#[case::entity_not_found(404, fixture!("entity_not_found"), FaultClass::Client, "NOT_FOUND")]
#[case::exhausted(429, fixture!("exhausted"), FaultClass::Burst, "RESOURCE_EXHAUSTED")]
#[case::no_capacity(
    429,
    fixture!("no_capacity"),
    FaultClass::Overload,
    "RESOURCE_EXHAUSTED MODEL_CAPACITY_EXHAUSTED"
)]
#[case::cancelled(499, fixture!("cancelled"), FaultClass::Server, "CANCELLED")]
#[case::internal(500, fixture!("internal"), FaultClass::Server, "INTERNAL")]
#[case::overloaded(503, fixture!("overloaded"), FaultClass::Overload, "UNAVAILABLE")]
#[case::deadline(504, fixture!("deadline"), FaultClass::Server, "DEADLINE_EXCEEDED")]
fn errors_are_classified_as_answers_and_as_events(
    #[case] status: u16,
    #[case] body: &str,
    #[case] class: FaultClass,
    #[case] words: &str,
) {
    let expected = Fault::new(class, format!("{status} {words}"));
    assert_eq!(classify(status, body), expected);
    assert_eq!(classify(status, &format!("[{body}]")), expected);
    assert_eq!(gemini().classify_event(body.as_bytes()), expected);
}

#[rstest]
#[case(100, FaultClass::Server)]
#[case(302, FaultClass::Server)]
#[case(400, FaultClass::Client)]
#[case(401, FaultClass::Credential)]
#[case(402, FaultClass::Credential)]
#[case(403, FaultClass::Credential)]
#[case(404, FaultClass::Client)]
#[case(405, FaultClass::Client)]
#[case(407, FaultClass::Transport)]
#[case(408, FaultClass::Transport)]
#[case(409, FaultClass::Client)]
#[case(413, FaultClass::Client)]
#[case(422, FaultClass::Client)]
#[case(429, FaultClass::Burst)]
#[case(499, FaultClass::Server)]
#[case(500, FaultClass::Server)]
#[case(502, FaultClass::Server)]
#[case(503, FaultClass::Overload)]
#[case(504, FaultClass::Server)]
#[case(529, FaultClass::Overload)]
fn where_the_body_says_nothing_the_status_decides(
    #[case] status: u16,
    #[case] expected: FaultClass,
    #[values(
        "",
        "<html><title>models/x</title></html>",
        r#"{"error":{"code":503,"message":"API key not"#,
        r#"{"error":"API key not valid. "}"#,
        r#"{"error":{"code":"x","status":7,"message":[],"details":{"reason":"API_KEY_INVALID"}}}"#,
        r#"{"error":{"details":[null,7,[],{"reason":7,"violations":7,"retryDelay":7}]}}"#,
        "null",
        "[]",
        "[[]]"
    )]
    body: &str,
) {
    assert_eq!(classify(status, body), Fault::new(expected, status.to_string()));
}

/// Clients choose their field names and what they refer to, and errors quote them.
#[rstest]
#[case(
    400,
    "INVALID_ARGUMENT",
    "Unknown name API key not valid. : Cannot find field."
)]
#[case(
    400,
    "INVALID_ARGUMENT",
    "User location is not supported for the API use: unknown field"
)]
#[case(
    400,
    "FAILED_PRECONDITION",
    "File User location is not supported for the API use is missing"
)]
#[case(
    403,
    "PERMISSION_DENIED",
    "You do not have permission to access the File key-leaked or it may not exist."
)]
#[case(404, "NOT_FOUND", "File models/x was not found.")]
fn what_a_client_can_write_into_a_message_does_not_count_against_the_account(
    #[case] status: u16,
    #[case] word: &str,
    #[case] message: &str,
) {
    let body = format!(r#"{{"error":{{"code":{status},"message":"{message}","status":"{word}"}}}}"#);
    let fault = classify(status, &body);
    assert_eq!(fault, Fault::new(FaultClass::Client, format!("{status} {word}")));
}

#[test]
fn an_overloaded_server_may_say_for_how_long() {
    let delayed = r#"{"error":{"code":503,"status":"UNAVAILABLE","details":[{"retryDelay":"7s"}]}}"#;
    let wait = |fault: Fault| {
        assert_eq!(fault.class, FaultClass::Overload);
        fault.retry_after
    };
    assert_eq!(wait(classify(503, delayed)), Some(Duration::from_secs(7)));
    assert_eq!(
        wait(classify_by(gemini(), 503, &[("retry-after", "4")], delayed)),
        Some(Duration::from_secs(4))
    );
    assert_eq!(wait(classify(503, fixture!("overloaded"))), None);
    assert_eq!(classify(500, delayed).retry_after, None);
}

#[rstest]
#[case("INVALID_ARGUMENT", 400, FaultClass::Client)]
#[case("FAILED_PRECONDITION", 400, FaultClass::Client)]
#[case("OUT_OF_RANGE", 400, FaultClass::Client)]
#[case("UNAUTHENTICATED", 401, FaultClass::Credential)]
#[case("PERMISSION_DENIED", 403, FaultClass::Credential)]
#[case("NOT_FOUND", 404, FaultClass::Client)]
#[case("ABORTED", 409, FaultClass::Client)]
#[case("RESOURCE_EXHAUSTED", 429, FaultClass::Burst)]
#[case("CANCELLED", 499, FaultClass::Server)]
#[case("INTERNAL", 500, FaultClass::Server)]
#[case("UNKNOWN", 500, FaultClass::Server)]
#[case("UNIMPLEMENTED", 501, FaultClass::Server)]
#[case("UNAVAILABLE", 503, FaultClass::Overload)]
#[case("DEADLINE_EXCEEDED", 504, FaultClass::Server)]
fn an_event_without_a_code_has_a_status(#[case] word: &str, #[case] code: u16, #[case] class: FaultClass) {
    let event = format!(r#"{{"error":{{"message":"no","status":"{word}"}}}}"#);
    let fault = gemini().classify_event(event.as_bytes());
    assert_eq!(fault, Fault::new(class, format!("{code} {word}")));
}

#[rstest]
fn a_model_that_finishes_as_it_did_not_mean_to_is_the_servers_fault(
    #[values(
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "OTHER"
    )]
    finish: &str,
) {
    let event = format!(
        r#"{{"candidates":[{{"content":{{}},"finishReason":"{finish}","finishMessage":"Malformed function call: f(","index":0}}],"usageMetadata":{{"promptTokenCount":9}},"modelVersion":"gemini-3-pro"}}"#
    );
    let fault = gemini().classify_event(event.as_bytes());
    assert_eq!(fault, Fault::new(FaultClass::Server, finish));
}

#[rstest]
fn an_event_that_says_nothing_is_the_servers_fault(
    #[values(
        "",
        "null",
        "[]",
        "{}",
        "<html>",
        r#"{"error":{}}"#,
        r#"{"error":{"code":70000}}"#,
        r#"{"error":{"code":7}}"#,
        r#"{"candidates":[{"finishReason":"STOP"}]}"#
    )]
    event: &str,
) {
    let expected = Fault::new(FaultClass::Server, "an error that cannot be read");
    assert_eq!(gemini().classify_event(event.as_bytes()), expected);
}

proptest! {
    #[test]
    fn whatever_is_answered_is_a_fault(status in 100_u16..=999, body in vec(any::<u8>(), 0..200)) {
        let status = StatusCode::from_u16(status).unwrap();
        assert!(!gemini().classify(status, &headers(&[]), &body).reason.is_empty());
        assert!(!gemini().classify_event(&body).reason.is_empty());
    }
}
