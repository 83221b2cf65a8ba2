use gateway_domain::CredentialKind;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use crate::headers::forwardable;
use crate::{Call, InvalidTarget, Operation, Target};

static API_KEY: HeaderName = HeaderName::from_static("x-api-key");
static VERSION: HeaderName = HeaderName::from_static("anthropic-version");
static BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// What clients of the first hour meant when they sent no version.
const DEFAULT_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");
/// Without it the API does not take a subscription's token.
const OAUTH_BETA: &str = "oauth-2025-04-20";
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Usage is read from the answer in passing, so it must come uncompressed.
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const GATEWAY: HeaderValue = HeaderValue::from_static(concat!("llm-gateway/", env!("CARGO_PKG_VERSION")));

pub(super) fn operation(target: &Target, call: &Call<'_>) -> Result<Request<()>, InvalidTarget> {
    let path = match call.operation {
        Operation::CreateMessage => "/v1/messages",
        Operation::CountTokens => "/v1/messages/count_tokens",
    };
    let uri = target.uri(path, call.query)?;
    let mut headers = forwardable(call.headers);
    headers.entry(CONTENT_TYPE).or_insert(JSON);
    Ok(head(Method::POST, uri, headers, target))
}

pub(super) fn models(target: &Target, query: &'static str) -> Request<()> {
    let uri = target
        .uri("/v1/models", Some(query))
        .expect("path and query are ours, and the prefix was found fit when the target was parsed");
    let headers = HeaderMap::from_iter([(ACCEPT, JSON), (USER_AGENT, GATEWAY)]);
    head(Method::GET, uri, headers, target)
}

fn head(method: Method, uri: Uri, mut headers: HeaderMap, target: &Target) -> Request<()> {
    headers.entry(&VERSION).or_insert(DEFAULT_VERSION);
    headers.insert(ACCEPT_ENCODING, IDENTITY);
    match target.credential_kind() {
        CredentialKind::ApiKey => {
            headers.insert(&API_KEY, target.secret().clone());
        }
        CredentialKind::OAuth => {
            headers.insert(AUTHORIZATION, target.bearer().clone());
            add_oauth_beta(&mut headers);
        }
    }
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}

/// Adds to the client's betas and never takes one away: they switch on what its request is made of.
fn add_oauth_beta(headers: &mut HeaderMap) {
    let lines: Vec<&[u8]> = headers.get_all(&BETA).iter().map(HeaderValue::as_bytes).collect();
    let has_it = lines
        .iter()
        .flat_map(|line| line.split(|byte| *byte == b','))
        .any(|token| token.trim_ascii() == OAUTH_BETA.as_bytes());
    if has_it {
        return;
    }
    // One line says the same as several, and there are servers that read only the first.
    let mut betas = lines
        .into_iter()
        .filter(|line| !line.trim_ascii().is_empty())
        .collect::<Vec<_>>()
        .join(&b","[..]);
    if !betas.is_empty() {
        betas.push(b',');
    }
    betas.extend_from_slice(OAUTH_BETA.as_bytes());
    let betas = HeaderValue::from_bytes(&betas).expect("header values joined by a comma are a header value");
    headers.insert(&BETA, betas);
}
