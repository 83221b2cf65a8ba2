use gateway_protocol::Address;
use gateway_protocol::translation::{Birth, Translated, translate};

use super::{pretty, responses};
use crate::text;

/// A request with a freeform tool, sent to a provider that has none: it knows the tool as one that takes an object.
fn translated() -> Translated {
    let body = br#"{"model":"fast","input":"x","tools":[{"type":"custom","name":"apply_patch"},{"type":"function","name":"f"}]}"#;
    let birth = Birth {
        id: "0199c0de".to_owned(),
        created_at: 1_795_600_000,
    };
    translate(responses(), responses(), body, &Address::default(), "m", birth).unwrap()
}

/// What the client gets of a stream of these events.
fn rewritten(events: &str) -> String {
    let mut rewriter = translated().way_back.stream();
    let mut out = Vec::new();
    rewriter.push(events.as_bytes(), &mut out);
    text(&out).to_owned()
}

fn begin(name: &str) -> String {
    format!(
        "data: {{\"type\":\"response.output_item.added\",\"item\":{{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"{name}\"}}}}\n\n"
    )
}

fn arguments(delta: &str) -> String {
    format!("data: {{\"type\":\"response.function_call_arguments.delta\",\"delta\":\"{delta}\"}}\n\n")
}

const END: &str = "data: {\"type\":\"response.completed\",\"response\":{}}\n\n";

#[test]
fn a_freeform_tools_text_comes_back_in_an_answer() {
    let answer = br#"{"status":"completed","output":[
        {"type":"function_call","call_id":"c1","name":"apply_patch","arguments":"{\"input\":\"*** Begin\\n\"}"},
        {"type":"function_call","call_id":"c2","name":"f","arguments":"{\"input\":\"x\"}"}]}"#;
    let answer = pretty(&translated().way_back.reply(answer).unwrap());
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["model"], "fast");
    assert_eq!(answer["output"][0]["type"], "custom_tool_call");
    assert_eq!(answer["output"][0]["input"], "*** Begin\n");
    assert_eq!(answer["output"][1]["type"], "function_call");
    assert_eq!(answer["output"][1]["arguments"], r#"{"input":"x"}"#);
}

#[test]
fn a_freeform_tools_text_comes_back_in_a_stream() {
    let stream = begin("apply_patch")
        + &arguments(r#"{\"input\":\"*** Be"#)
        + &arguments(r#"gin\\n\"}"#)
        + &begin("f")
        + END;
    insta::assert_snapshot!(rewritten(&stream));
}

#[test]
fn only_the_freeform_calls_text_waits_for_its_end() {
    let held = begin("apply_patch") + &arguments(r#"{\"input\":\"x"#);
    let told = rewritten(&held);
    assert!(told.contains(r#""type":"custom_tool_call""#));
    assert!(!told.contains("custom_tool_call_input.delta"));
    let plain = begin("f") + &arguments(r#"{\"a\":"#);
    assert!(rewritten(&plain).contains("function_call_arguments.delta"));
}

#[test]
fn a_stream_that_ends_or_breaks_tells_what_it_may() {
    let held = begin("apply_patch") + &arguments(r#"{\"input\":\"x\"}"#);
    let ended = rewritten(&(held.clone() + END));
    assert!(ended.contains(r#""type":"response.custom_tool_call_input.delta""#));
    assert!(ended.contains(r#""input":"x""#));
    let broken = rewritten(&(held + "data: {\"type\":\"error\",\"message\":\"m\"}\n\n" + END));
    assert!(!broken.contains("custom_tool_call_input.delta"));
    assert!(broken.ends_with("\n\n") && broken.contains("event: error\n"));
    assert!(!broken.contains("response.completed"));
}
