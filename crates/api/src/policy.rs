use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use futures_util::future::LocalBoxFuture;
use gateway_auth::{Caller, KeyError, StoredKey, key_prefix};
use gateway_store::{Actor, AuditAction, AuditTarget};
use secrecy::ExposeSecret;

use crate::app::{self, App};
use crate::error::{Code, Problem};
use crate::face::Face;
use crate::{address, audit, default_credentials, secret};

/// Who may call a route. Every handler's first argument is one.
pub(crate) trait Policy: FromRequest {
    /// Whether it lets in callers of whom nothing is known.
    const ADMITS_STRANGERS: bool = false;
}

/// Anybody.
pub(crate) struct Public;

/// Whoever is signed in, even with a password that must be changed first.
pub(crate) struct SignedIn(pub(crate) Caller);

/// Whoever is signed in and free to act.
pub(crate) struct Member(pub(crate) Caller);

/// An admin.
pub(crate) struct Admin(pub(crate) Caller);

/// Whoever may read the metrics: an admin, a configured token, or everybody by configuration.
pub(crate) struct Scraper;

/// Anybody; whoever may read the metrics, or is on the gateway's own machine, sees more.
pub(crate) enum Observer {
    Operator,
    Stranger,
}

/// A client with an API key of the gateway.
pub(crate) struct GatewayKey(pub(crate) Arc<StoredKey>);

impl Policy for Public {
    const ADMITS_STRANGERS: bool = true;
}
impl Policy for SignedIn {}
impl Policy for Member {}
impl Policy for Admin {}
impl Policy for Scraper {}
impl Policy for Observer {
    const ADMITS_STRANGERS: bool = true;
}
impl Policy for GatewayKey {}

impl FromRequest for Public {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}

macro_rules! asynchronous {
    ($($policy:ident: $from:path,)*) => {$(
        impl FromRequest for $policy {
            type Error = Problem;
            type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let request = request.clone();
                Box::pin(async move { $from(&request, app::of(&request)).await })
            }
        }
    )*};
}

asynchronous! {
    SignedIn: signed_in,
    Member: member,
    Admin: admin,
    Scraper: scraper,
    Observer: observer,
    GatewayKey: gateway_key,
}

async fn signed_in(request: &HttpRequest, app: &App) -> Result<SignedIn, Problem> {
    let token = bearer(request.headers())?.ok_or_else(|| {
        Problem::new(
            Code::NotSignedIn,
            "sign in and send the access token as a bearer token",
        )
    })?;
    if key_headers(request.headers()).any(|key| key.is_none_or(|key| !secret::is_same(token, key))) {
        return Err(Problem::new(
            Code::InvalidToken,
            "the request has two different credentials",
        ));
    }
    let caller = app.sessions.authenticate(token).await?;
    // Should it be denied something, it is known whom.
    let actor = audit::actor(request, &caller);
    request.extensions_mut().insert(actor);
    Ok(SignedIn(caller))
}

async fn member(request: &HttpRequest, app: &App) -> Result<Member, Problem> {
    let SignedIn(caller) = signed_in(request, app).await?;
    if caller.user.must_change_password && default_credentials::only_change(request) {
        return Err(Problem::new(
            Code::PasswordChangeRequired,
            "change your password before anything else",
        ));
    }
    Ok(Member(caller))
}

async fn admin(request: &HttpRequest, app: &App) -> Result<Admin, Problem> {
    let Member(caller) = member(request, app).await?;
    if caller.is_admin() {
        Ok(Admin(caller))
    } else {
        Err(Problem::forbidden())
    }
}

async fn scraper(request: &HttpRequest, app: &App) -> Result<Scraper, Problem> {
    if app.settings.metrics_public {
        return Ok(Scraper);
    }
    let token = bearer(request.headers())?;
    if let (Some(token), Some(configured)) = (token, &app.settings.metrics_token)
        && !token.is_empty()
        && secret::is_same(token, configured.expose_secret())
    {
        return Ok(Scraper);
    }
    admin(request, app).await.map(|_| Scraper)
}

async fn observer(request: &HttpRequest, app: &App) -> Result<Observer, Problem> {
    let is_operator = address::is_this_machine(request) || scraper(request, app).await.is_ok();
    Ok(if is_operator {
        Observer::Operator
    } else {
        Observer::Stranger
    })
}

async fn gateway_key(request: &HttpRequest, app: &App) -> Result<GatewayKey, Problem> {
    let in_query = key_in_query(request.query_string())?;
    let presented = presented_key(request, in_query.as_deref())?;
    let address = address::of(request);
    let stored = match app.keys.authenticate(presented, address).await {
        Ok(stored) => stored,
        Err(error) => {
            if let KeyError::TooMany { .. } = error {
                audit::throttled(request, AuditAction::Denial, AuditTarget::ApiKey).await;
            }
            return Err(error.into());
        }
    };
    // Should it be denied something, it is known whom.
    let actor = Actor {
        user_id: Some(stored.key.user_id),
        name: format!("API key {}", key_prefix(&stored.key.public_id)),
        ..audit::stranger(request)
    };
    request.extensions_mut().insert(actor);
    if !stored.key.allows_address(address) {
        return Err(Problem::new(
            Code::Forbidden,
            "this API key may not be used from this address",
        ));
    }
    Ok(GatewayKey(stored))
}

