use gateway_protocol::translation::ProviderError;
use gateway_protocol::{ErrorAnswer, ErrorKind};
use serde_json::Value;

use crate::anthropic;

fn said(message: &str) -> String {
    let error = ErrorAnswer {
        kind: ErrorKind::ContextTooLong,
        message,
        request_id: "r",
        code: None,
        retry_after: None,
    };
    let body: Value = serde_json::from_slice(&anthropic().error_body(&error)).unwrap();
    body["error"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_client_knows_that_its_conversation_is_too_long() {
    assert_eq!(
        said("This model's maximum context length is 128000 tokens."),
        "prompt is too long: This model's maximum context length is 128000 tokens."
    );
    assert_eq!(said("prompt is too long: 2 > 1"), "prompt is too long: 2 > 1");
}

#[test]
fn an_error_is_read() {
    let read = |message: &str| {
        let body =
            format!(r#"{{"type":"error","error":{{"type":"invalid_request_error","message":"{message}"}}}}"#);
        anthropic().read_error(body.as_bytes()).unwrap()
    };
    let error = |message: &str, is_too_long| ProviderError {
        message: message.to_owned(),
        is_too_long,
    };
    for message in [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    ] {
        assert_eq!(read(message), error(message, true));
    }
    assert_eq!(
        read("max_tokens: too large"),
        error("max_tokens: too large", false)
    );
}

#[test]
fn what_is_no_error_is_not_read() {
    for body in [
        "",
        "<html>",
        "{}",
        r#"{"error":"x"}"#,
        r#"{"error":{"message":7}}"#,
    ] {
        assert_eq!(anthropic().read_error(body.as_bytes()), None, "{body}");
    }
}
