use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use gateway_domain::Dialect;
use gateway_protocol::anthropic::ModelsQuery;
use gateway_protocol::{anthropic, openai};
use gateway_proxy::Engine;

use crate::error::Problem;
use crate::face::Face;
use crate::policy::GatewayKey;

/// List the models that the key can ask for.
///
/// In Anthropic's shape when `anthropic-version` is sent, else in OpenAI's.
#[utoipa::path(get, path = "/v1/models", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])),
    params(
        ("anthropic-version" = Option<String>, Header, description = "Asks for Anthropic's shape"),
        ("limit" = Option<u32>, Query, description = "Anthropic's shape: models on a page, 1 to 1000"),
        ("after_id" = Option<String>, Query, description = "Anthropic's shape: the page after this model"),
        ("before_id" = Option<String>, Query, description = "Anthropic's shape: the page before this model"),
    ), responses(
    (status = 200, description = "The models", body = Object),
    (status = 400, description = "A parameter is wrong", body = Object),
    (status = 401, description = "No API key, or none that works", body = Object),
    (status = 403, description = "Not from this address", body = Object),
    (status = 503, description = "API keys cannot be checked at the moment", body = Object),
))]
pub(crate) async fn list_models(
    GatewayKey(stored): GatewayKey,
    request: HttpRequest,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    let entries = engine.models(&stored.key, Dialect::Anthropic).await;
    let body = match Face::of(request.path(), request.headers()) {
        Face::Anthropic => anthropic::models_page(&entries, &page(request.query_string())?),
        _ => openai::models_list(&entries),
    };
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(body))
}

/// One model that the key can ask for.
#[utoipa::path(get, path = "/v1/models/{id}", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])),
    params(
        ("id" = String, Path, description = "The model's name"),
        ("anthropic-version" = Option<String>, Header, description = "Asks for Anthropic's shape"),
    ), responses(
    (status = 200, description = "The model", body = Object),
    (status = 401, description = "No API key, or none that works", body = Object),
    (status = 403, description = "Not from this address", body = Object),
    (status = 404, description = "No such model for this key", body = Object),
    (status = 503, description = "API keys cannot be checked at the moment", body = Object),
))]
pub(crate) async fn model(
    GatewayKey(stored): GatewayKey,
    request: HttpRequest,
    id: web::Path<String>,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    let entries = engine.models(&stored.key, Dialect::Anthropic).await;
    let entry = entries
        .iter()
        .find(|entry| entry.id == *id)
        .ok_or_else(Problem::not_found)?;
    let body = match Face::of(request.path(), request.headers()) {
        Face::Anthropic => anthropic::model(entry),
        _ => openai::model(entry),
    };
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(body))
}

fn page(query: &str) -> Result<ModelsQuery, Problem> {
    let mut page = ModelsQuery::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "limit" => {
                let limit = value
                    .parse()
                    .map_err(|_| Problem::parameter("limit", "expected 1 to 1000"))?;
                page.limit = Some(limit);
            }
            "after_id" => page.after_id = Some(value.into_owned()),
            "before_id" => page.before_id = Some(value.into_owned()),
            // Whatever else Anthropic's clients send means nothing here.
            _ => {}
        }
    }
    Ok(page)
}
