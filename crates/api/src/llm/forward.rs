use std::sync::Arc;

use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, ContentType, HeaderMap, HeaderName, HeaderValue,
};
use actix_web::{HttpRequest, HttpResponse};
use gateway_domain::{Dialect, Spender};
use gateway_protocol::{Address, codec};
use gateway_providers::Operation;
use gateway_proxy::{Admitted, Answer, AnswerBody, Call, Engine};

use crate::body::LlmBody;
use crate::error::{Code, Problem};
use crate::llm::budget::{Budgets, open_accounts};
use crate::policy::GatewayKey;
use crate::{app, exchange};

/// What the route says of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) operation: Operation,
    pub(super) dialect: Dialect,
    pub(super) address: Address<'a>,
    /// The version of the API in the path, where the dialect has several.
    pub(super) version: Option<&'a str>,
}

impl Asked<'_> {
    /// A call whose body says everything.
    pub(super) fn in_body(operation: Operation, dialect: Dialect) -> Self {
        Self {
            operation,
            dialect,
            address: Address::default(),
            version: None,
        }
    }
}

/// Lets a call in and has the engine answer it.
pub(super) async fn forward(
    asked: Asked<'_>,
    GatewayKey(stored): GatewayKey,
    request: &HttpRequest,
    body: LlmBody,
    engine: &Engine,
) -> Result<HttpResponse, Problem> {
    let app = app::of(request);
    let key = &stored.key;
    let codec = codec(asked.dialect).ok_or_else(Problem::not_found)?;
    let limits = [
        (Spender::Key(key.id), &key.limits),
        (Spender::User(stored.owner.id), &stored.owner.limits),
    ];
    let limiter = app.proxy.limiter();
    let standing = || codec.limit_headers(&limiter.standing(&limits), app.clock.now());
    // Before the body: a client beyond its limit shall not cost its upload.
    let admission = limiter
        .admit(&limits)
        .map_err(|exceeded| Problem::from(exceeded).with_limits(standing()))?;
    let budgets = Budgets::of(&stored);
    let is_billed = asked.operation == Operation::CreateMessage;
    if is_billed {
        budgets.require_any_left(app).await?;
        open_accounts(app).await;
    }
    let body = body.read(request).await?;
    let peek = codec.peek(&body, &asked.address)?;
    if !key.allows_model(&peek.model) {
        return Err(Problem::new(
            Code::Forbidden,
            format!("this API key may not use the model {}", peek.model),
        ));
    }
    let call = Call {
        id: exchange::name_of(request).id,
        operation: asked.operation,
        codec,
        key: Arc::new(key.clone()),
        peek,
        body,
        headers: client_headers(request),
        query: without_key(request.query_string()),
        version: asked.version.map(str::to_owned),
    };
    let hold = if is_billed {
        budgets.hold(app, &call).await?
    } else {
        None
    };
    let answer = engine.call(call, Admitted::new(admission, hold)).await;
    let mut response = render(answer);
    tell_limits(response.headers_mut(), standing());
    Ok(response)
}

/// Puts what is left of the client's own limits in the place of what is left of the account's.
fn tell_limits(headers: &mut HeaderMap, own: Vec<(&'static str, String)>) {
    if own.is_empty() {
        return;
    }
    headers.retain(|name, _| {
        let name = name.as_str();
        !name.starts_with("anthropic-ratelimit-") && !name.starts_with("x-ratelimit-")
    });
    for (name, value) in own {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
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
    let is_key = |pair: &&str| {
        let name = url::form_urlencoded::parse(pair.as_bytes()).next();
        name.is_some_and(|(name, _)| name == "key")
    };
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
        // Whatever a provider calls it: a page would run on the gateway's origin.
        AnswerBody::Whole(body) => response.content_type(ContentType::json()).body(body),
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
            ("%6bey=secret&alt=sse", Some("alt=sse")),
            ("keys=1&beta", Some("keys=1&beta")),
        ] {
            assert_eq!(without_key(query).as_deref(), kept, "{query}");
        }
    }
}
