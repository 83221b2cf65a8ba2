use gateway_domain::TokenCounts;
use proptest::prelude::{any, prop, proptest};

use crate::anthropic;

/// The counts that are read from an answer with this usage.
fn tokens(usage: &str) -> Option<TokenCounts> {
    let answer = format!(r#"{{"id":"msg_1","usage":{usage}}}"#);
    anthropic()
        .read_answer(answer.as_bytes())
        .usage
        .map(|usage| usage.tokens)
}

#[test]
fn a_whole_answer() {
    insta::assert_debug_snapshot!(anthropic().read_answer(include_bytes!("fixtures/answer.json")));
}

#[test]
fn cache_writes_without_a_lifetime_are_short() {
    let tokens = tokens(r#"{"input_tokens":1,"output_tokens":1,"cache_creation_input_tokens":500}"#).unwrap();
    assert_eq!((tokens.cache_write_5m, tokens.cache_write_1h), (500, 0));
}

#[test]
fn a_split_of_zeros_does_not_hide_the_total() {
    let tokens = tokens(
        r#"{"input_tokens":1,"cache_creation_input_tokens":500,
            "cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0}}"#,
    )
    .unwrap();
    assert_eq!((tokens.cache_write_5m, tokens.cache_write_1h), (500, 0));
}

#[test]
fn reasoning_is_a_part_of_the_output() {
    let tokens = tokens(r#"{"output_tokens":10,"output_tokens_details":{"thinking_tokens":400}}"#).unwrap();
    assert_eq!((tokens.output, tokens.reasoning), (10, 10));
}

#[test]
fn nonsense_counts_are_left_out() {
    for nonsense in [
        "-1",
        "1.5",
        "1e300",
        "99999999999999999999",
        "null",
        "\"7\"",
        "{}",
        "[1]",
        "true",
    ] {
        let tokens = tokens(&format!(
            r#"{{"input_tokens":3,"output_tokens":{nonsense},"cache_creation":{nonsense},"iterations":{nonsense}}}"#
        ));
        assert_eq!(
            tokens,
            Some(TokenCounts {
                input: 3,
                ..TokenCounts::default()
            }),
            "{nonsense}"
        );
    }
}

/// The input of an answer with these iterations, and the model and input of each call of its own.
fn calls(iterations: &str) -> (u64, Vec<(Option<String>, u64)>) {
    let answer = format!(r#"{{"usage":{{"input_tokens":5,"output_tokens":3,"iterations":[{iterations}]}}}}"#);
    let usage = anthropic().read_answer(answer.as_bytes()).usage.unwrap();
    let calls = usage
        .parts
        .into_iter()
        .map(|part| (part.model, part.tokens.input));
    (usage.tokens.input, calls.collect())
}

#[test]
fn calls_of_their_own_are_counted_and_told_apart() {
    let call = |kind: &str, model: &str, input: u64, output: u64| {
        format!(r#"{{"type":"{kind}","model":"{model}","input_tokens":{input},"output_tokens":{output}}}"#)
    };
    let of = |model: &str, input| (Some(model.to_owned()), input);
    let turns = format!("{},{}", call("message", "m", 2, 1), call("message", "m", 3, 2));
    assert_eq!(calls(&turns), (5, vec![]));
    let advised = format!("{turns},{}", call("advisor_message", "a", 70, 1));
    assert_eq!(calls(&advised), (75, vec![of("a", 70)]));
    let compacted = format!(r#"{turns},{{"type":"compaction","input_tokens":900,"output_tokens":9}}"#);
    assert_eq!(calls(&compacted), (905, vec![(None, 900)]));
    // The message's own counts are those of the fallback; what declined without a word is not charged for.
    let declined = format!(
        "{},{}",
        call("message", "m", 4, 0),
        call("fallback_message", "f", 5, 3)
    );
    assert_eq!(calls(&declined), (5, vec![of("f", 5)]));
    let broke_off = format!(
        "{},{}",
        call("message", "m", 4, 1),
        call("fallback_message", "f", 5, 3)
    );
    assert_eq!(calls(&broke_off), (9, vec![of("m", 4), of("f", 5)]));
    assert_eq!(calls(&call("telepathy", "t", 100, 100)), (5, vec![]));
    let long = call("advisor_message", &"x".repeat(10_000), 1, 1);
    assert_eq!(calls(&long), (6, vec![(None, 1)]));
}

#[test]
fn an_answer_without_counts_has_no_usage() {
    for body in [
        "",
        "null",
        "[]",
        r#"{"usage":null}"#,
        r#"{"usage":{}}"#,
        r#"{"input_tokens":12}"#,
    ] {
        assert_eq!(anthropic().read_answer(body.as_bytes()).usage, None, "{body}");
    }
}

#[test]
fn names_too_long_for_the_ledger_are_left_out() {
    let long = "x".repeat(10_000);
    let answer =
        format!(r#"{{"id":"{long}","model":"{long}","usage":{{"input_tokens":1,"service_tier":"{long}"}}}}"#);
    let summary = anthropic().read_answer(answer.as_bytes());
    assert_eq!((summary.message_id, summary.model), (None, None));
    assert_eq!(summary.usage.unwrap().service_tier, None);
}

#[test]
fn what_stands_before_the_break_in_a_broken_answer_is_read() {
    let summary = anthropic().read_answer(br#"{"id":"msg_1","usage":{"input_tokens":5},"content":[{"#);
    assert_eq!(summary.message_id.as_deref(), Some("msg_1"));
    assert_eq!(summary.usage.unwrap().tokens.input, 5);
}

proptest! {
    #[test]
    fn garbage_never_panics(body: Vec<u8>) {
        anthropic().read_answer(&body);
    }

    #[test]
    fn a_damaged_answer_never_panics(place in any::<prop::sample::Index>(), byte: u8) {
        let mut body = include_bytes!("fixtures/answer.json").to_vec();
        let place = place.index(body.len());
        body[place] = byte;
        anthropic().read_answer(&body);
    }
}
