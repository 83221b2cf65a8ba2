//! <https://platform.claude.com/docs/en/about-claude/pricing> and the pages of the features.

use gateway_domain::{Dialect, ProviderKind};
use serde_json::{Value, json};

use super::Answer;

fn message(model: &'static str, usage: &Value) -> Answer {
    Answer {
        dialect: Dialect::Anthropic,
        provider: ProviderKind::Anthropic,
        model,
        body: json!({
            "id": "msg_01", "type": "message", "role": "assistant", "model": model,
            "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "usage": usage,
        }),
    }
}

#[test]
fn input_and_output() {
    // $3 and $15.
    let usage = json!({"input_tokens": 2095, "output_tokens": 503});
    message("claude-sonnet-4-5", &usage).costs(2095 * 3_000_000 + 503 * 15_000_000);
}

#[test]
fn prompt_caching_writes_for_5_minutes_then_reads() {
    // The first request writes at $6.25, the next reads at $0.50; input beside it is $5, output $25.
    let first = json!({
        "input_tokens": 21, "cache_creation_input_tokens": 188_086, "cache_read_input_tokens": 0, "output_tokens": 393,
    });
    message("claude-opus-4-5", &first).costs(21 * 5_000_000 + 188_086 * 6_250_000 + 393 * 25_000_000);
    let next = json!({
        "input_tokens": 21, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 188_086, "output_tokens": 393,
    });
    message("claude-opus-4-5", &next).costs(21 * 5_000_000 + 188_086 * 500_000 + 393 * 25_000_000);
}

#[test]
fn prompt_caching_writes_for_both_lifetimes_in_one_request() {
    let usage = json!({
        "input_tokens": 2048, "cache_read_input_tokens": 1800, "cache_creation_input_tokens": 248, "output_tokens": 503,
        "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
    });
    // $3, read $0.30, 5 minutes $3.75, 1 hour $6, $15.
    let sum = 2048 * 3_000_000 + 1800 * 300_000 + 148 * 3_750_000 + 100 * 6_000_000 + 503 * 15_000_000;
    message("claude-sonnet-4-5", &usage).costs(sum);
    // Not every model reads at a tenth: $4, read $0.20, $5, $8, $20.
    let sum = 2048 * 4_000_000 + 1800 * 200_000 + 148 * 5_000_000 + 100 * 8_000_000 + 503 * 20_000_000;
    message("claude-opus-5-5", &usage).costs(sum);
}

#[test]
fn a_long_context_is_charged_throughout_at_its_rates() {
    // Sonnet 4.5 beyond 200,000: $6, read $0.60, write $7.50, output $22.50.
    let at = json!({"input_tokens": 100_000, "cache_read_input_tokens": 100_000, "output_tokens": 1000});
    message("claude-sonnet-4-5", &at).costs(100_000 * 3_000_000 + 100_000 * 300_000 + 1000 * 15_000_000);
    let beyond = json!({
        "input_tokens": 100_000, "cache_read_input_tokens": 100_000, "cache_creation_input_tokens": 1, "output_tokens": 1000,
    });
    let sum = 100_000 * 6_000_000 + 100_000 * 600_000 + 7_500_000 + 1000 * 22_500_000;
    message("claude-sonnet-4-5", &beyond).costs(sum);
    // Haiku 5.5 beyond 100,000: five times of everything, $0.50 and $2.50.
    let usage = json!({"input_tokens": 100_001, "output_tokens": 1000});
    message("claude-haiku-5-5", &usage).costs(100_001 * 500_000 + 1000 * 2_500_000);
    // Opus 5 has one price for its whole context.
    let usage = json!({"input_tokens": 900_000, "output_tokens": 1000});
    message("claude-opus-5", &usage).costs(900_000 * 5_000_000 + 1000 * 25_000_000);
}

#[test]
fn batches_cost_half() {
    let usage = json!({
        "input_tokens": 1000, "cache_read_input_tokens": 2000, "cache_creation_input_tokens": 3000, "output_tokens": 400,
        "service_tier": "batch",
    });
    // Haiku 4.5: $0.50, read $0.05, write $0.625, $2.50.
    let sum = 1000 * 500_000 + 2000 * 50_000 + 3000 * 625_000 + 400 * 2_500_000;
    message("claude-haiku-4-5", &usage).costs(sum);
}

#[test]
fn the_fast_mode_costs_double() {
    let usage =
        json!({"input_tokens": 1000, "cache_read_input_tokens": 2000, "output_tokens": 400, "speed": "fast"});
    // Opus 5: $10, read $1, $50.
    message("claude-opus-5", &usage).costs(1000 * 10_000_000 + 2000 * 1_000_000 + 400 * 50_000_000);
    let usage = json!({"input_tokens": 1000, "output_tokens": 400, "speed": "standard"});
    message("claude-opus-5", &usage).costs(1000 * 5_000_000 + 400 * 25_000_000);
}

