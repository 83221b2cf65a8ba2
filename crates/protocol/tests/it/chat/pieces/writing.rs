use gateway_domain::{TokenCounts, Usage};
use gateway_protocol::translation::{Piece, Stop};
use gateway_protocol::{ErrorAnswer, ErrorKind};
use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

use super::{read, shown};
use crate::chat::{chat, terms};
use crate::text;

/// What the writer makes of `pieces`.
fn write(pieces: &[Piece], include_usage: bool) -> String {
    let mut writer = chat().piece_writer(&terms(include_usage));
    let mut out = Vec::new();
    for piece in pieces {
        writer.write(piece, &mut out);
    }
    writer.end(&mut out);
    String::from_utf8(out).unwrap()
}

fn call(id: &str, name: &str) -> Piece {
    Piece::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        signature: None,
        is_text: false,
    }
}

fn usage() -> Usage {
    Usage {
        tokens: TokenCounts {
            input: 10,
            cache_read: 20,
            cache_write_5m: 3,
            cache_write_1h: 4,
            output: 50,
            reasoning: 6,
        },
        ..Usage::default()
    }
}

fn answer() -> Vec<Piece> {
    vec![
        Piece::Usage(Usage::default()),
        Piece::Thinking("Hm.".to_owned()),
        Piece::Text("I look.".to_owned()),
        Piece::Ping,
        call("toolu_1", "now"),
        call("toolu_2", "weather"),
        Piece::Arguments("{\"city\":".to_owned()),
        Piece::Arguments("\"Rome\"}".to_owned()),
        Piece::ToolCall {
            id: "toolu_3".to_owned(),
            name: "patch".to_owned(),
            signature: None,
            is_text: true,
        },
        Piece::Arguments("*** \"Begin\"\n".to_owned()),
        Piece::Stop(Stop::ToolUse),
        Piece::Usage(usage()),
    ]
}

#[test]
fn an_answer_in_chunks() {
    insta::assert_snapshot!(write(&answer(), true));
}

#[test]
fn a_client_that_did_not_ask_for_usage_gets_none() {
    let written = write(&answer(), false);
    assert!(!written.contains("usage"), "{written}");
    assert!(written.ends_with("\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n"));
}

#[test]
fn every_stop_has_its_reason() {
    let stops = [
        (Stop::EndTurn, "stop"),
        (Stop::StopSequence(Some("x".to_owned())), "stop"),
        (Stop::Pause, "stop"),
        (Stop::MaxTokens, "length"),
        (Stop::ContextWindow, "length"),
        (Stop::ToolUse, "tool_calls"),
        (Stop::Refusal, "content_filter"),
    ];
    for (stop, reason) in stops {
        let written = write(&[Piece::Text("x".to_owned()), Piece::Stop(stop)], false);
        assert!(
            written.contains(&format!("\"finish_reason\":\"{reason}\"")),
            "{written}"
        );
        assert_eq!(written.matches("\"finish_reason\":\"").count(), 1);
    }
}

#[test]
fn a_stream_that_failed_has_neither_a_stop_nor_an_end() {
    let mut writer = chat().piece_writer(&terms(true));
    let mut out = Vec::new();
    writer.write(&Piece::Text("x".to_owned()), &mut out);
    let error = ErrorAnswer {
        kind: ErrorKind::BadGateway,
        message: "the answer broke off",
        request_id: "r",
        code: None,
        retry_after: None,
    };
    writer.fail(&error, &mut out);
    let written = text(&out);
    assert!(written.ends_with("data: {\"error\":{\"message\":\"the answer broke off\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n"));
    assert!(!written.contains("[DONE]") && !written.contains("\"finish_reason\":\""));
}

/// Pieces as they may come, with calls of whole arguments.
fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let text = "\\PC{1,8}";
    let arguments = prop::collection::vec((any::<String>(), any::<String>()), 0..3);
    let piece = prop_oneof![
        text.prop_map(|text| vec![Piece::Text(text)]),
        text.prop_map(|text| vec![Piece::Thinking(text)]),
        (
            "[a-z0-9_]{1,8}",
            "[a-z]{1,8}",
            arguments,
            any::<prop::sample::Index>()
        )
            .prop_map(|(id, name, members, place)| {
                let members: serde_json::Map<String, serde_json::Value> = members
                    .into_iter()
                    .map(|(key, value)| (key, value.into()))
                    .collect();
                let text = serde_json::to_string(&members).unwrap();
                let places: Vec<_> = text.char_indices().map(|(at, _)| at).skip(1).collect();
                let (start, end) = text.split_at(places[place.index(places.len())]);
                vec![
                    call(&id, &name),
                    Piece::Arguments(start.to_owned()),
                    Piece::Arguments(end.to_owned()),
                ]
            }),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(pieces in pieces(), include_usage: bool) {
        let read = read([write(&pieces, include_usage).as_bytes()]);
        let has_calls = pieces.iter().any(|piece| matches!(piece, Piece::ToolCall { .. }));
        let stop = if has_calls { Stop::ToolUse } else { Stop::EndTurn };
        let expected = [pieces.as_slice(), &[Piece::Stop(stop), Piece::End]].concat();
        assert_eq!(shown(&read), shown(&expected));
    }
}
