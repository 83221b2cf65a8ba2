use actix_web::{HttpRequest, HttpResponse, web};
use gateway_domain::Dialect;
use gateway_protocol::{Address, Framing};
use gateway_providers::Operation;
use gateway_proxy::Engine;

use crate::body::LlmBody;
use crate::error::Problem;
use crate::llm::forward::{Asked, forward};
use crate::policy::GatewayKey;

/// Generate content or count its tokens (Gemini's API, v1).
///
/// `{id}` is the model, a colon and `generateContent`, `streamGenerateContent` or `countTokens`. Body and answer are
/// Gemini's: passed on as they are where a Gemini account serves the model, else translated. A stream comes as
/// `text/event-stream` with `?alt=sse`, else as one JSON array.
#[utoipa::path(post, path = "/v1/models/{id}", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])),
    params(
        ("id" = String, Path, description = "The model and the call, as in `gemini-2.5-pro:generateContent`"),
        ("alt" = Option<String>, Query, description = "`sse` for server-sent events"),
    ),
    request_body(content = Object, description = "Gemini's request", content_type = "application/json"), responses(
    (status = 200, description = "The provider's answer, or its events", content((serde_json::Value = "application/json"), (Object = "text/event-stream"))),
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
pub(crate) async fn generate_v1(
    key: GatewayKey,
    request: HttpRequest,
    call: web::Path<String>,
    body: LlmBody,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    let asked = asked(&call, "v1", request.query_string())?;
    forward(asked, key, &request, body, &engine).await
}

/// Generate content or count its tokens (Gemini's API, v1beta).
///
/// `{id}` is the model, a colon and `generateContent`, `streamGenerateContent` or `countTokens`. Body and answer are
/// Gemini's: passed on as they are where a Gemini account serves the model, else translated. A stream comes as
/// `text/event-stream` with `?alt=sse`, else as one JSON array.
#[utoipa::path(post, path = "/v1beta/models/{id}", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])),
    params(
        ("id" = String, Path, description = "The model and the call, as in `gemini-2.5-pro:generateContent`"),
        ("alt" = Option<String>, Query, description = "`sse` for server-sent events"),
    ),
    request_body(content = Object, description = "Gemini's request", content_type = "application/json"), responses(
    (status = 200, description = "The provider's answer, or its events", content((serde_json::Value = "application/json"), (Object = "text/event-stream"))),
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
pub(crate) async fn generate_v1beta(
    key: GatewayKey,
    request: HttpRequest,
    call: web::Path<String>,
    body: LlmBody,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    let asked = asked(&call, "v1beta", request.query_string())?;
    forward(asked, key, &request, body, &engine).await
}

/// Reads what Gemini's clients say in the address: the model, what they want of it, and how.
fn asked<'a>(call: &'a str, version: &'a str, query: &str) -> Result<Asked<'a>, Problem> {
    let (model, action) = call.rsplit_once(':').ok_or_else(Problem::not_found)?;
    if model.is_empty() {
        return Err(Problem::not_found());
    }
    let (operation, stream) = match action {
        "generateContent" => (Operation::CreateMessage, false),
        "streamGenerateContent" => (Operation::CreateMessage, true),
        "countTokens" => (Operation::CountTokens, false),
        _ => return Err(Problem::not_found()),
    };
    let wants_events = url::form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| matches!(&*name, "alt" | "$alt") && value == "sse");
    Ok(Asked {
        operation,
        dialect: Dialect::Gemini,
        address: Address {
            model: Some(model),
            stream,
            framing: if stream && !wants_events {
                Framing::Array
            } else {
                Framing::Events
            },
        },
        version: Some(version),
    })
}
