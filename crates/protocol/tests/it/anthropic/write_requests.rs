use gateway_protocol::translation::{
    Conversation, Dropped, Format, Media, MediaKind, MediaSource, Part, Role, Tool, ToolCall, ToolChoice,
    ToolInput, ToolResult, Turn,
};
use serde_json::value::RawValue;
use serde_json::{Number, json};

use super::{pretty, read, write};
use crate::anthropic;

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, parts }
}

fn say(role: Role, text: &str) -> Turn {
    turn(role, vec![Part::Text(text.to_owned())])
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: raw(arguments),
        signature: None,
    })
}

fn result(id: &str, text: &str) -> Part {
    Part::ToolResult(ToolResult {
        call_id: id.to_owned(),
        parts: vec![Part::Text(text.to_owned())],
        is_error: false,
    })
}

fn tool(name: &str, schema: Option<&str>) -> Tool {
    Tool {
        name: name.to_owned(),
        description: None,
        input: ToolInput::Json {
            schema: schema.map(raw),
            strict: None,
        },
    }
}

fn conversation(model: &str, turns: Vec<Turn>) -> Conversation {
    Conversation {
        model: model.to_owned(),
        turns,
        ..Conversation::default()
    }
}

fn hello(model: &str) -> Conversation {
    conversation(model, vec![say(Role::User, "Hello")])
}

fn media(kind: MediaKind, media_type: &str, data: &str) -> Part {
    Part::Media(Media {
        kind,
        source: MediaSource::Inline {
            media_type: media_type.to_owned(),
            data: data.to_owned(),
        },
        name: Some("name".to_owned()),
    })
}

fn link(kind: MediaKind, url: &str) -> Part {
    Part::Media(Media {
        kind,
        source: MediaSource::of_url(url).unwrap(),
        name: None,
    })
}

/// The first message that is written of a conversation with this part.
#[track_caller]
fn written(part: Part) -> serde_json::Value {
    let conversation = conversation("claude-sonnet-5-5", vec![turn(Role::User, vec![part])]);
    write(&conversation).unwrap().body["messages"][0]["content"][0].clone()
}

/// The sentence with which a conversation with this part is refused.
#[track_caller]
fn refusal(part: Part) -> String {
    let conversation = conversation("claude-sonnet-5-5", vec![turn(Role::User, vec![part])]);
    match write(&conversation) {
        Err(sentence) => sentence,
        Ok(written) => panic!("{}", written.body),
    }
}

#[test]
fn requests_go_round_to_anthropic() {
    for (name, body) in [
        (
            "coding_agent",
            include_str!("../fixtures/requests/coding_agent.json"),
        ),
        (
            "every_block",
            include_str!("../fixtures/requests/every_block.json"),
        ),
    ] {
        let (conversation, _) = read(body).unwrap();
        let mut dropped = Dropped::default();
        let rendered = anthropic().write_request(&conversation, &mut dropped).unwrap();
        let said = format!(
            "{:?} dropped: {dropped}\n{}",
            rendered.headers,
            pretty(&rendered.body)
        );
        insta::assert_snapshot!(name, said);
    }
}

#[test]
fn the_version_goes_by_the_sampling() {
    let mut conversation = hello("claude-sonnet-5-5");
    assert_eq!(write(&conversation).unwrap().version, "2026-10-21");
    conversation.sampling.top_k = Some(Number::from_f64(40.0).unwrap());
    let written = write(&conversation).unwrap();
    assert_eq!(
        (written.version, &written.body["top_k"]),
        ("2023-06-01", &json!(40))
    );
}