#[test]
fn inference_in_the_us_costs_a_tenth_more_on_top_of_everything() {
    let usage = |speed: &str, geo: &str| {
        json!({"input_tokens": 1000, "cache_read_input_tokens": 2000, "output_tokens": 400, "speed": speed,
            "inference_geo": geo})
    };
    let standard = 1000 * 5_000_000 + 2000 * 500_000 + 400 * 25_000_000;
    message("claude-opus-5", &usage("standard", "global")).costs(standard);
    message("claude-opus-5", &usage("standard", "us")).costs(standard * 11 / 10);
    message("claude-opus-5", &usage("fast", "us")).costs(2 * standard * 11 / 10);
}

#[test]
fn searches_of_the_web_cost_ten_dollars_for_a_thousand() {
    let usage = json!({
        "input_tokens": 105, "output_tokens": 6039, "cache_read_input_tokens": 7123, "cache_creation_input_tokens": 7345,
        "server_tool_use": {"web_search_requests": 1},
    });
    let sum = 105 * 3_000_000 + 6039 * 15_000_000 + 7123 * 300_000 + 7345 * 3_750_000 + 10_000_000_000;
    message("claude-sonnet-4-5", &usage).costs(sum);
    // Fetching pages costs nothing beyond its tokens.
    let usage = json!({"input_tokens": 1, "output_tokens": 1, "server_tool_use": {"web_fetch_requests": 5}});
    message("claude-sonnet-4-5", &usage).costs(3_000_000 + 15_000_000);
}

#[test]
fn extended_thinking_is_output() {
    let usage = json!({
        "input_tokens": 100, "output_tokens": 1500, "output_tokens_details": {"thinking_tokens": 1200},
    });
    message("claude-opus-4-6", &usage).costs(100 * 5_000_000 + 1500 * 25_000_000);
}

#[test]
fn compacting_the_context_is_a_call_of_its_own() {
    // Together they would be a long context, alone neither is. The compaction is not in the message's own counts.
    let usage = json!({
        "input_tokens": 23_000, "output_tokens": 1000,
        "iterations": [
            {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3500,
             "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
            {"type": "message", "input_tokens": 23_000, "output_tokens": 1000,
             "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
        ],
    });
    let sum = (23_000 + 180_000) * 3_000_000 + (1000 + 3500) * 15_000_000;
    message("claude-sonnet-4-5", &usage).costs(sum);
}

#[test]
fn an_advisor_is_charged_at_its_own_rates() {
    // Its tokens are in no other count. Haiku 4.5 asks Opus 4.8.
    let usage = json!({
        "input_tokens": 412, "output_tokens": 531,
        "iterations": [
            {"type": "message", "input_tokens": 206, "output_tokens": 100,
             "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
            {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 823, "output_tokens": 1612,
             "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
            {"type": "message", "input_tokens": 206, "output_tokens": 431,
             "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
        ],
    });
    let answer = message("claude-haiku-4-5", &usage);
    answer.costs(412 * 1_000_000 + 531 * 5_000_000 + 823 * 5_000_000 + 1612 * 25_000_000);
    assert_eq!(
        answer.charge().price_version,
        "2026-11-22/claude-haiku-4-5+2026-11-22/claude-opus-4-8"
    );
}

#[test]
fn a_fallback_is_charged_for_each_model_that_had_a_say() {
    // The message's own counts are those of the model that answered. Fable 5 had begun before it declined.
    let usage = json!({
        "input_tokens": 2, "output_tokens": 13_658, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 79_214,
        "iterations": [
            {"type": "message", "model": "claude-fable-5", "input_tokens": 2, "output_tokens": 578,
             "cache_creation_input_tokens": 10_421, "cache_read_input_tokens": 72_769},
            {"type": "fallback_message", "model": "claude-opus-4-8", "input_tokens": 2, "output_tokens": 13_658,
             "cache_creation_input_tokens": 0, "cache_read_input_tokens": 79_214},
        ],
    });
    let fable = 2 * 10_000_000 + 578 * 50_000_000 + 10_421 * 12_500_000 + 72_769 * 1_000_000;
    let opus = 2 * 5_000_000 + 13_658 * 25_000_000 + 79_214 * 500_000;
    message("claude-fable-5", &usage).costs(fable + opus);
}

#[test]
fn a_fallback_from_a_model_that_declined_at_once_is_charged_for_the_other_alone() {
    let usage = json!({
        "input_tokens": 412, "output_tokens": 264,
        "iterations": [
            {"type": "message", "model": "claude-fable-5", "input_tokens": 412, "output_tokens": 0,
             "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
            {"type": "fallback_message", "model": "claude-opus-4-8", "input_tokens": 412, "output_tokens": 264,
             "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
        ],
    });
    let answer = message("claude-fable-5", &usage);
    answer.costs(412 * 5_000_000 + 264 * 25_000_000);
    assert_eq!(answer.charge().price_version, "2026-11-22/claude-opus-4-8");
}
