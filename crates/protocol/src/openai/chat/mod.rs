//! OpenAI's chat completions, as OpenAI speaks them and as others do: DeepSeek, Groq, Mistral, Moonshot, Ollama,
//! OpenRouter, vLLM, xAI, … Source: the official SDKs and recorded streams.

mod answer;
mod completion;
mod foreign;
mod opening;
mod pass;
mod peek;
mod pieces;
mod reading;
mod reply;

mod stream;
mod translate;
mod usage;
mod writing;

use bytes::Bytes;
use gateway_domain::{Dialect, RateLimits, Timestamp};

use crate::{
    Address, AnswerSummary, Codec, ErrorAnswer, ErrorKind, InvalidBody, ModelEntry, Passing, Peek,
    StreamReader,
};

use super::{error, models};

/// Characters of a call's id.
const MAX_CALL_ID: usize = 40;

/// OpenAI's dialect of chat completions.
pub(crate) struct OpenAiChat;

impl Codec for OpenAiChat {
    fn dialect(&self) -> Dialect {
        Dialect::OpenAiChat
    }

    fn peek(&self, body: &[u8], _: &Address<'_>) -> Result<Peek, InvalidBody> {
        peek::peek(body)
    }

    fn pass(&self, body: &Bytes, peek: &Peek) -> Passing {
        pass::pass(body, peek)
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
        error::status(kind)
    }

    fn error_body(&self, error: &ErrorAnswer<'_>) -> Bytes {
        error::error_body(error)
    }

    fn error_event(&self, error: &ErrorAnswer<'_>) -> Bytes {
        event(&error::error_body(error))
    }

    fn error_event_of(&self, body: &[u8]) -> Bytes {
        event(&error::streamable(body))
    }

    fn abandoned_event(&self) -> &'static [u8] {
        // Nothing can be put behind the beginning of a line that would make the SDKs pass over it: it breaks them as
        // JSON that it is not. That is an error at least, and clients that do pass over it find the error behind it.
        // It happens only with events that are too long to be held: see `pass`.
        b"\n\n"
    }

    fn keep_alive(&self) -> Option<&'static [u8]> {
        Some(KEEP_ALIVE)
    }
}

const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// `json` as an event.
fn event(json: &[u8]) -> Bytes {
    // Within JSON a line end is never more than space, but it would end the event's line.
    let line = json.iter().map(|byte| match byte {
        b'\n' | b'\r' => b' ',
        byte => *byte,
    });
    b"data: ".iter().copied().chain(line).chain(*b"\n\n").collect()
}
