use gateway_protocol::Address;
use gateway_protocol::translation::{
    Conversation, Dropped, Origin, Part, Piece, Role, Signature, Stop, Thought, ToolCall, ToolResult, Turn,
};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use serde_json::Value;
use serde_json::value::RawValue;

use super::read_streams::{FIXTURES, pieces};
use super::write_streams::written;
use crate::anthropic;

const REQUESTS: [&str; 2] = [
    include_str!("../fixtures/requests/coding_agent.json"),
    include_str!("../fixtures/requests/every_block.json"),
];

fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
}

fn damaged(bytes: &[u8], damage: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, byte) in damage {
        let place = place.index(bytes.len());
        bytes[place] = *byte;
    }
    bytes
}

fn words() -> impl Strategy<Value = String> {
    "[a-z\"\\\\\n\u{e9}\u{1f600}]{0,8}[a-z]"
}

fn thoughts() -> impl Strategy<Value = Part> {
    (words(), any::<bool>()).prop_map(|(text, is_redacted)| {
        let origin = if is_redacted {
            Origin::AnthropicRedacted
        } else {
            Origin::Anthropic
        };
        Part::Thinking(Thought {
            signature: Some(Signature::new(origin, "Eq")),
            text: if is_redacted { String::new() } else { text },
            is_redacted,
        })
    })
}

/// What the assistant says after what the user said, with the results of its calls if it makes any.
fn exchanges() -> impl Strategy<Value = Vec<Part>> {
    let call = words().prop_map(|text| {
        let arguments = serde_json::to_string(&serde_json::json!({ "text": text })).unwrap();
        Part::ToolCall(ToolCall {
            id: String::new(),
            name: "f".to_owned(),
            arguments: RawValue::from_string(arguments).unwrap(),
            signature: None,
        })
    });
    let part = prop_oneof![words().prop_map(Part::Text), thoughts(), call];
    (prop::collection::vec(part, 0..4), words()).prop_map(|(mut parts, last)| {
        parts.push(Part::Text(last));
        parts
    })
}

fn conversations() -> impl Strategy<Value = Conversation> {
    prop::collection::vec((words(), exchanges(), any::<bool>()), 1..4).prop_map(|all| {
        let mut turns = Vec::new();
        let mut calls = 0;
        let mut results = Vec::new();
        for (question, mut parts, is_error) in all {
            let mut asked = std::mem::take(&mut results);
            asked.push(Part::Text(question));
            for part in &mut parts {
                if let Part::ToolCall(call) = part {
                    calls += 1;
                    call.id = format!("toolu_{calls}");
                    results.push(Part::ToolResult(ToolResult {
                        call_id: call.id.clone(),
                        parts: vec![Part::Text("done".to_owned())],
                        is_error,
                    }));
                }
            }
            turns.push(Turn {
                role: Role::User,
                parts: asked,
            });
            turns.push(Turn {
                role: Role::Assistant,
                parts,
            });
        }
        Conversation {
            model: "claude-sonnet-5-5".to_owned(),
            max_tokens: Some(100),
            system: vec!["Be brief.".to_owned()],
            turns,
            include_usage: true,
            ..Conversation::default()
        }
    })
}

fn any_piece() -> impl Strategy<Value = Piece> {
    let signature = Signature::new(Origin::Anthropic, "Eq");
    let redacted = Signature::new(Origin::AnthropicRedacted, "Em");
    prop_oneof![
        words().prop_map(Piece::Text),
        words().prop_map(Piece::Thinking),
        words().prop_map(Piece::Arguments),
        Just(Piece::Ping),
        Just(Piece::Signature(signature)),
        Just(Piece::Redacted(redacted)),
        Just(Piece::Stop(Stop::EndTurn)),
        any::<u32>().prop_map(|output| {
            let mut usage = gateway_domain::Usage::default();
            usage.tokens.output = u64::from(output);
            Piece::Usage(usage)
        }),
        "[a-z]{1,4}".prop_map(|id| Piece::ToolCall {
            id,
            name: "f".to_owned(),
            signature: None,
            is_text: false,
        }),
    ]
}

/// What was said by these pieces, however it was cut.
fn gist(pieces: &[Piece]) -> Vec<String> {
    let mut gist: Vec<(&str, String)> = Vec::new();
    for piece in pieces {
        let (kind, text) = match piece {
            Piece::Text(text) => ("text", text.clone()),
            Piece::Thinking(text) => ("thinking", text.clone()),
            Piece::Arguments(text) => ("arguments", text.clone()),
            Piece::Signature(signature) => ("signature", signature.to_string()),
            Piece::Redacted(signature) => ("redacted", signature.to_string()),
            Piece::ToolCall { id, .. } => ("call", id.clone()),
            Piece::Usage(_) | Piece::Ping | Piece::Stop(_) | Piece::End | Piece::Error { .. } => continue,
        };
        match gist.last_mut() {
            Some((last, said)) if *last == kind && matches!(kind, "text" | "thinking" | "arguments") => {
                said.push_str(&text);
            }
            _ => gist.push((kind, text)),
        }
    }
    gist.into_iter()
        .map(|(kind, text)| format!("{kind} {text}"))
        .collect()
}

