use gateway_protocol::{ErrorAnswer, ErrorKind};
use serde_json::Value;

use super::gemini;
use crate::text;

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
fn every_kind_in_geminis_words() {
    let all = ErrorKind::ALL.map(|kind| {
        let status = gemini().error_status(kind);
        let body = gemini().error_body(&error(kind));
        let code: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(code["error"]["code"], status);
        format!("{status} {kind:?} {}", text(&body))
    });
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn an_error_within_a_stream_is_one_data_line() {
    let event = gemini().error_event(&error(ErrorKind::Overloaded));
    let line = text(&event).strip_prefix("data: ").unwrap();
    assert_eq!(line.find('\n'), Some(line.len() - 3));
    assert!(line.starts_with(r#"{"error":{"code":503,"#));
    assert!(line.ends_with("}\r\n\r\n"));
}

#[test]
fn an_error_body_of_many_lines_becomes_one_event() {
    for body in [
        "{\n  \"error\": {\r\n \"code\": 429, \"status\": \"RESOURCE_EXHAUSTED\"}\n}\n",
        "[{\n  \"error\": {\n \"code\": 429, \"status\": \"RESOURCE_EXHAUSTED\"}\n}\n]\n",
    ] {
        let mut reader = gemini().stream_reader();
        reader.push(&gemini().error_event_of(body.as_bytes()));
        let said: Value = serde_json::from_slice(reader.error_event().unwrap()).unwrap();
        assert_eq!(said["error"]["status"], "RESOURCE_EXHAUSTED");
    }
}

#[test]
fn what_a_provider_says_of_an_error_is_read() {
    let read = |body: &str| {
        let error = gemini().read_error(body.as_bytes())?;
        Some((error.message, error.is_too_long))
    };
    let told = |message: &str| {
        format!(
            r#"{{"error":{{"code":400,"message":"{message}","status":"INVALID_ARGUMENT","details":[]}}}}"#
        )
    };
    let long = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
    assert_eq!(read(&told(long)), Some((long.to_owned(), true)));
    assert_eq!(read(&told("Bad.")), Some(("Bad.".to_owned(), false)));
    assert_eq!(
        read(&format!("[{}]", told("Bad."))),
        Some(("Bad.".to_owned(), false))
    );
    for nothing in [
        "",
        "<html>",
        "{}",
        "[]",
        r#"{"error":"no"}"#,
        r#"{"error":{"code":500}}"#,
    ] {
        assert_eq!(read(nothing), None, "{nothing}");
    }
}
