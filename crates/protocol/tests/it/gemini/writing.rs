use gateway_protocol::translation::{
    Conversation, Dropped, Effort, Format, Media, MediaKind, MediaSource, Origin, Part, Role, Sampling,
    Signature, Thinking, ThinkingAmount, Thought, Tool, ToolCall, ToolChoice, ToolInput, ToolResult, Turn,
};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{gemini, write};

pub(super) fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

pub(super) fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

pub(super) fn call(id: &str, name: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: raw(r#"{"a":1.0}"#),
        signature: None,
    })
}

pub(super) fn result(id: &str, parts: Vec<Part>) -> Part {
    Part::ToolResult(ToolResult {
        call_id: id.to_owned(),
        parts,
        is_error: false,
    })
}

fn picture() -> Part {
    Part::Media(Media {
        kind: MediaKind::Image,
        source: MediaSource::Inline {
            media_type: "image/png".to_owned(),
            data: "iVBORw0KGgo=".to_owned(),
        },
        name: None,
    })
}

fn link(kind: MediaKind, url: &str) -> Part {
    Part::Media(Media {
        kind,
        source: MediaSource::Link {
            url: url.to_owned(),
            media_type: None,
        },
        name: None,
    })
}

pub(super) fn user(parts: impl Into<Vec<Part>>) -> Turn {
    Turn {
        role: Role::User,
        parts: parts.into(),
    }
}

pub(super) fn model(parts: impl Into<Vec<Part>>) -> Turn {
    Turn {
        role: Role::Assistant,
        parts: parts.into(),
    }
}

fn system(said: &str) -> Turn {
    Turn {
        role: Role::System,
        parts: vec![text(said)],
    }
}

pub(super) fn conversation(turns: impl Into<Vec<Turn>>) -> Conversation {
    Conversation {
        model: "gemini-3.1-pro-preview".to_owned(),
        turns: turns.into(),
        ..Conversation::default()
    }
}

#[track_caller]
fn contents(turns: impl Into<Vec<Turn>>) -> Value {
    write(&conversation(turns)).unwrap().0["contents"].clone()
}

#[test]
fn a_request_of_everything() {
    let conversation = Conversation {
        system: vec!["Be brief.".to_owned(), "Speak French.".to_owned()],
        tools: vec![
            Tool {
                name: "search.web".to_owned(),
                description: Some("Something.".to_owned()),
                input: ToolInput::Json {
                    schema: Some(raw(
                        r#"{"type":"object","properties":{"type":{"const":1.0}},"$defs":{}}"#,
                    )),
                    strict: Some(true),
                },
            },
            Tool {
                name: "patch".to_owned(),
                description: None,
                input: ToolInput::Text,
            },
        ],
        tool_choice: Some(ToolChoice::Required {
            names: vec!["search.web".to_owned()],
        }),
        parallel_tool_calls: Some(false),
        max_tokens: Some(2048),
        stop: vec!["END".to_owned()],
        sampling: Sampling {
            temperature: Some(serde_json::Number::from_f64(0.5).unwrap()),
            top_p: Some(serde_json::Number::from_f64(0.9).unwrap()),
            top_k: Some(40.into()),
            seed: Some(7.into()),
            presence_penalty: Some(1.into()),
            frequency_penalty: Some((-1).into()),
        },
        thinking: Some(Thinking {
            amount: ThinkingAmount::Effort(Effort::Max),
            is_shown: true,
        }),
        format: Format::Schema {
            name: Some("answer".to_owned()),
            description: None,
            schema: raw(r#"{"type":"object","properties":{"z":{},"a":{}}}"#),
            strict: Some(true),
        },
        user: Some("somebody".to_owned()),
        ..conversation([
            user([text("Hello"), picture()]),
            system("The user is tired."),
            model([
                Part::Thinking(Thought {
                    text: "hm".to_owned(),
                    signature: Some(Signature::new(Origin::Gemini, "c2ln")),
                    is_redacted: false,
                }),
                Part::Thinking(Thought {
                    text: "foreign".to_owned(),
                    signature: Some(Signature::new(Origin::Anthropic, "Eq==")),
                    is_redacted: false,
                }),
                text("Let me see."),
                call("toolu_1", "search.web"),
                Part::ToolCall(ToolCall {
                    id: "fc+2".to_owned(),
                    name: "patch".to_owned(),
                    arguments: raw(r#""*** Begin \"Patch\"""#),
                    signature: None,
                }),
            ]),
            user([
                text("Now?"),
                result("fc+2", vec![text("done")]),
                Part::ToolResult(ToolResult {
                    call_id: "toolu_1".to_owned(),
                    parts: vec![text("no"), picture(), text("way")],
                    is_error: true,
                }),
            ]),
        ])
    };
    let (body, dropped) = write(&conversation).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&body).unwrap());
    assert_eq!(dropped, "parallel_tool_calls, thinking, tools.strict, user");
}

