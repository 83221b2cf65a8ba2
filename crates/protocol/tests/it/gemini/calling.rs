//! Calls of tools and their results, in requests.

use gateway_protocol::translation::{Part, ToolChoice};

use super::read;
use super::reading::conversation;

/// The ids of all calls, and of all results, in order.
fn ids(body: &str) -> (Vec<String>, Vec<String>) {
    let (mut calls, mut results) = (Vec::new(), Vec::new());
    for part in conversation(body).turns.into_iter().flat_map(|turn| turn.parts) {
        match part {
            Part::ToolCall(call) => calls.push(call.id),
            Part::ToolResult(result) => results.push(result.call_id),
            _ => {}
        }
    }
    (calls, results)
}

/// What a chat of google-genai sends back after a stream that we have written: every event is a content.
#[test]
fn a_request_of_a_chat_that_was_streamed() {
    let (conversation, dropped) = read(include_str!("../fixtures/gemini/request_chat.json")).unwrap();
    insta::assert_debug_snapshot!(conversation.turns);
    assert_eq!(dropped, "");
}

#[test]
fn the_chunks_of_a_stream_that_a_client_kept_are_put_together() {
    let body = r#"{"contents":[
        {"role":"user","parts":[{"text":"a"},{"text":"b"}]},
        {"role":"model","parts":[{"text":"I ","thought":true}]},
        {"role":"model","parts":[{"text":"think","thought":true}]},
        {"role":"model","parts":[{"text":"","thought":true,"thoughtSignature":"c2ln"}]},
        {"role":"model","parts":[{"text":"Hel"}]},
        {"role":"model","parts":[{"text":"lo"}]},
        {"role":"model","parts":[{"functionCall":{"name":"f"}}]},
        {"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":1.0}}}]},
        {"role":"model","parts":[{"text":""}]},
        {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"result":"1"}}}]},
        {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"result":"2"}}}]}]}"#;
    insta::assert_debug_snapshot!(conversation(body).turns);
}

#[test]
fn calls_without_ids_are_numbered_and_results_go_to_the_first_of_their_name() {
    let body = r#"{"contents":[
        {"role":"user","parts":[{"text":"go"}]},
        {"role":"model","parts":[{"functionCall":{"name":"a"}},{"functionCall":{"name":"b"}},{"functionCall":{"name":"a"}}]},
        {"role":"function","parts":[{"functionResponse":{"name":"b","response":{}}},
            {"functionResponse":{"name":"a","response":{}}},{"functionResponse":{"name":"a","response":{}}}]},
        {"role":"model","parts":[{"functionCall":{"name":"a"}}]},
        {"role":"user","parts":[{"functionResponse":{"name":"a","response":{}}}]}]}"#;
    let (calls, results) = ids(body);
    assert_eq!(calls, ["call_1", "call_2", "call_3", "call_4"]);
    assert_eq!(results, ["call_2", "call_1", "call_3", "call_4"]);
}

