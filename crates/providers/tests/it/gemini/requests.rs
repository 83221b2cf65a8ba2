use gateway_domain::{Credential, Dialect};
use gateway_providers::{Call, Operation, Target};
use http::{HeaderMap, Request};
use proptest::prelude::proptest;
use proptest::{prop_assert, prop_assert_eq};
use rstest::rstest;
use url::form_urlencoded;

use crate::support::{KEY, TOKEN, USER_AGENT, api_key, gemini, headers, lines, oauth};

fn target(credential: Credential) -> Target {
    Target::parse(gemini().default_base_url(), credential).expect("a valid target")
}

fn call(headers: &HeaderMap) -> Call<'_> {
    Call {
        operation: Operation::CreateMessage,
        dialect: Dialect::Gemini,
        version: None,
        query: None,
        headers,
        model: "gemini-3-pro",
        stream: false,
    }
}

fn sent(base_url: &str, call: &Call<'_>) -> Request<()> {
    let target = Target::parse(base_url, api_key()).expect("a valid target");
    gemini().request(&target, call).expect("a request")
}

fn path_of(call: &Call<'_>) -> String {
    let request = sent(gemini().default_base_url(), call);
    let path_and_query = request.uri().path_and_query().expect("a path");
    path_and_query.as_str().to_owned()
}

#[rstest]
#[case(
    Operation::CreateMessage,
    false,
    "/v1beta/models/gemini-3-pro:generateContent"
)]
#[case(
    Operation::CreateMessage,
    true,
    "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse"
)]
#[case(Operation::CountTokens, false, "/v1beta/models/gemini-3-pro:countTokens")]
#[case(Operation::CountTokens, true, "/v1beta/models/gemini-3-pro:countTokens")]
fn the_operation_is_a_method_of_the_model(
    #[case] operation: Operation,
    #[case] stream: bool,
    #[case] expected: &str,
) {
    let nothing = HeaderMap::new();
    let asked = Call {
        operation,
        stream,
        ..call(&nothing)
    };
    assert_eq!(path_of(&asked), expected);
}

#[rstest]
#[case(None, "/v1beta/")]
#[case(Some("v1beta"), "/v1beta/")]
#[case(Some("v1"), "/v1/")]
#[case(Some("v1alpha"), "/v1beta/")]
#[case(Some("../v1"), "/v1beta/")]
fn the_version_is_that_of_the_clients_address(#[case] version: Option<&str>, #[case] expected: &str) {
    let nothing = HeaderMap::new();
    let asked = Call {
        version,
        ..call(&nothing)
    };
    let expected = format!("{expected}models/gemini-3-pro:generateContent");
    assert_eq!(path_of(&asked), expected);
}

#[rstest]
#[case(
    "https://generativelanguage.googleapis.com",
    "https://generativelanguage.googleapis.com/v1/"
)]
#[case(
    "https://generativelanguage.googleapis.com/",
    "https://generativelanguage.googleapis.com/v1/"
)]
#[case(
    "https://generativelanguage.googleapis.com/v1beta",
    "https://generativelanguage.googleapis.com/v1/"
)]
#[case(
    "https://generativelanguage.googleapis.com/v1/",
    "https://generativelanguage.googleapis.com/v1/"
)]
#[case("https://proxy.example/gemini", "https://proxy.example/gemini/v1/")]
#[case("https://proxy.example/gemini/v1beta/", "https://proxy.example/gemini/v1/")]
fn an_address_that_has_a_version_does_not_get_another(#[case] base_url: &str, #[case] expected: &str) {
    let nothing = HeaderMap::new();
    let asked = Call {
        version: Some("v1"),
        ..call(&nothing)
    };
    let expected = format!("{expected}models/gemini-3-pro:generateContent");
    assert_eq!(sent(base_url, &asked).uri().to_string(), expected);
}

#[rstest]
#[case("gemini-3-pro", "models/gemini-3-pro")]
#[case("models/gemini-3-pro", "models/gemini-3-pro")]
#[case("tunedModels/my-model-7wx", "tunedModels/my-model-7wx")]
#[case("publishers/google/models/x", "models/publishers%2Fgoogle%2Fmodels%2Fx")]
#[case("models/../files", "models/..%2Ffiles")]
#[case("a b+c", "models/a%20b%2Bc")]
#[case("a:countTokens?key=1#x", "models/a%3AcountTokens%3Fkey%3D1%23x")]
#[case("größe%41", "models/gr%C3%B6%C3%9Fe%2541")]
fn the_model_is_one_segment_of_its_collection(#[case] model: &str, #[case] expected: &str) {
    let nothing = HeaderMap::new();
    let asked = Call {
        model,
        ..call(&nothing)
    };
    assert_eq!(path_of(&asked), format!("/v1beta/{expected}:generateContent"));
}

