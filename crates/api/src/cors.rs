//! Pages of other origins in browsers: none may read anything, but those that are allowed by name.

use std::fmt;

use actix_web::HttpResponse;
use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use serde::{Deserialize, Deserializer, de};
use url::Url;

/// Where a page comes from, as browsers write it: scheme, host, and port unless it is the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin(HeaderValue);

impl<'de> Deserialize<'de> for WebOrigin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let origin = Url::parse(&text).ok().map(|url| url.origin());
        let is_as_written = origin.is_some_and(|origin| {
            origin.is_tuple() && origin.ascii_serialization() == text && !text.contains('*')
        });
        let value = HeaderValue::from_str(&text).ok().filter(|_| is_as_written);
        value.map(Self).ok_or_else(|| {
            de::Error::custom("expected origins as browsers write them, such as https://console.example.org")
        })
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

/// The answer to a browser that asks whether an allowed page may make a request.
pub(crate) fn preflight(head: &RequestHead, allowed: &[WebOrigin]) -> Option<HttpResponse> {
    let is_preflight = head.method == Method::OPTIONS
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && origin(head, allowed).is_some();
    is_preflight.then(|| {
        let mut answer = HttpResponse::NoContent();
        answer
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, DELETE"))
            .insert_header((ACCESS_CONTROL_MAX_AGE, "600"));
        // Clients have headers of their own, which grant nothing here.
        if let Some(headers) = head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            answer.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, headers.clone()));
        }
        answer.finish()
    })
}

/// Lets an allowed page read the answer. Never with cookies: nothing here goes by one.
pub(crate) fn allow(head: &RequestHead, allowed: &[WebOrigin], headers: &mut HeaderMap) {
    if allowed.is_empty() {
        return;
    }
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin(head, allowed) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.0.clone());
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("request-id, x-request-id, x-gateway-request-id, retry-after"),
        );
    }
}

/// The allowed origin that a request comes from.
fn origin<'a>(head: &RequestHead, allowed: &'a [WebOrigin]) -> Option<&'a WebOrigin> {
    let given = head.headers.get(ORIGIN)?;
    allowed.iter().find(|origin| origin.0 == *given)
}

#[cfg(test)]
mod tests {
    use super::WebOrigin;

    #[test]
    fn only_origins_as_browsers_write_them_can_be_allowed() {
        let read = |text: &str| serde_json::from_value::<WebOrigin>(text.into());
        for good in [
            "https://console.example.org",
            "http://localhost:5173",
            "https://[2001:db8::1]:8443",
        ] {
            assert_eq!(read(good).unwrap().to_string(), good);
        }
        for bad in [
            "*",
            "null",
            "",
            "https://*.example.org",
            "https://example.org/",
            "https://example.org:443",
            "https://Example.org",
            "https://user@example.org",
            "example.org",
            "file:///tmp",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