#[test]
fn sampling_is_fitted_and_what_is_unknown_is_named() {
    let mut conversation = hello("claude-sonnet-4-0");
    conversation.sampling.temperature = Some(Number::from_f64(1.7).unwrap());
    conversation.sampling.top_p = Some(Number::from_f64(0.9).unwrap());
    conversation.sampling.top_k = Some(Number::from_f64(1.5).unwrap());
    conversation.sampling.seed = Some(Number::from(7));
    conversation.sampling.presence_penalty = Some(Number::from(1));
    conversation.sampling.frequency_penalty = Some(Number::from(1));
    let written = write(&conversation).unwrap();
    assert_eq!(written.body["temperature"], 1);
    assert_eq!(written.body["top_p"], 0.9);
    assert_eq!(
        written.dropped,
        "frequency_penalty, presence_penalty, seed, temperature, top_k"
    );

    conversation.model = "claude-opus-4-1".to_owned();
    let written = write(&conversation).unwrap();
    assert_eq!(
        written.body.get("top_p"),
        None,
        "newer ones take only one of the two"
    );
    assert!(written.dropped.contains("top_p"));
}

#[test]
fn the_default_of_max_tokens_goes_by_the_model() {
    for (model, expected) in [
        ("claude-3-opus-20240229", 4_096),
        ("claude-3-5-haiku-20241022", 8_192),
        ("claude-opus-4-20250514", 32_000),
        ("claude-haiku-5-5", 32_000),
    ] {
        assert_eq!(
            write(&hello(model)).unwrap().body["max_tokens"],
            expected,
            "{model}"
        );
    }
}

#[test]
fn turns_of_one_side_are_merged_and_results_come_first() {
    let turns = vec![
        say(Role::User, "a"),
        say(Role::User, "b"),
        turn(Role::Assistant, vec![call("1", "f", "{}")]),
        turn(Role::Assistant, vec![call("2", "f", "{}")]),
        turn(Role::User, vec![Part::Text("and".to_owned()), result("1", "one")]),
        turn(Role::User, vec![result("2", "two")]),
    ];
    let mut conversation = conversation("claude-sonnet-5-5", turns);
    conversation.tools = vec![tool("f", None)];
    insta::assert_snapshot!(serde_json::to_string_pretty(&write(&conversation).unwrap().body).unwrap());
}

#[test]
fn the_user_begins() {
    for turns in [
        vec![say(Role::Assistant, "Hi")],
        vec![say(Role::System, "Be brief.")],
    ] {
        let written = write(&conversation("claude-sonnet-5-5", turns)).unwrap();
        assert_eq!(written.body["messages"][0]["role"], "user");
        assert_ne!(written.body["messages"][0]["content"][0]["text"], "");
    }
    let nothing = write(&conversation("claude-sonnet-5-5", Vec::new()));
    assert_eq!(
        nothing.err().as_deref(),
        Some("messages: at least one message is required")
    );
}

#[test]
fn the_system_in_between_speaks_for_itself_or_through_the_user() {
    let turns = vec![
        say(Role::System, "first"),
        say(Role::User, "a"),
        say(Role::System, "later"),
        say(Role::Assistant, "b"),
        say(Role::User, "c"),
    ];
    let roles = |written: &serde_json::Value| -> Vec<String> {
        let messages = written["messages"].as_array().unwrap();
        messages
            .iter()
            .map(|message| message["role"].as_str().unwrap().to_owned())
            .collect()
    };
    let new = write(&conversation("claude-sonnet-5-5", turns.clone()))
        .unwrap()
        .body;
    assert_eq!(new["system"][0]["text"], "first");
    assert_eq!(roles(&new), ["user", "system", "assistant", "user"]);
    let old = write(&conversation("claude-sonnet-4-5", turns)).unwrap().body;
    assert_eq!(roles(&old), ["user", "assistant", "user"]);
    assert_eq!(old["messages"][0]["content"][1]["text"], "<system>later</system>");
}

