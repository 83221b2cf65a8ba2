use std::sync::Arc;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::{HttpRequest, HttpResponse, web};
use gateway_domain::Dialect;
use gateway_protocol::codec;
use gateway_providers::Operation;
use gateway_proxy::{Answer, AnswerBody, Call, Engine};

use crate::body::LlmBody;
use crate::error::{Code, Problem};
use crate::llm::budget;
use crate::policy::GatewayKey;
use crate::{app, exchange};

/// Create a message (Anthropic's Messages API).
///
/// The body and the answer are Anthropic's, passed on byte for byte but for a renamed model; with `stream: true`
/// the answer is `text/event-stream`.
#[utoipa::path(post, path = "/v1/messages", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])),
    request_body(content = Object, description = "Anthropic's request", content_type = "application/json"), responses(
    (status = 200, description = "The provider's answer", body = Object),
    (status = 400, description = "`invalid_request_error`", body = Object),
    (status = 401, description = "`authentication_error`: no API key, or none that works", body = Object),
    (status = 402, description = "`billing_error`: the key's budget is spent", body = Object),
    (status = 403, description = "`permission_error`: not from this address, or not this model", body = Object),
    (status = 404, description = "`not_found_error`: no account serves the model", body = Object),
    (status = 408, description = "The body did not arrive in time", body = Object),
    (status = 413, description = "`request_too_large`", body = Object),
    (status = 415, description = "The body's encoding is not read here", body = Object),
    (status = 429, description = "`rate_limit_error`: the key's limit, or every account's", body = Object),
    (status = 500, description = "`api_error`", body = Object),
    (status = 502, description = "`api_error`: no account gave a proper answer", body = Object),
    (status = 503, description = "The gateway cannot serve at the moment", body = Object),
    (status = 504, description = "`timeout_error`", body = Object),
    (status = 529, description = "`overloaded_error`", body = Object),
))]
pub(crate) async fn create_message(
    key: GatewayKey,
    request: HttpRequest,
    body: LlmBody,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    forward(
        Operation::CreateMessage,
        Dialect::Anthropic,
        key,
        &request,
        body,
        &engine,
    )
    .await
}

/// Count the tokens of a message (Anthropic's Messages API).
#[utoipa::path(post, path = "/v1/messages/count_tokens", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])),
    request_body(content = Object, description = "Anthropic's request", content_type = "application/json"), responses(
    (status = 200, description = "The provider's answer", body = Object),
    (status = 400, description = "`invalid_request_error`", body = Object),
    (status = 401, description = "`authentication_error`", body = Object),
    (status = 403, description = "`permission_error`", body = Object),
    (status = 404, description = "`not_found_error`", body = Object),
    (status = 408, description = "The body did not arrive in time", body = Object),
    (status = 413, description = "`request_too_large`", body = Object),
    (status = 415, description = "The body's encoding is not read here", body = Object),
    (status = 429, description = "`rate_limit_error`", body = Object),
    (status = 500, description = "`api_error`", body = Object),
    (status = 502, description = "`api_error`", body = Object),
    (status = 503, description = "The gateway cannot serve at the moment", body = Object),
    (status = 504, description = "`timeout_error`", body = Object),
    (status = 529, description = "`overloaded_error`", body = Object),
))]
pub(crate) async fn count_tokens(
    key: GatewayKey,
    request: HttpRequest,
    body: LlmBody,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    forward(
        Operation::CountTokens,
        Dialect::Anthropic,
        key,
        &request,
        body,
        &engine,
    )
    .await
}

/// Lets a call in and has the engine answer it.
async fn forward(
    operation: Operation,
    dialect: Dialect,
    GatewayKey(stored): GatewayKey,
    request: &HttpRequest,
    body: LlmBody,
    engine: &Engine,
) -> Result<HttpResponse, Problem> {
    let app = app::of(request);
    let key = &stored.key;
    // Before the body: a client beyond its limit shall not cost its upload.
    let admission = app.limiter.admit(key.id, &key.limits)?;
    if operation == Operation::CreateMessage {
        budget::check(app, key).await?;
    }
    let body = body.read(request).await?;
    let codec = codec(dialect).ok_or_else(Problem::not_found)?;
    let peek = codec.peek(&body.bytes, &gateway_protocol::Address::default())?;
    if !key.allows_model(&peek.model) {
        return Err(Problem::new(
            Code::Forbidden,
            format!("this API key may not use the model {}", peek.model),
        ));
    }
    let call = Call {
        id: exchange::name_of(request).id,
        operation,
        codec,
        key: Arc::new(key.clone()),
        peek,
        body: body.bytes.clone(),
        headers: client_headers(request),
        query: without_key(request.query_string()),
    };
    Ok(render(engine.call(call, admission).await))
}

/// The client's headers in hyper's types, without those that described a body that has been decoded since.
fn client_headers(request: &HttpRequest) -> http::HeaderMap {
    let mut headers = http::HeaderMap::with_capacity(request.headers().len());
    for (name, value) in request.headers() {
        if name == CONTENT_ENCODING || name == CONTENT_LENGTH {
            continue;
        }
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    headers
}

/// The query without `key`, in which Google's clients send the API key; it must not go on, nor into a log.
fn without_key(query: &str) -> Option<String> {
    let is_key = |pair: &&str| pair.split('=').next() == Some("key");
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !is_key(pair))
        .collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}

/// The engine's answer in actix's types; a stream goes through as it comes.
fn render(answer: Answer) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(answer.status.as_u16())
        .unwrap_or(actix_web::http::StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::build(status);
    for (name, value) in &answer.headers {
        if name != http::header::CONTENT_LENGTH {
            response.append_header((name.as_str(), value.as_bytes()));
        }
    }
    match answer.body {
        AnswerBody::Whole(body) => response.body(body),
        AnswerBody::Stream(stream) => response.streaming(stream),
    }
}

#[cfg(test)]
mod tests {
    use super::without_key;

    #[test]
    fn a_key_in_the_query_goes_no_further() {
        for (query, kept) in [
            ("", None),
            ("key=secret", None),
            ("beta=true&key=secret", Some("beta=true")),
            ("key=a&beta=true&key=b", Some("beta=true")),
            ("keys=1&beta", Some("keys=1&beta")),
        ] {
            assert_eq!(without_key(query).as_deref(), kept, "{query}");
        }
    }
}
