use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use gateway_domain::ApiKey;
use gateway_protocol::{ModelEntry, anthropic, gemini, openai};
use gateway_proxy::Engine;

use crate::error::Problem;
use crate::face::Face;
use crate::policy::GatewayKey;

/// List the models that the key can ask for.
///
/// In Gemini's shape when `x-goog-api-key` or `?key=` is sent, in Anthropic's with `anthropic-version`, else in OpenAI's.
#[utoipa::path(get, path = "/v1/models", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])),
    params(
        ("anthropic-version" = Option<String>, Header, description = "Asks for Anthropic's shape"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Anthropic's shape: models on a page, 1 to 1000"),
        ("after_id" = Option<String>, Query, description = "Anthropic's shape: the page after this model"),
        ("before_id" = Option<String>, Query, description = "Anthropic's shape: the page before this model"),
        ("pageSize" = Option<i64>, Query, description = "Gemini's shape: models on a page, 1 to 1000"),
        ("pageToken" = Option<String>, Query, description = "Gemini's shape: the page that this token stands for"),
    ), responses(
    (status = 200, description = "The models", body = Object),
    (status = 400, description = "A parameter is wrong", body = Object),
    (status = 401, description = "No API key, or none that works", body = Object),
    (status = 403, description = "Not from this address", body = Object),
    (status = 429, description = "Too many unknown API keys came from this address", body = Object),
    (status = 503, description = "API keys cannot be checked at the moment", body = Object),
))]
pub(crate) async fn list_models(
    GatewayKey(stored): GatewayKey,
    request: HttpRequest,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    let entries = engine.models(&stored.key).await;
    let query = request.query_string();
    Ok(json(match Face::of(&request) {
        Face::Anthropic => anthropic::models_page(&entries, &anthropic_page(query)?),
        Face::Gemini => gemini::models_page(&entries, &gemini_page(query)?),
        Face::OpenAi | Face::Gateway => openai::models_list(&entries),
    }))
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
    (status = 429, description = "Too many unknown API keys came from this address", body = Object),
    (status = 503, description = "API keys cannot be checked at the moment", body = Object),
))]
pub(crate) async fn model(
    GatewayKey(stored): GatewayKey,
    request: HttpRequest,
    id: web::Path<String>,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    let entry = find(&engine, &stored.key, &id).await?;
    Ok(json(match Face::of(&request) {
        Face::Anthropic => anthropic::model(&entry),
        Face::Gemini => gemini::model(&entry),
        Face::OpenAi | Face::Gateway => openai::model(&entry),
    }))
}

/// List the models that the key can ask for, in Gemini's shape.
#[utoipa::path(get, path = "/v1beta/models", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])),
    params(
        ("pageSize" = Option<u32>, Query, description = "Models on a page, 1 to 1000"),
        ("pageToken" = Option<String>, Query, description = "The page that this token stands for"),
    ), responses(
    (status = 200, description = "The models", body = Object),
    (status = 400, description = "A parameter is wrong", body = Object),
    (status = 401, description = "No API key, or none that works", body = Object),
    (status = 403, description = "Not from this address", body = Object),
    (status = 429, description = "Too many unknown API keys came from this address", body = Object),
    (status = 503, description = "API keys cannot be checked at the moment", body = Object),
))]
pub(crate) async fn list_gemini_models(
    GatewayKey(stored): GatewayKey,
    request: HttpRequest,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    let entries = engine.models(&stored.key).await;
    let page = gemini_page(request.query_string())?;
    Ok(json(gemini::models_page(&entries, &page)))
}

/// One model that the key can ask for, in Gemini's shape.
#[utoipa::path(get, path = "/v1beta/models/{id}", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])),
    params(("id" = String, Path, description = "The model's name")), responses(
    (status = 200, description = "The model", body = Object),
    (status = 401, description = "No API key, or none that works", body = Object),
    (status = 403, description = "Not from this address", body = Object),
    (status = 404, description = "No such model for this key", body = Object),
    (status = 429, description = "Too many unknown API keys came from this address", body = Object),
    (status = 503, description = "API keys cannot be checked at the moment", body = Object),
))]
pub(crate) async fn gemini_model(
    GatewayKey(stored): GatewayKey,
    id: web::Path<String>,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    let entry = find(&engine, &stored.key, &id).await?;
    Ok(json(gemini::model(&entry)))
}

async fn find(engine: &Engine, key: &ApiKey, id: &str) -> Result<ModelEntry, Problem> {
    let entries = engine.models(key).await;
    let found = entries.into_iter().find(|entry| entry.id == id);
    found.ok_or_else(Problem::not_found)
}

fn json(body: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(body)
}

fn gemini_page(query: &str) -> Result<gemini::ModelsQuery, Problem> {
    let mut page = gemini::ModelsQuery::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "pageSize" | "page_size" => {
                let size = value
                    .parse()
                    .map_err(|_| Problem::parameter("pageSize", "expected a number, 0 or more"))?;
                page.page_size = Some(size);
            }
            "pageToken" | "page_token" => page.page_token = Some(value.into_owned()),
            // Whatever else Google's clients send means nothing here.
            _ => {}
        }
    }
    Ok(page)
}

fn anthropic_page(query: &str) -> Result<anthropic::ModelsQuery, Problem> {
    let mut page = anthropic::ModelsQuery::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=1000).contains(limit));
                let problem = || Problem::parameter("limit", "expected 1 to 1000");
                page.limit = Some(limit.ok_or_else(problem)?);
            }
            "after_id" => page.after_id = Some(value.into_owned()),
            "before_id" => page.before_id = Some(value.into_owned()),
            // Whatever else Anthropic's clients send means nothing here.
            _ => {}
        }
    }
    Ok(page)
}
