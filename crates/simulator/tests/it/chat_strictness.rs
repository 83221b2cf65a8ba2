//! What OpenAI refuses of chat completions, in its words.

use gateway_simulator::Simulator;
use serde_json::{Value, json};

use crate::client::{Request, call};
use crate::openai::{accepted, chat, function, get, post, refusal, refused, user, with_key};

#[tokio::test]
async fn a_key_is_needed() {
    let simulator = Simulator::builder().accept_only(["sk-good"]).start().await;
    let body = json!({"model": "gpt-4o", "messages": [user("Hello")]});
    let request = post("/v1/chat/completions", &body);
    let (status, error) = refusal(&call(
        simulator.address(),
        &with_key(request.clone(), "sk-proj-0123456789"),
    ));
    assert_eq!((status, &error["code"]), (401, &json!("invalid_api_key")));
    assert_eq!(
        error["message"],
        "Incorrect API key provided: sk-proj-******6789. You can find your API key at \
         https://platform.openai.com/account/api-keys."
    );
    // Another provider's header is none.
    let without = request
        .clone()
        .with("Authorization", "")
        .with("X-Api-Key", "sk-good");
    let (status, error) = refusal(&call(simulator.address(), &without));
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("You didn't provide an API key.")
    );
    assert_eq!(status, 401);
    assert_eq!(
        call(simulator.address(), &with_key(request, "sk-good")).status,
        200
    );
}

#[tokio::test]
async fn arguments_are_checked() {
    let simulator = Simulator::start().await;
    let check = |change: &dyn Fn(&mut Value)| refused(&simulator, "gpt-4o", change);
    assert_eq!(
        check(&|body| body["system"] = json!("Hi")),
        (
            "Unrecognized request argument supplied: system".to_owned(),
            Value::Null,
            Value::Null
        )
    );
    let missing = check(&|body| drop(body.as_object_mut().unwrap().remove("messages")));
    assert_eq!(
        missing,
        (
            "Missing required parameter: 'messages'.".to_owned(),
            json!("messages"),
            json!("missing_required_parameter")
        )
    );
    let missing = check(&|body| drop(body.as_object_mut().unwrap().remove("model")));
    assert_eq!(missing.0, "you must provide a model parameter");
    for (name, value, message, code) in [
        (
            "temperature",
            json!("hot"),
            "Invalid type for 'temperature': expected a decimal, but got a string instead.",
            "invalid_type",
        ),
        (
            "temperature",
            json!(3),
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
            "decimal_above_max_value",
        ),
        (
            "max_tokens",
            json!(0),
            "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.",
            "integer_below_min_value",
        ),
        (
            "tools",
            Value::Null,
            "Invalid type for 'tools': expected an array of objects, but got null instead.",
            "invalid_type",
        ),
        (
            "tools",
            json!([]),
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "empty_array",
        ),
        (
            "stop",
            json!(["a", "b", "c", "d", "e"]),
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 \
             instead.",
            "array_above_max_length",
        ),
        (
            "service_tier",
            json!("cheap"),
            "Invalid value: 'cheap'. Supported values are: 'auto', 'default', 'flex', 'scale', 'priority', and 'fast'.",
            "invalid_value",
        ),
        (
            "max_tokens",
            json!(16_385),
            "max_tokens is too large: 16385. This model supports at most 16384 completion tokens, whereas you provided \
             16385.",
            "invalid_value",
        ),
    ] {
        let refused = check(&|body| body[name] = value.clone());
        assert_eq!(refused, (message.to_owned(), json!(name), json!(code)));
    }
    accepted(&simulator, "gpt-4o", |body| {
        body["temperature"] = Value::Null;
        body["stop"] = json!("a");
        body["metadata"] = json!({"a": "b"});
        body["seed"] = json!(7);
    });
}

#[tokio::test]
async fn arguments_go_with_each_other() {
    let simulator = Simulator::start().await;
    for (arguments, message) in [
        (
            json!({"stream_options": {"include_usage": true}}),
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        ),
        (
            json!({"parallel_tool_calls": true}),
            "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.",
        ),
        (
            json!({"tool_choice": "auto"}),
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
        ),
        (
            json!({"max_tokens": 5, "max_completion_tokens": 5}),
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        ),
        (
            json!({"tools": [function("a")], "tool_choice": {"type": "function", "function": {"name": "b"}}}),
            "Invalid value for 'tool_choice': 'b' is not the name of a function in 'tools'.",
        ),
        (
            json!({"response_format": {"type": "json_object"}}),
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}),
            "Missing required parameter: 'response_format.json_schema.name'.",
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {
                "name": "a", "strict": true, "schema": {"type": "object", "properties": {}},
            }}}),
            "Invalid schema for response_format 'a': In context=(), 'additionalProperties' is required to be supplied \
             and to be false.",
        ),
        (
            json!({"n": 2}),
            "Unsupported value: 'n' does not support 2 with this model. Only the default (1) value is supported.",
        ),
        (
            json!({"reasoning_effort": "low"}),
            "Unrecognized request argument supplied: reasoning_effort",
        ),
    ] {
        let refused = refused(&simulator, "gpt-4o", |body| {
            for (name, value) in arguments.as_object().unwrap() {
                body[name] = value.clone();
            }
        });
        assert_eq!(refused.0, message);
    }
}

