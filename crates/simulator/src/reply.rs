use serde_json::Value;

/// How the stop reason of a blocked prompt starts.
pub(crate) const BLOCKED: &str = "blocked:";

/// The content of an answer, in order.
///
/// Without a stop reason it is `tool_use` when the content has a tool call, else `end_turn`; `max_tokens` and
/// stop sequences of the request cut it as they would cut the model.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub(crate) blocks: Vec<Block>,
    pub(crate) stop_reason: Option<String>,
    pub(crate) output_tokens: Option<u64>,
}

#[derive(Debug, Clone)]
pub(crate) enum Block {
    Text(String),
    Thinking(String),
    ToolUse { name: String, input: Value },
    WebSearch { query: String },
}

impl Reply {
    /// An answer without content so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One block of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new().and_text(text)
    }

    /// Adds a block of text.
    #[must_use]
    pub fn and_text(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Text(text.into()));
        self
    }

    /// Adds a thinking block; it is signed as if it had come from the model.
    #[must_use]
    pub fn and_thinking(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Thinking(text.into()));
        self
    }

    /// Adds a call of a client's tool.
    #[must_use]
    pub fn and_tool_use(mut self, name: impl Into<String>, input: Value) -> Self {
        self.blocks.push(Block::ToolUse {
            name: name.into(),
            input,
        });
        self
    }

    /// Adds a search of the web that the provider runs itself, with its result; billed as one request.
    #[must_use]
    pub fn and_web_search(mut self, query: impl Into<String>) -> Self {
        self.blocks.push(Block::WebSearch { query: query.into() });
        self
    }

    /// A prompt that the provider refuses before the model answers, for this reason, such as `SAFETY`: at Gemini's, an
    /// answer without candidates.
    #[must_use]
    pub fn blocked(reason: &str) -> Self {
        Self::new()
            .stop_reason(format!("{BLOCKED}{reason}"))
            .output_tokens(0)
    }

    /// Ends the answer for this reason, in the words of the dialect that it is for, such as `refusal`, `pause_turn` or
    /// `MALFORMED_FUNCTION_CALL`.
    #[must_use]
    pub fn stop_reason(mut self, reason: impl Into<String>) -> Self {
        self.stop_reason = Some(reason.into());
        self
    }

    /// Bills this many output tokens, whatever the length of the content.
    #[must_use]
    pub const fn output_tokens(mut self, tokens: u64) -> Self {
        self.output_tokens = Some(tokens);
        self
    }
}
