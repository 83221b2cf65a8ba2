use gateway_domain::TokenCounts;
use gateway_protocol::openai;
use proptest::prelude::{any, prop, proptest};
use serde_json::Value;

use super::{ANSWER, chat};
use crate::text;

/// The counts that are read from an answer with this usage: fresh, read, written short and long, output, reasoning.
fn tokens(usage: &str) -> Option<[u64; 6]> {
    let answer = format!(r#"{{"id":"chatcmpl-1","usage":{usage}}}"#);
    let usage = chat().read_answer(answer.as_bytes()).usage?;
    let TokenCounts {
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        output,
        reasoning,
    } = usage.tokens;
    Some([
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        output,
        reasoning,
    ])
}

#[test]
fn a_whole_answer() {
    insta::assert_debug_snapshot!(chat().read_answer(ANSWER));
}

#[test]
fn what_the_cache_gave_is_not_counted_as_input_again() {
    let usage = r#"{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107,
        "prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":30}}"#;
    assert_eq!(tokens(usage), Some([10, 60, 30, 0, 7, 0]));
}

#[test]
fn writes_are_told_apart_by_their_lifetime() {
    let details = r#"{"cached_tokens":0,"cache_write_tokens":50,"cache_write_tokens_details":{"ttl_30m_tokens":20,"ttl_12h_tokens":30}}"#;
    let usage = format!(r#"{{"prompt_tokens":100,"completion_tokens":1,"prompt_tokens_details":{details}}}"#);
    assert_eq!(tokens(&usage), Some([50, 0, 20, 30, 1, 0]));
    let without_total = usage.replace("\"cache_write_tokens\":50,", "");
    assert_eq!(tokens(&without_total), Some([50, 0, 20, 30, 1, 0]));
}

#[test]
fn servers_that_do_not_count_reasoning_as_output_are_found_out_by_the_total() {
    let xai = r#"{"prompt_tokens":30,"completion_tokens":2,"total_tokens":132,"completion_tokens_details":{"reasoning_tokens":100}}"#;
    assert_eq!(tokens(xai), Some([30, 0, 0, 0, 102, 100]));
    let openai = r#"{"prompt_tokens":30,"completion_tokens":102,"total_tokens":132,"completion_tokens_details":{"reasoning_tokens":100}}"#;
    assert_eq!(tokens(openai), Some([30, 0, 0, 0, 102, 100]));
    let gemini = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":40}"#;
    assert_eq!(tokens(gemini), Some([10, 0, 0, 0, 30, 0]));
    let wrong = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":0}"#;
    assert_eq!(tokens(wrong), Some([10, 0, 0, 0, 5, 0]));
}

#[test]
fn what_others_call_cached_is_read() {
    let deepseek = r#"{"completion_tokens":5,"prompt_cache_hit_tokens":16,"prompt_cache_miss_tokens":8}"#;
    assert_eq!(tokens(deepseek), Some([8, 16, 0, 0, 5, 0]));
    let moonshot = r#"{"prompt_tokens":50,"completion_tokens":3,"cached_tokens":20}"#;
    assert_eq!(tokens(moonshot), Some([30, 20, 0, 0, 3, 0]));
    let both = r#"{"cached_tokens":1,"prompt_tokens":50,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":20}}"#;
    assert_eq!(tokens(both), Some([30, 20, 0, 0, 3, 0]));
}

#[test]
fn counts_that_cannot_be_never_go_below_zero() {
    let usage = r#"{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14,
        "prompt_tokens_details":{"cached_tokens":50,"cache_write_tokens":50,"cache_write_tokens_details":{"ttl_12h_tokens":9}},
        "completion_tokens_details":{"reasoning_tokens":99}}"#;
    assert_eq!(tokens(usage), Some([0, 10, 0, 0, 4, 4]));
}

#[test]
fn nonsense_counts_are_left_out() {
    for nonsense in [
        "-1",
        "1.5",
        "99999999999999999999",
        "null",
        "\"7\"",
        "{}",
        "[1]",
        "true",
    ] {
        let usage = format!(
            r#"{{"prompt_tokens":3,"completion_tokens":{nonsense},"total_tokens":{nonsense},"prompt_tokens_details":{nonsense},"completion_tokens_details":{nonsense}}}"#
        );
        assert_eq!(tokens(&usage), Some([3, 0, 0, 0, 0, 0]), "{nonsense}");
    }
    for none in ["null", "{}", "7", r#"{"total_tokens":7}"#] {
        assert_eq!(tokens(none), None, "{none}");
    }
}

#[test]
fn entries_of_a_provider_keep_their_own_json() {
    let original = include_str!("../fixtures/chat/models.json");
    let entries = chat().read_models(original.as_bytes());
    let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["gpt-5.4", "o3"]);
    for entry in &entries {
        assert!(original.contains(text(&openai::model(entry))));
    }
    let list: Value = serde_json::from_slice(&openai::models_list(&entries)).unwrap();
    assert_eq!(list, serde_json::from_str::<Value>(original).unwrap());
}

#[test]
fn a_list_of_models_may_stand_by_itself() {
    let entries = chat().read_models(br#"[{"id":"a"},{"id":""},7,{"id":"b"}]"#);
    let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    assert!(chat().read_models(b"<html>").is_empty());
}

proptest! {
    #[test]
    fn garbage_never_panics(body: Vec<u8>) {
        chat().read_answer(&body);
        chat().read_models(&body);
        chat().read_error(&body);
        chat().error_event_of(&body);
        assert!(chat().read_reply(&body).is_err());
    }

    #[test]
    fn a_damaged_answer_never_panics(place in any::<prop::sample::Index>(), byte: u8) {
        let mut body = ANSWER.to_vec();
        let place = place.index(body.len());
        body[place] = byte;
        chat().read_answer(&body);
        drop(chat().read_reply(&body));
    }
}