#[test]
fn what_is_open_json_keeps_its_spelling() {
    let mut dropped = Dropped::default();
    let schema =
        r#"{"type": "object", "properties": {"z": {"default": 1.0}, "a": {"enum": ["\u00e9", 1e3]}}}"#;
    let arguments = r#"{"b": 12345678901234567890.10, "a": "\u00e9"}"#;
    let conversation = Conversation {
        tools: vec![Tool {
            name: "f".to_owned(),
            description: None,
            input: ToolInput::Json {
                schema: Some(raw(schema)),
                strict: None,
            },
        }],
        format: Format::Schema {
            name: None,
            description: None,
            schema: raw(schema),
            strict: None,
        },
        ..conversation([
            model([Part::ToolCall(ToolCall {
                id: "1".to_owned(),
                name: "f".to_owned(),
                arguments: raw(arguments),
                signature: None,
            })]),
            user([result("1", vec![])]),
        ])
    };
    let body = gemini().write_request(&conversation, &mut dropped).unwrap().body;
    let body = crate::text(&body);
    assert!(body.contains(&format!(r#""parametersJsonSchema":{schema}"#)));
    assert!(body.contains(&format!(r#""responseJsonSchema":{schema}"#)));
    assert!(body.contains(&format!(r#""args":{arguments}"#)));
}

#[test]
fn neighbours_of_one_role_become_one_turn() {
    assert_eq!(
        contents([
            user([text("a")]),
            user([text("b")]),
            system("c"),
            model([text("d")]),
            model([text("e")])
        ]),
        json!([
            {"role": "user", "parts": [{"text": "a"}, {"text": "b"}, {"text": "<system>c</system>"}]},
            {"role": "model", "parts": [{"text": "d"}, {"text": "e"}]},
        ])
    );
}

#[test]
fn the_user_speaks_first() {
    let contents = contents([model([text("Welcome!")]), user([text("hi")])]);
    assert_eq!(contents[0]["role"], "user");
    assert_eq!(contents[1]["parts"][0]["text"], "Welcome!");
    assert_eq!(contents[2]["parts"][0]["text"], "hi");
}

#[test]
fn a_system_prompt_by_itself_is_a_conversation() {
    let mut conversation = conversation([]);
    assert_eq!(
        write(&conversation).unwrap_err(),
        "messages: there must be at least one"
    );
    conversation.system = vec!["Say hello.".to_owned()];
    let (body, _) = write(&conversation).unwrap();
    assert_eq!(body["contents"][0]["role"], "user");
    assert_eq!(body["systemInstruction"]["parts"][0]["text"], "Say hello.");
}

#[test]
fn results_stand_in_the_order_of_their_calls_before_everything_else() {
    let contents = contents([
        user([text("go")]),
        model([call("1", "a"), call("2", "b")]),
        user([text("x"), result("2", vec![picture(), text("two")])]),
        system("y"),
        user([result("1", vec![text("one")]), picture()]),
        model([text("done")]),
    ]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&contents[2]).unwrap());
}

#[test]
fn a_thought_that_is_left_out_leaves_no_empty_turn() {
    let foreign = Part::Thinking(Thought {
        text: "hm".to_owned(),
        signature: None,
        is_redacted: false,
    });
    let (body, dropped) = write(&conversation([
        user([text("a")]),
        model([foreign]),
        user([text("b")]),
    ]))
    .unwrap();
    assert_eq!(
        body["contents"],
        json!([{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}])
    );
    assert_eq!(dropped, "thinking");
}

#[test]
fn calls_and_results_that_do_not_match_are_refused() {
    let go = || user([text("go")]);
    let answer = |id: &str| user([result(id, vec![])]);
    let cases = [
        vec![go(), model([call("1", "a")])],
        vec![go(), model([call("1", "a")]), user([text("never mind")])],
        vec![go(), model([call("1", "a"), call("2", "a")]), answer("1")],
        vec![
            go(),
            model([call("1", "a")]),
            user([text("wait")]),
            model([text("ok")]),
            answer("1"),
        ],
        vec![
            go(),
            model([call("1", "a")]),
            answer("1"),
            model([text("ok")]),
            answer("1"),
        ],
        vec![
            go(),
            model([call("1", "a")]),
            user([result("1", vec![]), result("1", vec![])]),
        ],
    ];
    let sentences = cases.map(|turns| write(&conversation(turns)).unwrap_err());
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn links_are_passed_on_only_where_gemini_can_fetch_them() {
    for url in [
        "gs://bucket/a.png",
        "https://www.youtube.com/watch?v=x",
        "https://youtu.be/x",
        "https://generativelanguage.googleapis.com/v1beta/files/a",
    ] {
        let contents = contents([user([link(MediaKind::Video, url)])]);
        assert_eq!(contents[0]["parts"][0], json!({"fileData": {"fileUri": url}}));
    }
    let elsewhere = conversation([user([link(MediaKind::Image, "https://example.com/a.png")])]);
    assert_eq!(
        write(&elsewhere).unwrap_err(),
        "image by URL: Gemini, the model's provider, cannot fetch it; send the image itself in base64"
    );
}

#[test]
fn seeds_of_more_than_32_bits_are_dropped_by_name() {
    let seed = |seed: u64| {
        let sampling = Sampling {
            seed: Some(seed.into()),
            ..Sampling::default()
        };
        let (body, dropped) = write(&Conversation {
            sampling,
            ..conversation([user([text("hi")])])
        })
        .unwrap();
        (body["generationConfig"]["seed"].as_u64(), dropped)
    };
    assert_eq!(seed(2_147_483_647), (Some(2_147_483_647), String::new()));
    assert_eq!(seed(2_147_483_648), (None, "seed".to_owned()));
}

#[test]
fn a_plain_request_has_nothing_that_was_not_asked_for() {
    let conversation = Conversation {
        tool_choice: Some(ToolChoice::Auto),
        ..conversation([user([text("hi")])])
    };
    let (body, dropped) = write(&conversation).unwrap();
    assert_eq!(
        body,
        json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]})
    );
    assert_eq!(dropped, "");
}

#[test]
fn a_count_takes_the_tools_and_the_system_prompt_into_account() {
    let conversation = Conversation {
        system: vec!["s".to_owned()],
        ..conversation([user([text("hi")])])
    };
    let mut dropped = Dropped::default();
    let rendered = gemini()
        .write_count_request(&conversation, &mut dropped)
        .unwrap()
        .unwrap();
    let body: Value = serde_json::from_slice(&rendered.body).unwrap();
    assert_eq!(
        body,
        json!({"generateContentRequest": {
            "model": "models/gemini-3.1-pro-preview",
            "systemInstruction": {"parts": [{"text": "s"}]},
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        }})
    );
}

#[test]
fn a_hundred_thousand_turns_are_no_trouble() {
    let turns: Vec<_> = (0..25_000)
        .flat_map(|number| {
            let id = format!("call_{number}");
            [
                user([text("go")]),
                model([call(&id, "f")]),
                user([result(&id, vec![text("x")])]),
                model([text("ok")]),
            ]
        })
        .collect();
    assert_eq!(contents(turns).as_array().unwrap().len(), 100_000);
    let ids: Vec<_> = (0..20_000).map(|number| format!("call_{number}")).collect();
    let calls: Vec<_> = ids.iter().map(|id| call(id, "f")).collect();
    let results: Vec<_> = ids.iter().rev().map(|id| result(id, vec![])).collect();
    let contents = contents([user([text("go")]), model(calls), user(results)]);
    assert_eq!(contents[2]["parts"].as_array().unwrap().len(), 20_000);
}