#[tokio::test]
async fn a_model_that_reasons_takes_fewer_settings() {
    let simulator = Simulator::start().await;
    for (name, value, message) in [
        (
            "max_tokens",
            json!(100),
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        ),
        (
            "temperature",
            json!(0.5),
            "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is \
             supported.",
        ),
        (
            "top_p",
            json!(0.5),
            "Unsupported parameter: 'top_p' is not supported with this model.",
        ),
        (
            "stop",
            json!(["a"]),
            "Unsupported parameter: 'stop' is not supported with this model.",
        ),
        (
            "reasoning_effort",
            json!("xhigh"),
            "Unsupported value: 'reasoning_effort' does not support 'xhigh' with this model. Supported values are: \
             'minimal', 'low', 'medium', and 'high'.",
        ),
    ] {
        let (own, param, code) = refused(&simulator, "gpt-5", |body| body[name] = value.clone());
        assert_eq!((own.as_str(), param), (message, json!(name)));
        assert!(code.as_str().unwrap().starts_with("unsupported_"));
        if name != "reasoning_effort" {
            for model in ["gpt-4.1", "compat-llama"] {
                accepted(&simulator, model, |body| body[name] = value.clone());
            }
        }
    }
    accepted(&simulator, "o3", |body| {
        body["temperature"] = json!(1);
        body["max_completion_tokens"] = json!(100);
        body["reasoning_effort"] = json!("high");
    });
}

#[tokio::test]
async fn messages_are_checked() {
    let simulator = Simulator::start().await;
    let image = |url: &str| json!([{"type": "image_url", "image_url": {"url": url}}]);
    for (message, param, words) in [
        (
            json!({"role": "model", "content": "a"}),
            "messages[0].role",
            "Invalid value: 'model'. Supported values are: ",
        ),
        (
            json!({"content": "a"}),
            "messages[0].role",
            "Missing required parameter: ",
        ),
        (
            json!({"role": "assistant", "content": "a", "thinking_blocks": []}),
            "messages[0].thinking_blocks",
            "Unknown parameter: 'messages[0].thinking_blocks'.",
        ),
        (
            json!({"role": "assistant", "content": "a", "reasoning_content": "b"}),
            "messages[0].reasoning_content",
            "Unknown parameter: ",
        ),
        (
            json!({"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}),
            "messages[0].content[0].cache_control",
            "Unknown parameter: ",
        ),
        (
            json!({"role": "user", "content": 1}),
            "messages[0].content",
            "Invalid type for 'messages[0].content'",
        ),
        (
            json!({"role": "user", "content": null}),
            "messages.[0].content",
            "Invalid value for 'content': expected a string, got null.",
        ),
        (
            json!({"role": "user", "content": []}),
            "messages[0].content",
            "Invalid 'messages[0].content': empty array.",
        ),
        (
            json!({"role": "user", "content": [{"type": "tool_result"}]}),
            "messages[0].content[0].type",
            "Invalid value: 'tool_result'. Supported values are: 'text', 'image_url', 'input_audio', and 'file'.",
        ),
        (
            json!({"role": "system", "content": image("https://example.com/a.png")}),
            "messages[0]",
            "Invalid 'messages[0]'. Image URLs are only allowed for messages with role 'user', but this message with \
             role 'system' contains an image URL.",
        ),
        (
            json!({"role": "user", "content": image("gs://bucket/a.png")}),
            "messages[0].content[0].image_url.url",
            "Invalid 'messages[0].content[0].image_url.url'. Expected a base64-encoded data URL",
        ),
        (
            json!({"role": "user", "content": "a", "name": "a b"}),
            "messages[0].name",
            "Invalid 'messages[0].name'",
        ),
    ] {
        let (own, own_param, _) = refused(&simulator, "gpt-4o", |body| body["messages"] = json!([message]));
        assert!(own.starts_with(words), "{own}");
        assert_eq!(own_param, param);
    }
    accepted(&simulator, "gpt-4o", |body| {
        body["messages"] = json!([
            {"role": "developer", "content": [{"type": "text", "text": "Be brief"}]},
            {"role": "user", "content": image("data:image/png;base64,aGk="), "name": "me"},
            {"role": "assistant", "content": null, "refusal": "No.", "annotations": []},
            {"role": "user", "content": [
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
            ]},
        ]);
    });
    accepted(&simulator, "compat-deepseek-chat", |body| {
        body["messages"] = json!([{"role": "assistant", "content": "a", "reasoning_content": "b"}]);
    });
}

#[tokio::test]
async fn a_prompt_has_limits_and_a_model_has_a_name() {
    let simulator = Simulator::start().await;
    let (message, _, code) = refused(&simulator, "gpt-4o", |body| {
        body["messages"][0]["content"] = json!("a".repeat(520_000));
    });
    assert_eq!(code, "context_length_exceeded");
    assert_eq!(
        message,
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130007 tokens. \
         Please reduce the length of the messages."
    );
    let (status, error) = refusal(&chat(
        &simulator,
        &json!({"model": "gpt-9", "messages": [user("a")]}),
    ));
    assert_eq!((status, &error["code"]), (404, &json!("model_not_found")));
    assert_eq!(
        error["message"],
        "The model `gpt-9` does not exist or you do not have access to it."
    );
}

#[tokio::test]
async fn bodies_paths_and_methods_are_checked() {
    let simulator = Simulator::start().await;
    let mut request = post("/v1/chat/completions", &Value::Null);
    request.body = b"{\"model\":".to_vec();
    let answer = |request: &Request| refusal(&call(simulator.address(), request));
    let (status, error) = answer(&request);
    assert_eq!(status, 400);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("We could not parse the JSON body of your request.")
    );
    assert_eq!(answer(&get("/v1/chat/completions")).0, 405);
    assert_eq!(answer(&post("/v1/responses/other", &json!({}))).0, 404);
    assert_eq!(answer(&post("/v1/embeddings", &json!({}))).0, 404);
}
