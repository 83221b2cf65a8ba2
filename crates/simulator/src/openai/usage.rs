use gateway_domain::TokenCounts;

use crate::record::Billed;

/// The tokens of an answer in the provider's words, which count what is cached as input too.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inclusive {
    pub(super) input: u64,
    pub(super) cached: u64,
    pub(super) written: u64,
    pub(super) output: u64,
    pub(super) reasoning: u64,
    pub(super) total: u64,
}

impl From<TokenCounts> for Inclusive {
    fn from(tokens: TokenCounts) -> Self {
        Self {
            input: tokens.total_input(),
            cached: tokens.cache_read,
            written: tokens.cache_write_5m + tokens.cache_write_1h,
            output: tokens.output,
            reasoning: tokens.reasoning,
            total: tokens.total(),
        }
    }
}

/// What is billed for a stream that has come so far.
pub(super) fn billed_so_far(tokens: TokenCounts, written: u64, web_searches: u64) -> Billed {
    let mut billed = Billed {
        messages: 1,
        tokens,
        web_searches,
    };
    billed.tokens.output = written.max(1).min(tokens.output);
    billed.tokens.reasoning = tokens.reasoning.min(billed.tokens.output);
    billed
}
