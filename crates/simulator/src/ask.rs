//! What a request asks for, in no dialect's words.

use serde_json::Value;

use crate::cache::{Prefix, Ttl};
use crate::draw::hash;
use crate::tokens::tokens;

/// What a request for an answer asks for.
#[derive(Debug)]
pub(crate) struct Ask {
    /// The id of the model that answers, by which it is billed.
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) max_tokens: u64,
    pub(crate) stop_sequences: Vec<String>,
    pub(crate) thinking: Thinking,
    /// The tools that an answer which nobody wrote calls, in the order of the calls.
    pub(crate) wanted_tools: Vec<Tool>,
    /// What the text of an answer which nobody wrote has to fit.
    pub(crate) schema: Option<Value>,
    pub(crate) prompt: Prompt,
    /// The shortest prefix that the prompt cache keeps.
    pub(crate) cache_minimum: u64,
    /// Whether what is written to the prompt cache has a rate of its own.
    pub(crate) bills_cache_writes: bool,
}

/// Whether the model thinks, and what of it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thinking {
    Off,
    Shown {
        budget: u64,
    },
    Omitted {
        budget: u64,
    },
    /// Omitted, unless a script says what the model thinks.
    Scripted {
        budget: u64,
    },
}

/// A tool that is to be called.
#[derive(Debug, Clone)]
pub(crate) enum Tool {
    Client { name: String, input_schema: Value },
    WebSearch,
}

impl Tool {
    /// The tokens that a call costs beside those of its name and input.
    const CALL_TOKENS: u64 = 12;
}

pub(crate) fn call_tokens(name: &str, input: &str) -> u64 {
    Tool::CALL_TOKENS + tokens(name) + tokens(input)
}

/// The input of a request as tokens, and where it may be cached.
#[derive(Debug, Default)]
pub(crate) struct Prompt {
    pub(crate) tokens: u64,
    /// One for each block, in the provider's order of them; empty when nothing is to be cached.
    pub(crate) prefixes: Vec<Prefix>,
    /// The text of the last turn, if there are tools and it brings no results of theirs.
    pub(crate) question: String,
}

impl Prompt {
    /// Whether the last turn names this tool.
    pub(crate) fn asks_for(&self, tool: &str) -> bool {
        !tool.is_empty() && self.question.contains(tool)
    }
}

/// A prompt that is read block by block.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Of everything so far; None when nothing is to be cached.
    hash: Option<u64>,
    tokens: u64,
    pub(crate) prefixes: Vec<Prefix>,
}

impl Walk {
    /// A walk that only counts.
    pub(crate) const fn counting() -> Self {
        Self {
            hash: None,
            tokens: 0,
            prefixes: Vec::new(),
        }
    }

    /// A walk that also notes what may be cached: a prompt for one model is nothing to another.
    pub(crate) fn caching(model: &str) -> Self {
        Self {
            hash: Some(hash(0, model.as_bytes())),
            ..Self::counting()
        }
    }

    pub(crate) const fn is_caching(&self) -> bool {
        self.hash.is_some()
    }

    pub(crate) const fn tokens(&self) -> u64 {
        self.tokens
    }

    pub(crate) const fn count(&mut self, tokens: u64) {
        self.tokens += tokens;
    }

    /// Adds a block; the same bytes are another block in another `place`, such as another role's turn.
    pub(crate) fn push(&mut self, tokens: u64, bytes: &[u8], place: u64, breakpoint: Option<Ttl>) {
        self.tokens += tokens;
        if let Some(before) = self.hash {
            let hash = hash(before.wrapping_add(place), bytes);
            self.hash = Some(hash);
            self.prefixes.push(Prefix {
                hash,
                tokens: self.tokens,
                breakpoint,
            });
        }
    }
}
