//! What Gemini's dialect refuses.

use gateway_simulator::Simulator;
use serde_json::{Value, json};

use crate::gemini_client::{NEW, OLD, generate, hello, tools, user};

/// The message that a body is refused with.
fn refusal(simulator: &Simulator, model: &str, body: &Value) -> String {
    let answer = generate(simulator, model, body);
    let error = answer.json()["error"].clone();
    assert_eq!(
        (answer.status, &error["status"]),
        (400, &json!("INVALID_ARGUMENT")),
        "{body}: {}",
        answer.text()
    );
    error["message"].as_str().unwrap().to_owned()
}

fn check(simulator: &Simulator, cases: &[(Value, &str)]) {
    for (body, message) in cases {
        let refusal = refusal(simulator, OLD, body);
        assert!(refusal.contains(message), "{body}: {refusal}");
    }
}

/// A good body with one more field.
fn with(name: &str, value: &Value) -> Value {
    let mut body = hello();
    body[name] = value.clone();
    body
}

fn with_part(part: &Value) -> Value {
    json!({"contents": [{"role": "user", "parts": [part]}]})
}

fn with_config(config: &Value) -> Value {
    with("generationConfig", config)
}

fn with_parameters(parameters: &Value) -> Value {
    with(
        "tools",
        &json!([{"functionDeclarations": [{"name": "weather", "parameters": parameters}]}]),
    )
}

#[tokio::test]
async fn unknown_fields_are_refused_at_every_level() {
    let simulator = Simulator::start().await;
    check(
        &simulator,
        &[
            (
                with("max_tokens", &json!(1)),
                "Invalid JSON payload received. Unknown name \"max_tokens\": Cannot find field.",
            ),
            (
                json!({"contents": [{"role": "user", "content": "a", "parts": []}]}),
                "Unknown name \"content\" at 'contents[0]': Cannot find field.",
            ),
            (
                with_part(&json!({"type": "text", "text": "a"})),
                "Unknown name \"type\" at 'contents[0].parts[0]'",
            ),
            (
                with_part(&json!({"functionCall": {"name": "a", "input": {}}})),
                "Unknown name \"input\" at 'contents[0].parts[0].function_call'",
            ),
            (
                with_config(&json!({"thinkingConfig": {"effort": "low"}})),
                "Unknown name \"effort\" at 'generation_config.thinking_config'",
            ),
            (
                with_parameters(
                    &json!({"type": "object", "properties": {"a": {"type": "string", "const": "b"}}}),
                ),
                "Unknown name \"const\" at 'tools[0].function_declarations[0].parameters.properties[0].value'",
            ),
            (
                with("toolConfig", &json!({"functionCallingConfig": {"type": "auto"}})),
                "Unknown name \"type\" at 'tool_config.function_calling_config'",
            ),
        ],
    );
}

