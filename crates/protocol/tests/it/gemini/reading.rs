use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use gateway_protocol::translation::{
    Conversation, Dropped, Effort, Format, MediaSource, Origin, Part, ThinkingAmount,
};

use super::{address, gemini, read};

pub(super) fn conversation(body: &str) -> Conversation {
    read(body).unwrap().0
}

/// The parts of one turn, which are written `['text': 'a']`.
fn parts(role: &str, parts: &str) -> Vec<Part> {
    let body = format!("{{'contents':[{{'role':'{role}','parts':[{parts}]}}]}}").replace('\'', "\"");
    let turns = conversation(&body).turns;
    turns.into_iter().flat_map(|turn| turn.parts).collect()
}

fn config(config: &str) -> Result<(Conversation, String), String> {
    read(&format!(
        r#"{{"contents":{{"parts":{{"text":"hi"}}}},"generationConfig":{config}}}"#
    ))
}

#[test]
fn a_request_of_every_kind() {
    insta::assert_debug_snapshot!(read(include_str!("../fixtures/gemini/request.json")).unwrap());
}

/// As google-genai 3 sends it: both spellings in one body, bytes in the other alphabet.
#[test]
fn a_request_of_googles_sdk() {
    insta::assert_debug_snapshot!(read(include_str!("../fixtures/gemini/request_sdk.json")).unwrap());
}

#[test]
fn both_spellings_say_the_same() {
    let camel = include_str!("../fixtures/gemini/request.json");
    let mut snake = camel.to_owned();
    for name in [
        "systemInstruction",
        "inlineData",
        "mimeType",
        "thoughtSignature",
        "functionCall\"",
        "functionResponse",
        "functionDeclarations",
        "parametersJsonSchema",
        "toolConfig",
        "functionCallingConfig",
        "allowedFunctionNames",
        "generationConfig",
        "maxOutputTokens",
        "stopSequences",
        "topP",
        "topK",
        "responseMimeType",
        "responseJsonSchema",
        "thinkingConfig",
        "includeThoughts",
        "thinkingLevel",
        "safetySettings",
    ] {
        assert!(camel.contains(name), "{name}");
        let spelt: String = name
            .chars()
            .flat_map(|char| {
                let low = char.is_ascii_uppercase().then_some('_');
                low.into_iter().chain([char.to_ascii_lowercase()])
            })
            .collect();
        snake = snake.replace(name, &spelt);
    }
    assert_eq!(format!("{:?}", read(&snake)), format!("{:?}", read(camel)));
}

