//! OpenAI's dialects, chat completions and responses: what they accept, what they answer and in which words.

mod argument;
mod chat;
mod error;
mod field;
mod headers;
mod json;
mod models;
mod part;
mod prompt;
mod reports;
mod responses;
mod sampling;
mod schema;
mod tools;
mod usage;

pub(crate) use chat::Chat;
pub(crate) use responses::Responses;

use error::ApiError;
use models::{ChatTools, Model, Models};

/// The body of a request, or what the API says to bytes that are none.
fn parse(body: &[u8]) -> Result<serde_json::Value, ApiError> {
    serde_json::from_slice(body)
        .ok()
        .filter(serde_json::Value::is_object)
        .ok_or_else(|| {
            ApiError::invalid(
                "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP \
                 library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you \
                 have trouble figuring out how to fix this, please contact us through our help center at \
                 help.openai.com.)",
            )
        })
}