#[tokio::test]
async fn both_spellings_of_a_field_are_known() {
    let simulator = Simulator::start().await;
    let body = json!({
        "contents": {"role": "user", "parts": {"text": "Hello"}},
        "system_instruction": {"parts": {"text": "Be brief."}},
        "generation_config": {
            "max_output_tokens": 100, "topK": 40.0, "stop_sequences": ["x"], "thinkingConfig": {"thinking_budget": "-1"},
        },
        "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "tools": [{"function_declarations": [{"name": "weather", "parameters_json_schema": {"type": "object"}}]}],
        "toolConfig": {"function_calling_config": {"mode": "AUTO"}},
        "cachedContent": null,
    });
    let answer = generate(&simulator, OLD, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn values_of_the_wrong_type_are_refused() {
    let simulator = Simulator::start().await;
    check(
        &simulator,
        &[
            (
                with_part(&json!({"text": 1})),
                "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 1",
            ),
            (
                with_config(&json!({"maxOutputTokens": "many"})),
                "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), \"many\"",
            ),
            (
                with_config(&json!({"thinkingConfig": {"thinkingLevel": "EXTREME"}})),
                "'generation_config.thinking_config.thinking_level' \
                 (type.googleapis.com/google.ai.generativelanguage.v1beta.ThinkingConfig.ThinkingLevel), \"EXTREME\"",
            ),
            (
                with("systemInstruction", &json!("Be brief.")),
                "Invalid value at 'system_instruction' (type.googleapis.com/google.ai.generativelanguage.v1beta.Content)",
            ),
            (
                with("generationConfig", &json!([])),
                "Unknown name \"generation_config\": Proto field is not repeating, cannot start list.",
            ),
            (
                with_parameters(&json!({"type": ["string", "null"]})),
                "parameters.type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type)",
            ),
            (
                with_part(&json!({"inlineData": {"mimeType": "image/png", "data": "no base64!"}})),
                "(TYPE_BYTES), Base64 decoding failed",
            ),
        ],
    );
    let mut broken = crate::gemini_client::ask(OLD, "generateContent", &hello());
    broken.body.pop();
    let answer = crate::client::call(simulator.address(), &broken);
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .error_message()
            .starts_with("Invalid JSON payload received.")
    );
}

#[tokio::test]
async fn a_part_is_of_exactly_one_kind() {
    let simulator = Simulator::start().await;
    check(
        &simulator,
        &[
            (with_part(&json!({})), "required oneof field 'data'"),
            (
                with_part(&json!({"thought": true})),
                "required oneof field 'data'",
            ),
            (
                with_part(&json!({"text": "a", "inlineData": {"mimeType": "image/png", "data": "AAAA"}})),
                "(oneof), oneof field 'data' is already set",
            ),
            (json!({"contents": []}), "contents is not specified"),
            (json!({}), "contents is not specified"),
            (
                json!({"contents": [{"role": "user", "parts": []}]}),
                "contents[0].parts: contents.parts must not be empty.",
            ),
            (
                with(
                    "systemInstruction",
                    &json!({"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}),
                ),
                "only text is supported",
            ),
        ],
    );
}

#[tokio::test]
async fn media_has_to_be_of_a_kind_and_place_that_the_model_reads() {
    let simulator = Simulator::start().await;
    let inline = |kind: &str, data: &str| with_part(&json!({"inlineData": {"mimeType": kind, "data": data}}));
    let file = |uri: &str| with_part(&json!({"fileData": {"fileUri": uri, "mimeType": "image/png"}}));
    for body in [
        inline("image/png", "iVBORw0KGgo="),
        inline("application/pdf", "_-8"),
        inline("text/plain; charset=utf-8", "YQ"),
        file("gs://bucket/cat.png"),
        file("https://www.youtube.com/watch?v=9hE5-98ZeCg"),
        file("https://generativelanguage.googleapis.com/v1beta/files/abc"),
    ] {
        let answer = generate(&simulator, OLD, &body);
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
    }
    check(
        &simulator,
        &[
            (inline("image/gif", "AAAA"), "Unsupported MIME type: image/gif"),
            (inline("", "AAAA"), "Unsupported MIME type"),
            (inline("image/png", ""), "data is not specified"),
            (file("https://example.com/cat.png"), "unsupported file uri"),
            (file(""), "file_uri is not specified"),
        ],
    );
}

#[tokio::test]
async fn functions_are_named_and_told_apart() {
    let simulator = Simulator::start().await;
    let named = |name: &str| with("tools", &json!([{"functionDeclarations": [{"name": name}]}]));
    for name in ["a", "_a.b:c-9", &"a".repeat(128)] {
        assert_eq!(generate(&simulator, OLD, &named(name)).status, 200, "{name}");
    }
    for name in ["", "1a", "a b", "ä", &"a".repeat(129)] {
        assert!(
            refusal(&simulator, OLD, &named(name)).contains("Invalid function name."),
            "{name}"
        );
    }
    assert!(refusal(&simulator, OLD, &with("tools", &tools(&["a", "a"]))).contains("Duplicate"));
    let names: Vec<String> = (0..513).map(|number| format!("f{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(refusal(&simulator, OLD, &with("tools", &tools(&names))).contains("at most 512"));
    assert_eq!(
        generate(&simulator, OLD, &with("tools", &tools(&names[1..]))).status,
        200
    );
}

#[tokio::test]
async fn parameters_are_of_the_subset_of_openapi() {
    let simulator = Simulator::start().await;
    let good = json!({
        "type": "object",
        "properties": {
            "day": {"type": "STRING", "enum": ["mon", "tue"], "nullable": true},
            "at": {"type": "string", "format": "date-time"},
            "all": {"type": "ARRAY", "items": {"anyOf": [{"type": "INTEGER"}, {"type": "STRING"}]}, "maxItems": "3"},
            "any": {"type": "OBJECT"},
        },
        "required": ["day"],
        "propertyOrdering": ["day", "at"],
    });
    let answer = generate(&simulator, OLD, &with_parameters(&good));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let of = |property: Value| with_parameters(&json!({"type": "OBJECT", "properties": {"a": property}}));
    for name in [
        "$schema",
        "$id",
        "$ref",
        "$defs",
        "additionalProperties",
        "oneOf",
        "allOf",
        "not",
        "const",
        "patternProperties",
        "exclusiveMinimum",
        "uniqueItems",
    ] {
        let refusal = refusal(&simulator, OLD, &of(json!({"type": "STRING", name: {}})));
        assert!(refusal.contains(&format!("Unknown name \"{name}\"")), "{refusal}");
    }
    check(
        &simulator,
        &[
            (
                of(json!({"type": "ARRAY"})),
                "properties[a].items: missing field.",
            ),
            (
                of(json!({"type": "OBJECT", "properties": {}})),
                "should be non-empty for OBJECT type",
            ),
            (
                of(json!({"description": "x"})),
                "properties[a].type: must be specified",
            ),
            (
                of(json!({"type": "STRING", "enum": [""]})),
                "enum[0]: cannot be empty",
            ),
            (
                of(json!({"type": "INTEGER", "enum": ["1"]})),
                "only allowed for STRING type",
            ),
            (of(json!({"type": "INTEGER", "enum": [1]})), "(TYPE_STRING), 1"),
            (
                of(json!({"type": "STRING", "format": "uri"})),
                "only 'enum' and 'date-time' are supported",
            ),
            (
                with_parameters(
                    &json!({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["b"]}),
                ),
                "required[0]: property is not defined",
            ),
            (
                with_parameters(&json!({"type": "STRING"})),
                "should be of type OBJECT",
            ),
        ],
    );
}

#[tokio::test]
async fn a_function_has_one_schema() {
    let simulator = Simulator::start().await;
    let json_schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/a"}},
        "$defs": {"a": {"type": ["string", "null"], "const": "x"}},
        "additionalProperties": false,
    });
    let declared = |function: Value| with("tools", &json!([{"functionDeclarations": [function]}]));
    let own = declared(json!({"name": "f", "parametersJsonSchema": json_schema}));
    assert_eq!(generate(&simulator, OLD, &own).status, 200);
    let both = declared(json!({
        "name": "f",
        "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
        "parametersJsonSchema": json_schema,
    }));
    assert!(refusal(&simulator, OLD, &both).contains("only one of"));
}

#[tokio::test]
async fn a_choice_is_of_declared_functions() {
    let simulator = Simulator::start().await;
    let choose = |config: Value| {
        let mut body = with("tools", &tools(&["weather"]));
        body["toolConfig"] = json!({"functionCallingConfig": config});
        body
    };
    let validated = choose(json!({"mode": "VALIDATED", "allowedFunctionNames": ["weather"]}));
    assert_eq!(generate(&simulator, OLD, &validated).status, 200);
    check(
        &simulator,
        &[
            (
                choose(json!({"mode": "AUTO", "allowedFunctionNames": ["weather"]})),
                "only be set when the function calling mode is ANY",
            ),
            (
                choose(json!({"mode": "ANY", "allowedFunctionNames": ["clock"]})),
                "\"clock\" is not one of the function declarations.",
            ),
            (
                with("toolConfig", &json!({"functionCallingConfig": {"mode": "ANY"}})),
                "Function calling config is set without function_declarations.",
            ),
        ],
    );
}

#[tokio::test]
async fn settings_have_to_go_together() {
    let simulator = Simulator::start().await;
    let schema = json!({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}});
    check(
        &simulator,
        &[
            (
                with_config(&json!({"stopSequences": ["1", "2", "3", "4", "5", "6"]})),
                "must not exceed 5",
            ),
            (
                with_config(
                    &json!({"responseMimeType": "application/json", "responseSchema": schema, "responseJsonSchema": {}}),
                ),
                "only one of `response_schema` and `response_json_schema`",
            ),
            (with_config(&json!({"responseSchema": schema})), "is unsupported"),
            (with_config(&json!({"responseJsonSchema": {}})), "is unsupported"),
            (
                with_config(&json!({"responseMimeType": "text/html"})),
                "allowed mimetypes are",
            ),
            (
                with_config(&json!({"temperature": 2.1})),
                "must be in the range [0.0, 2.0]",
            ),
            (with_config(&json!({"maxOutputTokens": 0})), "must be at least 1"),
            (
                with_config(&json!({"candidateCount": 2})),
                "Multiple candidates is not enabled",
            ),
            (
                with_config(&json!({"thinkingConfig": {"thinkingBudget": 1024, "thinkingLevel": "LOW"}})),
                "only one of thinking budget and thinking level",
            ),
            (
                with_config(&json!({"thinkingConfig": {"thinkingLevel": "LOW"}})),
                "Thinking level is not supported for this model.",
            ),
            (
                with_config(&json!({"thinkingConfig": {"thinkingBudget": 40_000}})),
                "between 1 and 24576",
            ),
        ],
    );
    let level = with_config(&json!({"thinkingConfig": {"thinkingLevel": "xhigh"}}));
    assert_eq!(generate(&simulator, NEW, &level).status, 200);
    let none = with_config(&json!({"thinkingConfig": {"thinkingBudget": 0}}));
    assert!(refusal(&simulator, "gemini-2.5-pro", &none).contains("Budget 0 is invalid"));
    let cached = generate(
        &simulator,
        OLD,
        &with("cachedContent", &json!("cachedContents/a")),
    );
    assert_eq!(cached.status, 403);
}

#[tokio::test]
async fn a_prompt_can_be_too_long() {
    let simulator = Simulator::start().await;
    let body = json!({"contents": [user(&"word ".repeat(900_000))]});
    assert!(
        refusal(&simulator, OLD, &body).contains("exceeds the maximum number of tokens allowed (1048576)")
    );
}
