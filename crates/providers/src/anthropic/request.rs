use gateway_domain::CredentialKind;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Request};

use crate::{Call, InvalidTarget, Operation, Target, head};

static API_KEY: HeaderName = HeaderName::from_static("x-api-key");
static VERSION: HeaderName = HeaderName::from_static("anthropic-version");
static BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// What clients of the first hour meant when they sent no version.
const DEFAULT_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");
/// Without it the API does not take a subscription's token.
const OAUTH_BETA: &str = "oauth-2025-04-20";

pub(super) fn operation(target: &Target, call: &Call<'_>) -> Result<Request<()>, InvalidTarget> {
    let path = match call.operation {
        Operation::CreateMessage => "/v1/messages",
        Operation::CountTokens => "/v1/messages/count_tokens",
    };
    let uri = target.uri(&["/v1"], path, call.query)?;
    Ok(signed(head::of_call(uri, call.headers), target))
}

pub(super) fn models(target: &Target, query: &'static str) -> Request<()> {
    let uri = target
        .uri(&["/v1"], "/v1/models", Some(query))
        .expect("path and query are ours, and the prefix was found fit when the target was parsed");
    signed(head::of_our_own(uri), target)
}

pub(super) fn report(target: &Target, path: &str, query: &str) -> Result<Request<()>, InvalidTarget> {
    let uri = target.uri(&["/v1"], path, Some(query))?;
    Ok(signed(head::of_our_own(uri), target))
}

fn signed(mut request: Request<()>, target: &Target) -> Request<()> {
    let headers = request.headers_mut();
    headers.entry(&VERSION).or_insert(DEFAULT_VERSION);
    match target.credential_kind() {
        CredentialKind::ApiKey => {
            headers.insert(&API_KEY, target.secret().clone());
        }
        CredentialKind::OAuth => {
            headers.insert(AUTHORIZATION, target.bearer().clone());
            add_oauth_beta(headers);
        }
    }
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
