//! What OpenAI refuses of responses, in its words.

use gateway_simulator::Simulator;
use serde_json::{Value, json};

use crate::openai::{city_schema, refusal, respond};

/// Changes a good body; message, `param` and `code` of what comes of it.
fn refused(simulator: &Simulator, model: &str, change: impl FnOnce(&mut Value)) -> (String, Value, Value) {
    let mut body = json!({"model": model, "input": "Hello"});
    change(&mut body);
    let answer = respond(simulator, &body);
    assert_eq!(answer.status, 400, "{body} {}", answer.text());
    let (_, error) = refusal(&answer);
    let message = error["message"].as_str().unwrap().to_owned();
    (message, error["param"].clone(), error["code"].clone())
}

fn item_refusal(simulator: &Simulator, items: &[Value]) -> (String, Value) {
    let (message, param, _) = refused(simulator, "gpt-5", |body| body["input"] = json!(items));
    (message, param)
}

#[tokio::test]
async fn arguments_are_checked() {
    let simulator = Simulator::start().await;
    for (model, name, value, message, code) in [
        (
            "gpt-4o",
            "messages",
            json!([]),
            "Unknown parameter: 'messages'.",
            json!("unknown_parameter"),
        ),
        (
            "gpt-4o",
            "max_output_tokens",
            json!(1),
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 1 instead.",
            json!("integer_below_min_value"),
        ),
        (
            "gpt-5",
            "temperature",
            json!(0.2),
            "Unsupported parameter: 'temperature' is not supported with this model.",
            json!("unsupported_parameter"),
        ),
        (
            "gpt-4o",
            "include",
            json!(["reasoning.encrypted_content"]),
            "Encrypted content is not supported with this model.",
            Value::Null,
        ),
        (
            "gpt-4o",
            "tool_choice",
            json!("required"),
            "Tool choice 'required' must be specified with 'tools' parameter.",
            Value::Null,
        ),
        (
            "gpt-4o",
            "tool_choice",
            json!({"type": "function", "name": "a"}),
            "Tool choice 'function' not found in 'tools' parameter.",
            Value::Null,
        ),
        (
            "gpt-4o",
            "previous_response_id",
            json!("resp_1"),
            "Previous response with id 'resp_1' not found.",
            json!("previous_response_not_found"),
        ),
        (
            "gpt-9",
            "user",
            json!("a"),
            "The requested model 'gpt-9' does not exist.",
            json!("model_not_found"),
        ),
    ] {
        let (own, param, own_code) = refused(&simulator, model, |body| body[name] = value.clone());
        assert_eq!((own.as_str(), own_code), (message, code));
        assert_eq!(
            param,
            if model == "gpt-9" {
                json!("model")
            } else {
                json!(name)
            }
        );
    }
    let (message, param, _) = refused(&simulator, "gpt-4o", |body| {
        body["reasoning"] = json!({"effort": "low"});
    });
    assert_eq!(
        message,
        "Unsupported parameter: 'reasoning.effort' is not supported with this model."
    );
    assert_eq!(param, "reasoning.effort");
    let (message, ..) = refused(&simulator, "gpt-4o", |body| {
        drop(body.as_object_mut().unwrap().remove("input"));
    });
    assert!(
        message.starts_with("One of \"input\" or \"previous_response_id\""),
        "{message}"
    );
    let (message, ..) = refused(&simulator, "gpt-4o", |body| {
        body["text"] = json!({"format": {"type": "json_schema", "name": "a", "strict": true, "schema": {"type": "array"}}});
    });
    assert_eq!(
        message,
        "Invalid schema for response_format 'a': schema must be a JSON Schema of 'type: \"object\"', got 'type: \
         \"array\"'."
    );
    let (.., code) = refused(&simulator, "gpt-4o", |body| {
        body["input"] = json!("a".repeat(520_000));
    });
    assert_eq!(code, "context_length_exceeded");
}

#[tokio::test]
async fn tools_are_flat() {
    let simulator = Simulator::start().await;
    for (tool, param, message) in [
        (
            json!({"type": "function", "function": {"name": "a"}}),
            "tools[0].name",
            "Missing required parameter: 'tools[0].name'.",
        ),
        (
            json!({"type": "function", "name": "a", "parameters": city_schema(), "input_schema": {}}),
            "tools[0].input_schema",
            "Unknown parameter: 'tools[0].input_schema'.",
        ),
        (
            json!({"type": "function", "name": "a b", "parameters": city_schema()}),
            "tools[0].name",
            "Invalid 'tools[0].name': string does not match pattern. Expected a string that matches the pattern \
             '^[a-zA-Z0-9_-]+$'.",
        ),
        (
            json!({"type": "function", "name": "a", "parameters": {"type": "object", "properties": {}}, "strict": true}),
            "tools[0].parameters",
            "Invalid schema for function 'a': In context=(), 'additionalProperties' is required to be supplied and to \
             be false.",
        ),
    ] {
        let (own, own_param, _) = refused(&simulator, "gpt-4o", |body| body["tools"] = json!([tool]));
        assert_eq!((own.as_str(), own_param), (message, json!(param)));
    }
    let (message, ..) = refused(&simulator, "gpt-4o", |body| {
        body["tools"] = json!([{"type": "web_search_20260318"}]);
    });
    assert!(message.starts_with("Invalid value: 'web_search_20260318'. Supported values are: 'function'"));
}

