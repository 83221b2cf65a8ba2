//! What the API refuses, in its words.

mod contents;
mod fields;
mod settings;
mod shape;
mod signatures;
mod tools;

use serde_json::Value;

use super::{ApiError, Model};

use shape::{Kind, Place, Shape, read};

/// Reads the body of a request for an answer; its fields are in camel case from here on.
pub(super) fn generate(body: &[u8], model: &Model) -> Result<Value, ApiError> {
    let body = message(&fields::GENERATE, body)?;
    request(&body, model)?;
    Ok(body)
}

/// Reads the body of a request for a count, as the request whose prompt is to be counted.
pub(super) fn count(body: &[u8], model: &Model) -> Result<Value, ApiError> {
    let mut body = message(&fields::COUNT, body)?;
    let whole = body["generateContentRequest"].take();
    match (whole.is_null(), body["contents"].is_null()) {
        (true, _) => {
            contents::contents(&body)?;
            Ok(body)
        }
        (false, true) => {
            if whole["model"].as_str().is_none_or(str::is_empty) {
                return Err(ApiError::invalid(
                    "* CountTokensRequest.generate_content_request.model: model is not specified\n",
                ));
            }
            request(&whole, model)?;
            Ok(whole)
        }
        (false, false) => Err(ApiError::invalid(
            "* CountTokensRequest: Only one of generate_content_request and contents may be set.\n",
        )),
    }
}

fn message(shape: &'static Shape, body: &[u8]) -> Result<Value, ApiError> {
    let body = serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid(format!("Invalid JSON payload received. {error}")))?;
    read(&Kind::Message(shape), body, Place::BODY)
}

fn request(body: &Value, model: &Model) -> Result<(), ApiError> {
    contents::contents(body)?;
    contents::system(body)?;
    tools::tools(body)?;
    settings::settings(body, model)?;
    if body["cachedContent"].is_string() {
        return Err(ApiError::new(
            403,
            "CachedContent not found (or permission denied)",
        ));
    }
    if model.signs() {
        signatures::signatures(body)?;
    }
    Ok(())
}

/// What the API says of a place in a request whose fields are all known.
fn wrong(place: impl std::fmt::Display, what: impl std::fmt::Display) -> ApiError {
    ApiError::invalid(format!("* GenerateContentRequest.{place}: {what}\n"))
}
