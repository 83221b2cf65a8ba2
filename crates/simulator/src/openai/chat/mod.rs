//! Chat completions.

mod choice;
mod events;
mod messages;
mod request;
mod settings;
mod tools;

use std::fmt::Debug;

use gateway_domain::ProviderKind;

use crate::ask::Ask;
use crate::dialect::{Accepted, Asked, Call, Dialect, Report, Reported, Written};
use crate::draft::Draft;
use crate::error;
use crate::headers::{HeaderLines, Told};
use crate::wire::Head;

use super::{ApiError, Models, headers, reports};
use choice::{Completion, whole};
use events::Chunks;
use request::ChatRequest;

/// The chat completions API, and the models that both of OpenAI's APIs share.
#[derive(Debug)]
pub(crate) struct Chat {
    models: Models,
}

impl Chat {
    pub(crate) fn new(only: Option<&[String]>) -> Self {
        Self {
            models: only.map_or_else(Models::default, Models::only),
        }
    }
}

impl Dialect for Chat {
    fn provider(&self) -> ProviderKind {
        ProviderKind::OpenAi
    }

    fn owns(&self, path: &str) -> bool {
        path == "/v1/chat/completions" || path.starts_with("/v1/organization/")
    }

    fn is_marked(&self, _: &Head) -> bool {
        // Its clients are those who say nothing of the kind.
        false
    }

    fn call<'p>(&self, path: &'p str) -> Option<Call<'p>> {
        match path {
            "/v1/chat/completions" => Some(Call::Create),
            "/v1/models" => Some(Call::Models),
            "/v1/organization/usage/completions" => Some(Call::Report(Report::Usage)),
            "/v1/organization/costs" => Some(Call::Report(Report::Costs)),
            path => path
                .strip_prefix("/v1/models/")
                .filter(|id| !id.is_empty() && !id.contains('/'))
                .map(Call::Model),
        }
    }

    fn credential<'h>(&self, head: &'h Head) -> Option<&'h str> {
        headers::credential_of(head)
    }

    fn admit(&self, head: &Head, is_accepted: bool) -> Result<(), error::ApiError> {
        headers::check_credential(head, is_accepted)
    }

    fn read(&self, asked: Asked<'_>) -> Result<Box<dyn Accepted>, error::ApiError> {
        Ok(Box::new(request::parse(asked, &self.models)?))
    }

    fn count(&self, _: Asked<'_>) -> Result<Vec<u8>, error::ApiError> {
        Err(error::ApiError::usual(404))
    }

    fn models(&self, _: &str) -> Result<Vec<u8>, error::ApiError> {
        Ok(self.models.list())
    }

    fn model(&self, id: &str) -> Result<Vec<u8>, error::ApiError> {
        Ok(self.models.show(id)?)
    }

    fn report(
        &self,
        report: Report,
        query: &str,
        reported: &Reported<'_>,
    ) -> Result<Vec<u8>, error::ApiError> {
        reports::write(report, query, reported)
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

impl Accepted for ChatRequest {
    fn ask(&self) -> &Ask {
        &self.ask
    }

    fn write(self: Box<Self>, draft: Draft) -> Written {
        let stream = self.ask.stream;
        let includes_usage = self.includes_usage;
        let completion = Completion::new(*self, draft);
        if stream {
            Written::Events(Box::new(Chunks::new(completion, includes_usage)))
        } else {
            Written::Whole(whole(&completion))
        }
    }
}
