//! Anthropic's Messages API, versions 2023-06-01 and 2026-10-21. Source: the official SDKs.

mod answer;
mod error;
mod models;
mod opening;
mod request;
mod stream;
mod usage;

use bytes::Bytes;
use gateway_domain::Dialect;

pub use models::{ModelsQuery, model, models_page, parse_models};

use crate::{AnswerSummary, Codec, ErrorAnswer, InvalidBody, Peek, StreamReader};

/// Anthropic's dialect.
pub(crate) struct Anthropic;

impl Codec for Anthropic {
    fn dialect(&self) -> Dialect {
        Dialect::Anthropic
    }

    fn peek(&self, body: &[u8]) -> Result<Peek, InvalidBody> {
        request::peek(body)
    }

    fn read_answer(&self, body: &[u8]) -> AnswerSummary {
        let mut answer = answer::Answer::default();
        answer.read(body);
        answer.summary()
    }

    fn stream_reader(&self) -> Box<dyn StreamReader + Send> {
        Box::new(stream::Reader::new())
    }

    fn error_body(&self, error: &ErrorAnswer<'_>) -> Bytes {
        error::body(error)
    }

    fn error_event(&self, error: &ErrorAnswer<'_>) -> Bytes {
        error::event(error)
    }
}
