use gateway_domain::{Dialect, ProviderKind};
use gateway_providers::{Operation, PROVIDERS, Provider, provider};
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::proptest;
use proptest::prop_assert_eq;
use rstest::rstest;

use crate::support::{KEY, TOKEN, USER_AGENT, anthropic, api_key, call, headers, lines, oauth, target};

fn sent(client: &HeaderMap) -> HeaderMap {
    let request = anthropic()
        .request(&target(api_key()), &call(client))
        .expect("a request");
    request.into_parts().0.headers
}

fn betas_sent(betas: &[&str]) -> Vec<String> {
    let client: Vec<(&str, &str)> = betas.iter().map(|beta| ("anthropic-beta", *beta)).collect();
    let request = anthropic()
        .request(&target(oauth()), &call(&headers(&client)))
        .expect("a request");
    let values = request.headers().get_all("anthropic-beta");
    values
        .iter()
        .map(|value| value.to_str().expect("text").to_owned())
        .collect()
}

#[test]
fn each_provider_is_found_by_its_kind() {
    for known in PROVIDERS {
        assert_eq!(provider(known.kind()).map(Provider::kind), Some(known.kind()));
    }
}

#[rstest]
#[case(ProviderKind::Anthropic, &[Dialect::Anthropic])]
#[case(ProviderKind::Gemini, &[Dialect::Gemini])]
#[case(ProviderKind::OpenAi, &[Dialect::OpenAiChat, Dialect::OpenAiResponses])]
fn each_provider_speaks_its_own_dialects(#[case] kind: ProviderKind, #[case] expected: &[Dialect]) {
    assert_eq!(provider(kind).map(Provider::dialects), Some(expected));
}

#[test]
fn all_calls_of_a_providers_dialects_are_answered_but_counting_a_chats_tokens() {
    for provider in PROVIDERS {
        for dialect in Dialect::ALL {
            let is_spoken = provider.dialects().contains(&dialect);
            assert_eq!(provider.answers(Operation::CreateMessage, dialect), is_spoken);
            let is_counted = is_spoken && dialect != Dialect::OpenAiChat;
            assert_eq!(provider.answers(Operation::CountTokens, dialect), is_counted);
        }
    }
}

#[test]
fn what_the_client_says_of_itself_and_of_its_request_is_forwarded() {
    let client = [
        ("accept", "application/json"),
        ("anthropic-beta", "context-1m-2025-08-07"),
        ("anthropic-beta", "files-api-2025-04-14"),
        ("anthropic-dangerous-direct-browser-access", "true"),
        ("anthropic-of-tomorrow", "1"),
        ("anthropic-version", "2026-10-21"),
        ("anthropic-workspace-id", "wrkspc_1"),
        ("content-type", "application/json; charset=utf-8"),
        ("idempotency-key", "5"),
        ("user-agent", "claude-cli/2.0"),
        ("x-app", "cli"),
        ("x-stainless-retry-count", "0"),
    ];
    let mut expected: Vec<String> = client
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    expected.push("accept-encoding: identity".to_owned());
    expected.push(format!("x-api-key: {KEY}"));
    expected.sort();
    assert_eq!(lines(&sent(&headers(&client))), expected);
}

#[rstest]
#[case("authorization", "Bearer sk-gw-client")]
#[case("x-api-key", "sk-gw-client")]
#[case("x-goog-api-key", "sk-gw-client")]
#[case("api-key", "sk-gw-client")]
#[case("cookie", "session=1")]
#[case("proxy-authorization", "Basic Zm9v")]
#[case("proxy-connection", "keep-alive")]
#[case("connection", "close")]
#[case("keep-alive", "timeout=5")]
#[case("te", "trailers")]
#[case("trailer", "x-checksum")]
#[case("transfer-encoding", "chunked")]
#[case("upgrade", "h2c")]
#[case("http2-settings", "AAMAAABk")]
#[case("host", "gateway.example")]
#[case("content-length", "7")]
#[case("content-encoding", "gzip")]
#[case("accept-encoding", "gzip, br")]
#[case("expect", "100-continue")]
#[case("forwarded", "for=192.0.2.1")]
#[case("via", "1.1 proxy")]
#[case("x-forwarded-for", "192.0.2.1")]
#[case("x-forwarded-proto", "https")]
#[case("x-real-ip", "192.0.2.1")]
#[case("cf-connecting-ip", "192.0.2.1")]
#[case("true-client-ip", "192.0.2.1")]
#[case("x-claude-code-session-id", "s")]
#[case("x-claude-code-agent-id", "a")]
#[case("x-claude-code-parent-agent-id", "p")]
#[case("x-gateway-debug", "1")]
#[case("x-request-id", "r")]
fn what_is_not_the_providers_business_is_not_forwarded(#[case] name: &str, #[case] value: &str) {
    let expected = [
        "accept-encoding: identity".to_owned(),
        "anthropic-version: 2023-06-01".to_owned(),
        "content-type: application/json".to_owned(),
        USER_AGENT.to_owned(),
        format!("x-api-key: {KEY}"),
    ];
    assert_eq!(lines(&sent(&headers(&[(name, value), (name, value)]))), expected);
}

