use gateway_protocol::translation::{Dropped, Part, Role, ToolChoice};
use serde_json::Value;

use super::{asked, call, conversation, pretty, result, say, text_tool, tool, turn, write};
use crate::chat::chat;

#[test]
fn long_tool_names_are_shortened_and_restored() {
    let name = "mcp__a_server_with_a_long_name__a_tool_with_a_name_that_is_longer_still.v2";
    let mut conversation = conversation(
        "gpt-4.1",
        vec![
            say(Role::User, "x"),
            turn(
                Role::Assistant,
                vec![call("a", name, "{}"), call("b", "gone.tool", "{}")],
            ),
        ],
    );
    conversation.tools = vec![tool(name, None), tool("f", None)];
    conversation.tool_choice = Some(ToolChoice::Required {
        names: vec![name.to_owned()],
    });
    let mut dropped = Dropped::default();
    let rendered = chat().write_request(&conversation, &mut dropped).unwrap();
    let body: Value = serde_json::from_slice(&rendered.body).unwrap();
    let theirs = body["tools"][0]["function"]["name"].as_str().unwrap();
    assert!(
        theirs.len() <= 64
            && theirs
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    );
    assert_eq!(rendered.names.ours(theirs), name);
    assert_eq!(body["tool_choice"]["function"]["name"], theirs);
    let calls = &body["messages"][1]["tool_calls"];
    assert_eq!(calls[0]["function"]["name"], theirs);
    let gone = calls[1]["function"]["name"].as_str().unwrap();
    assert_eq!(rendered.names.ours(gone), "gone.tool");
    assert_eq!(body["tools"][1]["function"]["name"], "f");
}

#[test]
fn freeform_tools_are_custom_where_there_are_such_and_else_take_one_text() {
    let turns = vec![
        say(Role::User, "x"),
        turn(Role::Assistant, vec![call("a", "patch", r#""*** Begin\n""#)]),
        turn(Role::User, vec![Part::ToolResult(result("a", Vec::new()))]),
    ];
    let mut conversation = conversation("gpt-5.4", turns);
    conversation.tools = vec![text_tool("patch")];
    conversation.tool_choice = Some(ToolChoice::Required {
        names: vec!["patch".to_owned()],
    });
    let custom = pretty(&conversation);
    "qwen3".clone_into(&mut conversation.model);
    insta::assert_snapshot!([custom, pretty(&conversation)].join("\n"));
}

#[test]
fn schemas_have_the_properties_that_openai_insists_on() {
    let mut conversation = asked("gpt-4.1");
    conversation.tools = vec![
        tool("nothing", None),
        tool("bare", Some(r#"{"type":"object"}"#)),
        tool(
            "other",
            Some(r#"{ "additionalProperties": false, "type": "object" }"#),
        ),
        tool(
            "whole",
            Some(r#"{"type":"object","properties":{"n":{"minimum":1.0}}}"#),
        ),
        tool("union", Some(r#"{"anyOf":[]}"#)),
    ];
    let mut dropped = Dropped::default();
    let body = chat().write_request(&conversation, &mut dropped).unwrap().body;
    let body: Value = serde_json::from_slice(&body).unwrap();
    let schemas: Vec<_> = body["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["function"]["parameters"].to_string())
        .collect();
    assert_eq!(
        schemas,
        [
            r#"{"properties":{},"type":"object"}"#,
            r#"{"properties":{},"type":"object"}"#,
            r#"{"additionalProperties":false,"properties":{},"type":"object"}"#,
            r#"{"properties":{"n":{"minimum":1.0}},"type":"object"}"#,
            r#"{"anyOf":[]}"#,
        ]
    );
}

#[test]
fn every_tool_choice_is_written() {
    let required = |names: &[&str]| ToolChoice::Required {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    let choices = [
        ToolChoice::Auto,
        ToolChoice::None,
        required(&[]),
        required(&["f"]),
        required(&["f", "patch"]),
    ];
    let mut lines = Vec::new();
    for model in ["gpt-5.4", "qwen3"] {
        for choice in &choices {
            let mut conversation = asked(model);
            conversation.tools = vec![tool("f", None), tool("g", None), text_tool("patch")];
            conversation.tool_choice = Some(choice.clone());
            let (body, _) = write(&conversation).unwrap();
            let tools = body["tools"].as_array().unwrap().len();
            lines.push(format!(
                "{model} {choice:?}\n  {} of {tools} tools",
                body["tool_choice"]
            ));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
    let mut without_tools = asked("gpt-5.4");
    without_tools.tool_choice = Some(ToolChoice::Auto);
    without_tools.parallel_tool_calls = Some(false);
    let (body, _) = write(&without_tools).unwrap();
    assert_eq!(
        body.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["messages", "model"]
    );
}
