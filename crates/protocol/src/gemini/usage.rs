use gateway_domain::{TokenCounts, Usage};
use serde::Serialize;

use crate::json;

/// No tier has a name longer than this; a longer one would only fill the ledger.
const MAX_WORD: usize = 64;

/// The counts of one `usageMetadata`. Each that comes in a stream is complete, and the last one counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Metadata {
    prompt: u64,
    cached: u64,
    tool_use: u64,
    candidates: u64,
    thoughts: u64,
    total: Option<u64>,
    service_tier: Option<String>,
}

impl Metadata {
    /// `None` when neither input nor output has been counted: some parts of a stream tell only the kind of traffic.
    pub(super) fn read(object: &[u8]) -> Option<Self> {
        let mut metadata = Self::default();
        let mut is_known = false;
        for member in json::members(object).flatten() {
            let field = match &*member.key {
                b"promptTokenCount" => &mut metadata.prompt,
                b"candidatesTokenCount" => &mut metadata.candidates,
                b"cachedContentTokenCount" => &mut metadata.cached,
                b"toolUsePromptTokenCount" => &mut metadata.tool_use,
                b"thoughtsTokenCount" => &mut metadata.thoughts,
                b"totalTokenCount" => metadata.total.insert(0),
                b"serviceTier" => {
                    metadata.service_tier = tier(member.value);
                    continue;
                }
                _ => continue,
            };
            let count = json::count(member.value);
            *field = count.map(u64::from).unwrap_or_default();
            is_known |= count.is_some()
                && matches!(
                    &*member.key,
                    b"promptTokenCount" | b"candidatesTokenCount" | b"thoughtsTokenCount"
                );
        }
        is_known.then_some(metadata)
    }

    /// The counts in buckets that do not overlap.
    ///
    /// Searches bring their own tokens into the prompt, which are part of their price; those of other tools are not.
    pub(super) fn usage(&self, searches: u64) -> Usage {
        let tool_use = if searches > 0 { 0 } else { self.tool_use };
        // Some models count their thoughts among the answer's tokens. Source: LiteLLM's issue 10141.
        let has_thoughts_inside = self.total == Some(self.prompt + self.candidates + self.tool_use);
        let output = if has_thoughts_inside {
            self.candidates
        } else {
            self.candidates + self.thoughts
        };
        Usage {
            tokens: TokenCounts {
                input: self.prompt.saturating_sub(self.cached) + tool_use,
                cache_read: self.cached.min(self.prompt),
                cache_write_5m: 0,
                cache_write_1h: 0,
                output,
                reasoning: self.thoughts.min(output),
            },
            web_searches: searches,
            service_tier: self.service_tier.clone(),
            speed: None,
            inference_geo: None,
            parts: Vec::new(),
        }
    }
}

fn tier(value: &[u8]) -> Option<String> {
    let word = json::text(value).filter(|word| word.len() <= MAX_WORD)?;
    Some(word.to_ascii_lowercase())
}

/// A `usageMetadata` as clients read it: the prompt with what was cached of it, the answer without its thoughts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    prompt_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cached_content_token_count: u64,
    candidates_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    thoughts_token_count: u64,
    total_token_count: u64,
}

impl Told {
    pub(super) fn of(usage: &Usage) -> Self {
        let tokens = &usage.tokens;
        Self {
            prompt_token_count: tokens.total_input(),
            cached_content_token_count: tokens.cache_read,
            candidates_token_count: tokens.output.saturating_sub(tokens.reasoning),
            thoughts_token_count: tokens.reasoning,
            total_token_count: tokens.total(),
        }
    }
}

const fn is_zero(count: &u64) -> bool {
    *count == 0
}
