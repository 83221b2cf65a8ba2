use gateway_protocol::translation::{
    Conversation, Dropped, Effort, Media, MediaKind, MediaSource, Origin, Part, Role, Sampling, Signature,
    Thinking, ThinkingAmount, Thought, Tool, ToolCall, ToolChoice, ToolInput, ToolResult, Turn,
};

use super::{pretty, raw, read, responses};
use crate::text;

const CODEX: &str = include_str!("../fixtures/responses/codex.json");

fn write(conversation: &Conversation) -> (String, String) {
    let mut dropped = Dropped::default();
    let rendered = responses().write_request(conversation, &mut dropped).unwrap();
    (pretty(&rendered.body), dropped.to_string())
}

/// One member of the request that is written.
fn member(conversation: &Conversation, name: &str) -> serde_json::Value {
    let (body, _) = write(conversation);
    let mut body: serde_json::Value = serde_json::from_str(&body).unwrap();
    body[name].take()
}

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, parts }
}

fn said(text: &str) -> Part {
    Part::Text(text.to_owned())
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: raw(arguments),
        signature: None,
    })
}

fn result(id: &str, parts: Vec<Part>, is_error: bool) -> Part {
    Part::ToolResult(ToolResult {
        call_id: id.to_owned(),
        parts,
        is_error,
    })
}

fn image() -> Part {
    Part::Media(Media {
        kind: MediaKind::Image,
        source: MediaSource::Inline {
            media_type: "image/png".to_owned(),
            data: "iVBO".to_owned(),
        },
        name: None,
    })
}

/// A conversation with a model that reasons, of these turns.
fn of(turns: Vec<Turn>) -> Conversation {
    Conversation {
        model: "gpt-6-astra".to_owned(),
        turns,
        ..Conversation::default()
    }
}

#[test]
fn a_request_of_codex_comes_back() {
    let (conversation, _) = read(CODEX).unwrap();
    let (body, dropped) = write(&conversation);
    insta::assert_snapshot!(body);
    // Its thought is Anthropic's.
    assert_eq!(dropped, "thinking");
}

