//! Thinking is asked for as the model knows it, and never so that the request is refused.

use gateway_protocol::translation::{
    Conversation, Effort, Origin, Part, Role, Signature, Thinking, ThinkingAmount, Thought, ToolCall,
    ToolChoice, ToolResult, Turn,
};
use serde_json::value::RawValue;
use serde_json::{Number, Value, json};

use super::{Written, read, request, write};

fn asking(model: &str, amount: ThinkingAmount) -> Conversation {
    let (mut conversation, _) = read(&request("")).unwrap();
    conversation.model = model.to_owned();
    conversation.max_tokens = None;
    conversation.thinking = Some(Thinking {
        amount,
        is_shown: true,
    });
    conversation
}

fn thought(text: &str, signature: Option<Signature>) -> Part {
    let is_redacted = signature
        .as_ref()
        .is_some_and(|signature| signature.origin == Origin::AnthropicRedacted);
    Part::Thinking(Thought {
        text: text.to_owned(),
        signature,
        is_redacted,
    })
}

/// A conversation in which a tool has been called after these thoughts, and has answered.
fn with_a_call(model: &str, thoughts: Vec<Part>) -> Conversation {
    let mut conversation = asking(model, ThinkingAmount::Effort(Effort::Low));
    let mut parts = thoughts;
    parts.push(Part::ToolCall(ToolCall {
        id: "1".to_owned(),
        name: "f".to_owned(),
        arguments: RawValue::from_string("{}".to_owned()).unwrap(),
        signature: None,
    }));
    conversation.turns.push(Turn {
        role: Role::Assistant,
        parts,
    });
    conversation.turns.push(Turn {
        role: Role::User,
        parts: vec![Part::ToolResult(ToolResult {
            call_id: "1".to_owned(),
            parts: Vec::new(),
            is_error: false,
        })],
    });
    conversation
}

fn said(written: &Written) -> (Value, Value, &str) {
    (
        written.body["thinking"].clone(),
        written.body["output_config"]["effort"].clone(),
        &written.dropped,
    )
}

#[track_caller]
fn check(model: &str, amount: ThinkingAmount, thinking: Value, effort: Value, dropped: &str) {
    let written = write(&asking(model, amount)).unwrap();
    assert_eq!(said(&written), (thinking, effort, dropped), "{model} {amount:?}");
}

#[test]
fn newer_models_are_asked_by_effort() {
    let adaptive = json!({"type": "adaptive", "display": "summarized"});
    for (amount, effort) in [
        (ThinkingAmount::Free, json!(null)),
        (ThinkingAmount::Effort(Effort::Minimal), json!("low")),
        (ThinkingAmount::Effort(Effort::XHigh), json!("xhigh")),
        (ThinkingAmount::Effort(Effort::Max), json!("max")),
        (ThinkingAmount::Tokens(5_000), json!("medium")),
    ] {
        check("claude-opus-5-5", amount, adaptive.clone(), effort, "");
    }
    let xhigh = ThinkingAmount::Effort(Effort::XHigh);
    check("claude-opus-4-6", xhigh, adaptive, json!("high"), "");
    check(
        "claude-opus-4-6",
        ThinkingAmount::Off,
        json!({"type": "disabled"}),
        json!(null),
        "",
    );
}

#[test]
fn older_models_are_asked_by_budget_and_the_oldest_not_at_all() {
    let enabled = |budget: u64| json!({"type": "enabled", "budget_tokens": budget});
    for (amount, budget) in [
        (ThinkingAmount::Free, 4_096),
        (ThinkingAmount::Effort(Effort::Low), 1_024),
        (ThinkingAmount::Effort(Effort::High), 16_384),
        (ThinkingAmount::Tokens(31_999), 31_999),
        (ThinkingAmount::Tokens(50), 1_024),
    ] {
        check("claude-sonnet-4-5", amount, enabled(budget), json!(null), "");
    }
    check(
        "claude-3-7-sonnet-latest",
        ThinkingAmount::Free,
        enabled(4_096),
        json!(null),
        "",
    );
    check(
        "claude-3-5-haiku-latest",
        ThinkingAmount::Free,
        json!(null),
        json!(null),
        "thinking",
    );
    check(
        "claude-3-5-haiku-latest",
        ThinkingAmount::Off,
        json!(null),
        json!(null),
        "",
    );
}

#[test]
fn thoughts_that_nobody_wants_to_see_are_omitted() {
    for (model, expected) in [
        (
            "claude-opus-5-5",
            json!({"type": "adaptive", "display": "omitted"}),
        ),
        (
            "claude-opus-4-5",
            json!({"type": "enabled", "budget_tokens": 4096, "display": "omitted"}),
        ),
    ] {
        let mut conversation = asking(model, ThinkingAmount::Free);
        conversation.thinking.as_mut().unwrap().is_shown = false;
        assert_eq!(write(&conversation).unwrap().body["thinking"], expected);
    }
}

