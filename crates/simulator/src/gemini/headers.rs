use super::{ApiError, error};
use crate::draw::{Draw, hash};
use crate::headers::{HeaderLines, Told, bearer};
use crate::wire::Head;

/// `x-goog-api-key`, else `key` of the query, else the bearer token.
pub(super) fn credential_of(head: &Head) -> Option<&str> {
    key_of(head)
        .or_else(|| bearer(head))
        .filter(|text| !text.is_empty())
}

fn key_of(head: &Head) -> Option<&str> {
    head.header("x-goog-api-key")
        .or_else(|| value_of(head.query(), "key"))
}

/// A value of the query, as it was sent.
pub(super) fn value_of<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// Refuses a request without a good credential.
pub(super) fn check_credential(head: &Head, is_accepted: bool) -> Result<(), ApiError> {
    if credential_of(head).is_none() {
        return Err(ApiError::new(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or \
             other form of API consumer identity to call this API.",
        ));
    }
    match (is_accepted, key_of(head)) {
        (true, _) => Ok(()),
        (false, Some(_)) => Err(error::bad_key()),
        (false, None) => Err(ApiError::usual(401)),
    }
}

/// The headers of every answer; none says what is left of a limit, or whose account it is.
pub(super) fn put(lines: &mut HeaderLines<'_>, told: &Told<'_>) {
    let mut draw = Draw::new(hash(told.number, b"gfe"));
    lines.put("Vary", "Origin");
    lines.put("Vary", "X-Origin");
    lines.put("Vary", "Referer");
    lines.put("Server", "scaffolding on HTTPServer2");
    lines.put("X-XSS-Protection", "0");
    lines.put("X-Frame-Options", "SAMEORIGIN");
    lines.put("X-Content-Type-Options", "nosniff");
    lines.put(
        "Server-Timing",
        format_args!("gfet4t7; dur={}", 300 + draw.below(900)),
    );
    lines.put("Alt-Svc", "h3=\":443\"; ma=2592000,h3-29=\":443\"; ma=2592000");
}
