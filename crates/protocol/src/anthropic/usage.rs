use gateway_domain::{TokenCounts, Usage};

use super::iterations::Iterations;

use crate::json;

/// No tier, speed or place has a name longer than this; a longer one would only fill the ledger.
const MAX_WORD: usize = 64;

/// The usage object, as it stands after all that has come.
///
/// Counts are cumulative: what a later object says replaces what an earlier one said, and what it leaves out or
/// says nonsense about stays as it was.
#[derive(Default)]
pub(super) struct CumulativeUsage {
    counts: Counts,
    /// What went into each call that the provider made.
    iterations: Iterations,
    web_searches: u64,
    service_tier: Option<String>,
    speed: Option<String>,
    inference_geo: Option<String>,
}

impl CumulativeUsage {
    /// Takes over what a `usage` object says.
    pub(super) fn overwrite(&mut self, object: &[u8]) {
        self.counts.overwrite(object);
        for member in json::members(object).flatten() {
            match &*member.key {
                b"server_tool_use" => {
                    overwrite(
                        &mut self.web_searches,
                        count_in(member.value, b"web_search_requests"),
                    );
                }
                b"iterations" => {
                    overwrite(&mut self.iterations, Iterations::read(member.value));
                }
                b"service_tier" => overwrite_word(&mut self.service_tier, member.value),
                b"speed" => overwrite_word(&mut self.speed, member.value),
                b"inference_geo" => overwrite_word(&mut self.inference_geo, member.value),
                _ => {}
            }
        }
    }

    /// `None` when neither input nor output has been counted.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.counts.is_known.then(|| {
            let (tokens, parts) = self.iterations.join(self.counts.tokens());
            Usage {
                tokens,
                parts,
                web_searches: self.web_searches,
                service_tier: self.service_tier.clone(),
                speed: self.speed.clone(),
                inference_geo: self.inference_geo.clone(),
            }
        })
    }
}

/// The counts that a message has, and each of its iterations.
#[derive(Default)]
pub(super) struct Counts {
    is_known: bool,
    input: u64,
    cache_read: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
    output: u64,
    reasoning: u64,
}

impl Counts {
    pub(super) fn overwrite(&mut self, object: &[u8]) {
        let mut written = None;
        let mut split = None;
        for member in json::members(object).flatten() {
            let count = || json::count(member.value).map(u64::from);
            match &*member.key {
                b"input_tokens" => self.is_known |= overwrite(&mut self.input, count()),
                b"output_tokens" => self.is_known |= overwrite(&mut self.output, count()),
                b"cache_read_input_tokens" => {
                    overwrite(&mut self.cache_read, count());
                }
                b"cache_creation_input_tokens" => written = count(),
                b"cache_creation" => split = cache_creation(member.value),
                b"output_tokens_details" => {
                    overwrite(&mut self.reasoning, count_in(member.value, b"thinking_tokens"));
                }
                _ => {}
            }
        }
        if let Some(split) = split {
            (self.cache_write_5m, self.cache_write_1h) = split;
        }
        if let Some(written) = written {
            self.overwrite_cache_writes(written);
        }
    }

    /// Takes over a total, which later events tell without its split.
    fn overwrite_cache_writes(&mut self, total: u64) {
        if self.cache_write_5m == 0 && self.cache_write_1h > 0 {
            // Everything so far was written for an hour, and so was what came on top.
            self.cache_write_1h = total;
        } else {
            self.cache_write_1h = self.cache_write_1h.min(total);
            self.cache_write_5m = total - self.cache_write_1h;
        }
    }

    pub(super) fn tokens(&self) -> TokenCounts {
        TokenCounts {
            input: self.input,
            cache_read: self.cache_read,
            cache_write_5m: self.cache_write_5m,
            cache_write_1h: self.cache_write_1h,
            output: self.output,
            reasoning: self.reasoning.min(self.output),
        }
    }
}

/// The tokens written for five minutes and for an hour; `None` when neither is told.
fn cache_creation(object: &[u8]) -> Option<(u64, u64)> {
    let short = count_in(object, b"ephemeral_5m_input_tokens");
    let long = count_in(object, b"ephemeral_1h_input_tokens");
    (short.is_some() || long.is_some()).then(|| (short.unwrap_or(0), long.unwrap_or(0)))
}

fn count_in(object: &[u8], key: &[u8]) -> Option<u64> {
    json::member(object, key).and_then(json::count).map(u64::from)
}

/// Tells whether there was something to take over.
fn overwrite<T>(field: &mut T, value: Option<T>) -> bool {
    let is_told = value.is_some();
    if let Some(value) = value {
        *field = value;
    }
    is_told
}

fn overwrite_word(field: &mut Option<String>, value: &[u8]) {
    if let Some(word) = json::text(value).filter(|word| word.len() <= MAX_WORD) {
        *field = Some(word);
    }
}
