use std::future::pending;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{ConnectionType, StatusCode, Version};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use gateway_domain::RequestId;
use gateway_store::Actor;
use tracing::Instrument as _;

use crate::connections::Exchange;
use crate::delivery::{Delivery, SharedPayload};
use crate::error::{Code, Problem};
use crate::face::Face;
use crate::{address, app, audit, cors, head};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const X_GATEWAY_REQUEST_ID: HeaderName = HeaderName::from_static("x-gateway-request-id");

/// What a request is called.
#[derive(Debug, Clone)]
pub(crate) struct RequestName {
    /// The gateway's own name, under which usage is recorded.
    pub(crate) id: RequestId,
    /// The client's name when it gave a well-formed one, else the gateway's.
    shown: HeaderValue,
}

impl RequestName {
    fn of(headers: &HeaderMap) -> Self {
        let id = RequestId::random();
        let shown = match headers.get(X_REQUEST_ID) {
            Some(given) if is_well_formed(given.as_bytes()) => given.clone(),
            _ => header(&id.to_string()),
        };
        Self { id, shown }
    }
}

/// The name of the request that is being answered.
pub(crate) fn name_of(request: &HttpRequest) -> RequestName {
    request
        .extensions()
        .get::<RequestName>()
        .cloned()
        .unwrap_or_else(|| RequestName::of(request.headers()))
}

fn is_well_formed(id: &[u8]) -> bool {
    (1..=128).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

/// Surrounds every request: names it, writes errors in the face of its clients, and sets the headers that every
/// answer has.
pub(crate) async fn surround(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let name = RequestName::of(request.headers());
    request.extensions_mut().insert(name.clone());
    let exchange = Exchange::begin(request.request());
    if exchange.is_too_late() {
        // The server would answer whatever came along with the last request. It lets go of the connection when the
        // client does, or the watch over connections loses patience.
        drop(exchange);
        return pending().await;
    }
    let payload = SharedPayload::of(&mut request);
    let refusal = head::check(request.head()).err();
    let is_last = refusal.is_some() || request.head().connection_type() != ConnectionType::KeepAlive;
    if is_last {
        exchange.is_the_last();
    }
    let span = tracing::info_span!("request", request_id = %name.id);
    let response = if let Some(problem) = refusal {
        request.error_response(problem)
    } else if let Some(answer) = preflight(request.request()) {
        request.into_response(answer)
    } else {
        next.call(request).instrument(span).await?.map_into_boxed_body()
    };
    let mut response = with_problem_written(response, &name);
    // HTTP/1.0 knows no chunks: an answer of unknown length ends with the connection.
    let is_last = if response.request().version() < Version::HTTP_11
        && response.response().body().size() == BodySize::Stream
    {
        exchange.is_the_last();
        response.response_mut().head_mut().no_chunking(true);
        true
    } else {
        is_last
    };
    if is_last {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    let request = response.request().clone();
    if response.status() == StatusCode::FORBIDDEN {
        let actor = request.extensions_mut().remove::<Actor>();
        if let Some(actor) = actor {
            audit::denied(&request, actor).await;
        }
    }
    dress(&request, response.headers_mut(), &name);
    Ok(response.map_body(|_, body| BoxBody::new(Delivery::new(body, exchange, payload))))
}

fn preflight(request: &HttpRequest) -> Option<HttpResponse> {
    cors::preflight(request.head(), &app::of(request).settings.cors_origins)
}

/// Gives a body to an answer that came from an error.
fn with_problem_written(response: ServiceResponse, name: &RequestName) -> ServiceResponse {
    let Some(error) = response.response().error() else {
        return response;
    };
    let face = Face::of(response.request());
    let shown = name.shown.to_str().unwrap_or_default();
    let body = match error.as_error::<Problem>() {
        Some(problem) => face.render(problem, shown),
        None => face.render(&foreign(error.as_response_error().status_code()), shown),
    };
    let (request, mut head) = response.into_parts();
    head.headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ServiceResponse::new(request, head.set_body(BoxBody::new(body)))
}

/// Our words for an error of actix.
fn foreign(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::not_found(),
        status if status.is_client_error() => {
            Problem::new(Code::MalformedRequest, "the request cannot be read")
        }
        _ => Problem::new(Code::InternalError, "the gateway failed to answer"),
    }
}

fn dress(request: &HttpRequest, headers: &mut HeaderMap, name: &RequestName) {
    let path = request.match_info().as_str();
    headers.insert(X_REQUEST_ID, name.shown.clone());
    headers.insert(X_GATEWAY_REQUEST_ID, header(&name.id.to_string()));
    let is_llm = path.starts_with("/v1/") || path.starts_with("/v1beta/");
    // The provider's own, where there is one, is what its support asks for.
    if is_llm && !headers.contains_key(REQUEST_ID) {
        headers.insert(REQUEST_ID, name.shown.clone());
    }
    let policy = if path.starts_with("/docs") {
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    } else {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        "default-src 'none'; frame-ancestors 'none'"
    };
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if address::came_by_tls(request) {
        headers.insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    cors::allow(request.head(), &app::of(request).settings.cors_origins, headers);
}

#[cfg(test)]
mod tests {
    use super::is_well_formed;

    #[test]
    fn only_short_visible_names_are_kept() {
        assert!(is_well_formed(b"abc-123"));
        assert!(is_well_formed(&[b'x'; 128]));
        for bad in [
            &b""[..],
            b"a b",
            b"a\tb",
            "\u{fc}".as_bytes(),
            &[b'x'; 129],
            b"a\x7f",
        ] {
            assert!(!is_well_formed(bad), "{bad:?}");
        }
    }
}