#[test]
fn ids_decide_where_they_are_given_and_are_made_unique() {
    let turn = r#"{"role":"model","parts":[{"functionCall":{"id":"x","name":"a"}},{"functionCall":{"id":"call_9","name":"a"}}]},
        {"role":"user","parts":[{"functionResponse":{"id":"call_9","name":"a","response":{}}},
            {"functionResponse":{"id":"x","name":"a","response":{}}}]}"#;
    let (calls, results) = ids(&format!(r#"{{"contents":[{turn},{turn}]}}"#));
    assert_eq!(calls, ["x", "call_9", "call_3", "call_4"]);
    assert_eq!(results, ["call_9", "x", "call_4", "call_3"]);
}

#[test]
fn a_result_that_nobody_waits_for_is_refused() {
    let call = r#"{"role":"model","parts":[{"functionCall":{"name":"a","id":"1"}}]}"#;
    let result = r#"{"role":"user","parts":[{"functionResponse":{"name":"a","id":"1","response":{}}}]}"#;
    for contents in [
        result.to_owned(),
        format!("{call},{result},{result}"),
        format!(r#"{call},{result},{{"role":"model","parts":[{{"text":"done"}}]}},{result}"#),
        format!(
            "{call},{}",
            result.replace("\"a\"", "\"b\"").replace("\"1\"", "\"2\"")
        ),
    ] {
        let error = read(&format!(r#"{{"contents":[{contents}]}}"#)).unwrap_err();
        assert!(error.contains("in the turn before that waits for it"), "{error}");
    }
}

#[test]
fn what_tools_say_is_their_text() {
    let said = |response: &str| {
        let body = format!(
            r#"{{"contents":[{{"role":"model","parts":[{{"functionCall":{{"name":"f"}}}}]}},
                {{"role":"user","parts":[{{"functionResponse":{{"name":"f","response":{response}}}}}]}}]}}"#
        );
        let turns = conversation(&body).turns;
        let Part::ToolResult(result) = &turns[1].parts[0] else {
            panic!("{turns:?}")
        };
        let text = match result.parts.as_slice() {
            [] => String::new(),
            [Part::Text(text)] => text.clone(),
            parts => panic!("{parts:?}"),
        };
        (text, result.is_error)
    };
    assert_eq!(said(r#"{"output":"a \"b\""}"#), ("a \"b\"".to_owned(), false));
    assert_eq!(said(r#"{"result":"a"}"#), ("a".to_owned(), false));
    assert_eq!(said(r#"{"result":""}"#), (String::new(), false));
    assert_eq!(said(r#"{"error":"no"}"#), ("no".to_owned(), true));
    assert_eq!(
        said(r#"{"error":{"code":1.0}}"#),
        (r#"{"code":1.0}"#.to_owned(), true)
    );
    for whole in [
        r#"{"result":{"t":21.50}}"#,
        r#"{"output":"a","more":1}"#,
        r#"{"error":"a","output":"b"}"#,
        "{}",
    ] {
        assert_eq!(said(whole), (whole.to_owned(), false));
    }
}

#[test]
fn tool_choices() {
    let choose = |config: &str| {
        let body = format!(
            r#"{{"contents":[],"tools":[{{"functionDeclarations":[{{"name":"a"}},{{"name":"b"}}]}}],
                "toolConfig":{{"functionCallingConfig":{config}}}}}"#
        );
        let conversation = conversation(&body);
        (conversation.tool_choice, conversation.tools.len())
    };
    let required = |names: &[&str]| {
        let names = names.iter().copied().map(str::to_owned).collect();
        Some(ToolChoice::Required { names })
    };
    assert_eq!(choose("{}"), (None, 2));
    assert_eq!(choose(r#"{"mode":"MODE_UNSPECIFIED"}"#), (None, 2));
    assert_eq!(choose(r#"{"mode":"auto"}"#), (Some(ToolChoice::Auto), 2));
    assert_eq!(choose(r#"{"mode":"NONE"}"#), (Some(ToolChoice::None), 2));
    assert_eq!(choose(r#"{"mode":"ANY"}"#), (required(&[]), 2));
    assert_eq!(
        choose(r#"{"mode":"ANY","allowedFunctionNames":["b"]}"#),
        (required(&["b"]), 2)
    );
    assert_eq!(choose(r#"{"mode":"VALIDATED"}"#), (Some(ToolChoice::Auto), 2));
    let validated = choose(r#"{"mode":"VALIDATED","allowedFunctionNames":["b"]}"#);
    assert_eq!(validated, (Some(ToolChoice::Auto), 1));
}

#[test]
fn a_hundred_thousand_contents_are_no_trouble() {
    let turn = r#"{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"text":"ho"}]}"#;
    let body = format!(r#"{{"contents":[{}{turn}]}}"#, format!("{turn},").repeat(49_999));
    assert_eq!(conversation(&body).turns.len(), 100_000);
    let one = r#"{"functionCall":{"name":"f"}},"#.repeat(50_000);
    let other = r#"{"functionResponse":{"name":"f","response":{}}},"#.repeat(50_000);
    let body = format!(
        r#"{{"contents":[{{"role":"model","parts":[{}]}},{{"role":"user","parts":[{}]}}]}}"#,
        one.trim_end_matches(','),
        other.trim_end_matches(',')
    );
    assert_eq!(conversation(&body).turns[1].parts.len(), 50_000);
}
