use std::time::Duration;

use gateway_domain::{Fault, FaultClass, FaultReach, QuotaWindow};
use http::StatusCode;
use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use rstest::rstest;

use super::fixture;
use crate::support::{classify_by, headers, openai};

fn classify(status: u16, body: &str) -> Fault {
    classify_by(openai(), status, &[], body)
}

fn event(event: &str) -> Fault {
    openai().classify_event(event.as_bytes())
}

#[rstest]
#[case::key_invalid(
    401,
    fixture!("key_invalid"),
    FaultClass::Credential,
    "invalid_request_error invalid_api_key"
)]
#[case::country(
    403,
    fixture!("country"),
    FaultClass::Credential,
    "request_forbidden unsupported_country_region_territory"
)]
#[case::model_forbidden(
    403,
    fixture!("model_forbidden"),
    FaultClass::ModelMissing,
    "invalid_request_error model_not_found"
)]
#[case::model_not_found(
    404,
    fixture!("model_not_found"),
    FaultClass::ModelMissing,
    "invalid_request_error model_not_found"
)]
#[case::model_not_found_for_responses(
    400,
    fixture!("responses_model_not_found"),
    FaultClass::ModelMissing,
    "invalid_request_error model_not_found"
)]
#[case::model_of_a_tool_not_found(
    400,
    fixture!("tools_model_not_found"),
    FaultClass::Client,
    "invalid_request_error model_not_found"
)]
#[case::context_length(
    400,
    fixture!("context_length"),
    FaultClass::Client,
    "invalid_request_error context_length_exceeded"
)]
#[case::unknown_argument(400, fixture!("unknown_argument"), FaultClass::Client, "invalid_request_error")]
#[case::billing_not_active(429, fixture!("billing_not_active"), FaultClass::Credential, "billing_not_active")]
#[case::tokens_per_minute(429, fixture!("tokens_per_minute"), FaultClass::Burst, "tokens rate_limit_exceeded")]
#[case::slowed_down(
    429,
    fixture!("slow_down"),
    FaultClass::Burst,
    "service_unavailable_error slow_down"
)]
#[case::server_error(500, fixture!("server_error"), FaultClass::Server, "server_error")]
#[case::model_overloaded(503, fixture!("model_overloaded"), FaultClass::Overload, "server_error")]
#[case::slow_down(503, fixture!("slow_down"), FaultClass::Overload, "service_unavailable_error slow_down")]
#[case::slow_down_of_another_status(
    500,
    fixture!("slow_down"),
    FaultClass::Overload,
    "service_unavailable_error slow_down"
)]
#[case::deepseek_no_balance(
    402,
    fixture!("deepseek_no_balance"),
    FaultClass::Credential,
    "unknown_error invalid_request_error"
)]
#[case::deepseek_no_model(400, fixture!("deepseek_no_model"), FaultClass::ModelMissing, "invalid_request_error")]
#[case::moonshot_overloaded(
    429,
    fixture!("moonshot_overloaded"),
    FaultClass::Overload,
    "engine_overloaded_error"
)]
#[case::vllm_no_model(404, fixture!("vllm_no_model"), FaultClass::ModelMissing, "NotFoundError")]
#[case::ollama_no_model(404, fixture!("ollama_no_model"), FaultClass::ModelMissing, "api_error")]
#[case::google_key_invalid(400, fixture!("google_key_invalid"), FaultClass::Credential, "API_KEY_INVALID")]
fn errors_are_classified(
    #[case] status: u16,
    #[case] body: &str,
    #[case] class: FaultClass,
    #[case] words: &str,
) {
    assert_eq!(
        classify(status, body),
        Fault::new(class, format!("{status} {words}"))
    );
}

