use serde_json::Number;
use serde_json::value::RawValue;

use super::{Effort, Media, Signature};

/// A request in no dialect: what any of them can say and at least one other can hold.
///
/// Whatever only one dialect knows never gets here: its reader refuses it or names it as dropped. What a
/// dialect cannot hold of this, its writer refuses or names.
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    /// The model that shall answer: what the client asked for until it is replaced by the provider's name.
    pub model: String,
    /// Whether the answer shall be a stream.
    pub stream: bool,
    /// The system prompt before the first turn, text by text.
    pub system: Vec<String>,
    /// What was said so far, oldest first. Neighbours may have the same role.
    pub turns: Vec<Turn>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must; `None` leaves that to the provider's default.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once; `None` leaves that to the provider's default.
    pub parallel_tool_calls: Option<bool>,
    /// How many tokens the answer may have, thinking included.
    pub max_tokens: Option<u64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How the next token is drawn.
    pub sampling: Sampling,
    /// How much the model shall think first; `None` leaves that to the provider's default.
    pub thinking: Option<Thinking>,
    /// What the answer's text must look like.
    pub format: Format,
    /// The client's own name for its user.
    pub user: Option<String>,
    /// Whether a stream shall end with its usage, in dialects where that is a wish.
    pub include_usage: bool,
    /// What an answer repeats of its request, in dialects whose answers do; a JSON object.
    pub echo: Option<Box<RawValue>>,
}

impl Conversation {
    /// Whether the model is told to call a tool.
    #[must_use]
    pub const fn must_call(&self) -> bool {
        matches!(self.tool_choice, Some(ToolChoice::Required { .. }))
    }

    /// The system prompt, with a word on JSON where that is wanted and nobody has said it: OpenAI refuses to hold a
    /// model to JSON that was not told.
    pub(crate) fn instructions(&self) -> impl Iterator<Item = &str> {
        let is_untold = matches!(self.format, Format::Json) && !self.mentions("json");
        let system = self.system.iter().map(String::as_str);
        system.chain(is_untold.then_some(JSON_ONLY))
    }

    /// Whether anybody has said a word, in letters of any size.
    fn mentions(&self, word: &str) -> bool {
        let has = |text: &str| {
            let mut places = text.as_bytes().windows(word.len());
            places.any(|place| place.eq_ignore_ascii_case(word.as_bytes()))
        };
        let parts = self.turns.iter().flat_map(|turn| &turn.parts);
        let mut texts = parts.filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        self.system.iter().any(|text| has(text)) || texts.any(has)
    }
}

/// What one side said.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Which side.
    pub role: Role,
    /// What it said, in order.
    pub parts: Vec<Part>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The client, who also brings the results of tools.
    User,
    /// The model.
    Assistant,
    /// Whoever instructs the model, in the midst of a conversation; only [`Part::Text`].
    System,
}

/// A piece of what was said.
#[derive(Debug, Clone)]
pub enum Part {
    /// Text, never empty.
    Text(String),
    /// A picture, a document or a sound.
    Media(Media),
    /// What the model thought before it answered.
    Thinking(Thought),
    /// The model's wish to have a tool called.
    ToolCall(ToolCall),
    /// What a tool gave.
    ToolResult(ToolResult),
}

/// What the model thought, as far as it is told.
#[derive(Debug, Clone, Default)]
pub struct Thought {
    /// In words; empty where they are withheld.
    pub text: String,
    /// With which its provider knows it again.
    pub signature: Option<Signature>,
    /// Whether the signature stands for thoughts that the provider has hidden altogether (Anthropic's
    /// `redacted_thinking`).
    pub is_redacted: bool,
}

/// A wish to have a tool called.
#[derive(Debug, Clone)]
pub struct ToolCall {
    /// What its result refers to; never empty, unique in the conversation, of any characters.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// A JSON object; for a [freeform](ToolInput::Text) tool a JSON string.
    pub arguments: Box<RawValue>,
    /// With which the provider knows the thoughts again that led to it.
    pub signature: Option<Signature>,
}

/// What a tool gave.
#[derive(Debug, Clone)]
pub struct ToolResult {
    /// Which [`ToolCall`] it is for.
    pub call_id: String,
    /// Texts and media.
    pub parts: Vec<Part>,
    /// Whether the tool failed.
    pub is_error: bool,
}

/// Something that the model may call.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Unique in the conversation.
    pub name: String,
    /// What it does, for the model.
    pub description: Option<String>,
    /// What it takes.
    pub input: ToolInput,
}

impl Tool {
    /// Whether it is a [freeform](ToolInput::Text) tool.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        matches!(self.input, ToolInput::Text)
    }
}

/// What a tool takes.
#[derive(Debug, Clone)]
pub enum ToolInput {
    /// An object that fits a schema.
    Json {
        /// JSON Schema of type `object`; `None` for a tool that takes nothing.
        schema: Option<Box<RawValue>>,
        /// Whether the model is held to it.
        strict: Option<bool>,
    },
    /// Text of any form (OpenAI's custom tools).
    Text,
}

/// Whether the model must call a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it sees fit.
    Auto,
    /// It must not.
    None,
    /// At least one, of all or of these names.
    Required {
        /// Empty for all.
        names: Vec<String>,
    },
}

/// How the next token is drawn; `None` leaves it to the provider.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sampling {
    /// From 0, which is the least random; up to 2, in Anthropic's dialect up to 1.
    pub temperature: Option<Number>,
    /// Of the likeliest tokens only those that together have this probability.
    pub top_p: Option<Number>,
    /// Only so many of the likeliest tokens.
    pub top_k: Option<Number>,
    /// Equal seeds give equal answers, as far as possible.
    pub seed: Option<Number>,
    /// From -2 to 2, against tokens that have come.
    pub presence_penalty: Option<Number>,
    /// From -2 to 2, against tokens that have come often.
    pub frequency_penalty: Option<Number>,
}

/// How much the model shall think before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thinking {
    /// How much.
    pub amount: ThinkingAmount,
    /// Whether the client wants to see it.
    pub is_shown: bool,
}

/// How much to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThinkingAmount {
    /// Not at all.
    Off,
    /// As the model sees fit.
    Free,
    /// By a word.
    Effort(Effort),
    /// At most so many tokens.
    Tokens(u64),
}

/// What tells a model that it shall answer in JSON, where a dialect has no field for it or wants to have it said too.
pub(crate) const JSON_ONLY: &str = "Answer with one JSON object and nothing else.";

/// What an answer's text must look like.
#[derive(Debug, Clone, Default)]
pub enum Format {
    /// Anything.
    #[default]
    Text,
    /// One JSON value.
    Json,
    /// JSON that fits a schema.
    Schema {
        /// The schema's name, where the dialect has one.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// JSON Schema.
        schema: Box<RawValue>,
        /// Whether the model is held to it.
        strict: Option<bool>,
    },
}
