use gateway_domain::{Dialect, ProviderKind};
use gateway_providers::provider;
use http::StatusCode;
use rstest::rstest;

#[rstest]
#[case::no_such_route(
    Dialect::OpenAiResponses,
    404,
    r#"{"detail":"Not Found"}"#,
    Some(Dialect::OpenAiChat)
)]
#[case::no_such_method(Dialect::OpenAiResponses, 405, "", Some(Dialect::OpenAiChat))]
#[case::not_implemented(Dialect::OpenAiResponses, 501, "<html>", Some(Dialect::OpenAiChat))]
#[case::no_such_model(
    Dialect::OpenAiResponses,
    404,
    r#"{"error":{"message":"The model `x` does not exist","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
    None
)]
#[case::no_such_response(
    Dialect::OpenAiResponses,
    404,
    r#"{"error":{"message":"Response not found","type":"invalid_request_error","param":"previous_response_id","code":null}}"#,
    None
)]
#[case::a_wrong_request(Dialect::OpenAiResponses, 400, "{}", None)]
#[case::no_chat(Dialect::OpenAiChat, 404, r#"{"detail":"Not Found"}"#, None)]
#[case::tools_only_in_responses(
    Dialect::OpenAiChat,
    400,
    r#"{"error":{"message":"Function tools with reasoning_effort are not supported for m in /v1/chat/completions. Use /v1/responses.","type":"invalid_request_error","param":"reasoning_effort","code":null}}"#,
    Some(Dialect::OpenAiResponses)
)]
#[case::an_effort_that_the_model_does_not_know(
    Dialect::OpenAiChat,
    400,
    r#"{"error":{"message":"Unsupported value: 'max'","type":"invalid_request_error","param":"reasoning_effort","code":"unsupported_value"}}"#,
    None
)]
#[case::the_words_in_a_clients_own_field(
    Dialect::OpenAiChat,
    400,
    r#"{"error":{"message":"Invalid 'messages': /v1/responses","type":"invalid_request_error","param":"messages","code":null}}"#,
    None
)]
fn a_server_is_asked_in_the_dialect_that_it_has(
    #[case] spoken: Dialect,
    #[case] status: u16,
    #[case] body: &str,
    #[case] instead: Option<Dialect>,
) {
    let provider = provider(ProviderKind::OpenAi).unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    assert_eq!(provider.dialect_instead(spoken, status, body.as_bytes()), instead);
}
