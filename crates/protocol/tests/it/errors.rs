use gateway_protocol::{ErrorAnswer, ErrorKind, openai};

use crate::{anthropic, text};

fn error(kind: ErrorKind) -> ErrorAnswer<'static> {
    ErrorAnswer {
        kind,
        message: "a \"message\"\nof two lines",
        request_id: "0199c0de-0000-7000-8000-000000000001",
        code: None,
        retry_after: None,
    }
}

#[test]
fn every_kind_in_anthropics_words() {
    let all = ErrorKind::ALL.map(|kind| {
        format!(
            "{} {kind:?} {}",
            kind.status(),
            text(&anthropic().error_body(&error(kind)))
        )
    });
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn every_kind_in_openais_words() {
    let all = ErrorKind::ALL.map(|kind| {
        format!(
            "{} {kind:?} {}",
            kind.status(),
            text(&openai::error_body(&error(kind)))
        )
    });
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn an_error_within_a_stream() {
    insta::assert_snapshot!(text(&anthropic().error_event(&error(ErrorKind::Overloaded))));
}

#[test]
fn an_error_body_of_many_lines_becomes_one_event() {
    let body = b"{\n  \"type\": \"error\",\r\n  \"error\": {\"type\": \"api_error\"}\n}\n";
    let mut reader = anthropic().stream_reader();
    reader.push(&anthropic().error_event_of(body));
    let said: serde_json::Value = serde_json::from_slice(reader.error_event().unwrap()).unwrap();
    assert_eq!(said["error"]["type"], "api_error");
}