#[test]
fn a_field_in_both_spellings_is_refused() {
    let error = read(r#"{"contents":[],"systemInstruction":{},"system_instruction":{}}"#).unwrap_err();
    assert_eq!(error, "systemInstruction: Field may be given only once");
    let error = read(r#"{"contents":[{"parts":[{"inlineData":{},"inline_data":{}}]}]}"#).unwrap_err();
    assert_eq!(
        error,
        "contents[0].parts[0].inlineData: Field may be given only once"
    );
}

#[test]
fn one_content_and_one_part_may_stand_without_a_list() {
    let body = r#"{"contents":{"parts":{"text":"hi"}},"system_instruction":{"parts":{"text":"be a cat"}}}"#;
    let conversation = conversation(body);
    assert_eq!(conversation.system, ["be a cat"]);
    assert_eq!(conversation.turns.len(), 1);
}

#[test]
fn null_is_as_good_as_nothing() {
    let body = r#"{"contents":[{"role":null,"parts":[{"text":"hi","thought":null,"functionCall":null}]}],
        "tools":null,"generationConfig":{"topK":null,"thinkingConfig":null}}"#;
    let (conversation, dropped) = read(body).unwrap();
    assert!(conversation.tools.is_empty() && conversation.thinking.is_none());
    assert_eq!(dropped, "");
}

#[test]
fn numbers_may_stand_in_quotes_and_bytes_in_either_alphabet() {
    let (conversation, _) =
        config(r#"{"topK":"40","maxOutputTokens":"100","seed":7.0,"temperature":"0.5"}"#).unwrap();
    assert_eq!(conversation.max_tokens, Some(100));
    assert_eq!(conversation.sampling.top_k, Some(40.into()));
    assert_eq!(conversation.sampling.seed, Some(7.into()));
    assert_eq!(conversation.sampling.temperature.unwrap().as_f64(), Some(0.5));
    let bytes = [0xfb, 0xff, 0xfe, 0x00];
    for data in [
        STANDARD.encode(bytes),
        URL_SAFE.encode(bytes),
        URL_SAFE.encode(bytes).replace('=', ""),
    ] {
        let parts = parts(
            "user",
            &format!("{{'inlineData':{{'mimeType':'image/png','data':'{data}'}}}}"),
        );
        let Part::Media(media) = &parts[0] else {
            panic!("{parts:?}")
        };
        let MediaSource::Inline { data, .. } = &media.source else {
            panic!("{media:?}")
        };
        assert_eq!(*data, STANDARD.encode(bytes));
    }
}

#[test]
fn foreign_signatures_come_back_as_what_they_are() {
    for encode in [
        |text: &str| STANDARD.encode(text),
        |text: &str| URL_SAFE.encode(text),
    ] {
        let thought = |text: &str| {
            let parts = parts(
                "model",
                &format!(
                    "{{'text':'hm','thought':true,'thoughtSignature':'{}'}}",
                    encode(text)
                ),
            );
            let Some(Part::Thinking(thought)) = parts.into_iter().next() else {
                panic!()
            };
            (thought.signature.unwrap(), thought.is_redacted)
        };
        let (signature, is_redacted) = thought("anthropic:Eq0/+>?~");
        assert_eq!(
            (signature.origin, signature.value.as_str()),
            (Origin::Anthropic, "Eq0/+>?~")
        );
        assert!(!is_redacted);
        let (signature, is_redacted) = thought("anthropic-redacted:abc");
        assert_eq!((signature.origin, is_redacted), (Origin::AnthropicRedacted, true));
        assert_eq!(thought("openai:abc").0.origin, Origin::OpenAi);
        let (signature, _) = thought("Gemini's own >?~");
        assert_eq!(signature.origin, Origin::Gemini);
        assert_eq!(signature.value, STANDARD.encode("Gemini's own >?~"));
    }
}

#[test]
fn a_signature_without_a_thought_is_dropped_by_name() {
    let (conversation, dropped) = read(
        r#"{"contents":[{"role":"model","parts":[{"text":"a","thoughtSignature":"c2ln"},{"thoughtSignature":"c2ln"}]}]}"#,
    )
    .unwrap();
    assert_eq!(conversation.turns[0].parts.len(), 1);
    assert_eq!(dropped, "thought_signature");
}

#[test]
fn only_gemini_has_these() {
    let part = |part: &str| format!(r#"{{"contents":[{{"role":"model","parts":[{part}]}}]}}"#);
    let tool = |tool: &str| format!(r#"{{"contents":[],"tools":[{tool}]}}"#);
    let config = |config: &str| format!(r#"{{"contents":[],"generationConfig":{config}}}"#);
    let cases = [
        part(r#"{"executableCode":{}}"#),
        part(r#"{"code_execution_result":{}}"#),
        part(r#"{"toolCall":{}}"#),
        part(r#"{"fileData":{"fileUri":"gs://b/a.png"}}"#),
        part(r#"{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/a"}}"#),
        tool(r#"{"googleSearch":{}}"#),
        tool(r#"{"functionDeclarations":[],"code_execution":{}}"#),
        tool(r#"{"urlContext":{}}"#),
        r#"{"contents":[],"cachedContent":"cachedContents/a"}"#.to_owned(),
        r#"{"contents":[],"continuationToken":"a"}"#.to_owned(),
        config(r#"{"candidateCount":2}"#),
        config(r#"{"responseModalities":["TEXT","IMAGE"]}"#),
        config(r#"{"speechConfig":{}}"#),
        config(r#"{"responseLogprobs":true}"#),
        config(r#"{"logprobs":3}"#),
        config(r#"{"responseMimeType":"text/x.enum","responseSchema":{"type":"STRING","enum":["a"]}}"#),
    ];
    let sentences = cases.map(|body| read(&body).unwrap_err());
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn requests_that_gemini_would_refuse() {
    let part = |role: &str, part: &str| format!(r#"{{"contents":[{{"role":"{role}","parts":[{part}]}}]}}"#);
    let config = |config: &str| format!(r#"{{"contents":[],"generationConfig":{config}}}"#);
    let cases = [
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"contents":7}"#.to_owned(),
        r#"{"contents":[{"role":"system","parts":[]}]}"#.to_owned(),
        r#"{"contents":[{"role":"user"}]}"#.to_owned(),
        part("user", "{}"),
        part("user", r#"{"text":"a","inlineData":{}}"#),
        part("user", r#"{"text":7}"#),
        part("user", r#"{"text":"\ud800"}"#),
        part("user", r#"{"inlineData":{"mimeType":"image/png"}}"#),
        part("user", r#"{"functionCall":{"name":"f"}}"#),
        part("model", r#"{"functionResponse":{"name":"f"}}"#),
        part("model", r#"{"functionCall":{"args":{}}}"#),
        part("model", r#"{"functionCall":{"name":"f","args":[1]}}"#),
        r#"{"contents":[],"systemInstruction":{"parts":[{"inlineData":{}}]}}"#.to_owned(),
        r#"{"contents":[],"tools":[{"functionDeclarations":[{"name":"a"},{"name":"a"}]}]}"#.to_owned(),
        r#"{"contents":[],"tools":[{"functionDeclarations":[{"name":"a","parameters":{},"parametersJsonSchema":{}}]}]}"#
            .to_owned(),
        r#"{"contents":[],"toolConfig":{"functionCallingConfig":{"mode":"AUTO","allowedFunctionNames":["a"]}}}"#.to_owned(),
        r#"{"contents":[],"toolConfig":{"functionCallingConfig":{"mode":"SOMETIMES"}}}"#.to_owned(),
        config(r#"{"topK":"many"}"#),
        config(r#"{"maxOutputTokens":-1}"#),
        config(r#"{"thinkingConfig":{"thinkingBudget":1,"thinkingLevel":"LOW"}}"#),
        config(r#"{"thinkingConfig":{"thinkingBudget":-2}}"#),
        config(r#"{"thinkingConfig":{"thinkingLevel":"HUGE"}}"#),
        config(r#"{"responseSchema":{},"responseJsonSchema":{}}"#),
        config(r#"{"responseMimeType":"text/plain","responseSchema":{}}"#),
    ];
    let sentences = cases.map(|body| read(&body).unwrap_err());
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn hints_are_dropped_by_name() {
    let body = r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://youtu.be/x"},"videoMetadata":{"fps":1},
            "mediaResolution":{"level":"LOW"}}]}],
        "safetySettings":[],"labels":{},"serviceTier":"flex","somethingNew":1,"toolConfig":{"retrievalConfig":{}},
        "tools":[{"functionDeclarations":[{"name":"f","behavior":"BLOCKING"}]}],
        "generationConfig":{"mediaResolution":"LOW","audioTimestamp":true,"routingConfig":{},"thinkingConfig":{"new":1}}}"#;
    insta::assert_snapshot!(read(body).unwrap().1.replace(", ", "\n"));
}

#[test]
fn thinking_in_all_its_words() {
    let thinking = |thinking: &str| {
        let (conversation, _) = config(&format!(r#"{{"thinkingConfig":{thinking}}}"#)).unwrap();
        conversation
            .thinking
            .map(|thinking| (thinking.amount, thinking.is_shown))
    };
    assert_eq!(
        thinking(r#"{"thinkingBudget":0}"#),
        Some((ThinkingAmount::Off, false))
    );
    assert_eq!(
        thinking(r#"{"thinking_budget":-1}"#),
        Some((ThinkingAmount::Free, false))
    );
    let many = thinking(r#"{"thinkingBudget":"2048","include_thoughts":true}"#);
    assert_eq!(many, Some((ThinkingAmount::Tokens(2048), true)));
    for (word, effort) in [
        ("MINIMAL", Effort::Minimal),
        ("low", Effort::Low),
        ("XHIGH", Effort::XHigh),
    ] {
        let expected = Some((ThinkingAmount::Effort(effort), false));
        assert_eq!(thinking(&format!(r#"{{"thinkingLevel":"{word}"}}"#)), expected);
    }
    assert_eq!(
        thinking(r#"{"includeThoughts":true}"#),
        Some((ThinkingAmount::Free, true))
    );
    assert_eq!(thinking(r#"{"includeThoughts":false}"#), None);
    assert_eq!(
        thinking(r#"{"thinkingLevel":"THINKING_LEVEL_UNSPECIFIED"}"#),
        None
    );
}

#[test]
fn formats() {
    let format = |format: &str| config(format).unwrap().0.format;
    assert!(matches!(format("{}"), Format::Text));
    assert!(matches!(
        format(r#"{"responseMimeType":"text/plain"}"#),
        Format::Text
    ));
    assert!(matches!(
        format(r#"{"responseMimeType":"application/json"}"#),
        Format::Json
    ));
    let schema = |body: &str| match format(body) {
        Format::Schema { schema, .. } => schema.get().to_owned(),
        other => panic!("{other:?}"),
    };
    let json = r#"{"type":"object", "properties":{"z":{},"a":{"const":1.0}}}"#;
    let body = format!(r#"{{"responseMimeType":"application/json","response_json_schema":{json}}}"#);
    assert_eq!(schema(&body), json);
    assert_eq!(
        schema(r#"{"responseSchema":{"type":"ARRAY","items":{"type":"STRING"}}}"#),
        r#"{"type":"array","items":{"type":"string"}}"#
    );
}

#[test]
fn a_count_is_asked_for_in_either_form() {
    let count = |body: &str| {
        let mut dropped = Dropped::default();
        let read = gemini().read_count_request(body.as_bytes(), &address("m"), &mut dropped);
        read.map(|conversation| format!("{conversation:?}"))
            .map_err(|error| error.to_string())
    };
    let plain = r#"{"contents":[{"parts":[{"text":"hi"}]}],"systemInstruction":{"parts":[{"text":"s"}]}}"#;
    assert_eq!(
        count(plain),
        count(&format!(r#"{{"generateContentRequest":{plain}}}"#))
    );
    assert!(count(plain).unwrap().contains("\"s\""));
    let both = count(&format!(
        r#"{{"contents":[],"generate_content_request":{plain}}}"#
    ));
    assert_eq!(
        both.unwrap_err(),
        "generateContentRequest: only one of it and `contents` may be set"
    );
    assert_eq!(
        gemini().read_count(br#"{"totalTokens":31,"cachedContentTokenCount":7}"#),
        Some(31)
    );
    assert_eq!(gemini().read_count(b"{}"), None);
    assert_eq!(&gemini().write_count(31)[..], br#"{"totalTokens":31}"#);
}
