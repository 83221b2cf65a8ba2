//! Anthropic's dialect: what it accepts, what it answers and in which words.

mod check;
mod compose;
mod error;
mod events;
mod headers;
mod models;
mod prompt;
mod reports;
mod request;
mod signature;

use gateway_domain::ProviderKind;
use serde_json::json;

use crate::ask::Ask;
use crate::dialect::{Accepted, Asked, Call, Dialect, Report, Reported, Written};
use crate::draft::Draft;
use crate::error::ApiError;
use crate::headers::{HeaderLines, Told};
use crate::wire::Head;

use compose::Message;
use events::{MessageEvents, whole};
use models::{Model, Models};
use request::{MessageRequest, Terms};

/// The Messages API.
#[derive(Debug)]
pub(crate) struct Anthropic {
    models: Models,
}

impl Anthropic {
    pub(crate) fn new(only: Option<&[String]>) -> Self {
        Self {
            models: only.map_or_else(Models::default, Models::only),
        }
    }
}

impl Dialect for Anthropic {
    fn provider(&self) -> ProviderKind {
        ProviderKind::Anthropic
    }

    fn owns(&self, path: &str) -> bool {
        path == "/v1/messages" || path.starts_with("/v1/messages/") || path.starts_with("/v1/organizations/")
    }

    fn is_marked(&self, head: &Head) -> bool {
        head.header("anthropic-version").is_some()
    }

    fn call<'p>(&self, path: &'p str) -> Option<Call<'p>> {
        match path {
            "/v1/messages" => Some(Call::Create),
            "/v1/messages/count_tokens" => Some(Call::Count),
            "/v1/models" => Some(Call::Models),
            "/v1/organizations/usage_report/messages" => Some(Call::Report(Report::Usage)),
            "/v1/organizations/cost_report" => Some(Call::Report(Report::Costs)),
            path => path
                .strip_prefix("/v1/models/")
                .filter(|id| !id.is_empty() && !id.contains('/'))
                .map(Call::Model),
        }
    }

    fn credential<'h>(&self, head: &'h Head) -> Option<&'h str> {
        headers::credential_of(head)
    }

    fn admit(&self, head: &Head, is_accepted: bool) -> Result<(), ApiError> {
        headers::check_credential(head, is_accepted)?;
        headers::version(head).map(|_| ())
    }

    fn read(&self, asked: Asked<'_>) -> Result<Box<dyn Accepted>, ApiError> {
        let betas = headers::betas(asked.head);
        let terms = Terms {
            version: headers::version(asked.head)?,
            betas: &betas,
        };
        Ok(Box::new(request::parse(asked.body, terms, &self.models)?))
    }

    fn count(&self, asked: Asked<'_>) -> Result<Vec<u8>, ApiError> {
        let betas = headers::betas(asked.head);
        let terms = Terms {
            version: headers::version(asked.head)?,
            betas: &betas,
        };
        let tokens = request::count_tokens(asked.body, terms, &self.models)?;
        Ok(json!({"input_tokens": tokens}).to_string().into_bytes())
    }

    fn models(&self, query: &str) -> Result<Vec<u8>, ApiError> {
        self.models.page(query)
    }

    fn model(&self, id: &str) -> Result<Vec<u8>, ApiError> {
        self.models.show(id)
    }

    fn report(&self, report: Report, query: &str, reported: &Reported<'_>) -> Result<Vec<u8>, ApiError> {
        reports::write(report, query, reported)
    }

    fn error_body(&self, error: &ApiError, request_id: &str) -> Vec<u8> {
        error::body(error, request_id)
    }

    fn error_of_kind(&self, kind: &str) -> ApiError {
        error::of_kind(kind)
    }

    fn put_headers(&self, lines: &mut HeaderLines<'_>, told: &Told<'_>) {
        headers::put(lines, told);
    }
}

impl Accepted for MessageRequest {
    fn ask(&self) -> &Ask {
        &self.ask
    }

    fn write(self: Box<Self>, draft: Draft) -> Written {
        let message = Message::new(&self, draft);
        if self.ask.stream {
            Written::Events(Box::new(MessageEvents::new(message)))
        } else {
            Written::Whole(whole(&message))
        }
    }
}
