use gateway_domain::Usage;

use super::{Part, Signature};
use crate::ErrorKind;

/// A whole answer in no dialect.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What the model said: [texts](Part::Text), [thoughts](Part::Thinking) and [calls](Part::ToolCall), in order.
    pub parts: Vec<Part>,
    /// Why it stopped.
    pub stop: Stop,
    /// What it used, where the provider told.
    pub usage: Option<Usage>,
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::enum_variant_names,
    reason = "a stop sequence is what the field calls it"
)]
pub enum Stop {
    /// It had said all.
    EndTurn,
    /// The answer may have no more tokens.
    MaxTokens,
    /// It wrote one of the texts that end an answer: this one, where the provider tells.
    StopSequence(Option<String>),
    /// It waits for the results of tools.
    ToolUse,
    /// It, or the provider, would not answer. Why is text of the answer, if it is told.
    Refusal,
    /// The provider wants to be asked to go on (Anthropic's `pause_turn`).
    Pause,
    /// The model can hold no more.
    ContextWindow,
}

/// The smallest part of a streamed answer, in no dialect.
///
/// Pieces of one kind that follow each other belong together: texts to one text, thoughts to one thought,
/// arguments to the call that was begun last. Calls never overlap.
#[derive(Debug, Clone)]
pub enum Piece {
    /// The answer begins, or its usage is known better by now. The latest counts, as a whole.
    Usage(Usage),
    /// More text; never empty.
    Text(String),
    /// More of a thought; never empty.
    Thinking(String),
    /// The thought that has just passed, or one that is withheld, is over and signed so.
    Signature(Signature),
    /// A thought that the provider has hidden altogether.
    Redacted(Signature),
    /// A call begins. What was open before is over.
    ToolCall {
        /// As [`ToolCall::id`](super::ToolCall::id).
        id: String,
        /// The tool's name.
        name: String,
        /// As [`ToolCall::signature`](super::ToolCall::signature).
        signature: Option<Signature>,
        /// Whether the arguments are plain text (a [freeform](super::ToolInput::Text) tool) and no JSON.
        is_text: bool,
    },
    /// More of the open call's arguments: of the text of a JSON object, or of a freeform tool's text. None at all
    /// stands for `{}`.
    Arguments(String),
    /// Why the model stopped. Usage may follow, content does not.
    Stop(Stop),
    /// The provider says that it is alive.
    Ping,
    /// The answer is complete.
    End,
    /// The provider broke the answer off.
    Error {
        /// What for.
        kind: ErrorKind,
        /// In its own words.
        message: String,
    },
}
