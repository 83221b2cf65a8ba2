use gateway_domain::CredentialKind;
use http::header::AUTHORIZATION;
use http::{HeaderName, Request};
use url::form_urlencoded;

use crate::{Call, InvalidTarget, Operation, Target, head};

static API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// Every version of the API, the one first that a client gets that names none.
const VERSIONS: [&str; 2] = ["/v1beta", "/v1"];

/// Headers that go by the client's project instead of the account's, or that change what is answered.
static NOT_FORWARDED: [HeaderName; 3] = [
    HeaderName::from_static("x-goog-user-project"),
    HeaderName::from_static("x-goog-fieldmask"),
    HeaderName::from_static("x-http-method-override"),
];

/// Parameters that all of Google's APIs have: credentials, and what shape the answer has and how much of it comes.
///
/// The gateway reads JSON and events, and the usage in them, so these are not the client's to choose.
const NOT_FORWARDED_IN_QUERY: [&str; 6] = ["key", "access_token", "oauth_token", "alt", "fields", "callback"];

pub(super) fn operation(target: &Target, call: &Call<'_>) -> Result<Request<()>, InvalidTarget> {
    let (method, alt) = match call.operation {
        Operation::CreateMessage if call.stream => ("streamGenerateContent", Some("alt=sse")),
        Operation::CreateMessage => ("generateContent", None),
        Operation::CountTokens => ("countTokens", None),
    };
    let version = VERSIONS
        .into_iter()
        .find(|version| version.strip_prefix('/') == call.version)
        .unwrap_or(VERSIONS[0]);
    let path = format!("{version}/{}:{method}", resource(call.model));
    let uri = target.uri(&VERSIONS, &path, query(call.query, alt).as_deref())?;
    let mut request = signed(head::of_call(uri, call.headers), target);
    for name in &NOT_FORWARDED {
        request.headers_mut().remove(name);
    }
    Ok(request)
}

pub(super) fn models(target: &Target, query: &'static str) -> Request<()> {
    let uri = target
        .uri(&VERSIONS, "/v1beta/models", Some(query))
        .expect("path and query are ours, and the prefix was found fit when the target was parsed");
    signed(head::of_our_own(uri), target)
}

fn signed(mut request: Request<()>, target: &Target) -> Request<()> {
    let (name, value) = match target.credential_kind() {
        CredentialKind::ApiKey => (&API_KEY, target.secret()),
        CredentialKind::OAuth => (&AUTHORIZATION, target.bearer()),
    };
    request.headers_mut().insert(name, value.clone());
    request
}

/// The model as its address has it: `models/gemini-3-pro`, or in the collection that it was named with.
fn resource(model: &str) -> String {
    let (collection, name) = match model.split_once('/') {
        Some((collection @ ("models" | "tunedModels"), name)) => (collection, name),
        _ => ("models", model),
    };
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    // A plus stands for a blank in forms alone; one of the name's own has been encoded.
    format!("{collection}/{}", name.replace('+', "%20"))
}

fn query(clients: Option<&str>, alt: Option<&str>) -> Option<String> {
    let kept = clients
        .into_iter()
        .flat_map(|query| query.split('&'))
        .filter(|pair| !pair.is_empty() && is_forwarded(pair));
    let query = kept.chain(alt).collect::<Vec<_>>().join("&");
    (!query.is_empty()).then_some(query)
}

fn is_forwarded(pair: &str) -> bool {
    let Some((name, _)) = form_urlencoded::parse(pair.as_bytes()).next() else {
        return false;
    };
    // With a dollar they are called, too: `$alt`, `$fields`, even `$httpHeaders`.
    let is_not = |not: &&str| name.eq_ignore_ascii_case(not);
    !name.starts_with('$') && !NOT_FORWARDED_IN_QUERY.iter().any(is_not)
}
