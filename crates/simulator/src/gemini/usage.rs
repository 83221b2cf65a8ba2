use gateway_domain::TokenCounts;
use serde_json::{Value, json};

/// What the provider counts, as it tells it: what was read from a cache is a part of the prompt, and what the model
/// thought is not a part of what it said.
pub(super) fn metadata(tokens: &TokenCounts) -> Value {
    let prompt = tokens.total_input();
    let said = tokens.output - tokens.reasoning;
    let mut metadata = json!({
        "promptTokenCount": prompt,
        "totalTokenCount": prompt + tokens.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
    });
    if tokens.cache_read > 0 {
        metadata["cachedContentTokenCount"] = tokens.cache_read.into();
        metadata["cacheTokensDetails"] = json!([{"modality": "TEXT", "tokenCount": tokens.cache_read}]);
    }
    // Counts of nothing are left out.
    if said > 0 {
        metadata["candidatesTokenCount"] = said.into();
    }
    if tokens.reasoning > 0 {
        metadata["thoughtsTokenCount"] = tokens.reasoning.into();
    }
    metadata
}
