//! Responses: conversations of items, which the provider keeps if it is told to.

mod conversation;
mod events;
mod input;
mod items;
mod output;
mod request;
mod seal;
mod settings;
mod store;
mod tools;

use std::fmt::Debug;
use std::sync::Arc;

use gateway_domain::ProviderKind;
use serde_json::json;

use super::{ApiError, Model, Models, headers};
use crate::ask::Ask;
use crate::dialect::{Accepted, Asked, Call, Dialect, Written};
use crate::draft::Draft;
use crate::error;
use crate::headers::{HeaderLines, Told};
use crate::wire::Head;
use events::ResponseEvents;
use output::Answer;
use request::ResponseRequest;
use store::Store;

/// The responses API.
#[derive(Debug)]
pub(crate) struct Responses {
    models: Models,
    store: Arc<Store>,
}

impl Responses {
    pub(crate) fn new(only: Option<&[String]>) -> Self {
        Self {
            models: only.map_or_else(Models::default, Models::only),
            store: Arc::new(Store::default()),
        }
    }
}

impl Dialect for Responses {
    fn provider(&self) -> ProviderKind {
        ProviderKind::OpenAi
    }

    fn owns(&self, path: &str) -> bool {
        path == "/v1/responses" || path.starts_with("/v1/responses/")
    }

    fn is_marked(&self, _: &Head) -> bool {
        false
    }

    fn call<'p>(&self, path: &'p str) -> Option<Call<'p>> {
        match path {
            "/v1/responses" => Some(Call::Create),
            "/v1/responses/input_tokens" => Some(Call::Count),
            _ => None,
        }
    }

    fn credential<'h>(&self, head: &'h Head) -> Option<&'h str> {
        headers::credential_of(head)
    }

    fn admit(&self, head: &Head, is_accepted: bool) -> Result<(), error::ApiError> {
        headers::check_credential(head, is_accepted)
    }

    fn read(&self, asked: Asked<'_>) -> Result<Box<dyn Accepted>, error::ApiError> {
        Ok(Box::new(request::parse(asked, &self.models, &self.store)?))
    }

    fn count(&self, asked: Asked<'_>) -> Result<Vec<u8>, error::ApiError> {
        let tokens = request::count(asked, &self.models, &self.store)?;
        Ok(json!({"object": "response.input_tokens", "input_tokens": tokens})
            .to_string()
            .into_bytes())
    }

    fn models(&self, _: &str) -> Result<Vec<u8>, error::ApiError> {
        Err(error::ApiError::usual(404))
    }

    fn model(&self, _: &str) -> Result<Vec<u8>, error::ApiError> {
        Err(error::ApiError::usual(404))
    }

    fn error_body(&self, error: &error::ApiError, _: &str) -> Vec<u8> {
        ApiError::worded(error).body()
    }

    fn error_of_kind(&self, kind: &str) -> error::ApiError {
        ApiError::of_kind(kind).into()
    }

    fn put_headers(&self, lines: &mut HeaderLines<'_>, told: &Told<'_>) {
        headers::put(lines, told);
    }
}

impl Accepted for ResponseRequest {
    fn ask(&self) -> &Ask {
        &self.ask
    }

    fn write(self: Box<Self>, draft: Draft) -> Written {
        let stream = self.ask.stream;
        let mut answer = Answer::new(*self, draft);
        if stream {
            Written::Events(Box::new(ResponseEvents::new(answer)))
        } else {
            answer.keep();
            Written::Whole(answer.whole())
        }
    }
}
