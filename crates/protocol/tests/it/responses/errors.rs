use gateway_protocol::{ErrorAnswer, ErrorKind};

use super::responses;
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
fn every_kind_has_a_status_a_body_and_an_event() {
    let all = ErrorKind::ALL.map(|kind| {
        let error = error(kind);
        format!(
            "{} {kind:?} {}\n{}",
            responses().error_status(kind),
            text(&responses().error_body(&error)),
            text(&responses().error_event(&error))
        )
    });
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn an_error_body_becomes_an_event_that_says_the_same() {
    let event = |body: &str| text(&responses().error_event_of(body.as_bytes())).to_owned();
    let body = "{\n  \"error\": {\"message\": \"Slow down\", \"type\": \"requests\", \"param\": \"p\", \"code\": \"rate_limit_exceeded\"}\n}";
    assert_eq!(
        event(body),
        "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"Slow down\",\"param\":\"p\",\"sequence_number\":0,\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Slow down\",\"param\":\"p\"}}\n\n"
    );
    // What was an event already.
    let failed = "{\"type\":\"response.failed\",\n\"response\":{}}";
    assert_eq!(
        event(failed),
        "event: response.failed\ndata: {\"type\":\"response.failed\", \"response\":{}}\n\n"
    );
    assert!(event("<html>").contains("The model's provider failed."));
}

#[test]
fn what_a_provider_says_is_read_in_every_shape() {
    let read = |body: &str| {
        let error = responses().read_error(body.as_bytes())?;
        Some((error.message, error.is_too_long))
    };
    let said = |message: &str, is_too_long| Some((message.to_owned(), is_too_long));
    assert_eq!(
        read(r#"{"error":{"message":"m","code":"context_length_exceeded"}}"#),
        said("m", true)
    );
    assert_eq!(
        read(r#"{"type":"error","code":"server_error","message":"m","param":null}"#),
        said("m", false)
    );
    assert_eq!(
        read(r#"{"type":"error","error":{"type":"x","message":"m"},"sequence_number":2}"#),
        said("m", false)
    );
    assert_eq!(
        read(
            r#"{"type":"response.failed","response":{"error":{"code":"context_length_exceeded","message":"m"}}}"#
        ),
        said("m", true)
    );
    assert_eq!(
        read(r#"{"error":{"message":"Your input exceeds the context window of this model."}}"#),
        said("Your input exceeds the context window of this model.", true)
    );
    assert_eq!(read(r#"{"error":"m"}"#), said("m", false));
    assert_eq!(read(r#"{"detail":"m"}"#), said("m", false));
    assert_eq!(read("<html>"), None);
}

#[test]
fn errors_within_a_stream_are_told_apart() {
    let kind = |code: &str| {
        let stream =
            format!("event: error\ndata: {{\"type\":\"error\",\"code\":\"{code}\",\"message\":\"m\"}}\n\n");
        let mut said = String::new();
        responses()
            .piece_reader()
            .push(stream.as_bytes(), &mut |piece| said = format!("{piece:?}"));
        said
    };
    for (code, expected) in [
        ("rate_limit_exceeded", "RateLimit"),
        ("server_is_overloaded", "Overloaded"),
        ("context_length_exceeded", "ContextTooLong"),
        ("insufficient_quota", "BadGateway"),
        ("invalid_prompt", "InvalidRequest"),
        ("invalid_image_url", "InvalidRequest"),
        ("from_the_future", "Internal"),
    ] {
        assert_eq!(
            kind(code),
            format!("Error {{ kind: {expected}, message: \"m\" }}")
        );
    }
}

#[test]
fn a_list_of_models_is_read() {
    let models = responses()
        .read_models(br#"{"object":"list","data":[{"id":"gpt-6-astra","object":"model"},{"id":""},7]}"#);
    let ids: Vec<_> = models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids, ["gpt-6-astra"]);
}
