use gateway_domain::Dialect;
use gateway_providers::{Call, InvalidTarget, Operation, Target};
use http::{HeaderMap, Request};
use rstest::rstest;

use crate::support::{KEY, TOKEN, USER_AGENT, api_key, headers, lines, oauth, openai};

fn call(headers: &HeaderMap) -> Call<'_> {
    Call {
        operation: Operation::CreateMessage,
        dialect: Dialect::OpenAiChat,
        version: None,
        query: None,
        headers,
        model: "gpt-5.6",
        stream: false,
    }
}

fn sent(base_url: &str, call: &Call<'_>) -> Request<()> {
    let target = Target::parse(base_url, api_key()).expect("a valid target");
    openai().request(&target, call).expect("a request")
}

#[rstest]
#[case("https://api.openai.com", "https://api.openai.com/v1")]
#[case("https://api.openai.com/", "https://api.openai.com/v1")]
#[case("https://api.openai.com/v1", "https://api.openai.com/v1")]
#[case("https://api.deepseek.com", "https://api.deepseek.com/v1")]
#[case("https://api.deepseek.com/v1/", "https://api.deepseek.com/v1")]
#[case("http://localhost:11434/v1", "http://localhost:11434/v1")]
#[case("http://localhost:8000", "http://localhost:8000/v1")]
#[case("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1")]
#[case("https://ark.example/api/v3", "https://ark.example/api/v3")]
#[case(
    "https://generativelanguage.googleapis.com/v1beta/openai/",
    "https://generativelanguage.googleapis.com/v1beta/openai"
)]
fn the_address_is_what_openais_own_clients_are_given(#[case] base_url: &str, #[case] expected: &str) {
    let nothing = HeaderMap::new();
    let request = sent(base_url, &call(&nothing));
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri().to_string(), format!("{expected}/chat/completions"));
    let target = Target::parse(base_url, api_key()).unwrap();
    for request in [openai().probe(&target), openai().models(&target)] {
        assert_eq!(request.method(), "GET");
        assert_eq!(request.uri().to_string(), format!("{expected}/models"));
    }
}

#[rstest]
#[case(
    Operation::CreateMessage,
    Dialect::OpenAiChat,
    "/v1/chat/completions?api-version=1"
)]
#[case(
    Operation::CreateMessage,
    Dialect::OpenAiResponses,
    "/v1/responses?api-version=1"
)]
#[case(
    Operation::CountTokens,
    Dialect::OpenAiResponses,
    "/v1/responses/input_tokens?api-version=1"
)]
fn each_dialect_has_its_own_calls(
    #[case] operation: Operation,
    #[case] dialect: Dialect,
    #[case] expected: &str,
    #[values(false, true)] stream: bool,
) {
    let nothing = HeaderMap::new();
    let asked = Call {
        operation,
        dialect,
        stream,
        query: Some("api-version=1"),
        ..call(&nothing)
    };
    let request = sent(openai().default_base_url(), &asked);
    assert_eq!(request.uri().path_and_query().unwrap().as_str(), expected);
}

#[test]
fn a_call_that_it_does_not_answer_is_no_request() {
    let target = Target::parse(openai().default_base_url(), api_key()).unwrap();
    let nothing = HeaderMap::new();
    for operation in [Operation::CreateMessage, Operation::CountTokens] {
        for dialect in Dialect::ALL {
            let asked = Call {
                operation,
                dialect,
                ..call(&nothing)
            };
            let refusal = openai().request(&target, &asked).err();
            let expected = (!openai().answers(operation, dialect)).then_some(InvalidTarget::Call);
            assert_eq!(refusal, expected);
        }
    }
}

#[test]
fn a_body_that_was_translated_needs_no_headers() {
    let made = headers(&[("content-type", "application/json")]);
    for headers in [HeaderMap::new(), made] {
        let request = sent(openai().default_base_url(), &call(&headers));
        let expected = [
            "accept-encoding: identity".to_owned(),
            format!("authorization: Bearer {KEY}"),
            "content-type: application/json".to_owned(),
            USER_AGENT.to_owned(),
        ];
        assert_eq!(lines(request.headers()), expected);
        assert!(request.headers()["authorization"].is_sensitive());
    }
}

#[test]
fn the_clients_headers_go_on_but_for_whom_its_key_belongs_to() {
    let client = headers(&[
        ("authorization", "Bearer sk-gw-client"),
        ("idempotency-key", "5"),
        ("openai-beta", "responses=v1"),
        ("openai-organization", "org-the-clients"),
        ("openai-project", "proj_the_clients"),
        ("user-agent", "OpenAI/Python 3.54.0"),
        ("x-stainless-retry-count", "0"),
    ]);
    let request = sent(openai().default_base_url(), &call(&client));
    let expected = [
        "accept-encoding: identity".to_owned(),
        format!("authorization: Bearer {KEY}"),
        "content-type: application/json".to_owned(),
        "idempotency-key: 5".to_owned(),
        "openai-beta: responses=v1".to_owned(),
        "user-agent: OpenAI/Python 3.54.0".to_owned(),
        "x-stainless-retry-count: 0".to_owned(),
    ];
    assert_eq!(lines(request.headers()), expected);
}

#[test]
fn a_token_is_a_bearers_as_a_key_is() {
    let target = Target::parse(openai().default_base_url(), oauth()).unwrap();
    let probe = openai().probe(&target);
    let expected = [
        "accept-encoding: identity".to_owned(),
        "accept: application/json".to_owned(),
        format!("authorization: Bearer {TOKEN}"),
        USER_AGENT.to_owned(),
    ];
    assert_eq!(lines(probe.headers()), expected);
}
