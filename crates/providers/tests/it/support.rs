use gateway_domain::{Credential, ProviderKind};
use gateway_providers::{Call, Operation, Provider, Target, provider};
use http::header::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const KEY: &str = "sk-ant-api03-the-accounts-own-key";
pub(crate) const TOKEN: &str = "sk-ant-oat01-the-accounts-own-token";

pub(crate) fn anthropic() -> &'static dyn Provider {
    provider(ProviderKind::Anthropic).expect("Anthropic is spoken")
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
        query: None,
        headers,
        model: "claude-sonnet-4-5",
        stream: false,
    }
}
