//! <https://ai.google.dev/gemini-api/docs/pricing>.

use gateway_domain::{Dialect, ProviderKind};
use serde_json::{Value, json};

use super::Answer;

fn answer(model: &'static str, grounding: &Value, usage: &Value) -> Answer {
    Answer {
        dialect: Dialect::Gemini,
        provider: ProviderKind::Gemini,
        model,
        body: json!({
            "responseId": "r1", "modelVersion": model, "usageMetadata": usage,
            "candidates": [{
                "index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [{"text": "Hi"}]},
                "groundingMetadata": grounding,
            }],
        }),
    }
}

fn plain(model: &'static str, usage: &Value) -> Answer {
    answer(model, &Value::Null, usage)
}

#[test]
fn thoughts_are_output_beside_the_candidates() {
    let usage = json!({
        "promptTokenCount": 11, "candidatesTokenCount": 73, "thoughtsTokenCount": 1207, "totalTokenCount": 1291,
    });
    // Gemini 2.5 Flash: $0.30 and $2.50, thinking included.
    plain("gemini-2.5-flash", &usage).costs(11 * 300_000 + (73 + 1207) * 2_500_000);
}

#[test]
fn cached_content_is_a_part_of_the_prompt() {
    let usage = json!({
        "promptTokenCount": 696_219, "cachedContentTokenCount": 696_190, "candidatesTokenCount": 214,
        "totalTokenCount": 696_433,
    });
    // Gemini 2.5 Flash reads at $0.03.
    plain("gemini-2.5-flash", &usage).costs(29 * 300_000 + 696_190 * 30_000 + 214 * 2_500_000);
    // Gemini 2.5 Pro beyond 200,000: $2.50, read $0.25, $15.
    plain("gemini-2.5-pro", &usage).costs(29 * 2_500_000 + 696_190 * 250_000 + 214 * 15_000_000);
}

#[test]
fn prompts_beyond_200_000_tokens_are_charged_throughout_at_their_rates() {
    let usage = |prompt: u64| {
        json!({"promptTokenCount": prompt, "candidatesTokenCount": 100, "thoughtsTokenCount": 900,
            "totalTokenCount": prompt + 1000})
    };
    // Gemini 3.1 Pro: $2 and $12, beyond $4 and $18.
    plain("gemini-3.1-pro-preview", &usage(200_000)).costs(200_000 * 2_000_000 + 1000 * 12_000_000);
    plain("gemini-3.1-pro-preview", &usage(200_001)).costs(200_001 * 4_000_000 + 1000 * 18_000_000);
}

#[test]
fn batches_cost_half_but_for_the_cache() {
    let usage = json!({
        "promptTokenCount": 3000, "cachedContentTokenCount": 1000, "candidatesTokenCount": 500, "totalTokenCount": 3500,
        "serviceTier": "BATCH",
    });
    // Gemini 2.5 Pro: $0.625 and $5, read $0.125 as ever.
    plain("gemini-2.5-pro", &usage).costs(2000 * 625_000 + 1000 * 125_000 + 500 * 5_000_000);
}

#[test]
fn grounding_is_charged_by_prompt_before_gemini_3_and_by_search_since() {
    let grounding = json!({"webSearchQueries": ["a", "b"], "groundingChunks": []});
    let usage = json!({
        "promptTokenCount": 20, "toolUsePromptTokenCount": 400, "candidatesTokenCount": 100, "totalTokenCount": 520,
    });
    // $35 for a thousand prompts; what the searches bring into the prompt is a part of that.
    answer("gemini-2.5-flash", &grounding, &usage).costs(20 * 300_000 + 100 * 2_500_000 + 35_000_000_000);
    // $14 for a thousand searches.
    answer("gemini-3.1-pro-preview", &grounding, &usage)
        .costs(20 * 2_000_000 + 100 * 12_000_000 + 2 * 14_000_000_000);
}