#[test]
fn the_system_never_comes_between_a_call_and_its_result() {
    let turns = vec![
        say(Role::User, "a"),
        turn(Role::Assistant, vec![call("1", "f", "{}")]),
        say(Role::System, "hurry"),
        turn(Role::User, vec![result("1", "one")]),
    ];
    let body = write(&conversation("claude-sonnet-5-5", turns)).unwrap().body;
    assert_eq!(body["messages"].as_array().unwrap().len(), 3);
    assert_eq!(body["messages"][2]["content"][0]["type"], "tool_result");
    assert_eq!(
        body["messages"][2]["content"][1]["text"],
        "<system>hurry</system>"
    );
}

#[test]
fn white_space_alone_is_no_text() {
    let turns = vec![
        say(Role::User, "a"),
        turn(
            Role::Assistant,
            vec![Part::Text("\n".to_owned()), call("1", "f", "{}")],
        ),
        turn(Role::User, vec![result("1", " ")]),
    ];
    let written = write(&conversation("claude-sonnet-5-5", turns)).unwrap();
    assert_eq!(
        written.body["messages"][1]["content"].as_array().unwrap().len(),
        1
    );
    assert_eq!(written.body["messages"][2]["content"][0]["content"], " ");
    assert_eq!(written.dropped, "messages.content");
}

