//! OpenAI's Responses API. Source: the official SDKs.

mod answer;
mod arguments;
mod echo;
mod error;
mod events;
mod foreign;
mod item;
mod models;
mod opening;
mod peek;
mod read_content;
mod read_items;
mod read_pieces;
mod read_reply;
mod read_request;
mod read_tools;
mod response;
mod sealed;
mod stream;
mod told;
mod translate;
mod usage;
mod write_items;
mod write_pieces;
mod write_reply;
mod write_request;
mod write_tools;

use bytes::Bytes;
use gateway_domain::{Dialect, RateLimits, Timestamp};

use crate::{
    Address, AnswerSummary, Codec, ErrorAnswer, ErrorKind, InvalidBody, ModelEntry, Passing, Peek,
    StreamReader,
};

/// OpenAI's newer dialect, whose answers are lists of items.
pub(crate) struct OpenAiResponses;

impl Codec for OpenAiResponses {
    fn dialect(&self) -> Dialect {
        Dialect::OpenAiResponses
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

    fn limit_headers(&self, limits: &RateLimits, now: Timestamp) -> Vec<(&'static str, String)> {
        super::limit_headers::limit_headers(limits, now)
    }

    fn error_status(&self, kind: ErrorKind) -> u16 {
        match kind {
            ErrorKind::Overloaded | ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::BadGateway => {
                503
            }
            kind => kind.status(),
        }
    }

    fn error_body(&self, error: &ErrorAnswer<'_>) -> Bytes {
        super::error::error_body(error)
    }

    fn error_event(&self, error: &ErrorAnswer<'_>) -> Bytes {
        // Which number it would have is not known where this is written, and clients do not ask.
        error::event(error, 0)
    }

    fn error_event_of(&self, body: &[u8]) -> Bytes {
        error::event_of(body)
    }

    fn abandoned_event(&self) -> &'static [u8] {
        // The colon makes a comment of what would be a blank line. A broken name is then replaced by another; broken
        // data stay broken, which some clients pass over and others take for the error that it is.
        b":\nevent: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":0}\n\n"
    }

    fn keep_alive(&self) -> Option<&'static [u8]> {
        Some(b": keep-alive\n\n")
    }
}
