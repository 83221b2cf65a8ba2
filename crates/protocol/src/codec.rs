use std::ops::Range;

use bytes::Bytes;
use gateway_domain::{Dialect, Usage};

use crate::ErrorAnswer;
use crate::anthropic::Anthropic;

/// Every dialect that is spoken here.
pub static CODECS: &[&dyn Codec] = &[&Anthropic];

/// How `dialect` is read and written, or `None` where it is not spoken yet.
#[must_use]
pub fn codec(dialect: Dialect) -> Option<&'static dyn Codec> {
    CODECS.iter().copied().find(|codec| codec.dialect() == dialect)
}

/// What the gateway reads and writes of one dialect.
pub trait Codec: Send + Sync {
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
    fn peek(&self, body: &[u8]) -> Result<Peek, InvalidBody>;

    /// Reads a whole answer that is not a stream. What cannot be read is left out.
    fn read_answer(&self, body: &[u8]) -> AnswerSummary;

    /// Reads one stream.
    fn stream_reader(&self) -> Box<dyn StreamReader + Send>;

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

/// What routing needs to know of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peek {
    /// The model asked for, never empty.
    pub model: String,
    /// Where the JSON string of `model` stands in the body, its quotes included.
    pub model_span: Range<usize>,
    /// Whether the answer shall be a stream.
    pub stream: bool,
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

    /// How far the stream has come, counting whole events only.
    fn phase(&self) -> StreamPhase;

    /// Whether the last byte left an event unfinished; [`Codec::abandoned_event`] then comes before any other.
    fn is_mid_event(&self) -> bool;

    /// What the error event said, once the stream has [failed](StreamPhase::Failed).
    fn error_event(&self) -> Option<&[u8]>;

    /// What is known so far. Later counts replace earlier ones.
    fn summary(&self) -> AnswerSummary;

    /// Output tokens guessed from the text that has passed, for a stream that broke before it told.
    fn estimated_output_tokens(&self) -> u64;
}

/// How far a stream has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamPhase {
    /// Nothing yet, or only what precedes every answer: another account may still give it.
    Head,
    /// The answer has begun.
    Content,
    /// The last event has come. Final.
    Finished,
    /// An error event has come. Final.
    Failed,
}