#[test]
fn media_as_anthropic_has_them() {
    assert_eq!(
        written(media(MediaKind::Image, "image/jpg", "AAAA")),
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"}})
    );
    assert_eq!(
        written(link(MediaKind::Image, "https://example.com/a.png")),
        json!({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}})
    );
    assert_eq!(
        written(media(MediaKind::Document, "application/pdf", "AAAA")),
        json!({"type": "document", "title": "name",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}})
    );
    assert_eq!(
        written(media(MediaKind::Document, "text/csv", "YSxi")),
        json!({"type": "document", "title": "name",
            "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}})
    );
    assert_eq!(
        written(link(MediaKind::Document, "https://example.com/a.pdf")),
        json!({"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}})
    );
}

#[test]
fn what_anthropic_has_nothing_for_is_refused_by_name() {
    let sentences = [
        media(MediaKind::Audio, "audio/wav", "AAAA"),
        media(MediaKind::Video, "video/mp4", "AAAA"),
        media(MediaKind::Image, "image/bmp", "AAAA"),
        media(MediaKind::Document, "application/zip", "AAAA"),
        media(MediaKind::Document, "text/plain", "/w=="),
        link(MediaKind::Image, "gs://bucket/a.png"),
    ]
    .map(refusal);
    let turns = vec![
        say(Role::User, "a"),
        turn(
            Role::Assistant,
            vec![media(MediaKind::Image, "image/png", "AAAA")],
        ),
    ];
    let in_answer = write(&conversation("claude-sonnet-5-5", turns)).err().unwrap();
    let mut stopped = hello("claude-sonnet-5-5");
    stopped.stop = vec!["\n".to_owned()];
    let stop = write(&stopped).err().unwrap();
    insta::assert_snapshot!([sentences.join("\n"), in_answer, stop].join("\n"));
}

#[test]
fn tools_get_the_schema_that_anthropic_wants() {
    let mut conversation = hello("claude-sonnet-5-5");
    conversation.tools = vec![
        tool("none", None),
        tool("empty", Some("{}")),
        tool("untyped", Some(r#"{ "properties": {"a": {}} }"#)),
        tool(
            "kept",
            Some(r#"{"type":"object","properties":{"n":{"maximum":1e2}}}"#),
        ),
        Tool {
            name: "freeform".to_owned(),
            description: Some("Takes text.".to_owned()),
            input: ToolInput::Text,
        },
    ];
    let mut dropped = Dropped::default();
    let body = anthropic()
        .write_request(&conversation, &mut dropped)
        .unwrap()
        .body;
    let tools = body
        .windows(8)
        .position(|window| window == b"\"tools\":")
        .unwrap();
    insta::assert_snapshot!(crate::text(&body[tools..]));

    for schema in [r#"{"type":"array"}"#, r#"{"type":["object","null"]}"#, "true"] {
        conversation.tools = vec![tool("f", Some(schema))];
        let refused = write(&conversation).err().unwrap();
        assert!(refused.starts_with("tools: the schema of `f`"), "{refused}");
    }
}

#[test]
fn strictness_is_kept_where_the_model_knows_it() {
    let mut conversation = hello("claude-sonnet-5-5");
    conversation.tools = vec![Tool {
        name: "f".to_owned(),
        description: None,
        input: ToolInput::Json {
            schema: None,
            strict: Some(true),
        },
    }];
    let written = write(&conversation).unwrap();
    assert_eq!(
        (&written.body["tools"][0]["strict"], written.dropped.as_str()),
        (&json!(true), "")
    );
    conversation.model = "claude-3-5-haiku-20241022".to_owned();
    let written = write(&conversation).unwrap();
    assert_eq!(
        (written.body["tools"][0].get("strict"), written.dropped.as_str()),
        (None, "strict")
    );
}

#[test]
fn choices_of_tools() {
    let required = |names: &[&str]| ToolChoice::Required {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    let cases = [
        (None, None, json!(null), 3),
        (
            None,
            Some(false),
            json!({"type": "auto", "disable_parallel_tool_use": true}),
            3,
        ),
        (None, Some(true), json!(null), 3),
        (Some(ToolChoice::Auto), None, json!({"type": "auto"}), 3),
        (Some(ToolChoice::None), Some(false), json!({"type": "none"}), 3),
        (
            Some(required(&[])),
            Some(false),
            json!({"type": "any", "disable_parallel_tool_use": true}),
            3,
        ),
        (
            Some(required(&["b"])),
            None,
            json!({"type": "tool", "name": "b"}),
            3,
        ),
        (Some(required(&["a", "c"])), None, json!({"type": "any"}), 2),
    ];
    for (choice, parallel, expected, tools) in cases {
        let mut conversation = hello("claude-sonnet-5-5");
        conversation.tools = ["a", "b", "c"].map(|name| tool(name, None)).to_vec();
        conversation.tool_choice = choice;
        conversation.parallel_tool_calls = parallel;
        let body = write(&conversation).unwrap().body;
        assert_eq!(body["tool_choice"], expected);
        assert_eq!(body["tools"].as_array().unwrap().len(), tools);
    }
    let mut conversation = hello("claude-sonnet-5-5");
    conversation.tool_choice = Some(required(&["a"]));
    assert!(write(&conversation).is_err());
    conversation.tool_choice = Some(ToolChoice::Auto);
    assert_eq!(write(&conversation).unwrap().body.get("tool_choice"), None);
}

#[test]
fn names_and_ids_that_do_not_fit_are_changed_alike_everywhere() {
    let name = "mcp.server:tool";
    let turns = vec![
        say(Role::User, "a"),
        turn(Role::Assistant, vec![call("call|1", name, "{}")]),
        turn(Role::User, vec![result("call|1", "one")]),
    ];
    let mut conversation = conversation("claude-sonnet-5-5", turns);
    conversation.tools = vec![tool(name, None)];
    conversation.tool_choice = Some(ToolChoice::Required {
        names: vec![name.to_owned()],
    });
    let rendered = anthropic()
        .write_request(&conversation, &mut Dropped::default())
        .unwrap();
    let body: serde_json::Value = serde_json::from_slice(&rendered.body).unwrap();
    let theirs = body["tools"][0]["name"].as_str().unwrap();
    assert!(
        theirs
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    );
    assert_eq!(body["tool_choice"]["name"], theirs);
    let call = &body["messages"][1]["content"][0];
    assert_eq!(call["name"], theirs);
    assert_eq!(rendered.names.ours(theirs), name);
    assert_eq!(call["id"], body["messages"][2]["content"][0]["tool_use_id"]);
    assert!(!call["id"].as_str().unwrap().contains('|'));
}

#[test]
fn a_freeform_call_becomes_one_with_a_field() {
    let turns = vec![
        say(Role::User, "a"),
        turn(Role::Assistant, vec![call("1", "run", r#""ls -l\n""#)]),
        turn(Role::User, vec![result("1", "one")]),
    ];
    let body = write(&conversation("claude-sonnet-5-5", turns)).unwrap().body;
    assert_eq!(
        body["messages"][1]["content"][0]["input"],
        json!({"input": "ls -l\n"})
    );

    let turns = vec![
        say(Role::User, "a"),
        turn(Role::Assistant, vec![call("1", "run", "[1]")]),
    ];
    assert!(write(&conversation("claude-sonnet-5-5", turns)).is_err());
}

#[test]
fn formats_of_the_answer() {
    let mut conversation = hello("claude-sonnet-5-5");
    conversation.format = Format::Schema {
        name: Some("n".to_owned()),
        description: Some("d".to_owned()),
        schema: raw(r#"{"type":"object"}"#),
        strict: Some(true),
    };
    let written = write(&conversation).unwrap();
    assert_eq!(
        written.body["output_config"],
        json!({"format": {"type": "json_schema", "schema": {"type": "object"}}})
    );
    assert_eq!(written.dropped, "format.description");

    conversation.format = Format::Json;
    conversation.system = vec!["Be brief.".to_owned()];
    let written = write(&conversation).unwrap();
    assert_eq!(written.body.get("output_config"), None);
    assert_eq!(
        written.body["system"][1]["text"],
        "Answer with one JSON object and nothing else."
    );
}

#[test]
fn a_user_is_told_unless_anthropic_would_refuse_the_name() {
    let mut conversation = hello("claude-sonnet-5-5");
    let user = "user_5f_session_0a1b";
    conversation.user = Some(user.to_owned());
    assert_eq!(write(&conversation).unwrap().body["metadata"]["user_id"], user);
    for user in ["jane@example.com", "+1 (555) 123-4567", "", &"x".repeat(257)] {
        conversation.user = Some(user.to_owned());
        let written = write(&conversation).unwrap();
        assert_eq!(
            (written.body.get("metadata"), written.dropped.as_str()),
            (None, "user"),
            "{user}"
        );
    }
}

#[test]
fn what_the_assistant_began_is_passed_as_it_is() {
    let turns = vec![say(Role::User, "a"), say(Role::Assistant, "{ ")];
    let body = write(&conversation("claude-sonnet-4-5", turns)).unwrap().body;
    assert_eq!(
        body["messages"][1],
        json!({"role": "assistant", "content": [{"type": "text", "text": "{ "}]})
    );
}

#[test]
fn a_count_is_asked_for_without_what_only_an_answer_needs() {
    let (mut conversation, _) = read(include_str!("../fixtures/requests/coding_agent.json")).unwrap();
    conversation.sampling.temperature = Some(Number::from(2));
    conversation.stop = vec!["END".to_owned()];
    let mut dropped = Dropped::default();
    let rendered = anthropic()
        .write_count_request(&conversation, &mut dropped)
        .unwrap()
        .unwrap();
    assert_eq!(dropped.to_string(), "");
    assert_eq!(rendered.headers, [("anthropic-version", "2026-10-21")]);
    let body: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&rendered.body).unwrap();
    let fields: Vec<_> = body.keys().collect();
    assert_eq!(
        fields,
        [
            "messages",
            "model",
            "output_config",
            "system",
            "thinking",
            "tools"
        ]
    );
}

#[test]
fn counts_are_read_and_written() {
    assert_eq!(
        anthropic().read_count(br#"{"input_tokens":12,"more":1}"#),
        Some(12)
    );
    assert_eq!(anthropic().read_count(b"{}"), None);
    assert_eq!(&*anthropic().write_count(12), br#"{"input_tokens":12}"#);
}
