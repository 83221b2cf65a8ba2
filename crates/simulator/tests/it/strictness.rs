//! What the provider refuses, in its words.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use gateway_simulator::Simulator;
use serde_json::{Value, json};

use crate::client::{Request, call, hello};

/// Changes a good body, and says what comes of it.
fn refusal(simulator: &Simulator, change: impl FnOnce(&mut Value)) -> (u16, String) {
    let mut body = hello();
    change(&mut body);
    refusal_of(simulator, &Request::message(&body))
}

fn refusal_of(simulator: &Simulator, request: &Request) -> (u16, String) {
    let answer = call(simulator.address(), request);
    assert_ne!(answer.status, 200, "{}", answer.text());
    let kind = if answer.status == 404 {
        "not_found_error"
    } else {
        "invalid_request_error"
    };
    assert_eq!(answer.error_type(), kind);
    assert_eq!(answer.json()["request_id"].as_str(), answer.header("request-id"));
    (answer.status, answer.error_message())
}

fn remove(body: &mut Value, field: &str) {
    body.as_object_mut().unwrap().remove(field);
}

#[tokio::test]
async fn fields_are_checked() {
    let simulator = Simulator::start().await;
    let check = |change: &dyn Fn(&mut Value)| refusal(&simulator, change).1;
    assert_eq!(
        check(&|body| remove(body, "max_tokens")),
        "max_tokens: Field required"
    );
    assert_eq!(check(&|body| remove(body, "model")), "model: Field required");
    assert_eq!(
        check(&|body| remove(body, "messages")),
        "messages: Field required"
    );
    assert_eq!(
        check(&|body| body["foo"] = json!(1)),
        "foo: Extra inputs are not permitted"
    );
    assert_eq!(
        check(&|body| body["thread"] = json!({})),
        "thread: Extra inputs are not permitted"
    );
    assert_eq!(
        check(&|body| body["stream"] = json!("yes")),
        "stream: Input should be a valid boolean"
    );
    assert_eq!(
        check(&|body| body["messages"] = json!([])),
        "messages: at least one message is required"
    );
    assert_eq!(
        check(&|body| body["max_tokens"] = json!(200_000)),
        "max_tokens: 200000 > 128000, which is the maximum allowed number of output tokens for claude-sonnet-5-5"
    );
    assert_eq!(
        check(&|body| body["messages"][0]["name"] = json!("me")),
        "messages.0.name: Extra inputs are not permitted"
    );
    assert_eq!(
        check(&|body| body["messages"][0]["content"] = json!([{"type": "text", "text": ""}])),
        "messages: text content blocks must be non-empty"
    );
    assert_eq!(
        check(&|body| body["messages"][0]["content"] = json!([{"type": "text", "text": "a", "x": 1}])),
        "messages.0.content.0.text.x: Extra inputs are not permitted"
    );
    assert_eq!(
        refusal(&simulator, |body| body["model"] = json!("claude-none")),
        (404, "model: claude-none".to_owned())
    );
}

#[tokio::test]
async fn a_beta_field_needs_its_beta() {
    let simulator = Simulator::start().await;
    let mut body = hello();
    body["fallbacks"] = json!([]);
    let request = Request::message(&body);
    assert_eq!(
        refusal_of(&simulator, &request).1,
        "fallbacks: Extra inputs are not permitted"
    );
    let with_beta = request.with("anthropic-beta", "x,server-side-fallback-2026-07-01");
    assert_eq!(call(simulator.address(), &with_beta).status, 200);
}

#[tokio::test]
async fn sampling_is_of_the_older_version() {
    let simulator = Simulator::start().await;
    let mut body = hello();
    body["temperature"] = json!(0.5);
    let request = Request::message(&body);
    assert_eq!(refusal_of(&simulator, &request).0, 400);
    let older = request.with("anthropic-version", "2023-06-01");
    assert_eq!(call(simulator.address(), &older).status, 200);
}

#[tokio::test]
async fn the_version_is_needed() {
    let simulator = Simulator::start().await;
    let missing = Request::hello().with("anthropic-version", "");
    assert_eq!(
        refusal_of(&simulator, &missing).1,
        "anthropic-version: header is required"
    );
    let unknown = Request::hello().with("anthropic-version", "2020-01-01");
    assert_eq!(refusal_of(&simulator, &unknown).0, 400);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let simulator = Simulator::start().await;
    let mut request = Request::hello();
    request.body = b"{\"model\":".to_vec();
    let (status, message) = refusal_of(&simulator, &request);
    assert_eq!(status, 400);
    assert!(
        message.starts_with("The request body is not valid JSON: "),
        "{message}"
    );
    request.body = b"[]".to_vec();
    assert_eq!(refusal_of(&simulator, &request).0, 400);
}

