use gateway_domain::{TokenCounts, Usage};
use serde::Serialize;

use crate::json;

/// The counts of a `usage` object; `None` when it counts neither input nor output.
///
/// OpenAI counts what was read from and written to a cache as input, and reasoning as output. Where a server counts
/// output that is not in `completion_tokens`, the total tells: xAI leaves out reasoning, Gemini's servers thoughts.
pub(super) fn read(object: &[u8]) -> Option<TokenCounts> {
    let told = Told::read(object);
    let hits_and_misses = || Some(told.cache_hits?.saturating_add(told.cache_misses?));
    let prompt = told.prompt.or_else(hits_and_misses);
    if prompt.is_none() && told.completion.is_none() {
        return None;
    }
    let beyond_the_prompt = prompt.and_then(|prompt| told.total?.checked_sub(prompt));
    let output = told.completion.max(beyond_the_prompt).unwrap_or_default();
    let prompt = prompt.unwrap_or_default();

    let cache_read = told.cached.or(told.cache_hits).unwrap_or_default().min(prompt);
    let uncached = prompt - cache_read;
    let long = told.written_long.unwrap_or_default().min(uncached);
    let written = told
        .written
        .or(told.written_short.map(|short| short.saturating_add(long)));
    let written = written.unwrap_or_default().clamp(long, uncached);
    Some(TokenCounts {
        input: uncached - written,
        cache_read,
        cache_write_5m: written - long,
        cache_write_1h: long,
        output,
        reasoning: told.reasoning.unwrap_or_default().min(output),
    })
}

/// What servers write into a `usage` object.
#[derive(Default)]
struct Told {
    prompt: Option<u64>,
    completion: Option<u64>,
    total: Option<u64>,
    cached: Option<u64>,
    cache_hits: Option<u64>,
    cache_misses: Option<u64>,
    written: Option<u64>,
    written_short: Option<u64>,
    written_long: Option<u64>,
    reasoning: Option<u64>,
}

impl Told {
    fn read(object: &[u8]) -> Self {
        let mut told = Self::default();
        for member in json::members(object).flatten() {
            let count = || json::count(member.value).map(u64::from);
            match &*member.key {
                b"prompt_tokens" => told.prompt = count(),
                b"completion_tokens" => told.completion = count(),
                b"total_tokens" => told.total = count(),
                // DeepSeek.
                b"prompt_cache_hit_tokens" => told.cache_hits = count(),
                b"prompt_cache_miss_tokens" => told.cache_misses = count(),
                // Moonshot.
                b"cached_tokens" => told.cached = told.cached.or_else(count),
                b"reasoning_tokens" => told.reasoning = told.reasoning.or_else(count),
                b"prompt_tokens_details" => told.read_prompt_details(member.value),
                b"completion_tokens_details" => {
                    told.reasoning = count_in(member.value, b"reasoning_tokens").or(told.reasoning);
                }
                _ => {}
            }
        }
        told
    }

    fn read_prompt_details(&mut self, details: &[u8]) {
        for member in json::members(details).flatten() {
            let count = || json::count(member.value).map(u64::from);
            match &*member.key {
                b"cached_tokens" => self.cached = count().or(self.cached),
                b"cache_write_tokens" => self.written = count(),
                b"cache_write_tokens_details" => {
                    let either = |long: &[u8], short: &[u8]| {
                        count_in(member.value, long).or_else(|| count_in(member.value, short))
                    };
                    self.written_short = either(b"ttl_30m_tokens", b"ttl_30m");
                    self.written_long = either(b"ttl_12h_tokens", b"ttl_12h");
                }
                _ => {}
            }
        }
    }
}

fn count_in(object: &[u8], key: &[u8]) -> Option<u64> {
    json::member(object, key).and_then(json::count).map(u64::from)
}

/// A `usage` object.
#[derive(Serialize)]
pub(super) struct WrittenUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

impl From<&Usage> for WrittenUsage {
    fn from(usage: &Usage) -> Self {
        let tokens = &usage.tokens;
        Self {
            prompt_tokens: tokens.total_input(),
            completion_tokens: tokens.output,
            total_tokens: tokens.total(),
            prompt_tokens_details: PromptDetails {
                cached_tokens: tokens.cache_read,
                cache_write_tokens: tokens.cache_write_5m.saturating_add(tokens.cache_write_1h),
            },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: tokens.reasoning,
            },
        }
    }
}
