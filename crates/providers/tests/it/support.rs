use gateway_domain::{Credential, Dialect, Fault, ProviderKind};
use gateway_providers::{Call, Operation, Provider, Target, provider};
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

pub(crate) const KEY: &str = "sk-ant-api03-the-accounts-own-key";
pub(crate) const TOKEN: &str = "sk-ant-oat01-the-accounts-own-token";

/// What the gateway says that it is, where nobody else has said anything.
pub(crate) const USER_AGENT: &str = concat!("user-agent: llm-gateway/", env!("CARGO_PKG_VERSION"));

pub(crate) const DATE: (&str, &str) = ("date", "Sun, 22 Nov 2026 12:00:00 GMT");
pub(crate) const REJECTED: (&str, &str) = ("anthropic-ratelimit-unified-status", "rejected");
/// Six days after [`DATE`].
pub(crate) const IN_SIX_DAYS: (&str, &str) = ("anthropic-ratelimit-unified-reset", "1795867200");

pub(crate) fn anthropic() -> &'static dyn Provider {
    provider(ProviderKind::Anthropic).expect("Anthropic is spoken")
}

pub(crate) fn gemini() -> &'static dyn Provider {
    provider(ProviderKind::Gemini).expect("Gemini is spoken")
}

pub(crate) fn openai() -> &'static dyn Provider {
    provider(ProviderKind::OpenAi).expect("OpenAI is spoken")
}

pub(crate) fn api_key() -> Credential {
    Credential::ApiKey(KEY.into())
}

pub(crate) fn oauth() -> Credential {
    Credential::OAuth {
        access_token: TOKEN.into(),
        refresh_token: None,
        expires_at: None,
    }
}

pub(crate) fn target(credential: Credential) -> Target {
    Target::parse(anthropic().default_base_url(), credential).expect("a valid target")
}

pub(crate) fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        headers.append(name, HeaderValue::from_str(value).expect("a header value"));
    }
    headers
}

/// The headers as lines, sorted.
pub(crate) fn lines(headers: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
        .collect();
    lines.sort();
    lines
}

pub(crate) fn call(headers: &HeaderMap) -> Call<'_> {
    Call {
        operation: Operation::CreateMessage,
        dialect: Dialect::Anthropic,
        version: None,
        query: None,
        headers,
        model: "claude-sonnet-4-5",
        stream: false,
    }
}

pub(crate) fn classify(status: u16, lines: &[(&str, &str)], body: &str) -> Fault {
    classify_by(anthropic(), status, lines, body)
}

pub(crate) fn classify_by(provider: &dyn Provider, status: u16, lines: &[(&str, &str)], body: &str) -> Fault {
    let status = StatusCode::from_u16(status).expect("a status");
    provider.classify(status, &headers(lines), body.as_bytes())
}

/// An error as Anthropic writes it.
pub(crate) fn error(kind: &str, message: &str) -> String {
    let message = message.replace('"', "\\\"");
    format!(
        r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_011CS"}}"#
    )
}

/// Every header that tells of a limit.
pub(crate) const LIMIT_HEADERS: [&str; 24] = [
    "date",
    "retry-after",
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-tokens-limit",
    "anthropic-ratelimit-tokens-remaining",
    "anthropic-ratelimit-tokens-reset",
    "anthropic-ratelimit-input-tokens-limit",
    "anthropic-ratelimit-input-tokens-remaining",
    "anthropic-ratelimit-input-tokens-reset",
    "anthropic-ratelimit-output-tokens-limit",
    "anthropic-ratelimit-output-tokens-remaining",
    "anthropic-ratelimit-output-tokens-reset",
    "anthropic-ratelimit-unified-status",
    "anthropic-ratelimit-unified-reset",
    "anthropic-ratelimit-unified-representative-claim",
    "anthropic-ratelimit-unified-overage-status",
    "anthropic-ratelimit-unified-5h-utilization",
    "anthropic-ratelimit-unified-5h-reset",
    "anthropic-ratelimit-unified-5h-status",
    "anthropic-ratelimit-unified-7d-utilization",
    "anthropic-ratelimit-unified-7d-reset",
    "anthropic-ratelimit-unified-7d-status",
];

/// Answers that tell of limits, seldom in a way that makes sense.
pub(crate) fn limit_headers() -> impl Strategy<Value = HeaderMap> {
    let value = prop_oneof![
        Just(b"Sun, 22 Nov 2026 12:00:00 GMT".to_vec()),
        select(vec!["0", "rejected", "allowed", "1795348860", "seven_day_opus"])
            .prop_map(|word| word.as_bytes().to_vec()),
        "[0-9.eE+-]{0,30}|1[0-9]{9}|[01]\\.[0-9]{1,4}|NaN|-?inf".prop_map(String::into_bytes),
        "(20|99)[0-9]{2}-1[0-2]-[0-3][0-9]T[0-2][0-9]:00:00Z".prop_map(String::into_bytes),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        any::<f64>().prop_map(|number| number.to_string().into_bytes()),
        vec(any::<u8>(), 0..40),
    ];
    vec((select(&LIMIT_HEADERS[..]), value), 0..40).prop_map(|fields| {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        headers
    })
}