#[rstest]
#[case::no_credits(402, fixture!("openrouter_no_credits"), FaultClass::Credential)]
#[case::too_dear(402, fixture!("openrouter_too_dear"), FaultClass::Burst)]
#[case::flagged(403, fixture!("openrouter_flagged"), FaultClass::Client)]
#[case::google_unknown_field(400, fixture!("google_unknown_field"), FaultClass::Client)]
#[case::model_in_a_text(404, r#"{"error":"model 'llama9' not found"}"#, FaultClass::ModelMissing)]
#[case::model_in_a_message(
    404,
    r#"{"message":"The model `x` does not exist"}"#,
    FaultClass::ModelMissing
)]
#[case::model_in_a_detail(404, r#"{"detail":"Model x not found"}"#, FaultClass::ModelMissing)]
#[case::path_in_a_detail(404, r#"{"detail":"Not Found"}"#, FaultClass::Client)]
#[case::fields_in_a_detail(422, r#"{"detail":[{"loc":["body","model"]}]}"#, FaultClass::Client)]
#[case::unauthorized_in_a_message(
    401,
    r#"{"message":"Unauthorized","request_id":"1"}"#,
    FaultClass::Credential
)]
#[case::code_that_is_no_word(
    400,
    r#"{"code":"not a word","error":"Incorrect API key"}"#,
    FaultClass::Client
)]
fn other_servers_have_shapes_of_their_own(
    #[case] status: u16,
    #[case] body: &str,
    #[case] class: FaultClass,
) {
    assert_eq!(classify(status, body), Fault::new(class, status.to_string()));
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
#[case(424, FaultClass::Client)]
#[case(429, FaultClass::Burst)]
#[case(500, FaultClass::Server)]
#[case(502, FaultClass::Server)]
#[case(503, FaultClass::Overload)]
#[case(504, FaultClass::Server)]
#[case(520, FaultClass::Server)]
#[case(529, FaultClass::Overload)]
fn where_the_body_says_nothing_the_status_decides(
    #[case] status: u16,
    #[case] expected: FaultClass,
    #[values(
        "",
        "<html><title>The model</title></html>",
        r#"{"error":{"code":"insufficient_quota","message":"The mo"#,
        r#"{"error":{"type":7,"code":[],"message":{},"param":1,"metadata":null}}"#,
        r#"{"error":null}"#,
        "null",
        "[]",
        "[[]]",
        "\"The model\""
    )]
    body: &str,
) {
    assert_eq!(classify(status, body), Fault::new(expected, status.to_string()));
}

fn spending(reason: &str) -> Fault {
    Fault {
        window: QuotaWindow::Spending,
        ..Fault::new(FaultClass::Quota, reason)
    }
}

#[rstest]
#[case(429, fixture!("insufficient_quota"), "insufficient_quota")]
#[case(403, fixture!("insufficient_quota"), "insufficient_quota")]
#[case(429, fixture!("spend_limit"), "insufficient_quota project_spend_limit_exceeded")]
#[case(400, fixture!("billing_hard_limit"), "invalid_request_error billing_hard_limit_reached")]
fn an_account_without_credit_is_no_matter_of_waiting(
    #[case] status: u16,
    #[case] body: &str,
    #[case] words: &str,
) {
    let lines = [("retry-after", "30"), ("x-ratelimit-remaining-requests", "0")];
    let fault = classify_by(openai(), status, &lines, body);
    assert_eq!(fault, spending(&format!("{status} {words}")));
    assert_eq!(event(body), spending(words));
}

