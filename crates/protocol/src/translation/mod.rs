//! From one dialect into another, by way of what neither of them owns: a [`Conversation`] there, a [`Reply`] or
//! [`Piece`]s back.

mod balance;
mod conversation;
mod dropped;
mod effort;
mod estimate;
mod marks;
mod media;
mod reply;
mod signature;
mod tool_id;
mod tool_names;
mod translator;
mod untranslatable;
mod way_back;
mod wrapped_text;

use std::borrow::Cow;

use bytes::Bytes;

use crate::{Address, ErrorAnswer, Framing};

pub(crate) use balance::Balance;
pub(crate) use conversation::JSON_ONLY;
pub use conversation::{
    Conversation, Format, Part, Role, Sampling, Thinking, ThinkingAmount, Thought, Tool, ToolCall,
    ToolChoice, ToolInput, ToolResult, Turn,
};
pub use dropped::Dropped;
pub use effort::{Effort, UnknownEffort};
pub use estimate::estimate_tokens;
pub(crate) use marks::Marks;
pub use media::{Media, MediaKind, MediaSource};
pub use reply::{Piece, Reply, Stop};
pub(crate) use signature::UNSIGNED;
pub use signature::{Origin, Signature};
pub(crate) use tool_id::{decode as decode_base64, fit as fit_tool_id, unload as unload_tool_id};
pub use tool_names::{NameRules, ToolNames};
pub use translator::{Birth, Count, Translated, translate, translate_count};
pub use untranslatable::{Unreadable, Untranslatable};
pub use way_back::{Rewriter, WayBack};

/// How a dialect is put into words that belong to none, and back.
///
/// Everything here is a function from values to values. What a reader or writer of requests leaves out it names
/// in `dropped`; what would change the meaning if it were left out is refused.
pub trait Translate {
    /// Reads a request for an answer.
    ///
    /// # Errors
    ///
    /// [`Untranslatable`] if it is not as the dialect has it, or if it holds something that is this dialect's
    /// provider's alone.
    fn read_request(
        &self,
        body: &[u8],
        address: &Address<'_>,
        dropped: &mut Dropped,
    ) -> Result<Conversation, Untranslatable>;

    /// What the dialect's clients call a part of a [`Conversation`] that was left out.
    fn client_name<'a>(&self, part: &'a str) -> Cow<'a, str> {
        part.into()
    }

    /// Whether the dialect lets the provider's own servers do with this model all that they can.
    fn does_justice_to(&self, model: &str) -> bool {
        let _ = model;
        true
    }

    /// Writes a request for an answer.
    ///
    /// # Errors
    ///
    /// [`Untranslatable`] if the dialect has no words for something that matters.
    fn write_request(
        &self,
        conversation: &Conversation,
        dropped: &mut Dropped,
    ) -> Result<Rendered, Untranslatable>;

    /// Reads a request for the count of a conversation's tokens. That is what a request for an answer is, where a
    /// dialect does not know better.
    ///
    /// # Errors
    ///
    /// As [`read_request`](Self::read_request).
    fn read_count_request(
        &self,
        body: &[u8],
        address: &Address<'_>,
        dropped: &mut Dropped,
    ) -> Result<Conversation, Untranslatable> {
        self.read_request(body, address, dropped)
    }

    /// Writes a request for the count of a conversation's tokens; `None` where the dialect has no such call.
    ///
    /// # Errors
    ///
    /// As [`write_request`](Self::write_request).
    fn write_count_request(
        &self,
        conversation: &Conversation,
        dropped: &mut Dropped,
    ) -> Result<Option<Rendered>, Untranslatable>;

    /// Reads the count of a conversation's tokens.
    fn read_count(&self, body: &[u8]) -> Option<u64>;

    /// Writes the count of a conversation's tokens.
    fn write_count(&self, tokens: u64) -> Bytes;

    /// Reads a whole answer.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if it is none, or if it says no more than that the provider failed.
    fn read_reply(&self, body: &[u8]) -> Result<Reply, Unreadable>;

    /// Writes a whole answer.
    fn write_reply(&self, reply: &Reply, terms: &ReplyTerms) -> Bytes;

    /// Reads a streamed answer.
    fn piece_reader(&self) -> Box<dyn PieceReader + Send>;

    /// Writes a streamed answer.
    fn piece_writer(&self, terms: &ReplyTerms) -> Box<dyn PieceWriter + Send>;

    /// Reads the body of a provider's error answer, or the data of its error event.
    fn read_error(&self, body: &[u8]) -> Option<ProviderError>;
}

/// A request as it goes to a provider.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The body.
    pub body: Bytes,
    /// Headers that the body is read by, such as the version of the API.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The tools that had to be renamed.
    pub names: ToolNames,
}

/// What decides the form of an answer besides its content.
#[derive(Debug, Clone)]
pub struct ReplyTerms {
    /// The model, by the name that the client asked for.
    pub model: String,
    /// Characters of `[a-z0-9]` that no other answer has: ids are made of them.
    pub id: String,
    /// When the answer began, in seconds since 1970.
    pub created_at: i64,
    /// See [`Conversation::include_usage`].
    pub include_usage: bool,
    /// How a stream's parts are told apart.
    pub framing: Framing,
    /// See [`Conversation::echo`].
    pub echo: Option<Box<serde_json::value::RawValue>>,
}

/// What a provider said went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderError {
    /// In its own words.
    pub message: String,
    /// Whether it is that the conversation has too many tokens for the model.
    pub is_too_long: bool,
}

/// Reads a streamed answer as it comes.
///
/// What it says never depends on where one chunk ends and the next begins, its memory is bounded whatever the
/// stream holds, and nothing makes it panic.
pub trait PieceReader {
    /// Reads the next bytes and tells each piece that they complete, at once.
    fn push(&mut self, chunk: &[u8], on_piece: &mut dyn FnMut(Piece));
}

/// Writes a streamed answer as its pieces come: everything that can be said of a piece is said at once.
pub trait PieceWriter {
    /// Says `piece`. [`Piece::End`] and [`Piece::Error`] never come here.
    fn write(&mut self, piece: &Piece, out: &mut Vec<u8>);

    /// Says that the answer is complete: stop reason, usage and whatever ends a stream.
    fn end(&mut self, out: &mut Vec<u8>);

    /// Says that the answer broke off.
    fn fail(&mut self, error: &ErrorAnswer<'_>, out: &mut Vec<u8>);
}
