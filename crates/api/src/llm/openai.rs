use actix_web::{HttpRequest, HttpResponse, web};
use gateway_domain::Dialect;
use gateway_providers::Operation;
use gateway_proxy::Engine;

use crate::body::LlmBody;
use crate::error::Problem;
use crate::llm::forward::{Asked, forward};
use crate::policy::GatewayKey;

/// Create a chat completion (OpenAI's Chat Completions API).
///
/// The body and the answer are OpenAI's: passed on as they are where an OpenAI account serves the model, else
/// translated; with `stream: true` the answer is `text/event-stream`.
#[utoipa::path(post, path = "/v1/chat/completions", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])),
    request_body(content = Object, description = "OpenAI's request", content_type = "application/json"), responses(
    (status = 200, description = "The provider's answer, or its events", content((Object = "application/json"), (Object = "text/event-stream"))),
    (status = 400, description = "The request is wrong, or cannot be put to the model's provider", body = Object),
    (status = 401, description = "No API key, or none that works", body = Object),
    (status = 402, description = "The key's budget is spent", body = Object),
    (status = 403, description = "Not from this address, or not this model", body = Object),
    (status = 404, description = "No account serves the model", body = Object),
    (status = 408, description = "The body did not arrive in time", body = Object),
    (status = 413, description = "The body is too large", body = Object),
    (status = 415, description = "The body's encoding is not read here", body = Object),
    (status = 429, description = "The key's limit, or every account's", body = Object),
    (status = 500, description = "The provider failed", body = Object),
    (status = 502, description = "No account can be used", body = Object),
    (status = 503, description = "No account gave a proper answer, or the gateway cannot serve at the moment", body = Object),
))]
pub(crate) async fn create_chat_completion(
    key: GatewayKey,
    request: HttpRequest,
    body: LlmBody,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::in_body(Operation::CreateMessage, Dialect::OpenAiChat);
    forward(asked, key, &request, body, &engine).await
}

/// Create a response (OpenAI's Responses API).
///
/// The body and the answer are OpenAI's: passed on as they are where an OpenAI account serves the model, else
/// translated; with `stream: true` the answer is `text/event-stream`.
#[utoipa::path(post, path = "/v1/responses", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])),
    request_body(content = Object, description = "OpenAI's request", content_type = "application/json"), responses(
    (status = 200, description = "The provider's answer, or its events", content((Object = "application/json"), (Object = "text/event-stream"))),
    (status = 400, description = "The request is wrong, or cannot be put to the model's provider", body = Object),
    (status = 401, description = "No API key, or none that works", body = Object),
    (status = 402, description = "The key's budget is spent", body = Object),
    (status = 403, description = "Not from this address, or not this model", body = Object),
    (status = 404, description = "No account serves the model", body = Object),
    (status = 408, description = "The body did not arrive in time", body = Object),
    (status = 413, description = "The body is too large", body = Object),
    (status = 415, description = "The body's encoding is not read here", body = Object),
    (status = 429, description = "The key's limit, or every account's", body = Object),
    (status = 500, description = "The provider failed", body = Object),
    (status = 502, description = "No account can be used", body = Object),
    (status = 503, description = "No account gave a proper answer, or the gateway cannot serve at the moment", body = Object),
))]
pub(crate) async fn create_response(
    key: GatewayKey,
    request: HttpRequest,
    body: LlmBody,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::in_body(Operation::CreateMessage, Dialect::OpenAiResponses);
    forward(asked, key, &request, body, &engine).await
}
