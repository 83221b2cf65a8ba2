use std::ops::Range;

use bytes::Bytes;
use gateway_domain::{Dialect, RateLimits, Timestamp, Usage};

use crate::anthropic::Anthropic;
use crate::gemini::Gemini;
use crate::openai::chat::OpenAiChat;
use crate::openai::responses::OpenAiResponses;
use crate::translation::{Rewriter, Translate};
use crate::{ErrorAnswer, ErrorKind, ModelEntry, StreamProgress};

/// Every dialect that is spoken here.
pub static CODECS: &[&dyn Codec] = &[&Anthropic, &OpenAiChat, &OpenAiResponses, &Gemini];

/// How `dialect` is read and written, or `None` where it is not spoken yet.
#[must_use]
pub fn codec(dialect: Dialect) -> Option<&'static dyn Codec> {
    CODECS.iter().copied().find(|codec| codec.dialect() == dialect)
}

/// What the gateway reads and writes of one dialect.
pub trait Codec: Translate + Send + Sync {
    /// Which one.
    fn dialect(&self) -> Dialect;

    /// Reads what routing needs from a request's body, in one pass and without building a tree.
    ///
    /// The whole body is checked: UTF-8, strict JSON, at most 128 levels of nesting, no read field given twice.
    /// Fields that are not read may hold anything, even numbers and escapes that stand for nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidBody`] with the sentence for the client.
    fn peek(&self, body: &[u8], address: &Address<'_>) -> Result<Peek, InvalidBody>;

    /// What becomes of a request and its streamed answer where the provider speaks this dialect itself: nothing,
    /// unless the conversation holds what clients have carried for other providers, the usage would be missing, the
    /// client wants another framing, or clients break on half an event. A body that needs no change is not copied.
    fn pass(&self, body: &Bytes, peek: &Peek) -> Passing;

    /// Reads a whole answer that is not a stream. What cannot be read is left out.
    fn read_answer(&self, body: &[u8]) -> AnswerSummary;

    /// Reads one stream.
    fn stream_reader(&self) -> Box<dyn StreamReader + Send>;

    /// Reads a provider's list of models, each with what the provider says of it. What is no entry is left out.
    fn read_models(&self, body: &[u8]) -> Vec<ModelEntry>;

    /// What is left of the client's limits, as headers in the dialect's own words; none where it has no such words.
    fn limit_headers(&self, limits: &RateLimits, now: Timestamp) -> Vec<(&'static str, String)> {
        let _ = (limits, now);
        Vec::new()
    }

    /// The HTTP status of an error answer.
    fn error_status(&self, kind: ErrorKind) -> u16 {
        kind.status()
    }

    /// The body of an error answer.
    fn error_body(&self, error: &ErrorAnswer<'_>) -> Bytes;

    /// An error in the midst of a stream, where no event is open ([`StreamReader::is_mid_event`]).
    fn error_event(&self, error: &ErrorAnswer<'_>) -> Bytes;

    /// The body of an error answer, ours or a provider's, as the event that says the same in a stream.
    fn error_event_of(&self, body: &[u8]) -> Bytes;

    /// What follows an event that broke off in its middle, so that clients pass over what there is of it.
    fn abandoned_event(&self) -> &'static [u8];

    /// An event that means nothing but that the stream is alive; `None` where clients bear none.
    fn keep_alive(&self) -> Option<&'static [u8]>;
}

/// What the address of a request says of it, in dialects where the body does not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Address<'a> {
    /// The model asked for.
    pub model: Option<&'a str>,
    /// Whether the answer shall be a stream.
    pub stream: bool,
    /// How the stream's parts are told apart.
    pub framing: Framing,
}

/// How the parts of a stream are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Framing {
    /// As server-sent events.
    #[default]
    Events,
    /// As the elements of one JSON array (Gemini's streams without `alt=sse`).
    Array,
}

/// A request that stays in its dialect.
pub struct Passing {
    /// The body for the provider.
    pub body: Bytes,
    /// Makes what its streamed answer must go through on its way back.
    pub rewriter: Option<fn() -> Box<dyn Rewriter + Send>>,
}

/// What routing needs to know of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peek {
    /// The model asked for, never empty.
    pub model: String,
    /// Where the JSON string of `model` stands in the body, its quotes included; `None` where the address names it.
    pub model_span: Option<Range<usize>>,
    /// Whether the answer shall be a stream.
    pub stream: bool,
    /// How the stream's parts shall be told apart.
    pub framing: Framing,
    /// How many tokens the answer may have.
    pub max_tokens: Option<u64>,
    /// The client's own name for its user or session.
    pub user_id: Option<String>,
    /// The same for every turn of a conversation, by what it begins with; `None` without any message.
    pub conversation: Option<u64>,
    /// What other conversations begin with as well; `None` if that is nothing.
    pub preamble: Option<Preamble>,
    /// Whether the request asks to be kept in a prompt cache.
    pub cache_wish: CacheWish,
    /// Names what the request refers to and only one account holds, such as a container or an uploaded file.
    pub pin: Option<String>,
}

