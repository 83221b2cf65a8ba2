//! The heads of requests, as far as they are the same whoever the provider is.

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};

use crate::headers::forwardable;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Usage is read from the answer in passing, so it must come uncompressed.
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const GATEWAY: HeaderValue = HeaderValue::from_static(concat!("llm-gateway/", env!("CARGO_PKG_VERSION")));

/// The head of a request that carries a body, with those of these headers that a provider may see.
///
/// They are the client's, or next to none where the body was translated.
pub(crate) fn of_call(uri: Uri, headers: &HeaderMap) -> Request<()> {
    let mut headers = forwardable(headers);
    headers.entry(CONTENT_TYPE).or_insert(JSON);
    headers.entry(USER_AGENT).or_insert(GATEWAY);
    head(Method::POST, uri, headers)
}

/// The head of a request of the gateway's own, which has no body and asks for JSON.
pub(crate) fn of_our_own(uri: Uri) -> Request<()> {
    let headers = HeaderMap::from_iter([(ACCEPT, JSON), (USER_AGENT, GATEWAY)]);
    head(Method::GET, uri, headers)
}

fn head(method: Method, uri: Uri, mut headers: HeaderMap) -> Request<()> {
    headers.insert(ACCEPT_ENCODING, IDENTITY);
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}
