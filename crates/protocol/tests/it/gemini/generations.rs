//! What models of one generation take and those of another do not.

use gateway_protocol::translation::{
    Conversation, Effort, Origin, Part, Signature, Thinking, ThinkingAmount, ToolCall, Turn,
};
use serde_json::json;

use super::write;
use super::writing::{call, conversation, model, raw, result, text, user};

const SKIP: &str = "skip_thought_signature_validator";

fn signed_call(id: &str, signature: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        arguments: raw("{}"),
        signature: Some(Signature::new(Origin::Gemini, signature)),
    })
}

/// The `thoughtSignature` of every call, in order.
fn signatures(model: &str, turns: impl Into<Vec<Turn>>) -> Vec<Option<String>> {
    let conversation = Conversation {
        model: model.to_owned(),
        ..conversation(turns)
    };
    let body = write(&conversation).unwrap().0;
    let contents = body["contents"].as_array().unwrap().iter();
    let parts = contents.flat_map(|content| content["parts"].as_array().unwrap());
    parts
        .filter(|part| part.get("functionCall").is_some())
        .map(|part| {
            part.get("thoughtSignature")
                .map(|signature| signature.as_str().unwrap().to_owned())
        })
        .collect()
}

#[test]
fn signatures_are_missed_only_on_the_first_call_of_each_step_of_the_current_turn() {
    let turns = || {
        [
            user([text("once")]),
            model([call("1", "f")]),
            user([result("1", vec![])]),
            model([text("done")]),
            user([text("again")]),
            model([call("2", "f"), call("3", "f")]),
            user([result("2", vec![]), result("3", vec![])]),
            model([text("and"), call("4", "f")]),
            user([result("4", vec![])]),
        ]
    };
    let skip = || Some(SKIP.to_owned());
    let expected = [None, skip(), None, skip()];
    for model in [
        "gemini-3.1-pro-preview",
        "gemini-3-flash",
        "models/gemini-4-argon",
    ] {
        assert_eq!(signatures(model, turns()), expected, "{model}");
    }
    for model in ["gemini-2.5-pro", "gemini-2.0-flash", "gemma-3-27b-it"] {
        assert_eq!(signatures(model, turns()), [None, None, None, None], "{model}");
    }
}

#[test]
fn real_signatures_are_kept_and_foreign_ones_are_not() {
    let steps = [
        user([text("go")]),
        model([signed_call("1", "c2ln"), call("2", "f")]),
        user([result("1", vec![]), result("2", vec![])]),
        model([Part::ToolCall(ToolCall {
            id: "3".to_owned(),
            name: "f".to_owned(),
            arguments: raw("{}"),
            signature: Some(Signature::new(Origin::OpenAi, "gAAA")),
        })]),
        user([result("3", vec![])]),
    ];
    let expected = [Some("c2ln".to_owned()), None, Some(SKIP.to_owned())];
    assert_eq!(signatures("gemini-3.8-flash", steps), expected);
}

#[test]
fn words_beside_results_leave_no_call_without_a_signature() {
    let turns = [
        user([text("go")]),
        model([call("1", "f")]),
        user([result("1", vec![]), text("a reminder")]),
    ];
    assert_eq!(signatures("gemini-3.8-flash", turns), [Some(SKIP.to_owned())]);
}

#[test]
fn thinking_as_each_generation_takes_it() {
    let amounts = [
        ThinkingAmount::Off,
        ThinkingAmount::Free,
        ThinkingAmount::Tokens(100),
        ThinkingAmount::Tokens(1_999),
        ThinkingAmount::Tokens(2_000),
        ThinkingAmount::Tokens(60_000),
        ThinkingAmount::Effort(Effort::Minimal),
        ThinkingAmount::Effort(Effort::Medium),
        ThinkingAmount::Effort(Effort::Max),
    ];
    let mut all = String::new();
    for model in [
        "gemini-2.0-flash",
        "gemini-2.5-pro",
        "gemini-2.5-flash",
        "gemini-3-flash-preview",
        "gemini-4-argon",
    ] {
        for amount in amounts {
            let conversation = Conversation {
                model: model.to_owned(),
                thinking: Some(Thinking {
                    amount,
                    is_shown: true,
                }),
                ..conversation([user([text("hi")])])
            };
            let (body, dropped) = write(&conversation).unwrap();
            let config = &body["generationConfig"]["thinkingConfig"];
            all += &format!("{model} {amount:?}: {config} {dropped}\n");
        }
    }
    insta::assert_snapshot!(all);
}

#[test]
fn thoughts_that_nobody_wants_to_see_are_not_asked_for() {
    let conversation = Conversation {
        thinking: Some(Thinking {
            amount: ThinkingAmount::Effort(Effort::High),
            is_shown: false,
        }),
        ..conversation([user([text("hi")])])
    };
    let config = &write(&conversation).unwrap().0["generationConfig"]["thinkingConfig"];
    assert_eq!(
        *config,
        json!({"includeThoughts": false, "thinkingLevel": "HIGH"})
    );
}
