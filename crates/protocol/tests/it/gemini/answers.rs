use gateway_domain::TokenCounts;
use proptest::prelude::{any, prop, proptest};

use super::gemini;

/// The counts that are read from an answer with this `usageMetadata`.
fn tokens(metadata: &str) -> Option<TokenCounts> {
    let answer = format!(r#"{{"responseId":"r","usageMetadata":{metadata}}}"#);
    gemini()
        .read_answer(answer.as_bytes())
        .usage
        .map(|usage| usage.tokens)
}

#[test]
fn a_whole_answer() {
    let summary = gemini().read_answer(include_bytes!("../fixtures/gemini/answer.json"));
    insta::assert_debug_snapshot!(summary);
}

#[test]
fn what_was_cached_is_not_counted_as_fresh_input() {
    let tokens =
        tokens(r#"{"promptTokenCount":100,"cachedContentTokenCount":60,"candidatesTokenCount":5}"#).unwrap();
    assert_eq!(
        (tokens.input, tokens.cache_read, tokens.total_input()),
        (40, 60, 100)
    );
}

#[test]
fn prompts_of_tools_are_input() {
    let tokens = tokens(r#"{"promptTokenCount":100,"toolUsePromptTokenCount":7}"#).unwrap();
    assert_eq!(tokens.input, 107);
}

#[test]
fn thoughts_are_output_besides_the_answers_own_tokens() {
    let tokens = tokens(
        r#"{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":20,"totalTokenCount":35}"#,
    )
    .unwrap();
    assert_eq!((tokens.output, tokens.reasoning), (25, 20));
}

#[test]
fn thoughts_that_a_model_counts_among_the_answers_tokens_are_not_counted_twice() {
    let tokens = tokens(
        r#"{"promptTokenCount":10,"candidatesTokenCount":25,"thoughtsTokenCount":20,"totalTokenCount":35}"#,
    )
    .unwrap();
    assert_eq!((tokens.output, tokens.reasoning), (25, 20));
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
            r#"{{"promptTokenCount":3,"candidatesTokenCount":{nonsense},"cachedContentTokenCount":{nonsense},
                "thoughtsTokenCount":{nonsense},"totalTokenCount":{nonsense}}}"#
        ));
        let expected = TokenCounts {
            input: 3,
            ..TokenCounts::default()
        };
        assert_eq!(tokens, Some(expected), "{nonsense}");
    }
    let more_cached_than_there_is = tokens(r#"{"promptTokenCount":3,"cachedContentTokenCount":9}"#).unwrap();
    assert_eq!(
        (
            more_cached_than_there_is.input,
            more_cached_than_there_is.cache_read
        ),
        (0, 3)
    );
}

#[test]
fn an_answer_without_counts_has_no_usage() {
    for metadata in [
        "null",
        "{}",
        "7",
        r#"{"trafficType":"ON_DEMAND"}"#,
        r#"{"totalTokenCount":"x"}"#,
    ] {
        assert_eq!(tokens(metadata), None, "{metadata}");
    }
    assert_eq!(gemini().read_answer(b"").usage, None);
}

#[test]
fn searches_are_counted_as_the_model_bills_them() {
    let answer = |model: &str| {
        let answer = format!(
            r#"{{"candidates":[{{"groundingMetadata":{{"webSearchQueries":["a","b"]}}}}],"modelVersion":"{model}",
                "usageMetadata":{{"promptTokenCount":5,"toolUsePromptTokenCount":100}}}}"#
        );
        let usage = gemini().read_answer(answer.as_bytes()).usage.unwrap();
        (usage.web_searches, usage.tokens.input)
    };
    assert_eq!(answer("gemini-3.8-flash"), (2, 5));
    assert_eq!(answer("gemini-2.5-flash"), (1, 5));
}

#[test]
fn names_too_long_for_the_ledger_are_left_out() {
    let long = "x".repeat(10_000);
    let answer = format!(
        r#"{{"responseId":"{long}","modelVersion":"{long}","usageMetadata":{{"promptTokenCount":1,"serviceTier":"{long}"}}}}"#
    );
    let summary = gemini().read_answer(answer.as_bytes());
    assert_eq!((summary.message_id, summary.model), (None, None));
    assert_eq!(summary.usage.unwrap().service_tier, None);
}

proptest! {
    #[test]
    fn garbage_never_panics(body: Vec<u8>) {
        gemini().read_answer(&body);
    }

    #[test]
    fn a_damaged_answer_never_panics(place in any::<prop::sample::Index>(), byte: u8) {
        let mut body = include_bytes!("../fixtures/gemini/answer.json").to_vec();
        let place = place.index(body.len());
        body[place] = byte;
        gemini().read_answer(&body);
        let _ = gemini().read_reply(&body);
    }
}
