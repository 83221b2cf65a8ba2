//! Gemini's dialect: what it accepts, what it answers and in which words.

mod answer;
mod check;
mod error;
mod events;
mod headers;
mod models;
mod prompt;
mod request;
mod signature;
mod usage;

use gateway_domain::ProviderKind;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::dialect::{Accepted, Asked, Call, Dialect, Written};
use crate::draft::Draft;
use crate::error::ApiError;
use crate::headers::{HeaderLines, Told};
use crate::wire::Head;

use answer::Answer;
use events::Chunks;
use models::{Model, Models};
use request::{Form, GenerateRequest};

/// The `generateContent` API.
#[derive(Debug)]
pub(crate) struct Gemini {
    models: Models,
}

impl Gemini {
    pub(crate) fn new(only: Option<&[String]>) -> Self {
        Self {
            models: only.map_or_else(Models::default, Models::only),
        }
    }
}

impl Dialect for Gemini {
    fn provider(&self) -> ProviderKind {
        ProviderKind::Gemini
    }

    fn owns(&self, path: &str) -> bool {
        path.starts_with("/v1beta/") || request::Target::of(path).is_some()
    }

    fn is_marked(&self, head: &Head) -> bool {
        head.header("x-goog-api-key").is_some() || headers::value_of(head.query(), "key").is_some()
    }

    fn call<'p>(&self, path: &'p str) -> Option<Call<'p>> {
        if let Some(target) = request::Target::of(path) {
            return Some(target.call());
        }
        match request::resource(path)? {
            "models" => Some(Call::Models),
            resource => resource
                .strip_prefix("models/")
                .filter(|id| !id.is_empty() && !id.contains(['/', ':']))
                .map(Call::Model),
        }
    }

    fn credential<'h>(&self, head: &'h Head) -> Option<&'h str> {
        headers::credential_of(head)
    }

    fn admit(&self, head: &Head, is_accepted: bool) -> Result<(), ApiError> {
        headers::check_credential(head, is_accepted)
    }

    fn read(&self, asked: Asked<'_>) -> Result<Box<dyn Accepted>, ApiError> {
        Ok(Box::new(request::parse(asked, &self.models)?))
    }

    fn count(&self, asked: Asked<'_>) -> Result<Vec<u8>, ApiError> {
        let tokens = request::count_tokens(asked, &self.models)?;
        Ok(pretty(&json!({
            "totalTokens": tokens,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}],
        })))
    }

    fn models(&self, query: &str) -> Result<Vec<u8>, ApiError> {
        self.models.page(query)
    }

    fn model(&self, id: &str) -> Result<Vec<u8>, ApiError> {
        self.models.show(id)
    }

    fn error_body(&self, error: &ApiError, _request_id: &str) -> Vec<u8> {
        pretty(&error::body(error))
    }

    fn error_of_kind(&self, kind: &str) -> ApiError {
        error::of_kind(kind)
    }

    fn put_headers(&self, lines: &mut HeaderLines<'_>, told: &Told<'_>) {
        headers::put(lines, told);
    }

    fn content_type(&self) -> &'static str {
        "application/json; charset=UTF-8"
    }
}

impl Accepted for GenerateRequest {
    fn ask(&self) -> &Ask {
        &self.ask
    }

    fn write(self: Box<Self>, draft: Draft) -> Written {
        let answer = Answer::new(&self, draft);
        match self.form {
            Form::Whole => Written::Whole(pretty(&answer.whole())),
            Form::Events(framing) => Written::Events(Box::new(Chunks::new(answer, framing))),
        }
    }
}

/// JSON as the API writes it where it is not in a hurry.
fn pretty(value: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("a value is always JSON");
    bytes.push(b'\n');
    bytes
}