#[test]
fn a_budget_leaves_room_for_the_answer() {
    for (max_tokens, wanted, expected) in [
        (4_000, 16_384, 3_000),
        (1_025, 16_384, 1_024),
        (1_200, 1_024, 1_024),
        (20_000, 30_000, 15_000),
    ] {
        let mut conversation = asking("claude-sonnet-4-5", ThinkingAmount::Tokens(wanted));
        conversation.max_tokens = Some(max_tokens);
        let body = write(&conversation).unwrap().body;
        assert_eq!(
            body["thinking"]["budget_tokens"], expected,
            "{wanted} of {max_tokens}"
        );
        assert_eq!(body["max_tokens"], max_tokens);
    }
}

#[test]
fn few_tokens_leave_none_for_thinking() {
    let mut conversation = asking("claude-sonnet-4-5", ThinkingAmount::Effort(Effort::Low));
    conversation.max_tokens = Some(55);
    let written = write(&conversation).unwrap();
    assert_eq!(
        said(&written),
        (json!({"type": "disabled"}), json!(null), "thinking")
    );
    assert_eq!(written.body["max_tokens"], 55);
}

#[test]
fn a_tool_that_must_be_called_is_called_without_thinking() {
    for model in ["claude-sonnet-4-5", "claude-opus-5-5"] {
        let mut conversation = asking(model, ThinkingAmount::Effort(Effort::Low));
        let (with_tool, _) = read(&request(
            r#""tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"}"#,
        ))
        .unwrap();
        conversation.tools = with_tool.tools;
        conversation.tool_choice = Some(ToolChoice::Required { names: Vec::new() });
        let written = write(&conversation).unwrap();
        assert_eq!(written.body["thinking"], json!({"type": "disabled"}));
        assert_eq!(written.dropped, "thinking");
    }
}

#[test]
fn thoughts_of_others_are_dropped_and_thinking_is_off_where_the_last_call_then_lacks_them() {
    let foreign = || vec![thought("t", Some(Signature::new(Origin::Gemini, "Cg==")))];
    let written = write(&with_a_call("claude-sonnet-4-5", foreign())).unwrap();
    assert_eq!(
        said(&written),
        (json!({"type": "disabled"}), json!(null), "thinking")
    );
    assert_eq!(
        written.body["messages"][1]["content"].as_array().unwrap().len(),
        1
    );

    let written = write(&with_a_call("claude-opus-5-5", foreign())).unwrap();
    assert_eq!(written.body["thinking"]["type"], "adaptive");
    assert_eq!(written.dropped, "thinking");

    let unsigned = write(&with_a_call("claude-sonnet-4-5", vec![thought("t", None)])).unwrap();
    assert_eq!(unsigned.dropped, "thinking");
}

#[test]
fn its_own_thoughts_come_back_unchanged_and_in_order() {
    let own = vec![
        thought("t", Some(Signature::new(Origin::Anthropic, "EqQB"))),
        thought("", Some(Signature::new(Origin::AnthropicRedacted, "Emw"))),
    ];
    let written = write(&with_a_call("claude-sonnet-4-5", own)).unwrap();
    assert_eq!(written.body["thinking"]["type"], "enabled");
    assert_eq!(
        written.body["messages"][1]["content"],
        json!([
            {"type": "thinking", "thinking": "t", "signature": "EqQB"},
            {"type": "redacted_thinking", "data": "Emw"},
            {"type": "tool_use", "id": "1", "name": "f", "input": {}},
        ])
    );
    assert_eq!(written.dropped, "");
}

#[test]
fn no_message_ends_with_a_thought() {
    let mut conversation = asking("claude-sonnet-5-5", ThinkingAmount::Free);
    let own = thought("t", Some(Signature::new(Origin::Anthropic, "EqQB")));
    conversation.turns.push(Turn {
        role: Role::Assistant,
        parts: vec![own],
    });
    let written = write(&conversation).unwrap();
    assert_eq!(written.body["messages"].as_array().unwrap().len(), 1);
    assert_eq!(written.dropped, "thinking");
}

#[test]
fn who_thinks_is_not_sampled() {
    let mut conversation = asking("claude-sonnet-4-5", ThinkingAmount::Free);
    conversation.sampling.temperature = Some(Number::from(1));
    let written = write(&conversation).unwrap();
    assert_eq!(
        (written.body.get("temperature"), written.version),
        (None, "2026-10-21")
    );
    assert_eq!(written.dropped, "temperature");

    conversation.thinking = None;
    let written = write(&conversation).unwrap();
    assert_eq!(
        (&written.body["temperature"], written.version),
        (&json!(1), "2023-06-01")
    );
}