#[test]
fn what_is_written_is_read_alike() {
    let nothing = r#""parameters": {"type":"object","properties":{}}"#;
    let own = CODEX
        .replace("anthropic:EqQBCkYI==", "gAAAA")
        .replace(r#""parameters": null"#, nothing);
    let (mut conversation, _) = read(&own).unwrap();
    let rendered = responses()
        .write_request(&conversation, &mut Dropped::default())
        .unwrap();
    let (mut again, _) = read(text(&rendered.body)).unwrap();
    conversation.echo = None;
    again.echo = None;
    // The leading instructions have become one text.
    conversation.system = vec![conversation.system.join("\n\n")];
    assert_eq!(format!("{again:#?}"), format!("{conversation:#?}"));
}

#[test]
fn a_conversation_of_another_dialect() {
    let thought = |origin, value: &str| {
        Part::Thinking(Thought {
            text: "Hm.".to_owned(),
            signature: Some(Signature::new(origin, value)),
            is_redacted: false,
        })
    };
    let conversation = Conversation {
        system: vec!["One.".to_owned(), "Two.".to_owned()],
        tools: vec![Tool {
            name: "weather.get now".to_owned(),
            description: Some("The weather".to_owned()),
            input: ToolInput::Json {
                schema: None,
                strict: None,
            },
        }],
        tool_choice: Some(ToolChoice::Required {
            names: vec!["weather.get now".to_owned()],
        }),
        max_tokens: Some(1),
        user: Some("u".repeat(65)),
        thinking: Some(Thinking {
            amount: ThinkingAmount::Tokens(5_000),
            is_shown: true,
        }),
        sampling: Sampling {
            temperature: Some(1.into()),
            top_k: Some(5.into()),
            ..Sampling::default()
        },
        stream: true,
        ..of(vec![
            turn(Role::User, vec![said("Look:"), image()]),
            turn(
                Role::Assistant,
                vec![
                    thought(Origin::OpenAi, "rs_1.gAAAA"),
                    thought(Origin::Gemini, "c2ln"),
                    said("I see."),
                    call("a+b/c==", "weather.get now", r#"{"n":1.0}"#),
                    call("ok_1", "weather.get now", "{}"),
                ],
            ),
            turn(
                Role::User,
                vec![
                    result("a+b/c==", vec![said("no such city")], true),
                    result("ok_1", vec![said("sunny"), image()], false),
                    said("Go on."),
                ],
            ),
            turn(Role::System, vec![said("Be kind.")]),
        ])
    };
    let (body, dropped) = write(&conversation);
    insta::assert_snapshot!(body);
    assert_eq!(dropped, "temperature, thinking, top_k");
}

#[test]
fn results_of_freeform_calls_are_items_of_their_own() {
    let input = member(
        &of(vec![
            turn(
                Role::Assistant,
                vec![call("c1", "apply_patch", r#""*** Begin""#), call("c2", "f", "{}")],
            ),
            turn(
                Role::User,
                vec![result("c1", vec![], true), result("c2", vec![], false)],
            ),
        ]),
        "input",
    );
    assert_eq!(
        input,
        serde_json::json!([
            {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": "*** Begin"},
            {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "Error:"},
            {"type": "function_call_output", "call_id": "c2", "output": ""},
        ])
    );
}

#[test]
fn files_are_written_with_a_name() {
    let document = |source| {
        Part::Media(Media {
            kind: MediaKind::Document,
            source,
            name: None,
        })
    };
    let inline = MediaSource::Inline {
        media_type: "application/pdf".to_owned(),
        data: "JVBE".to_owned(),
    };
    let link = MediaSource::Link {
        url: "https://example.com/a.pdf".to_owned(),
        media_type: None,
    };
    let input = member(
        &of(vec![turn(Role::User, vec![document(inline), document(link)])]),
        "input",
    );
    assert_eq!(
        input[0]["content"],
        serde_json::json!([
            {"type": "input_file", "filename": "document", "file_data": "data:application/pdf;base64,JVBE"},
            {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        ])
    );
}

#[test]
fn what_the_dialect_has_no_words_for_is_refused() {
    let refusal = |conversation: &Conversation| {
        let error = responses().write_request(conversation, &mut Dropped::default());
        error.unwrap_err().to_string()
    };
    let stopped = Conversation {
        stop: vec!["END".to_owned()],
        ..of(vec![])
    };
    assert_eq!(
        refusal(&stopped),
        "stop sequences: not supported by the model's provider"
    );
    let media = |kind| {
        Part::Media(Media {
            kind,
            source: MediaSource::Inline {
                media_type: "x/y".to_owned(),
                data: String::new(),
            },
            name: None,
        })
    };
    for kind in [MediaKind::Audio, MediaKind::Video] {
        let said = refusal(&of(vec![turn(Role::User, vec![media(kind)])]));
        assert_eq!(
            said,
            format!("{}: not supported by the model's provider", kind.as_str())
        );
    }
    let said = refusal(&of(vec![turn(Role::Assistant, vec![image()])]));
    assert_eq!(
        said,
        "image of the assistant: not supported by the model's provider"
    );
}

#[test]
fn only_models_that_do_not_reason_are_told_how_to_draw() {
    let conversation = |model: &str| Conversation {
        model: model.to_owned(),
        sampling: Sampling {
            temperature: Some(serde_json::from_str("0.7").unwrap()),
            ..Sampling::default()
        },
        thinking: Some(Thinking {
            amount: ThinkingAmount::Effort(Effort::High),
            is_shown: false,
        }),
        ..Conversation::default()
    };
    let (_, dropped) = write(&conversation("gpt-6-astra"));
    assert_eq!(dropped, "temperature");
    assert_eq!(
        member(&conversation("gpt-6-astra"), "reasoning")["effort"],
        "high"
    );
    let (_, dropped) = write(&conversation("gpt-4.1"));
    assert_eq!(dropped, "thinking");
    let rendered = responses()
        .write_request(&conversation("gpt-4.1"), &mut Dropped::default())
        .unwrap();
    assert!(text(&rendered.body).contains(r#""temperature":0.7"#));
}

#[test]
fn a_choice_among_several_tools_names_each_with_its_kind() {
    let tool = |name: &str, input| Tool {
        name: name.to_owned(),
        description: None,
        input,
    };
    let conversation = Conversation {
        tools: vec![
            tool(
                "f",
                ToolInput::Json {
                    schema: None,
                    strict: Some(true),
                },
            ),
            tool("g", ToolInput::Text),
        ],
        tool_choice: Some(ToolChoice::Required {
            names: vec!["f".to_owned(), "g".to_owned()],
        }),
        ..of(vec![])
    };
    assert_eq!(
        member(&conversation, "tool_choice"),
        serde_json::json!({"type": "allowed_tools", "mode": "required", "tools": [
            {"type": "function", "name": "f"}, {"type": "custom", "name": "g"}]})
    );
    assert_eq!(
        member(&conversation, "tools"),
        serde_json::json!([
            {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": true},
            {"type": "custom", "name": "g"}])
    );
}

#[test]
fn a_count_is_asked_for_without_what_only_an_answer_has() {
    let (conversation, _) = read(CODEX).unwrap();
    let mut dropped = Dropped::default();
    let rendered = responses()
        .write_count_request(&conversation, &mut dropped)
        .unwrap();
    let body: serde_json::Value = serde_json::from_slice(&rendered.unwrap().body).unwrap();
    let mut names: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "input",
            "instructions",
            "model",
            "parallel_tool_calls",
            "reasoning",
            "tool_choice",
            "tools"
        ]
    );
    assert_eq!(responses().read_count(&responses().write_count(42)), Some(42));
    assert_eq!(
        text(&responses().write_count(42)),
        r#"{"object":"response.input_tokens","input_tokens":42}"#
    );
    assert_eq!(responses().read_count(b"{}"), None);
}
