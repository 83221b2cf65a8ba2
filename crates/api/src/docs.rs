use std::sync::{Arc, LazyLock};

use actix_web::http::header::{ContentType, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use crate::app;
use crate::error::Problem;
use crate::policy::Public;

/// The description of this API, as OpenAPI 3.1.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses(
    (status = 200, description = "The document", body = Object),
    (status = 404, description = "Switched off", body = crate::face::Envelope),
))]
pub(crate) async fn document(_: Public, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if !app::of(&request).settings.docs {
        return Err(Problem::not_found());
    }
    // Made of some thousand pieces, and always the same.
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| crate::document::document().to_string().into());
    Ok(HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(TEXT.clone()))
}

/// A page to read this description with, which needs no internet.
#[utoipa::path(get, path = "/docs", tag = "operations", responses(
    (status = 302, description = "To `/docs/`, where the page is"),
    (status = 404, description = "Switched off", body = crate::face::Envelope),
))]
pub(crate) async fn page(_: Public, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if !app::of(&request).settings.docs {
        return Err(Problem::not_found());
    }
    Ok(HttpResponse::Found().insert_header((LOCATION, "/docs/")).finish())
}

/// The page itself.
#[utoipa::path(get, path = "/docs/", tag = "operations", responses(
    (status = 200, description = "The page"),
    (status = 404, description = "Switched off", body = crate::face::Envelope),
))]
pub(crate) async fn index(_: Public, request: HttpRequest) -> Result<HttpResponse, Problem> {
    serve(&request, "index.html")
}

/// A file of the page.
#[utoipa::path(get, path = "/docs/{file}", tag = "operations", params(("file" = String, Path, description = "Its name")), responses(
    (status = 200, description = "The file"),
    (status = 404, description = "No such file, or switched off", body = crate::face::Envelope),
))]
pub(crate) async fn file(
    _: Public,
    request: HttpRequest,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    serve(&request, &name)
}

fn serve(request: &HttpRequest, name: &str) -> Result<HttpResponse, Problem> {
    if !app::of(request).settings.docs {
        return Err(Problem::not_found());
    }
    let config = Arc::new(utoipa_swagger_ui::Config::from("/openapi.json"));
    match utoipa_swagger_ui::serve(name, config) {
        Ok(Some(file)) => Ok(HttpResponse::Ok()
            .content_type(file.content_type)
            .body(file.bytes.into_owned())),
        _ => Err(Problem::not_found()),
    }
}
