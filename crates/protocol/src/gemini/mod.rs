//! Gemini's `generateContent` API, versions v1 and v1beta. Source: the official SDKs and documentation.

mod answer;
mod array;
mod error;
mod fields;
mod files;
mod finish;
mod foreign;
mod framing;
mod models;
mod peek;
mod pieces;
mod read;
mod reply;
mod signature;
mod stream;
mod telling;
mod translate;
mod usage;
mod version;
mod whole_events;
mod wire;
mod write;

use bytes::Bytes;
use gateway_domain::Dialect;

pub use models::{ModelsQuery, model, models_page};

use crate::{
    Address, AnswerSummary, Codec, ErrorAnswer, ErrorKind, Framing, InvalidBody, ModelEntry, Passing, Peek,
    StreamReader,
};

use self::array::ArrayRewriter;
use self::whole_events::WholeEvents;

/// Gemini's dialect.
pub(crate) struct Gemini;

impl Codec for Gemini {
    fn dialect(&self) -> Dialect {
        Dialect::Gemini
    }

    fn peek(&self, body: &[u8], address: &Address<'_>) -> Result<Peek, InvalidBody> {
        peek::peek(body, address)
    }

    fn pass(&self, body: &Bytes, peek: &Peek) -> Passing {
        Passing {
            body: foreign::without_marks(body),
            rewriter: match peek.framing {
                _ if !peek.stream => None,
                Framing::Events => Some(|| Box::new(WholeEvents::default())),
                Framing::Array => Some(|| Box::new(ArrayRewriter::new())),
            },
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

    fn error_status(&self, kind: ErrorKind) -> u16 {
        error::code(kind)
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
        // Nothing makes Google's SDK pass over the beginning of a `data: ` line, and nothing makes JSON of any beginning.
        // So the line is ended where it broke off, and the client raises an error at this event, if not at the one that
        // follows; never is it taken for an answer. It happens only with events that are too long to be held.
        whole_events::ABANDONED
    }

    fn keep_alive(&self) -> Option<&'static [u8]> {
        // To Google's SDK a comment is JSON that cannot be read.
        None
    }
}