#[test]
fn what_connection_names_is_not_forwarded() {
    let client = headers(&[
        ("connection", "close, X-Secret-Hop"),
        ("connection", "x-other-hop"),
        ("x-secret-hop", "1"),
        ("x-other-hop", "2"),
        ("x-app", "cli"),
    ]);
    let sent = sent(&client);
    assert!(!sent.contains_key("x-secret-hop") && !sent.contains_key("x-other-hop"));
    assert!(sent.contains_key("x-app"));
}

#[test]
fn the_accounts_credential_takes_the_clients_place() {
    let client = headers(&[("authorization", "Bearer sk-gw-1"), ("x-api-key", "sk-gw-1")]);
    let with_key = sent(&client);
    assert_eq!(with_key["x-api-key"], KEY);
    assert!(with_key["x-api-key"].is_sensitive());
    assert!(!with_key.contains_key(AUTHORIZATION));

    let request = anthropic().request(&target(oauth()), &call(&client)).unwrap();
    let with_token = request.headers();
    assert_eq!(with_token[AUTHORIZATION], format!("Bearer {TOKEN}"));
    assert!(with_token[AUTHORIZATION].is_sensitive());
    assert!(!with_token.contains_key("x-api-key"));
}

#[rstest]
#[case(&[], &["oauth-2025-04-20"])]
#[case(&[""], &["oauth-2025-04-20"])]
#[case(&["a,b"], &["a,b,oauth-2025-04-20"])]
#[case(&["a", "b, c"], &["a,b, c,oauth-2025-04-20"])]
#[case(&["a, oauth-2025-04-20 ,b"], &["a, oauth-2025-04-20 ,b"])]
#[case(&["a", "oauth-2025-04-20"], &["a", "oauth-2025-04-20"])]
#[case(&["not-oauth-2025-04-20"], &["not-oauth-2025-04-20,oauth-2025-04-20"])]
fn a_subscriptions_beta_joins_the_clients(#[case] client: &[&str], #[case] expected: &[&str]) {
    assert_eq!(betas_sent(client), expected);
}

#[test]
fn probes_and_model_lists_are_requests_of_the_gateways_own() {
    let target = target(oauth());
    let probe = anthropic().probe(&target);
    assert_eq!(probe.method(), "GET");
    assert_eq!(
        probe.uri().to_string(),
        "https://api.anthropic.com/v1/models?limit=1"
    );
    let expected = [
        "accept-encoding: identity".to_owned(),
        "accept: application/json".to_owned(),
        "anthropic-beta: oauth-2025-04-20".to_owned(),
        "anthropic-version: 2023-06-01".to_owned(),
        format!("authorization: Bearer {TOKEN}"),
        USER_AGENT.to_owned(),
    ];
    assert_eq!(lines(probe.headers()), expected);
    let models = anthropic().models(&target);
    assert_eq!(
        models.uri().to_string(),
        "https://api.anthropic.com/v1/models?limit=1000"
    );
}

proptest! {
    #[test]
    fn no_header_of_a_client_gets_in_the_way(
        lines in vec(("(x-api-key|authorization|connection|anthropic-beta|te|[a-z-]{1,20})", "[ -~]{0,60}"), 0..20),
    ) {
        let mut client = HeaderMap::new();
        for (name, value) in lines {
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                client.append(name, HeaderValue::from_str(&value).unwrap());
            }
        }
        for (credential, name, value) in [
            (api_key(), "x-api-key", KEY.to_owned()),
            (oauth(), "authorization", format!("Bearer {TOKEN}")),
        ] {
            let request = anthropic().request(&target(credential), &call(&client)).unwrap();
            let credentials: Vec<_> = ["x-api-key", "authorization", "x-goog-api-key", "cookie"]
                .iter()
                .flat_map(|name| request.headers().get_all(*name))
                .collect();
            prop_assert_eq!(credentials, [&value]);
            prop_assert_eq!(&request.headers()[name], &value);
            prop_assert_eq!(request.headers().get_all("accept-encoding").iter().count(), 1);
            prop_assert_eq!(request.headers().contains_key("connection"), false);
        }
    }
}