#[rstest]
#[case("credit_balance_exhausted")]
#[case("organization_spend_limit_exceeded")]
#[case("organization_usage_limit_exceeded")]
fn a_code_says_that_nothing_may_be_spent_whatever_the_type(#[case] code: &str) {
    let body = format!(r#"{{"error":{{"type":"billing_error","code":"{code}"}}}}"#);
    assert_eq!(
        classify(429, &body),
        spending(&format!("429 billing_error {code}"))
    );
}

/// Clients choose their arguments, and errors quote them.
#[rstest]
#[case(400, "Unrecognized request argument supplied: insufficient_quota")]
#[case(400, "invalid_api_key: Extra inputs are not permitted")]
#[case(400, "The model `x` does not support this")]
#[case(404, "File model_not_found does not exist")]
#[case(409, "API_KEY_INVALID")]
fn what_a_client_can_write_into_a_message_does_not_count_against_the_account(
    #[case] status: u16,
    #[case] message: &str,
) {
    for body in [
        format!(r#"{{"error":{{"type":"invalid_request_error","message":"{message}"}}}}"#),
        format!(r#"{{"error":"{message}"}}"#),
        format!(r#"{{"object":"error","message":"{message}"}}"#),
        format!(r#"{{"detail":"{message}"}}"#),
    ] {
        let fault = classify(status, &body);
        assert_eq!(fault.class, FaultClass::Client, "{body}");
        assert!(!fault.reason.contains(message), "{}", fault.reason);
    }
}

#[test]
fn an_overloaded_server_may_say_for_how_long() {
    for (status, body) in [
        (503, ""),
        (429, fixture!("moonshot_overloaded")),
        (502, fixture!("slow_down")),
    ] {
        let fault = classify_by(openai(), status, &[("retry-after", "4")], body);
        assert_eq!(
            (fault.class, fault.retry_after),
            (FaultClass::Overload, Some(Duration::from_secs(4)))
        );
    }
    let fault = classify_by(openai(), 500, &[("retry-after", "4")], "");
    assert_eq!(fault.retry_after, None);
}

#[rstest]
#[case::of_chat(fixture!("event_of_chat"), FaultClass::Server, "server_error")]
#[case::of_a_response(fixture!("event_error"), FaultClass::Burst, "tokens rate_limit_exceeded")]
#[case::of_a_response_flat(fixture!("event_error_flat"), FaultClass::Overload, "server_is_overloaded")]
#[case::failed_response(fixture!("event_failed"), FaultClass::Burst, "rate_limit_exceeded")]
#[case::with_a_status(fixture!("event_openrouter"), FaultClass::Server, "502")]
fn error_events_are_classified(#[case] body: &str, #[case] class: FaultClass, #[case] reason: &str) {
    assert_eq!(event(body), Fault::new(class, reason));
}

#[rstest]
#[case("server_error", FaultClass::Server)]
#[case("vector_store_timeout", FaultClass::Server)]
#[case("rate_limit_exceeded", FaultClass::Burst)]
#[case("rate_limit_error", FaultClass::Burst)]
#[case("slow_down", FaultClass::Overload)]
#[case("server_is_overloaded", FaultClass::Overload)]
#[case("overloaded_error", FaultClass::Overload)]
#[case("invalid_api_key", FaultClass::Credential)]
#[case("account_deactivated", FaultClass::Credential)]
#[case("authentication_error", FaultClass::Credential)]
#[case("model_not_found", FaultClass::ModelMissing)]
#[case("invalid_prompt", FaultClass::Client)]
#[case("invalid_request_error", FaultClass::Client)]
#[case("invalid_image_url", FaultClass::Client)]
#[case("image_too_large", FaultClass::Client)]
#[case("image_content_policy_violation", FaultClass::Client)]
#[case("unsupported_image_media_type", FaultClass::Client)]
#[case("empty_image_file", FaultClass::Client)]
#[case("failed_to_download_image", FaultClass::Client)]
#[case("context_length_exceeded", FaultClass::Client)]
#[case("bio_policy", FaultClass::Client)]
#[case("error_of_tomorrow", FaultClass::Server)]
fn a_code_says_what_an_event_means(#[case] code: &str, #[case] class: FaultClass) {
    let expected = Fault::new(class, code);
    for shape in [
        format!(r#"{{"error":{{"message":"no","type":"{code}","code":null}}}}"#),
        format!(r#"{{"error":{{"message":"no","code":"{code}"}}}}"#),
        format!(r#"{{"type":"error","code":"{code}","message":"no","param":null}}"#),
        format!(r#"{{"type":"response.failed","response":{{"error":{{"code":"{code}","message":"no"}}}}}}"#),
    ] {
        assert_eq!(event(&shape), expected, "{shape}");
    }
}

#[test]
fn of_an_events_code_and_type_the_code_says_more() {
    let both = r#"{"error":{"type":"invalid_request_error","code":"rate_limit_exceeded"}}"#;
    assert_eq!(event(both).class, FaultClass::Burst);
}

#[rstest]
#[case(400, FaultClass::Client)]
#[case(401, FaultClass::Credential)]
#[case(402, FaultClass::Credential)]
#[case(429, FaultClass::Burst)]
#[case(502, FaultClass::Server)]
#[case(503, FaultClass::Overload)]
fn an_event_may_have_a_status_for_its_code(#[case] status: u16, #[case] class: FaultClass) {
    let shape = format!(r#"{{"error":{{"code":{status},"message":"no"}}}}"#);
    assert_eq!(event(&shape), Fault::new(class, status.to_string()));
}

#[rstest]
fn an_event_that_says_nothing_is_the_servers_fault(
    #[values(
        "",
        "null",
        "[]",
        "{}",
        "[DONE]",
        r#"{"error":"no"}"#,
        r#"{"type":"error","code":null,"message":"no"}"#,
        r#"{"type":"response.failed","response":{"error":null}}"#,
        r#"{"error":{"code":70000}}"#
    )]
    body: &str,
) {
    let expected = Fault::new(FaultClass::Server, "an error that cannot be read");
    assert_eq!(event(body), expected);
    assert_eq!(expected.reach, FaultReach::Account);
}

proptest! {
    #[test]
    fn whatever_is_answered_is_a_fault(status in 100_u16..=999, body in vec(any::<u8>(), 0..200)) {
        let status = StatusCode::from_u16(status).unwrap();
        assert!(!openai().classify(status, &headers(&[]), &body).reason.is_empty());
        assert!(!openai().classify_event(&body).reason.is_empty());
    }
}
