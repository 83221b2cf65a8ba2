use gateway_domain::Credential;
use gateway_providers::{Call, InvalidTarget, Operation, Target};
use http::HeaderMap;
use rstest::rstest;

use crate::support::{KEY, TOKEN, anthropic, api_key, call, headers, oauth, target};

#[rstest]
#[case("https://api.anthropic.com", "https://api.anthropic.com/v1/messages")]
#[case("https://api.anthropic.com/", "https://api.anthropic.com/v1/messages")]
#[case("https://API.Example:443/", "https://api.example/v1/messages")]
#[case("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/messages")]
#[case("http://[::1]:8080", "http://[::1]:8080/v1/messages")]
#[case(
    "https://proxy.example/anthropic/",
    "https://proxy.example/anthropic/v1/messages"
)]
#[case("https://api.example/v1", "https://api.example/v1/messages")]
#[case("https://api.example/v1/", "https://api.example/v1/messages")]
#[case(
    "https://bücher.example/a b",
    "https://xn--bcher-kva.example/a%20b/v1/messages"
)]
fn requests_go_behind_the_accounts_address(#[case] base_url: &str, #[case] expected: &str) {
    let target = Target::parse(base_url, api_key()).unwrap();
    let request = anthropic().request(&target, &call(&HeaderMap::new())).unwrap();
    assert_eq!(request.uri().to_string(), expected);
    assert_eq!(request.method(), "POST");
}

#[rstest]
#[case("")]
#[case("api.anthropic.com")]
#[case("ftp://api.anthropic.com")]
#[case("file:///etc/passwd")]
#[case("https://")]
#[case("https://user@api.anthropic.com")]
#[case("https://:secret@api.anthropic.com")]
#[case("https://api.anthropic.com/?key=1")]
#[case("https://api.anthropic.com/#top")]
#[case("https://api.anthropic.com:99999")]
fn an_address_that_is_not_one_is_refused(#[case] base_url: &str) {
    assert_eq!(
        Target::parse(base_url, api_key()).unwrap_err(),
        InvalidTarget::BaseUrl
    );
}

#[rstest]
#[case("")]
#[case("two\r\nlines")]
#[case("tab\tbed")]
#[case("schlüssel")]
fn a_credential_that_fits_no_header_is_refused(#[case] key: &str) {
    let credential = Credential::ApiKey(key.into());
    assert_eq!(
        Target::parse("https://api.anthropic.com", credential).unwrap_err(),
        InvalidTarget::Credential
    );
}

#[test]
fn the_query_is_forwarded() {
    let nothing = HeaderMap::new();
    let target = target(api_key());
    let count = Call {
        operation: Operation::CountTokens,
        query: Some("beta=true&x=%20"),
        ..call(&nothing)
    };
    let request = anthropic().request(&target, &count).unwrap();
    assert_eq!(
        request.uri().path_and_query().unwrap().as_str(),
        "/v1/messages/count_tokens?beta=true&x=%20"
    );
    let broken = Call {
        query: Some("a b"),
        ..call(&nothing)
    };
    assert_eq!(
        anthropic().request(&target, &broken).unwrap_err(),
        InvalidTarget::Query
    );
}

#[test]
fn nothing_that_can_be_printed_holds_the_credential() {
    for credential in [api_key(), oauth()] {
        let target = target(credential);
        let request = anthropic()
            .request(&target, &call(&headers(&[("x-app", "cli")])))
            .unwrap();
        let printed = format!("{target:?} {request:?} {:?}", anthropic().probe(&target));
        assert!(!printed.contains(KEY) && !printed.contains(TOKEN), "{printed}");
    }
}
