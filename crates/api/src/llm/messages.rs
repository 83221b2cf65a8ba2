use actix_web::{HttpRequest, HttpResponse, web};
use gateway_domain::Dialect;
use gateway_providers::Operation;
use gateway_proxy::Engine;

use crate::body::LlmBody;
use crate::error::Problem;
use crate::llm::forward::{Asked, forward};
use crate::policy::GatewayKey;

/// Create a message (Anthropic's Messages API).
///
/// The body and the answer are Anthropic's: passed on byte for byte but for a renamed model where Anthropic serves
/// it, else translated; with `stream: true` the answer is `text/event-stream`.
#[utoipa::path(post, path = "/v1/messages", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])),
    request_body(content = Object, description = "Anthropic's request", content_type = "application/json"), responses(
    (status = 200, description = "The provider's answer, or its events", content((Object = "application/json"), (Object = "text/event-stream"))),
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
    let asked = Asked::in_body(Operation::CreateMessage, Dialect::Anthropic);
    forward(asked, key, &request, body, &engine).await
}

/// Count the tokens of a message (Anthropic's Messages API).
///
/// Where the model's provider has no such call the count is an estimate, and `x-gateway-estimated: true` says so.
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
    let asked = Asked::in_body(Operation::CountTokens, Dialect::Anthropic);
    forward(asked, key, &request, body, &engine).await
}