/// Follows a stream as the official SDKs do, and fails where they would.
#[track_caller]
fn follow(stream: &str) {
    let mut open: Option<(u64, String)> = None;
    let mut blocks = 0;
    let mut last = String::new();
    for event in stream.split_terminator("\n\n") {
        let (name, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        let name = name.strip_prefix("event: ").unwrap();
        assert_eq!(data["type"], name);
        assert_eq!(
            last.is_empty(),
            name == "message_start",
            "message_start is first and once"
        );
        let index = data["index"].as_u64();
        match name {
            "content_block_start" => {
                assert_eq!((open.take(), index), (None, Some(blocks)));
                let kind = data["content_block"]["type"].as_str().unwrap();
                open = Some((blocks, kind.to_owned()));
                blocks += 1;
            }
            "content_block_delta" => {
                let (at, kind) = open.as_ref().expect("a block is open");
                assert_eq!(index, Some(*at));
                let delta = data["delta"]["type"].as_str().unwrap();
                let fits = match kind.as_str() {
                    "text" => delta == "text_delta",
                    "thinking" => matches!(delta, "thinking_delta" | "signature_delta"),
                    "tool_use" => delta == "input_json_delta",
                    _ => false,
                };
                assert!(fits, "{delta} in {kind}");
            }
            "content_block_stop" => {
                let (at, kind) = open.take().expect("a block is open");
                assert_eq!(index, Some(at));
                assert!(
                    kind != "thinking" || last == "signature_delta",
                    "a thought is signed"
                );
            }
            "message_delta" | "message_stop" => assert_eq!(open, None),
            _ => {}
        }
        if name != "ping" {
            last = data["delta"]["type"].as_str().unwrap_or(name).to_owned();
        }
    }
    assert_eq!(last, "message_stop");
}

proptest! {
    #[test]
    fn chunk_borders_do_not_matter(
        fixture in prop::sample::select(FIXTURES),
        size in 1_usize..200,
    ) {
        let whole = format!("{:?}", pieces([fixture.1]));
        assert_eq!(format!("{:?}", pieces(fixture.1.chunks(size))), whole);
    }

    #[test]
    fn garbage_never_panics(bytes: Vec<u8>) {
        pieces([bytes.as_slice()]);
        anthropic().read_reply(&bytes).ok();
        anthropic().read_error(&bytes);
        anthropic().read_count(&bytes);
        anthropic().read_request(&bytes, &Address::default(), &mut Dropped::default()).ok();
    }

    #[test]
    fn a_damaged_stream_never_panics(fixture in prop::sample::select(FIXTURES), damage in damage()) {
        let told = pieces([damaged(fixture.1, &damage).as_slice()]);
        written(&told);
    }

    #[test]
    fn a_damaged_answer_never_panics(damage in damage()) {
        let body = damaged(include_bytes!("../fixtures/answer.json"), &damage);
        anthropic().read_reply(&body).ok();
    }

    #[test]
    fn a_damaged_request_never_panics(body in prop::sample::select(&REQUESTS[..]), damage in damage()) {
        let body = damaged(body.as_bytes(), &damage);
        let mut dropped = Dropped::default();
        if let Ok(conversation) = anthropic().read_request(&body, &Address::default(), &mut dropped) {
            anthropic().write_request(&conversation, &mut dropped).ok();
        }
    }

    #[test]
    fn what_is_written_is_read_as_it_was(conversation in conversations()) {
        let mut dropped = Dropped::default();
        let rendered = anthropic().write_request(&conversation, &mut dropped).unwrap();
        let read = anthropic()
            .read_request(&rendered.body, &Address::default(), &mut dropped)
            .unwrap();
        assert_eq!(format!("{read:#?}"), format!("{conversation:#?}"));
        assert!(dropped.is_empty(), "{dropped}");
    }

    #[test]
    fn any_pieces_make_a_stream_that_can_be_followed(pieces in prop::collection::vec(any_piece(), 0..20)) {
        follow(&written(&pieces));
    }

    #[test]
    fn a_stream_says_what_its_pieces_say(all in prop::collection::vec(any_piece(), 0..20)) {
        let mut has_call = false;
        let mut said = Vec::new();
        for piece in all {
            match piece {
                // Arguments belong to the call before them.
                Piece::Arguments(_) if !has_call => continue,
                Piece::Arguments(_) | Piece::Ping | Piece::Usage(_) => {}
                Piece::ToolCall { .. } => has_call = true,
                _ => has_call = false,
            }
            said.push(piece);
        }
        assert_eq!(gist(&pieces([written(&said).as_bytes()])), gist(&said));
    }
}
