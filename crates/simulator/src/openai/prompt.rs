//! The input of a request as tokens, and where it may be cached.

use serde_json::Value;

use crate::ask::{Prompt, Walk};
use crate::cache::{Prefix, Ttl};
use crate::tokens::tokens;

/// What the API spends on the start of an answer, and on each message.
const ANSWER_TOKENS: u64 = 3;
const MESSAGE_TOKENS: u64 = 4;
const IMAGE_TOKENS: u64 = 765;
/// How many prefixes are kept at the start of a prompt and at its end.
const KEPT: usize = 32;
/// The shortest prompt that the provider caches.
pub(super) const CACHE_MINIMUM: u64 = 1_024;

/// A prompt that is put together.
#[derive(Debug)]
pub(super) struct PromptBuilder {
    walk: Walk,
    overhead: u64,
}

impl PromptBuilder {
    pub(super) fn new(model: &str) -> Self {
        Self {
            walk: Walk::caching(model),
            overhead: ANSWER_TOKENS,
        }
    }

    /// Adds text that is no message, such as instructions or a tool.
    pub(super) fn text(&mut self, text: &str, place: u64) {
        self.walk.push(tokens(text), text.as_bytes(), place, None);
    }

    /// Adds a message or an item; its own ids are no part of it.
    pub(super) fn message(&mut self, message: &Value) {
        self.overhead += MESSAGE_TOKENS;
        self.walk
            .push(message_tokens(message), message.to_string().as_bytes(), 2, None);
    }

    /// The finished prompt; `question` is the text of a last turn that may ask for tools.
    pub(super) fn finish(self, question: String) -> Prompt {
        let tokens = self.walk.tokens() + self.overhead;
        let mut prefixes = self.walk.prefixes;
        mark(&mut prefixes);
        Prompt {
            tokens,
            prefixes,
            question,
        }
    }
}

/// The provider caches on its own: here, where prompts mostly part.
fn mark(prefixes: &mut [Prefix]) {
    let late = prefixes.len().saturating_sub(KEPT);
    for (at, prefix) in prefixes.iter_mut().enumerate() {
        if at < KEPT || at >= late {
            prefix.breakpoint = Some(Ttl::FiveMinutes);
        }
    }
}

/// The tokens of everything in a message or an item that a model reads.
fn message_tokens(value: &Value) -> u64 {
    match value {
        Value::Array(parts) => parts.iter().map(message_tokens).sum(),
        Value::Object(fields) => match fields.get("type").and_then(Value::as_str) {
            Some("image_url" | "input_image") => IMAGE_TOKENS,
            Some("file" | "input_file") => file_tokens(value),
            _ => fields
                .iter()
                .filter(|(name, _)| READ.contains(&name.as_str()))
                .map(|(_, field)| message_tokens(field))
                .sum(),
        },
        Value::String(text) => tokens(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// The fields that count.
const READ: &[&str] = &[
    "content",
    "text",
    "refusal",
    "name",
    "arguments",
    "input",
    "output",
    "function",
    "custom",
    "tool_calls",
    "summary",
    "reasoning_content",
];

fn file_tokens(part: &Value) -> u64 {
    let file = part.get("file").unwrap_or(part);
    // A page of a PDF is some 60 kB and some 2,000 tokens.
    2_000 + file["file_data"].as_str().map_or(0, str::len) as u64 / 40
}
