use gateway_protocol::{ErrorAnswer, ErrorKind, StreamPhase, openai};

use super::chat;
use crate::text;

fn error(kind: ErrorKind) -> ErrorAnswer<'static> {
    ErrorAnswer {
        kind,
        message: "a \"message\"\nof two lines",
        request_id: "r",
        code: None,
        retry_after: None,
    }
}

#[test]
fn every_kind_has_a_status_that_clients_know() {
    let all = ErrorKind::ALL.map(|kind| {
        assert_eq!(chat().error_body(&error(kind)), openai::error_body(&error(kind)));
        format!("{} {kind:?}", chat().error_status(kind))
    });
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn an_error_within_a_stream() {
    let event = chat().error_event(&error(ErrorKind::Overloaded));
    insta::assert_snapshot!(text(&event));
}

#[test]
fn whatever_a_provider_says_becomes_an_error_that_the_sdk_knows() {
    let bodies = [
        "{\n  \"error\": {\"message\": \"no\",\r\n \"code\": 7}\n}\n",
        r#"{"error":"no"}"#,
        r#"{"object":"error","message":"no","code":400}"#,
        r#"{"detail":"no"}"#,
        r#"{"detail":[{"msg":"no"}]}"#,
        r#"[{"error":{"message":"no","status":"INVALID_ARGUMENT"}}]"#,
        "<html>",
        r#"{"error":{"message":"no""#,
        "",
    ];
    for body in bodies {
        let event = chat().error_event_of(body.as_bytes());
        let mut reader = chat().stream_reader();
        reader.push(&event);
        assert_eq!(reader.phase(), StreamPhase::Failed, "{body}");
        let said: serde_json::Value = serde_json::from_slice(reader.error_event().unwrap()).unwrap();
        assert!(!said["error"].is_null(), "{body}");
    }
}

#[test]
fn a_providers_error_is_read_in_every_shape() {
    let read = |body: &str| {
        chat()
            .read_error(body.as_bytes())
            .map(|error| (error.message, error.is_too_long))
    };
    let said = |message: &str, is_too_long| Some((message.to_owned(), is_too_long));
    let cases = [
        (
            r#"{"error":{"message":"no","type":"x","code":"context_length_exceeded"}}"#,
            said("no", true),
        ),
        (
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","code":400}}"#,
            said("This model's maximum context length is 8192 tokens.", true),
        ),
        (
            r#"{"object":"error","message":"This model's Maximum Context Length is 1","code":400}"#,
            said("This model's Maximum Context Length is 1", true),
        ),
        (
            r#"{"error":{"message":"Your input exceeds the context window of this model."}}"#,
            said("Your input exceeds the context window of this model.", true),
        ),
        (
            r#"{"error":"model 'x' not found"}"#,
            said("model 'x' not found", false),
        ),
        (r#"{"error":null,"message":"no"}"#, said("no", false)),
        (r#"{"detail":"Not Found"}"#, said("Not Found", false)),
        (
            r#"{"detail":[{"loc":["body"],"msg":"Field required"}]}"#,
            said("Field required", false),
        ),
        (
            r#"[{"error":{"code":400,"message":"API key not valid"}}]"#,
            said("API key not valid", false),
        ),
        ("<html>", None),
        ("{}", None),
        ("", None),
    ];
    for (body, expected) in cases {
        assert_eq!(read(body), expected, "{body}");
    }
}
