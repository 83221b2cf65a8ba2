use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use serde_json::{Value, json};

use super::{read, write};

/// A conversation with as many results as calls in every turn.
fn requests() -> impl Strategy<Value = Value> {
    let text = || "\\PC{1,12}".prop_map(|text| json!({"text": text}));
    let media = Just(json!({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}));
    let thought = ("\\PC{1,12}", prop::option::of(Just("c2lnbmF0dXJl"))).prop_map(|(text, signature)| {
        let mut part = json!({"text": text, "thought": true});
        if let Some(signature) = signature {
            part["thoughtSignature"] = json!(signature);
        }
        part
    });
    let said = prop::collection::vec(prop_oneof![text(), media], 1..3);
    let calls = prop::collection::vec(
        (
            "[a-z]{1,3}",
            any::<bool>(),
            any::<bool>(),
            prop::option::of(-9_i32..9),
        ),
        0..4,
    );
    let turn = (said, prop::option::of(thought), prop::option::of(text()), calls);
    (prop::collection::vec(turn, 1..5), settings()).prop_map(|(turns, settings)| {
        let mut contents = Vec::new();
        for (said, thought, text, calls) in turns {
            contents.push(json!({"role": "user", "parts": said}));
            let mut parts: Vec<Value> = thought.into_iter().chain(text).collect();
            let mut results = Vec::new();
            for (name, is_signed, is_error, argument) in calls {
                let mut call = json!({"functionCall": {"name": name, "args": {}}});
                if let Some(argument) = argument {
                    call["functionCall"]["args"]["a"] = json!(argument);
                }
                if is_signed {
                    call["thoughtSignature"] = json!("c2ln");
                }
                parts.push(call);
                let key = if is_error { "error" } else { "output" };
                results.push(json!({"functionResponse": {"name": name, "response": {key: "said"}}}));
            }
            if !parts.is_empty() {
                contents.push(json!({"role": "model", "parts": parts}));
            }
            if !results.is_empty() {
                contents.push(json!({"role": "user", "parts": results}));
            }
        }
        let mut request = settings;
        request["contents"] = json!(contents);
        request
    })
}

fn settings() -> impl Strategy<Value = Value> {
    let config = prop_oneof![
        Just(json!({})),
        Just(json!({"maxOutputTokens": 100, "temperature": 0.5, "topP": 1, "topK": 40, "seed": 3})),
        Just(json!({"stopSequences": ["a", "b"], "presencePenalty": 0.5, "frequencyPenalty": -1})),
        Just(json!({"responseMimeType": "application/json"})),
        Just(json!({"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}})),
        Just(json!({"thinkingConfig": {"thinkingLevel": "HIGH", "includeThoughts": true}})),
        Just(json!({"thinkingConfig": {"thinkingLevel": "LOW"}})),
    ];
    let mode = prop::sample::select(vec!["AUTO", "ANY", "NONE"]);
    (config, prop::option::of(mode), prop::option::of("\\PC{1,12}")).prop_map(|(config, mode, system)| {
        let mut request = json!({"generationConfig": config});
        if let Some(mode) = mode {
            let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
            let declaration = json!({"name": "abc", "description": "d", "parametersJsonSchema": schema});
            request["tools"] = json!([{"functionDeclarations": [declaration, {"name": "xyz"}]}]);
            request["toolConfig"] = json!({"functionCallingConfig": {"mode": mode}});
        }
        if let Some(system) = system {
            request["systemInstruction"] = json!({"parts": [{"text": system}]});
        }
        request
    })
}

proptest! {
    /// The second way round says exactly what the first did: all that the first leaves out is thoughts that nobody
    /// has signed.
    #[test]
    fn what_is_written_is_read_again(request in requests()) {
        let (conversation, _) = read(&request.to_string()).unwrap();
        let (written, _) = write(&conversation).unwrap();
        let (again, dropped) = read(&written.to_string()).unwrap();
        assert_eq!(dropped, "");
        let (rewritten, dropped) = write(&again).unwrap();
        assert_eq!(dropped, "");
        assert_eq!(rewritten, written);
        let (third, _) = read(&rewritten.to_string()).unwrap();
        assert_eq!(format!("{third:?}"), format!("{again:?}"));
    }

    /// Turn by turn, what Gemini insists on.
    #[test]
    fn what_is_written_is_in_order(request in requests()) {
        let (conversation, _) = read(&request.to_string()).unwrap();
        let (written, _) = write(&conversation).unwrap();
        let contents = written["contents"].as_array().unwrap();
        let count = |content: &Value, kind: &str| {
            content["parts"].as_array().unwrap().iter().filter(|part| part.get(kind).is_some()).count()
        };
        assert_eq!(contents[0]["role"], "user");
        for pair in contents.windows(2) {
            assert_ne!(pair[0]["role"], pair[1]["role"]);
            assert_eq!(count(&pair[0], "functionCall"), count(&pair[1], "functionResponse"));
        }
        assert_eq!(count(contents.last().unwrap(), "functionCall"), 0);
    }

    #[test]
    fn a_damaged_request_never_panics(
        request in requests(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut body = request.to_string().into_bytes();
        for (place, byte) in damage {
            let place = place.index(body.len());
            body[place] = byte;
        }
        if let Ok((conversation, _)) = read(&String::from_utf8_lossy(&body)) {
            let _ = write(&conversation);
        }
    }

    #[test]
    fn garbage_never_panics(body in "[\\[\\]{}:,\"a-z0-9_\\\\]{0,60}") {
        let _ = read(&body);
    }
}
