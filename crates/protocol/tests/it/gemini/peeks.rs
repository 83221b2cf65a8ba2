use gateway_protocol::{Address, CacheWish, Framing, Peek};

use super::{address, gemini};

fn peek(body: &str) -> Result<Peek, String> {
    gemini()
        .peek(body.as_bytes(), &address("gemini-3.8-flash"))
        .map_err(|error| error.to_string())
}

#[test]
fn reads_what_routing_needs() {
    let body = r#"{"contents":[{"role":"user","parts":[{"text":"{\"model\":\"other\"}"}]}],
        "systemInstruction":{"parts":[{"text":"be brief"}]},"tools":[{"functionDeclarations":[]}],
        "generationConfig":{"maxOutputTokens":1024,"temperature":1},"model":"models/gemini-3.8-flash"}"#;
    let address = Address {
        model: Some("gemini-3.8-flash"),
        stream: true,
        framing: Framing::Array,
    };
    insta::assert_debug_snapshot!(gemini().peek(body.as_bytes(), &address).unwrap());
}

#[test]
fn both_spellings_are_read_and_both_at_once_refused() {
    let camel = peek(r#"{"generationConfig":{"maxOutputTokens":"7"},"systemInstruction":{}}"#).unwrap();
    let snake = peek(r#"{"generation_config":{"max_output_tokens":7.0},"system_instruction":{}}"#).unwrap();
    assert_eq!((camel.max_tokens, camel.preamble), (Some(7), snake.preamble));
    assert_eq!(snake.max_tokens, Some(7));
    for (body, field) in [
        (
            r#"{"generationConfig":{},"generation_config":{}}"#,
            "generationConfig",
        ),
        (r#"{"contents":[],"contents":[]}"#, "contents"),
        (r#"{"contents":null,"contents":[]}"#, "contents"),
        (r#"{"cachedContent":"a","cached_content":"b"}"#, "cachedContent"),
        (
            r#"{"generationConfig":{"maxOutputTokens":1,"max_output_tokens":2}}"#,
            "generationConfig.maxOutputTokens",
        ),
    ] {
        assert_eq!(
            peek(body),
            Err(format!("{field}: Field may be given only once")),
            "{body}"
        );
    }
}

#[test]
fn the_model_comes_from_the_address() {
    let nobody = gemini().peek(b"{}", &Address::default()).unwrap_err();
    assert_eq!(nobody.to_string(), "model: model is not specified");
    let peek = peek("{}").unwrap();
    assert_eq!((peek.model.as_str(), peek.model_span), ("gemini-3.8-flash", None));
    assert_eq!(peek.cache_wish, CacheWish::Short);
}

#[test]
fn later_turns_belong_to_the_same_conversation() {
    let first = r#"{"role":"user","parts":[{"text":"hello"}]}"#;
    let one = peek(&format!(r#"{{"contents":[{first}]}}"#)).unwrap();
    let more = format!(r#"{{"contents":[{first},{{"role":"model","parts":[{{"text":"hi"}}]}}]}}"#);
    let alone = peek(&format!(r#"{{"contents":{first}}}"#)).unwrap();
    let count = peek(&format!(
        r#"{{"generateContentRequest":{{"contents":[{first}]}}}}"#
    ))
    .unwrap();
    assert!(one.conversation.is_some());
    assert_eq!(one.conversation, peek(&more).unwrap().conversation);
    assert_eq!(one.conversation, alone.conversation);
    assert_eq!(one.conversation, count.conversation);
    let other = peek(r#"{"contents":[{"role":"user","parts":[{"text":"hello!"}]}]}"#).unwrap();
    assert_ne!(one.conversation, other.conversation);
    assert_eq!(peek(r#"{"contents":[]}"#).unwrap().conversation, None);
}

#[test]
fn what_only_one_account_holds_is_a_pin() {
    let pin = |body: &str| peek(body).unwrap().pin;
    assert_eq!(
        pin(r#"{"cachedContent":"cachedContents/abc"}"#).as_deref(),
        Some("cachedContents/abc")
    );
    let file = |uri: &str| {
        pin(&format!(
            r#"{{"contents":[{{"parts":[{{"file_data":{{"file_uri" : "{uri}"}}}}]}}]}}"#
        ))
    };
    let uploaded = "https://generativelanguage.googleapis.com/v1beta/files/abc";
    assert_eq!(file(uploaded).as_deref(), Some(uploaded));
    assert_eq!(file(&uploaded.replace('/', "\\/")).as_deref(), Some(uploaded));
    assert_eq!(file("gs://bucket/a.png"), None);
    assert_eq!(file("https://example.com/a.png"), None);
    let said = r#"{"contents":[{"parts":[{"text":"\"fileUri\": \"files/abc\""}]}]}"#;
    assert_eq!(pin(said), None);
    assert_eq!(pin(r#"{"contents":["fileUri"]}"#), None);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let cases = [
        "",
        "[]",
        r#"{"contents":[}"#,
        r#"{"generationConfig":7}"#,
        r#"{"generationConfig":{"maxOutputTokens":-1}}"#,
        r#"{"generationConfig":{"maxOutputTokens":1.5}}"#,
        r#"{"generationConfig":{"maxOutputTokens":"x"}}"#,
    ];
    let sentences = cases.map(|body| format!("{body:?} {}", peek(body).unwrap_err()));
    insta::assert_snapshot!(sentences.join("\n"));
    let error = gemini().peek(b"{\"a\":\"\xff\"}", &address("m")).unwrap_err();
    assert_eq!(error.to_string(), "The request body is not valid UTF-8 at byte 6");
}

#[test]
fn many_references_to_files_cost_no_time() {
    let files = r#"{"fileData":{"fileUri":"gs://b/f"}},"#.repeat(100_000);
    let body = format!(r#"{{"contents":[{{"parts":[{files}{{"text":""}}]}}]}}"#);
    assert_eq!(peek(&body).unwrap().pin, None);
    let keys = r#"{"fileUri":["#.repeat(40) + &"\"fileUri\",".repeat(100_000);
    let body = format!(r#"{{"contents":[{keys}0{}]}}"#, "]}".repeat(40));
    assert_eq!(peek(&body).unwrap().pin, None);
}
