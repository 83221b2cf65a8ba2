use gateway_protocol::translation::{Conversation, Dropped, Tool, ToolChoice, ToolInput};
use serde_json::{Value, json};

use super::writing::{call, conversation, model, raw, result, text, user};
use super::{gemini, write};

#[test]
fn names_that_gemini_refuses_are_changed_everywhere_and_back() {
    let long = format!("mcp/{}", "x".repeat(200));
    let mut names = Vec::new();
    for name in ["mcp/server tool", "1st", &long, "fine.name:with-all_of.it"] {
        let conversation = Conversation {
            tools: vec![Tool {
                name: name.to_owned(),
                description: None,
                input: ToolInput::Text,
            }],
            tool_choice: Some(ToolChoice::Required {
                names: vec![name.to_owned()],
            }),
            ..conversation([model([call("1", name)]), user([result("1", vec![])])])
        };
        let mut dropped = Dropped::default();
        let rendered = gemini().write_request(&conversation, &mut dropped).unwrap();
        let body: Value = serde_json::from_slice(&rendered.body).unwrap();
        let theirs = body["tools"][0]["functionDeclarations"][0]["name"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(body["contents"][1]["parts"][0]["functionCall"]["name"], *theirs);
        assert_eq!(
            body["contents"][2]["parts"][0]["functionResponse"]["name"],
            *theirs
        );
        assert_eq!(
            body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"],
            json!([theirs])
        );
        assert!(
            theirs.len() <= 128
                && theirs.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        );
        assert!(
            theirs
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte))
        );
        assert_eq!(rendered.names.ours(&theirs), name);
        names.push(theirs);
    }
    assert_eq!(names[3], "fine.name:with-all_of.it");
}

#[test]
fn tools_that_take_nothing_have_no_schema() {
    let declared = |schema: Option<&str>| {
        let conversation = Conversation {
            tools: vec![Tool {
                name: "f".to_owned(),
                description: None,
                input: ToolInput::Json {
                    schema: schema.map(raw),
                    strict: None,
                },
            }],
            ..conversation([user([text("hi")])])
        };
        write(&conversation).unwrap().0["tools"][0]["functionDeclarations"][0].clone()
    };
    for nothing in [
        None,
        Some("{}"),
        Some(r#"{"type":"object"}"#),
        Some(r#"{"type":"object","properties":{},"required":[],"additionalProperties":false,"$schema":"x"}"#),
    ] {
        assert_eq!(declared(nothing), json!({"name": "f"}), "{nothing:?}");
    }
    for something in [
        r##"{"$ref":"#/$defs/a","$defs":{"a":{}}}"##,
        r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
        r#"{"anyOf":[{},{}]}"#,
    ] {
        let schema: Value = serde_json::from_str(something).unwrap();
        assert_eq!(declared(Some(something))["parametersJsonSchema"], schema);
    }
}

#[test]
fn too_much_is_refused() {
    let stop = Conversation {
        stop: vec!["a".to_owned(); 6],
        ..conversation([user([text("hi")])])
    };
    assert_eq!(
        write(&stop).unwrap_err(),
        "stop sequences: the model's provider takes at most 5"
    );
    let tools = Conversation {
        tools: (0..513)
            .map(|number| Tool {
                name: format!("f{number}"),
                description: None,
                input: ToolInput::Text,
            })
            .collect(),
        ..conversation([user([text("hi")])])
    };
    assert_eq!(
        write(&tools).unwrap_err(),
        "tools: the model's provider takes at most 512"
    );
}