#[tokio::test]
async fn items_are_checked() {
    let simulator = Simulator::start().await;
    let part = |role: &str, part: Value| json!({"role": role, "content": [part]});
    for (item, param, message) in [
        (
            part("assistant", json!({"type": "input_text", "text": "a"})),
            "input[0].content[0]",
            "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
        ),
        (
            part("user", json!({"type": "text", "text": "a"})),
            "input[0].content[0]",
            "Invalid value: 'text'. Supported values are: 'input_text', 'input_image', and 'input_file'.",
        ),
        (
            part(
                "user",
                json!({"type": "input_text", "text": "a", "cache_control": {}}),
            ),
            "input[0].content[0].cache_control",
            "Unknown parameter: 'input[0].content[0].cache_control'.",
        ),
        (
            json!({"role": "assistant", "content": "a", "tool_calls": []}),
            "input[0].tool_calls",
            "Unknown parameter: 'input[0].tool_calls'.",
        ),
        (
            json!({"content": "a"}),
            "input[0].type",
            "Missing required parameter: 'input[0].type'.",
        ),
        (
            json!({"type": "function_call", "id": "call_1", "call_id": "call_1", "name": "a", "arguments": "{}"}),
            "input[0].id",
            "Invalid 'input[0].id': 'call_1'. Expected an ID that begins with 'fc'.",
        ),
        (
            json!({"type": "function_call", "call_id": "c", "name": "a", "arguments": {}}),
            "input[0].arguments",
            "Invalid type for 'input[0].arguments': expected a string, but got an object instead.",
        ),
        (
            json!({"type": "function_call_output", "call_id": "c", "output": {"a": 1}}),
            "input[0].output",
            "Invalid type for 'input[0].output': expected one of a string or array of objects, but got an object \
             instead.",
        ),
    ] {
        assert_eq!(
            item_refusal(&simulator, &[item]),
            (message.to_owned(), json!(param))
        );
    }
    let (message, _) = item_refusal(&simulator, &[json!({"type": "tool_use"})]);
    assert!(
        message.starts_with("Invalid value: 'tool_use'. Supported values are: 'message', 'function_call'")
    );
}

#[tokio::test]
async fn calls_and_outputs_go_in_pairs() {
    let simulator = Simulator::start().await;
    let call = json!({"type": "function_call", "call_id": "c", "name": "a", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "c", "output": "ok"});
    let user = json!({"role": "user", "content": "And?"});
    let open = "No tool output found for function call c.";
    assert_eq!(item_refusal(&simulator, &[call.clone(), user.clone()]).0, open);
    let stray = "No tool call found for function call output with call_id c.";
    assert_eq!(item_refusal(&simulator, &[user.clone(), output.clone()]).0, stray);
    assert_eq!(item_refusal(&simulator, &[output.clone(), call.clone()]).0, stray);
    let body = json!({"model": "gpt-5", "input": [user, call, output]});
    assert_eq!(respond(&simulator, &body).status, 200);
}

#[tokio::test]
async fn reasoning_comes_back_as_it_was() {
    let simulator = Simulator::start().await;
    let mut body = json!({"model": "gpt-5", "input": "Hello", "include": ["reasoning.encrypted_content"], "store": false});
    let output = respond(&simulator, &body).json()["output"].clone();
    let (reasoning, message) = (output[0].clone(), output[1].clone());
    body["input"] = json!([reasoning, message]);
    assert_eq!(respond(&simulator, &body).status, 200);

    let id = reasoning["id"].as_str().unwrap();
    assert_eq!(
        item_refusal(&simulator, std::slice::from_ref(&reasoning)).0,
        format!("Item '{id}' of type 'reasoning' was provided without its required following item.")
    );
    let mut forged = reasoning.clone();
    forged["encrypted_content"] = json!("gAAAAABmZm9yZ2Vk");
    let (message_text, _, code) = refused(&simulator, "gpt-5", |body| {
        body["input"] = json!([forged, message]);
    });
    assert!(message_text.starts_with(&format!(
        "The encrypted content for item {id} could not be verified."
    )));
    assert_eq!(code, "invalid_encrypted_content");
}
