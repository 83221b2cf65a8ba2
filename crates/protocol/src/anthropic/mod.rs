//! Anthropic's Messages API, versions 2023-06-01 and 2026-10-21. Source: the official SDKs.

mod answer;
mod error;
mod foreign;
mod iterations;
mod limit_headers;
mod message;
mod models;
mod opening;
mod peek;
mod piece_reader;
mod piece_writer;
mod reply;
mod request_reader;
mod request_writer;
mod stop;
mod stream;
mod translate;
mod usage;

use bytes::Bytes;
use gateway_domain::{Dialect, RateLimits, Timestamp};

pub use models::{ModelsQuery, model, models_page};

use crate::{
    Address, AnswerSummary, Codec, ErrorAnswer, InvalidBody, ModelEntry, Passing, Peek, StreamReader,
};

/// Anthropic's dialect.
pub(crate) struct Anthropic;

impl Codec for Anthropic {
    fn dialect(&self) -> Dialect {
        Dialect::Anthropic
    }

    fn peek(&self, body: &[u8], _: &Address<'_>) -> Result<Peek, InvalidBody> {
        peek::peek(body)
    }

    fn pass(&self, body: &Bytes, _: &Peek) -> Passing {
        Passing {
            body: foreign::without_marks(body),
            rewriter: None,
        }
    }

    fn read_answer(&self, body: &[u8]) -> AnswerSummary {
        let mut answer = answer::Answer::default();
        answer.read(body);
        answer.summary()
    }

    fn stream_reader(&self) -> Box<dyn StreamReader + Send> {
        Box::new(stream::Reader::new())
    }

    fn read_models(&self, body: &[u8]) -> Vec<ModelEntry> {
        models::read_models(body)
    }

    fn limit_headers(&self, limits: &RateLimits, _now: Timestamp) -> Vec<(&'static str, String)> {
        limit_headers::limit_headers(limits)
    }

    fn error_body(&self, error: &ErrorAnswer<'_>) -> Bytes {
        error::body(error)
    }

    fn error_event(&self, error: &ErrorAnswer<'_>) -> Bytes {
        error::event(&error::body(error))
    }

    fn error_event_of(&self, body: &[u8]) -> Bytes {
        error::event(body)
    }

    fn abandoned_event(&self) -> &'static [u8] {
        // The colon makes a comment of what would be a blank line. Of two names the last counts, and nobody reads
        // what a ping says.
        b":\nevent: ping\n\n"
    }

    fn keep_alive(&self) -> Option<&'static [u8]> {
        Some(b"event: ping\ndata: {\"type\": \"ping\"}\n\n")
    }
}