/// The one API key that a request came with, in the query or whichever of the headers it is in.
fn presented_key<'a>(request: &'a HttpRequest, in_query: Option<&'a str>) -> Result<&'a str, Problem> {
    let headers = request.headers();
    let mut presented = bearer(headers)?;
    for key in key_headers(headers).chain(in_query.map(Some)) {
        let key = key.ok_or_else(|| Problem::invalid_api_key("invalid API key"))?;
        if presented.is_some_and(|other| !secret::is_same(other, key)) {
            return Err(Problem::invalid_api_key("the request has two different API keys"));
        }
        presented = Some(key);
    }
    // Only Google's clients have no other place for it.
    let is_only_in_query =
        in_query.is_some() && Face::of(request) != Face::Gemini && !has_key_header(headers);
    presented.filter(|_| !is_only_in_query).ok_or_else(|| {
        Problem::invalid_api_key("an API key is needed: Authorization: Bearer, x-api-key or x-goog-api-key")
    })
}

fn has_key_header(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || key_headers(headers).next().is_some()
}

/// What the headers made for API keys hold; `None` for what is no text.
fn key_headers(headers: &HeaderMap) -> impl Iterator<Item = Option<&str>> {
    headers
        .get_all("x-api-key")
        .chain(headers.get_all("x-goog-api-key"))
        .map(|value| value.to_str().ok())
}

/// The `key` in which Google's clients send the API key when they send no header.
fn key_in_query(query: &str) -> Result<Option<String>, Problem> {
    let mut keys = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "key")
        .map(|(_, key)| key.into_owned());
    let key = keys.next();
    if keys.any(|other| Some(&other) != key.as_ref()) {
        return Err(Problem::invalid_api_key("the request has two different API keys"));
    }
    Ok(key)
}

/// The token of the `Authorization` header, if there is one; any scheme but `Bearer` is refused.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    match text.split_once(' ') {
        // Some clients send the header without a key, and the key elsewhere.
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(token.trim()).filter(|token| !token.is_empty()))
        }
        _ => Err(Problem::new(
            Code::InvalidToken,
            "the Authorization header is not a bearer token",
        )),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::presented_key;
    use crate::error::Code;

    fn check(headers: &[(&'static str, &'static str)], expected: Result<&str, Code>) {
        let mut request = TestRequest::with_uri("/v1/messages");
        for header in headers {
            request = request.append_header(*header);
        }
        let request = request.to_http_request();
        let presented = presented_key(&request, None);
        assert_eq!(presented.map_err(|problem| problem.code), expected, "{headers:?}");
    }

    #[test]
    fn a_key_may_come_in_three_headers_but_only_one_key() {
        check(&[("authorization", "Bearer k")], Ok("k"));
        check(&[("authorization", "bearer  k")], Ok("k"));
        check(&[("authorization", "Bearer "), ("x-api-key", "k")], Ok("k"));
        check(&[("x-api-key", "k")], Ok("k"));
        check(&[("x-goog-api-key", "k")], Ok("k"));
        check(&[("x-api-key", "k"), ("authorization", "Bearer k")], Ok("k"));
        check(
            &[("x-api-key", "k"), ("authorization", "Bearer other")],
            Err(Code::InvalidApiKey),
        );
        check(
            &[("x-api-key", "k"), ("x-api-key", "other")],
            Err(Code::InvalidApiKey),
        );
        check(
            &[("authorization", "Basic k"), ("x-api-key", "k")],
            Err(Code::InvalidToken),
        );
        check(&[], Err(Code::InvalidApiKey));
    }

    #[test]
    fn a_key_in_the_address_must_be_the_one_in_the_headers_and_is_enough_for_googles_clients_only() {
        for (path, header, expected) in [
            ("/v1beta/models/m:generateContent", None, Ok("k")),
            ("/v1beta/models/m:generateContent", Some("k"), Ok("k")),
            (
                "/v1beta/models/m:generateContent",
                Some("other"),
                Err(Code::InvalidApiKey),
            ),
            ("/v1/messages", None, Err(Code::InvalidApiKey)),
            ("/v1/messages", Some("k"), Ok("k")),
            ("/v1/messages", Some("other"), Err(Code::InvalidApiKey)),
        ] {
            let mut request = TestRequest::with_uri(path);
            if let Some(key) = header {
                request = request.insert_header(("x-api-key", key));
            }
            let request = request.to_http_request();
            let presented = presented_key(&request, Some("k")).map_err(|problem| problem.code);
            assert_eq!(presented, expected, "{path} {header:?}");
        }
    }
}