#[rstest]
#[case("", "", "?alt=sse")]
#[case("alt=sse", "", "?alt=sse")]
#[case("alt=json", "", "?alt=sse")]
#[case("$alt=json;enum-encoding=int", "", "?alt=sse")]
#[case(
    "prettyPrint=false&alt=media",
    "?prettyPrint=false",
    "?prettyPrint=false&alt=sse"
)]
#[case("key=sk-gw-client", "", "?alt=sse")]
#[case("KEY=sk-gw-client&%6Bey=sk-gw-client&k%65y=sk-gw-client", "", "?alt=sse")]
#[case("access_token=t&oauth_token=t&callback=f", "", "?alt=sse")]
#[case("fields=candidates&$fields=candidates&%24httpHeaders=a:b", "", "?alt=sse")]
#[case("&&x=%20&&", "?x=%20", "?x=%20&alt=sse")]
#[case("keys=1", "?keys=1", "?keys=1&alt=sse")]
fn of_the_query_goes_on_what_changes_neither_sender_nor_shape(
    #[case] query: &str,
    #[case] whole: &str,
    #[case] streamed: &str,
) {
    let nothing = HeaderMap::new();
    let asked = Call {
        query: Some(query),
        ..call(&nothing)
    };
    assert_eq!(
        path_of(&asked),
        format!("/v1beta/models/gemini-3-pro:generateContent{whole}")
    );
    let asked = Call {
        stream: true,
        ..asked
    };
    let expected = format!("/v1beta/models/gemini-3-pro:streamGenerateContent{streamed}");
    assert_eq!(path_of(&asked), expected);
}

#[test]
fn a_body_that_was_translated_needs_no_headers() {
    let request = sent(gemini().default_base_url(), &call(&HeaderMap::new()));
    assert_eq!(request.method(), "POST");
    let expected = [
        "accept-encoding: identity".to_owned(),
        "content-type: application/json".to_owned(),
        USER_AGENT.to_owned(),
        format!("x-goog-api-key: {KEY}"),
    ];
    assert_eq!(lines(request.headers()), expected);
}

#[test]
fn the_clients_headers_go_on_but_for_those_of_its_own_project() {
    let client = headers(&[
        ("authorization", "Bearer sk-gw-client"),
        ("content-type", "application/json; charset=utf-8"),
        ("user-agent", "google-genai-sdk/3.4.0 gl-python/3.13"),
        ("x-goog-api-client", "google-genai-sdk/3.4.0 gl-python/3.13"),
        ("x-goog-api-key", "sk-gw-client"),
        ("x-goog-fieldmask", "candidates"),
        ("x-goog-user-project", "the-clients"),
        ("x-http-method-override", "GET"),
        ("x-server-timeout", "60"),
    ]);
    let request = sent(gemini().default_base_url(), &call(&client));
    let expected = [
        "accept-encoding: identity".to_owned(),
        "content-type: application/json; charset=utf-8".to_owned(),
        "user-agent: google-genai-sdk/3.4.0 gl-python/3.13".to_owned(),
        "x-goog-api-client: google-genai-sdk/3.4.0 gl-python/3.13".to_owned(),
        format!("x-goog-api-key: {KEY}"),
        "x-server-timeout: 60".to_owned(),
    ];
    assert_eq!(lines(request.headers()), expected);
    assert!(request.headers()["x-goog-api-key"].is_sensitive());
}

#[test]
fn a_token_is_sent_as_a_bearers() {
    let nothing = HeaderMap::new();
    let request = gemini().request(&target(oauth()), &call(&nothing)).unwrap();
    assert_eq!(request.headers()["authorization"], format!("Bearer {TOKEN}"));
    assert!(request.headers()["authorization"].is_sensitive());
    assert!(!request.headers().contains_key("x-goog-api-key"));
}

#[test]
fn probes_and_model_lists_are_requests_of_the_gateways_own() {
    let target = target(api_key());
    let probe = gemini().probe(&target);
    assert_eq!(probe.method(), "GET");
    assert_eq!(
        probe.uri().to_string(),
        "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1"
    );
    let expected = [
        "accept-encoding: identity".to_owned(),
        "accept: application/json".to_owned(),
        USER_AGENT.to_owned(),
        format!("x-goog-api-key: {KEY}"),
    ];
    assert_eq!(lines(probe.headers()), expected);
    assert_eq!(
        gemini().models(&target).uri().to_string(),
        "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000"
    );
}

proptest! {
    #[test]
    fn no_query_brings_a_key_or_another_shape(
        query in "((key|%6bey|alt|%24alt|\\$fields|x|a%2)=?[a-z0-9%+]{0,8}&?){0,6}",
    ) {
        let nothing = HeaderMap::new();
        let asked = Call { query: Some(&query), stream: true, ..call(&nothing) };
        let request = sent(gemini().default_base_url(), &asked);
        let query = request.uri().query().unwrap_or_default();
        let names: Vec<_> = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name).collect();
        prop_assert!(names.iter().all(|name| name != "key" && !name.starts_with('$')));
        prop_assert_eq!(names.iter().filter(|name| *name == "alt").count(), 1);
        prop_assert!(query.ends_with("alt=sse"));
    }

    #[test]
    fn no_model_leaves_its_place(model in "\\PC{0,40}") {
        let nothing = HeaderMap::new();
        let path = path_of(&Call { model: &model, ..call(&nothing) });
        prop_assert!(path.ends_with(":generateContent"));
        prop_assert_eq!(path.matches(['/', '?', '#']).count(), 3);
    }
}
