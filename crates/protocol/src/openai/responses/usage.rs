use gateway_domain::{TokenCounts, Usage};
use serde::Serialize;

use crate::json;

/// The counts of a `usage` object, whose input holds what was cached and whose output holds the reasoning; `None` if
/// neither input nor output is told. What is nonsense is left out.
pub(super) fn read(object: &[u8]) -> Option<TokenCounts> {
    let (mut input, mut output, mut total) = (None, None, None);
    let (mut cached, mut reasoning) = (0, 0);
    let (mut written_short, mut written_long) = (0, 0);
    for member in json::members(object).flatten() {
        let count = || json::count(member.value).map(u64::from);
        match &*member.key {
            b"input_tokens" => input = count(),
            b"output_tokens" => output = count(),
            b"total_tokens" => total = count(),
            b"input_tokens_details" => {
                cached = count_in(member.value, b"cached_tokens").unwrap_or(0);
                (written_short, written_long) = cache_writes(member.value);
            }
            b"output_tokens_details" => {
                reasoning = count_in(member.value, b"reasoning_tokens").unwrap_or(0);
            }
            _ => {}
        }
    }
    if input.is_none() && output.is_none() {
        return None;
    }
    let (input, mut output) = (input.unwrap_or(0), output.unwrap_or(0));
    if let Some(total) = total
        && total > input + output
    {
        // Some count the reasoning only here.
        output = total - input;
    }
    Some(TokenCounts {
        input: input
            .saturating_sub(cached)
            .saturating_sub(written_short)
            .saturating_sub(written_long),
        cache_read: cached,
        cache_write_5m: written_short,
        cache_write_1h: written_long,
        output,
        reasoning: reasoning.min(output),
    })
}

/// The tokens written to the cache for half an hour and for half a day.
fn cache_writes(details: &[u8]) -> (u64, u64) {
    let split = json::member(details, b"cache_write_tokens_details").unwrap_or_default();
    let short = count_in(split, b"ttl_30m_tokens").unwrap_or(0);
    let long = count_in(split, b"ttl_12h_tokens").unwrap_or(0);
    let total = count_in(details, b"cache_write_tokens").unwrap_or(short + long);
    let long = long.min(total);
    (total - long, long)
}

fn count_in(object: &[u8], key: &[u8]) -> Option<u64> {
    json::member(object, key).and_then(json::count).map(u64::from)
}

/// A `usage` object.
#[derive(Serialize)]
pub(super) struct UsageObject {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

#[derive(Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_tokens_details: Option<CacheWrites>,
}

#[derive(Serialize)]
struct CacheWrites {
    ttl_30m_tokens: u64,
    ttl_12h_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

impl From<&Usage> for UsageObject {
    fn from(usage: &Usage) -> Self {
        let tokens = &usage.tokens;
        let written = tokens.cache_write_5m.saturating_add(tokens.cache_write_1h);
        let input = tokens
            .input
            .saturating_add(tokens.cache_read)
            .saturating_add(written);
        Self {
            input_tokens: input,
            input_tokens_details: InputDetails {
                cached_tokens: tokens.cache_read,
                cache_write_tokens: written,
                cache_write_tokens_details: (tokens.cache_write_1h > 0).then_some(CacheWrites {
                    ttl_30m_tokens: tokens.cache_write_5m,
                    ttl_12h_tokens: tokens.cache_write_1h,
                }),
            },
            output_tokens: tokens.output,
            output_tokens_details: OutputDetails {
                reasoning_tokens: tokens.reasoning,
            },
            total_tokens: input.saturating_add(tokens.output),
        }
    }
}
