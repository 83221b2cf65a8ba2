use gateway_domain::Dialect;
use gateway_protocol::translation::Rewriter;
use gateway_protocol::{Codec, ErrorAnswer, ErrorKind, StreamPhase};
use proptest::prelude::{prop, proptest};

use super::{Fixture, fixtures, put, question};

pub(super) const STREAMS: [Fixture; 12] = fixtures! {
    "streams", ".sse",
    Anthropic: "anthropic" "text" "tools" "broken";
    OpenAiChat: "chat" "text" "tools" "broken";
    OpenAiResponses: "responses" "text" "tools" "broken";
    Gemini: "gemini" "text" "tools" "broken";
};

fn rewriter(fixture: &Fixture, client: &'static dyn Codec) -> Box<dyn Rewriter + Send> {
    let translated = put(client, fixture.codec(), question(client.dialect())).unwrap();
    translated.way_back.stream()
}

/// The whole stream for a client, its pieces of `sizes` bytes, over and over.
fn told(fixture: &Fixture, client: &'static dyn Codec, sizes: &[usize]) -> Vec<u8> {
    let mut rewriter = rewriter(fixture, client);
    let mut out = Vec::new();
    let mut rest = fixture.bytes;
    for size in sizes.iter().cycle() {
        let (piece, behind) = rest.split_at((*size).min(rest.len()));
        rewriter.push(piece, &mut out);
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    rewriter.end(&mut out);
    out
}

pub(super) fn whole(fixture: &Fixture, client: &'static dyn Codec) -> Vec<u8> {
    told(fixture, client, &[usize::MAX])
}

fn is_broken(fixture: &Fixture) -> bool {
    fixture.name.ends_with("broken")
}

#[test]
fn streams_in_every_dialect() {
    for fixture in STREAMS {
        let mut said = String::new();
        for client in fixture.others() {
            let told = String::from_utf8(whole(&fixture, client)).unwrap();
            said += &format!("== {} ==\n{}", client.dialect(), told.replace('\r', ""));
        }
        insta::assert_snapshot!(format!("stream_{}", fixture.name), said);
    }
}

#[test]
fn a_stream_has_the_same_usage_in_every_dialect() {
    for fixture in STREAMS.iter().filter(|fixture| !is_broken(fixture)) {
        let summary = |codec: &dyn Codec, bytes: &[u8]| {
            let mut reader = codec.stream_reader();
            reader.push(bytes);
            reader.end();
            assert_eq!(reader.phase(), StreamPhase::Finished, "{}", fixture.name);
            reader.summary().usage.unwrap().tokens
        };
        let own = summary(fixture.codec(), fixture.bytes);
        for client in fixture.others() {
            let told = summary(client, &whole(fixture, client));
            let (name, client) = (fixture.name, client.dialect());
            assert_eq!(told.total_input(), own.total_input(), "{name} for {client}");
            assert_eq!(told.cache_read, own.cache_read, "{name} for {client}");
            assert_eq!(told.output, own.output, "{name} for {client}");
            assert_eq!(told.reasoning, own.reasoning, "{name} for {client}");
        }
    }
}

#[test]
fn a_broken_stream_is_broken_in_every_dialect() {
    for fixture in STREAMS.iter().filter(|fixture| is_broken(fixture)) {
        for client in fixture.others() {
            let mut reader = client.stream_reader();
            reader.push(&whole(fixture, client));
            reader.end();
            let client = client.dialect();
            assert_eq!(
                reader.phase(),
                StreamPhase::Failed,
                "{} for {client}",
                fixture.name
            );
        }
    }
}

#[test]
fn a_truncated_stream_is_no_whole_one_in_any_dialect() {
    let error = ErrorAnswer {
        kind: ErrorKind::Internal,
        message: "the provider's answer broke off",
        request_id: "r",
        code: None,
        retry_after: None,
    };
    for fixture in STREAMS.iter().filter(|fixture| fixture.name.ends_with("text")) {
        for client in fixture.others() {
            let mut rewriter = rewriter(fixture, client);
            let mut out = Vec::new();
            rewriter.push(&fixture.bytes[..fixture.bytes.len() * 2 / 5], &mut out);
            rewriter.fail(&error, &mut out);
            let mut reader = client.stream_reader();
            reader.push(&out);
            reader.end();
            let client = client.dialect();
            assert_eq!(
                reader.phase(),
                StreamPhase::Failed,
                "{} for {client}",
                fixture.name
            );
        }
    }
}

#[test]
fn each_event_is_told_before_the_next_is_read() {
    for fixture in STREAMS.iter().filter(|fixture| fixture.name.ends_with("text")) {
        for client in fixture.others() {
            let mut rewriter = rewriter(fixture, client);
            let text = String::from_utf8(fixture.bytes.to_vec()).unwrap();
            let mut seen = Vec::new();
            let end = if fixture.dialect == Dialect::Gemini {
                "\r\n\r\n"
            } else {
                "\n\n"
            };
            for event in text.split_inclusive(end) {
                let before = seen.len();
                rewriter.push(event.as_bytes(), &mut seen);
                let is_text = event.contains("delta") || fixture.dialect == Dialect::Gemini;
                if is_text && event.contains("Bonjour, ") && !event.contains("monde") {
                    let told = String::from_utf8_lossy(&seen[before..]).into_owned();
                    assert!(
                        told.contains("Bonjour, "),
                        "{} for {}: {told}",
                        fixture.name,
                        client.dialect()
                    );
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn chunk_borders_do_not_matter(sizes in prop::collection::vec(1_usize..40, 1..20)) {
        for fixture in STREAMS {
            for client in fixture.others() {
                assert_eq!(told(&fixture, client, &sizes), whole(&fixture, client), "{}", fixture.name);
            }
        }
    }

    #[test]
    fn damaged_streams_never_panic(at in 0_usize..10_000, byte: u8, cut in 0_usize..10_000) {
        for fixture in STREAMS {
            let mut damaged = fixture.bytes.to_vec();
            let length = damaged.len();
            damaged[at % length] = byte;
            damaged.truncate(length - cut % length);
            for client in fixture.others() {
                let mut rewriter = rewriter(&fixture, client);
                let mut out = Vec::new();
                rewriter.push(&damaged, &mut out);
                rewriter.end(&mut out);
            }
        }
    }
}

#[test]
fn usage_told_again_replaces_what_was_told_with_the_end() {
    let stream = Fixture {
        name: "chat_usage_twice",
        dialect: Dialect::OpenAiChat,
        bytes: concat!(
            r#"data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"}}]}"#,
            "\n\n",
            r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"#,
            r#""usage":{"prompt_tokens":90,"completion_tokens":2}}"#,
            "\n\n",
            r#"data: {"choices":[],"usage":{"prompt_tokens":90,"completion_tokens":3,"#,
            r#""prompt_tokens_details":{"cached_tokens":64}}}"#,
            "\n\ndata: [DONE]\n\n",
        )
        .as_bytes(),
    };
    for client in stream.others() {
        let mut reader = client.stream_reader();
        reader.push(&whole(&stream, client));
        let tokens = reader.summary().usage.unwrap().tokens;
        let told = (tokens.input, tokens.cache_read, tokens.output);
        assert_eq!(told, (26, 64, 3), "{}", client.dialect());
    }
}
