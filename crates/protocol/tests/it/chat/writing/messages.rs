use gateway_protocol::translation::{
    Conversation, Dropped, Media, MediaKind, MediaSource, Origin, Part, Role, Signature, Thought, ToolResult,
};

use super::{asked, call, conversation, pretty, result, say, turn, write};
use crate::chat::chat;
use crate::chat::reading::{FULL, read};

fn inline(kind: MediaKind, media_type: &str, data: &str) -> Part {
    Part::Media(Media {
        kind,
        source: MediaSource::Inline {
            media_type: media_type.to_owned(),
            data: data.to_owned(),
        },
        name: None,
    })
}

fn link(kind: MediaKind) -> Part {
    Part::Media(Media {
        kind,
        source: MediaSource::Link {
            url: "https://example.com/x".to_owned(),
            media_type: None,
        },
        name: None,
    })
}

#[test]
fn a_full_request_for_each_kind_of_model() {
    let (mut conversation, _) = read(FULL).unwrap();
    conversation.stop.clear();
    for model in ["gpt-5.4", "gpt-4.1", "deepseek-chat"] {
        model.clone_into(&mut conversation.model);
        insta::assert_snapshot!(format!("full_request_{model}"), pretty(&conversation));
    }
}

#[test]
fn what_is_written_is_read_back() {
    let (mut first, _) = read(FULL).unwrap();
    "gpt-4.1".clone_into(&mut first.model);
    let body = |conversation: &Conversation| {
        let mut dropped = Dropped::default();
        chat().write_request(conversation, &mut dropped).unwrap().body
    };
    let once = body(&first);
    let (again, dropped) = read(str::from_utf8(&once).unwrap()).unwrap();
    assert_eq!(body(&again), once);
    assert_eq!(dropped, "");
}

/// A conversation as Anthropic's clients have it: several results and text in one turn, thoughts and pictures.
fn agents_conversation(model: &str) -> Conversation {
    let long_id = format!("toolu_{}", "x".repeat(60));
    let failed = ToolResult {
        is_error: true,
        ..result(&long_id, vec![Part::Text("no such file".to_owned())])
    };
    let picture = inline(MediaKind::Image, "image/png", "iVBORw0KGgo=");
    let thought = Thought {
        text: "Hm.".to_owned(),
        signature: Some(Signature::new(Origin::Anthropic, "sig")),
        is_redacted: false,
    };
    conversation(
        model,
        vec![
            say(Role::User, "Look."),
            turn(
                Role::Assistant,
                vec![
                    Part::Thinking(thought),
                    Part::Text("I look".to_owned()),
                    Part::Text(" and see.".to_owned()),
                    call("toolu_1", "screenshot", "{}"),
                    call(&long_id, "read", r#"{ "path": "a", "n": 1.0 }"#),
                    call("toolu_3", "nothing", "{}"),
                ],
            ),
            turn(
                Role::User,
                vec![
                    Part::Text("First this.".to_owned()),
                    Part::ToolResult(result("toolu_1", vec![picture.clone()])),
                    Part::ToolResult(failed),
                    Part::Text("And then that.".to_owned()),
                ],
            ),
            turn(
                Role::User,
                vec![
                    Part::ToolResult(result("toolu_3", Vec::new())),
                    picture,
                    Part::Text("What is it?".to_owned()),
                ],
            ),
        ],
    )
}

#[test]
fn results_come_first_and_their_pictures_behind_all_of_them() {
    insta::assert_snapshot!(pretty(&agents_conversation("gpt-4.1")));
}

#[test]
fn thoughts_are_never_sent_in_any_field() {
    for model in ["gpt-5.4", "gpt-4.1", "deepseek-reasoner"] {
        let (body, dropped) = write(&agents_conversation(model)).unwrap();
        let body = body.to_string();
        assert!(
            !body.contains("thinking") && !body.contains("Hm.") && !body.contains("sig"),
            "{body}"
        );
        assert_eq!(dropped, "thinking");
    }
}

#[test]
fn nothing_stands_between_a_call_and_its_result() {
    let turns = vec![
        say(Role::User, "x"),
        turn(Role::Assistant, vec![call("a", "f", "{}")]),
        say(Role::Assistant, "and"),
        turn(Role::Assistant, vec![call("b", "f", "{}")]),
        say(Role::System, "The user has moved."),
        turn(
            Role::User,
            vec![
                Part::ToolResult(result("b", Vec::new())),
                Part::ToolResult(result("a", Vec::new())),
            ],
        ),
        say(Role::Assistant, "one"),
        say(Role::Assistant, "two"),
    ];
    let (body, _) = write(&conversation("gpt-4.1", turns)).unwrap();
    let roles: Vec<_> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(
        roles,
        [
            "user",
            "assistant",
            "tool",
            "tool",
            "system",
            "assistant",
            "assistant"
        ]
    );
}

#[test]
fn what_instructs_the_model_has_the_role_that_it_knows() {
    for (model, role) in [
        ("gpt-5.4", "developer"),
        ("o3", "developer"),
        ("gpt-4.1", "system"),
        ("llama-4", "system"),
    ] {
        let mut conversation = asked(model);
        conversation.system = vec!["Be brief.".to_owned(), "Be kind.".to_owned()];
        let (body, _) = write(&conversation).unwrap();
        assert_eq!(
            body["messages"][0],
            serde_json::json!({"role": role, "content": "Be brief.\n\nBe kind."}),
            "{model}"
        );
    }
}

#[test]
fn media_have_their_parts_or_are_refused() {
    let said = |part: Part| {
        let conversation = conversation("gpt-4.1", vec![turn(Role::User, vec![part])]);
        match write(&conversation) {
            Ok((body, _)) => body["messages"][0]["content"].to_string(),
            Err(error) => error,
        }
    };
    let all = [
        said(inline(MediaKind::Image, "image/webp", "UklGRg==")),
        said(link(MediaKind::Image)),
        said(inline(MediaKind::Document, "application/pdf", "JVBERi0=")),
        said(inline(MediaKind::Document, "text/csv", "YSxiCg==")),
        said(inline(MediaKind::Document, "text/plain", "/w==")),
        said(link(MediaKind::Document)),
        said(inline(MediaKind::Audio, "audio/x-wav", "UklGRg==")),
        said(inline(MediaKind::Audio, "audio/mp3", "SUQz")),
        said(inline(MediaKind::Audio, "audio/ogg", "T2dn")),
        said(link(MediaKind::Audio)),
        said(inline(MediaKind::Video, "video/mp4", "AAAA")),
    ];
    insta::assert_snapshot!(all.join("\n"));
}
