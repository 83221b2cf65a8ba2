//! What whole and streamed answers are made of, as this gateway writes them.

use std::borrow::Cow;

use gateway_domain::Usage;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::translation::{Origin, ReplyTerms, Signature, UNSIGNED};

/// An answer; in the event that begins a stream, without content.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    id: String,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    pub(super) content: Vec<Content<'a>>,
    pub(super) stop_reason: Option<&'static str>,
    pub(super) stop_sequence: Option<&'a str>,
    stop_details: Option<()>,
    usage: Counts,
}

impl<'a> Message<'a> {
    pub(super) fn new(terms: &'a ReplyTerms, usage: &Usage) -> Self {
        Self {
            id: format!("msg_{}", terms.id),
            r#type: "message",
            role: "assistant",
            model: &terms.model,
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            stop_details: None,
            usage: Counts::of(usage),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content<'a> {
    Text {
        text: &'a str,
    },
    Thinking {
        thinking: &'a str,
        /// Never missing nor null, which the official SDKs cannot bear.
        signature: Cow<'a, str>,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: &'a RawValue,
    },
}

/// What stands in a thinking block's `signature`.
pub(super) fn signature(signature: Option<&Signature>) -> Cow<'static, str> {
    match signature {
        Some(signature) => signature.marked_unless(Origin::Anthropic).into(),
        None => UNSIGNED.into(),
    }
}

/// Whether a thinking block's `signature` is one.
pub(super) fn is_signature(text: &str) -> bool {
    !text.is_empty() && text != UNSIGNED
}

/// What stands in a redacted thinking block's `data`.
pub(super) fn redacted(signature: &Signature) -> String {
    signature.marked_unless(Origin::AnthropicRedacted)
}

/// The usage, with all that clients count.
#[derive(Serialize)]
pub(super) struct Counts {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation: CacheCreation,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
}

#[derive(Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetails {
    thinking_tokens: u64,
}

impl Counts {
    pub(super) const fn of(usage: &Usage) -> Self {
        let tokens = &usage.tokens;
        Self {
            input_tokens: tokens.input,
            cache_creation_input_tokens: tokens.cache_write_5m.saturating_add(tokens.cache_write_1h),
            cache_read_input_tokens: tokens.cache_read,
            cache_creation: CacheCreation {
                ephemeral_5m_input_tokens: tokens.cache_write_5m,
                ephemeral_1h_input_tokens: tokens.cache_write_1h,
            },
            output_tokens: tokens.output,
            output_tokens_details: OutputDetails {
                thinking_tokens: tokens.reasoning,
            },
        }
    }
}