#[tokio::test]
async fn paths_and_methods_are_checked() {
    let simulator = Simulator::start().await;
    assert_eq!(refusal_of(&simulator, &Request::get("/v1/batches")).0, 404);
    assert_eq!(refusal_of(&simulator, &Request::get("/v1/messages")).0, 405);
    let with_query = Request::post("/v1/messages?beta=true", &hello());
    assert_eq!(call(simulator.address(), &with_query).status, 200);
}

#[tokio::test]
async fn tool_calls_and_results_go_in_pairs() {
    let simulator = Simulator::start().await;
    let call_of = |id: &str| json!({"type": "tool_use", "id": id, "name": "t", "input": {}});
    let result_of = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "ok"});
    let talk = |called: &[Value], answered: &[Value]| {
        let mut body = hello();
        body["tools"] = json!([{"name": "t", "input_schema": {"type": "object"}}]);
        body["messages"] = json!([
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": called},
            {"role": "user", "content": answered},
        ]);
        call(simulator.address(), &Request::message(&body))
    };
    let text = json!({"type": "text", "text": "and"});
    assert_eq!(
        talk(&[call_of("a"), call_of("b")], &[result_of("b"), result_of("a")]).status,
        200
    );
    assert_eq!(talk(&[call_of("a")], &[result_of("a"), text.clone()]).status, 200);
    let unanswered =
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a. ";
    for answered in [vec![text.clone()], vec![text.clone(), result_of("a")]] {
        let answer = talk(&[call_of("a")], &answered);
        assert!(
            answer.error_message().starts_with(unanswered),
            "{}",
            answer.text()
        );
    }
    let stray = talk(&[text], &[result_of("a")]);
    assert!(
        stray.error_message().contains("unexpected `tool_use_id`"),
        "{}",
        stray.text()
    );
    let bad_id = talk(&[call_of("a b")], &[result_of("a b")]);
    assert!(
        bad_id.error_message().contains("String should match pattern"),
        "{}",
        bad_id.text()
    );
}

#[tokio::test]
async fn thinking_has_rules() {
    let simulator = Simulator::start().await;
    let (_, message) = refusal(&simulator, |body| {
        body["thinking"] = json!({"type": "enabled", "budget_tokens": 1023});
    });
    assert_eq!(
        message,
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
    );
    let (_, message) = refusal(&simulator, |body| {
        body["thinking"] = json!({"type": "enabled", "budget_tokens": 1024});
    });
    assert!(message.starts_with("`max_tokens` must be greater than `thinking.budget_tokens`."));
    let (_, message) = refusal(&simulator, |body| {
        body["messages"] = json!([
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": "made up"}]},
            {"role": "user", "content": "Go on"},
        ]);
    });
    assert_eq!(
        message,
        "messages.1.content.0: Invalid `signature` in `thinking` block"
    );
}

#[tokio::test]
async fn a_prompt_has_limits() {
    let simulator = Simulator::start().await;
    let (_, message) = refusal(&simulator, |body| {
        body["model"] = json!("claude-haiku-4-5");
        body["messages"][0]["content"] = json!("a".repeat(900_000));
    });
    assert_eq!(message, "prompt is too long: 225003 tokens > 200000 maximum");
    let (_, message) = refusal(&simulator, |body| {
        let block = json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}});
        body["system"] = json!(vec![block; 5]);
    });
    assert_eq!(
        message,
        "A maximum of 4 blocks with cache_control may be provided. Found 5."
    );
    let (_, message) = refusal(&simulator, |body| {
        body["messages"] = json!([
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "The answer is ("},
        ]);
    });
    assert!(message.starts_with("This model does not support assistant message prefill."));
}

#[tokio::test]
async fn a_body_may_be_compressed() {
    let simulator = Simulator::start().await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(hello().to_string().as_bytes()).unwrap();
    let mut request = Request::hello().with("content-encoding", "gzip");
    assert_eq!(
        call(simulator.address(), &request).json()["error"]["details"]["error_code"],
        "request_body_encoding_invalid"
    );
    request.body = encoder.finish().unwrap();
    assert_eq!(call(simulator.address(), &request).status, 200);
    let unknown = request.with("content-encoding", "br");
    assert_eq!(call(simulator.address(), &unknown).status, 415);
}

#[tokio::test]
async fn a_body_above_32_mb_is_refused() {
    let simulator = Simulator::start().await;
    let mut client = crate::client::Client::connect(simulator.address());
    client
        .write(b"POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-api-key: k\r\ncontent-length: 33554433\r\n\r\n");
    let answer = client.receive();
    assert_eq!(
        (answer.status, answer.error_type().as_str()),
        (413, "request_too_large")
    );
}

#[tokio::test]
async fn the_newer_version_takes_fewer_blocks() {
    let simulator = Simulator::start().await;
    let mut body = hello();
    body["messages"] = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}},
        ]},
        {"role": "user", "content": "Go on"},
    ]);
    let request = Request::message(&body);
    assert_eq!(refusal_of(&simulator, &request).0, 400);
    let older = request.with("anthropic-version", "2023-06-01");
    assert_eq!(call(simulator.address(), &older).status, 200);
}