/// The beginning of a prompt that many conversations share: tools and system prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preamble {
    /// The same for equal preambles, on every machine.
    pub hash: u64,
    /// Its length as it stands in the request.
    pub bytes: usize,
}

/// For how long a request asks to be kept in a prompt cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum CacheWish {
    /// It does not ask.
    #[default]
    None,
    /// Minutes, anew with each use.
    Short,
    /// An hour or more.
    Long,
}

/// The body of a request is refused. Displays as one sentence for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidBody {
    message: String,
}

impl InvalidBody {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

/// What an answer says about itself, as far as it has been read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnswerSummary {
    /// `None` when no count was there.
    pub usage: Option<Usage>,
    /// The provider's name for the answer.
    pub message_id: Option<String>,
    /// The model that answered, in the provider's words.
    pub model: Option<String>,
    /// The container that the answer left at the account, to which later requests may refer.
    pub container: Option<String>,
}

/// Reads a stream's decoded bytes in passing.
///
/// What it says never depends on where one chunk ends and the next begins. Its memory is bounded whatever the
/// stream holds, and nothing makes it panic.
pub trait StreamReader {
    /// Reads the next bytes.
    fn push(&mut self, chunk: &[u8]);

    /// Takes note that the stream has ended here: one that is [complete](StreamPhase::Complete) is now finished.
    fn end(&mut self) {}

    /// How far the stream has come, counting whole events only.
    fn progress(&self) -> &StreamProgress;

    /// Where in the last bytes the event begins that they left unfinished, if they left one; 0 when it began earlier.
    fn unfinished_from(&self) -> Option<usize>;

    /// Whether the last byte left an event unfinished; [`Codec::abandoned_event`] then comes before any other.
    fn is_mid_event(&self) -> bool {
        self.unfinished_from().is_some()
    }

    /// What is known so far. Later counts replace earlier ones.
    fn summary(&self) -> AnswerSummary;

    /// Where the stream is.
    fn phase(&self) -> StreamPhase {
        self.progress().phase()
    }

    /// What the error event said, once the stream has [failed](StreamPhase::Failed).
    fn error_event(&self) -> Option<&[u8]> {
        self.progress().error_event()
    }

    /// Where in the last bytes the error event begins, once the stream has failed; 0 when it began earlier.
    fn failed_from(&self) -> usize {
        self.progress().error_start()
    }

    /// Output tokens guessed from the text that has passed, for a stream that broke before it told.
    fn estimated_output_tokens(&self) -> u64 {
        self.progress().estimated_output_tokens()
    }
}

/// How far a stream has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamPhase {
    /// Nothing yet, or only what precedes every answer: another account may still give it.
    Head,
    /// The answer has begun.
    Content,
    /// All that an answer must have has come, and more may follow: usage, or a farewell. A stream that ends here is whole.
    Complete,
    /// The last event has come. Final.
    Finished,
    /// An error event has come. Final.
    Failed,
}
