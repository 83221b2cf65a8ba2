//! <https://developers.openai.com/api/docs/pricing> and the guides of the features.

use gateway_domain::{Dialect, ProviderKind};
use serde_json::{Value, json};

use super::Answer;

fn completion(model: &'static str, tier: &str, usage: &Value) -> Answer {
    Answer {
        dialect: Dialect::OpenAiChat,
        provider: ProviderKind::OpenAi,
        model,
        body: json!({
            "id": "chatcmpl-1", "object": "chat.completion", "model": model, "service_tier": tier, "usage": usage,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        }),
    }
}

fn response(model: &'static str, output: &Value, usage: &Value) -> Answer {
    Answer {
        dialect: Dialect::OpenAiResponses,
        provider: ProviderKind::OpenAi,
        model,
        body: json!({
            "id": "resp_1", "object": "response", "status": "completed", "model": model, "service_tier": "default",
            "output": output, "usage": usage,
        }),
    }
}

#[test]
fn cached_input_is_a_part_of_the_prompt() {
    // The prompt caching guide's answer: gpt-4o reads at half of $2.50; output is $10.
    let usage = json!({
        "prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306,
        "prompt_tokens_details": {"cached_tokens": 1920},
        "completion_tokens_details": {"reasoning_tokens": 0},
    });
    completion("gpt-4o-2024-11-20", "default", &usage)
        .costs((2006 - 1920) * 2_500_000 + 1920 * 1_250_000 + 300 * 10_000_000);
    // gpt-5 at a tenth of $1.25.
    completion("gpt-5", "default", &usage)
        .costs((2006 - 1920) * 1_250_000 + 1920 * 125_000 + 300 * 10_000_000);
}

#[test]
fn writes_to_the_cache_have_a_rate_where_the_model_has_them() {
    let usage = json!({
        "prompt_tokens": 10_000, "completion_tokens": 300, "total_tokens": 10_300,
        "prompt_tokens_details": {"cached_tokens": 4000, "cache_write_tokens": 5000},
    });
    // gpt-6-sol: $2, write $2.50, read $0.20, $10.
    let sum = 1000 * 2_000_000 + 5000 * 2_500_000 + 4000 * 200_000 + 300 * 10_000_000;
    completion("gpt-6-sol", "default", &usage).costs(sum);
    // gpt-6.1-terra reads at a twentieth: $1, write $1.25, read $0.05, $5.
    let sum = 1000 * 1_000_000 + 5000 * 1_250_000 + 4000 * 50_000 + 300 * 5_000_000;
    completion("gpt-6.1-terra", "default", &usage).costs(sum);
}

#[test]
fn reasoning_is_output() {
    let usage = json!({
        "prompt_tokens": 75, "completion_tokens": 1186, "total_tokens": 1261,
        "completion_tokens_details": {"reasoning_tokens": 1024},
    });
    // o3 since June 2025: $2 and $8.
    completion("o3", "default", &usage).costs(75 * 2_000_000 + 1186 * 8_000_000);
    let usage = json!({
        "input_tokens": 75, "output_tokens": 1186, "total_tokens": 1261,
        "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 1024},
    });
    response("o3", &json!([]), &usage).costs(75 * 2_000_000 + 1186 * 8_000_000);
}

#[test]
fn a_long_context_is_charged_throughout_at_its_rates() {
    let usage = |prompt: u64| {
        json!({"prompt_tokens": prompt, "completion_tokens": 1000, "total_tokens": prompt + 1000,
            "prompt_tokens_details": {"cached_tokens": 200_000}})
    };
    // gpt-5.4 beyond 272,000: $5, read $0.50, $22.50.
    completion("gpt-5.4", "default", &usage(272_000))
        .costs(72_000 * 2_500_000 + 200_000 * 250_000 + 1000 * 15_000_000);
    completion("gpt-5.4", "default", &usage(272_001))
        .costs(72_001 * 5_000_000 + 200_000 * 500_000 + 1000 * 22_500_000);
}

#[test]
fn the_tier_that_served_has_its_own_rates() {
    let usage = json!({
        "prompt_tokens": 3000, "completion_tokens": 400, "total_tokens": 3400,
        "prompt_tokens_details": {"cached_tokens": 2000},
    });
    let sum = |input: i64, cached: i64, output: i64| 1000 * input + 2000 * cached + 400 * output;
    for (tier, picodollars) in [
        ("default", sum(1_250_000, 125_000, 10_000_000)),
        ("flex", sum(625_000, 62_500, 5_000_000)),
        ("batch", sum(625_000, 62_500, 5_000_000)),
        ("priority", sum(2_500_000, 250_000, 20_000_000)),
    ] {
        completion("gpt-5", tier, &usage).costs(picodollars);
    }
    // The published batch rates of gpt-4o leave out what is cached: it stays at $1.25.
    completion("gpt-4o", "batch", &usage).costs(sum(1_250_000, 1_250_000, 5_000_000));
    // Long prompts in the flex tier of gpt-6-sol: $2, read $0.40 / 2, $7.50.
    let long = json!({"prompt_tokens": 300_000, "completion_tokens": 400, "total_tokens": 300_400});
    completion("gpt-6-sol", "flex", &long).costs(300_000 * 2_000_000 + 400 * 7_500_000);
}

#[test]
fn searches_of_the_web_cost_ten_dollars_for_a_thousand() {
    let output = json!([
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "web_search_call", "id": "ws_2", "status": "completed"},
        {"type": "message", "role": "assistant", "content": []},
    ]);
    let usage = json!({"input_tokens": 328, "output_tokens": 356, "total_tokens": 684});
    response("gpt-5", &output, &usage).costs(328 * 1_250_000 + 356 * 10_000_000 + 2 * 10_000_000_000);
}

#[test]
fn what_falls_between_two_nano_dollars_is_rounded_once() {
    // gpt-5-mini reads at $0.025: 3 tokens are 75,000 pico-dollars; flex halves that: 37,500, which is 37.5 nano-dollars.
    let usage = json!({
        "prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3, "prompt_tokens_details": {"cached_tokens": 3},
    });
    completion("gpt-5-mini", "default", &usage).costs(75_000);
    completion("gpt-5-mini", "flex", &usage).costs_nanos(38);
    // One token in the flex tier, 12.5 nano-dollars, goes to the even neighbour.
    let usage = json!({
        "prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1},
    });
    completion("gpt-5-mini", "flex", &usage).costs_nanos(12);
}
