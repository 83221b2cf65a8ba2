use gateway_domain::TokenCounts;
use proptest::prelude::{any, prop, proptest};

use super::responses;

/// The counts that are read from an answer with this usage.
fn tokens(usage: &str) -> Option<TokenCounts> {
    let answer = format!(r#"{{"id":"resp_1","usage":{usage}}}"#);
    let usage = responses().read_answer(answer.as_bytes()).usage?;
    Some(usage.tokens)
}

#[test]
fn a_whole_answer() {
    insta::assert_debug_snapshot!(
        responses().read_answer(include_bytes!("../fixtures/responses/answer.json"))
    );
}

#[test]
fn what_was_cached_is_not_counted_as_input_again() {
    let tokens = tokens(
        r#"{"input_tokens":100,"input_tokens_details":{"cached_tokens":60,"cache_write_tokens":30},"output_tokens":5}"#,
    )
    .unwrap();
    assert_eq!((tokens.input, tokens.cache_read), (10, 60));
    assert_eq!((tokens.cache_write_5m, tokens.cache_write_1h), (30, 0));
}

#[test]
fn counts_that_contradict_each_other_stay_above_zero() {
    let tokens = tokens(
        r#"{"input_tokens":10,"input_tokens_details":{"cached_tokens":60},"output_tokens":5,
            "output_tokens_details":{"reasoning_tokens":9},"total_tokens":3}"#,
    )
    .unwrap();
    assert_eq!((tokens.input, tokens.output, tokens.reasoning), (0, 5, 5));
}

#[test]
fn reasoning_that_is_counted_in_the_total_alone_is_output() {
    let tokens = tokens(
        r#"{"input_tokens":10,"output_tokens":5,"output_tokens_details":{"reasoning_tokens":85},"total_tokens":100}"#,
    )
    .unwrap();
    assert_eq!((tokens.output, tokens.reasoning), (90, 85));
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
    ] {
        let tokens = tokens(&format!(
            r#"{{"input_tokens":3,"output_tokens":{nonsense},"input_tokens_details":{nonsense},"total_tokens":{nonsense}}}"#
        ));
        let expected = TokenCounts {
            input: 3,
            ..TokenCounts::default()
        };
        assert_eq!(tokens, Some(expected), "{nonsense}");
    }
}

#[test]
fn an_answer_without_counts_has_no_usage() {
    for body in ["", "null", "[]", r#"{"usage":null}"#, r#"{"usage":{}}"#] {
        assert_eq!(responses().read_answer(body.as_bytes()).usage, None, "{body}");
    }
}

#[test]
fn only_a_stored_answer_can_be_referred_to() {
    let container = |fields: &str| {
        let answer = format!(r#"{{"id":"resp_1"{fields}}}"#);
        responses().read_answer(answer.as_bytes()).container
    };
    assert_eq!(container("").as_deref(), Some("resp_1"));
    assert_eq!(container(r#","store":true"#).as_deref(), Some("resp_1"));
    assert_eq!(container(r#","store":false"#), None);
}

#[test]
fn searches_of_the_web_are_counted() {
    let searches = |answer: &str| {
        let usage = responses().read_answer(answer.as_bytes()).usage.unwrap();
        usage.web_searches
    };
    let items = r#"{"output":[{"type":"web_search_call"},{"type":"message"},{"type":"web_search_call"}],"usage":{"input_tokens":1}}"#;
    assert_eq!(searches(items), 2);
    let billed = r#"{"tool_usage":{"web_search":{"num_requests":1}},"output":[{"type":"web_search_call"},{"type":"web_search_call"}],"usage":{"input_tokens":1}}"#;
    assert_eq!(searches(billed), 1);
}

proptest! {
    #[test]
    fn garbage_never_panics(body: Vec<u8>) {
        responses().read_answer(&body);
    }

    #[test]
    fn a_damaged_answer_never_panics(place in any::<prop::sample::Index>(), byte: u8) {
        let mut body = include_bytes!("../fixtures/responses/answer.json").to_vec();
        let place = place.index(body.len());
        body[place] = byte;
        responses().read_answer(&body);
        let _ = responses().read_reply(&body);
        responses().read_error(&body);
    }
}
