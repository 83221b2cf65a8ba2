//! What other gateways got wrong.

use gateway_protocol::translation::{Birth, Translated, translate};
use gateway_protocol::{Address, ErrorAnswer, ErrorKind, Framing};
use serde_json::Value;

use super::{gemini, read, stream, write};

/// A request from one client of Gemini's to Gemini by way of no dialect, as it is from clients of others.
fn translated(body: &str, framing: Framing) -> Translated {
    let address = Address {
        model: Some("gemini-3.1-pro-preview"),
        stream: true,
        framing,
    };
    let birth = Birth {
        id: "abc123".to_owned(),
        created_at: 1_790_000_000,
    };
    translate(
        gemini(),
        gemini(),
        body.as_bytes(),
        &address,
        "gemini-3.1-pro-preview",
        birth,
    )
    .unwrap()
}

fn retold(name: &str, framing: Framing) -> String {
    let translated = translated(r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#, framing);
    let (mut rewriter, mut out) = (translated.way_back.stream(), Vec::new());
    rewriter.push(stream(name).as_bytes(), &mut out);
    rewriter.end(&mut out);
    String::from_utf8(out).unwrap()
}

fn events(stream: &str) -> Vec<Value> {
    let events = stream.split_terminator("\r\n\r\n");
    events
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect()
}

fn parts(events: &[Value]) -> Vec<Value> {
    let parts = events
        .iter()
        .flat_map(|event| event["candidates"][0]["content"]["parts"].as_array());
    parts.flatten().cloned().collect()
}

/// `LiteLLM` 25561, 25836, 25390, 12158.
#[test]
fn arguments_of_calls_are_not_lost_in_streams() {
    let parts = parts(&events(&retold("parallel", Framing::Events)));
    let calls: Vec<_> = parts.iter().filter_map(|part| part.get("functionCall")).collect();
    let args: Vec<_> = calls.iter().map(|call| call["args"].to_string()).collect();
    assert_eq!(args, [r#"{"city":"Paris"}"#, "{}", "{}"]);
    let names: Vec<_> = calls.iter().map(|call| call["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["get_weather", "get_time", "now"]);
}

/// `LiteLLM` put Google's errors into `OpenAI`'s shape.
#[test]
fn errors_are_in_geminis_own_shape() {
    let events = events(&retold("error_midway", Framing::Events));
    let error = &events.last().unwrap()["error"];
    assert_eq!(
        (error["code"].as_u64(), error["status"].as_str()),
        (Some(500), Some("INTERNAL"))
    );
    assert_eq!(error["message"], "An internal error has occurred.");
}

/// `LiteLLM` ignored `alt=sse`, so that every client got the same framing.
#[test]
fn a_stream_comes_in_the_framing_that_was_asked_for() {
    let array: Vec<Value> = serde_json::from_str(&retold("thinking", Framing::Array)).unwrap();
    assert_eq!(array, events(&retold("thinking", Framing::Events)));
}

/// `LiteLLM` 30557.
#[test]
fn a_declaration_has_its_schema_and_nothing_of_the_tool_in_it() {
    let body = r#"{"contents":[{"parts":[{"text":"hi"}]}],"tools":[{"functionDeclarations":[{"name":"f","description":"d",
        "parametersJsonSchema":{"properties":{"type":{"type":"string"}}}}]}]}"#;
    let (written, _) = write(&read(body).unwrap().0).unwrap();
    assert_eq!(
        written["tools"][0]["functionDeclarations"][0].to_string(),
        r#"{"description":"d","name":"f","parametersJsonSchema":{"properties":{"type":{"type":"string"}}}}"#
    );
}

/// `LiteLLM` 33404, 33222.
#[test]
fn a_stream_that_broke_off_does_not_look_finished() {
    let translated = translated(r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#, Framing::Events);
    let (mut rewriter, mut out) = (translated.way_back.stream(), Vec::new());
    rewriter.push(stream("cut_off").as_bytes(), &mut out);
    let error = ErrorAnswer {
        kind: ErrorKind::BadGateway,
        message: "the answer broke off",
        request_id: "r",
        code: None,
        retry_after: None,
    };
    rewriter.fail(&error, &mut out);
    rewriter.end(&mut out);
    let events = events(&String::from_utf8(out).unwrap());
    assert!(
        events
            .iter()
            .all(|event| event["candidates"][0].get("finishReason").is_none())
    );
    assert_eq!(events.last().unwrap()["error"]["code"], 503);
}

/// `LiteLLM` appends signatures in standard base64 to ids, and Google's SDK sends them back in the other alphabet.
#[test]
fn signatures_of_any_bytes_come_back_whole() {
    let events = events(&retold("parallel", Framing::Events));
    let first = parts(&events)
        .into_iter()
        .find(|part| part.get("functionCall").is_some())
        .unwrap();
    let (id, signature) = (
        first["functionCall"]["id"].as_str().unwrap(),
        first["thoughtSignature"].as_str().unwrap(),
    );
    assert!(
        id.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    );
    assert!(signature.contains(['+', '/']));
    let respelt = signature.replace('+', "-").replace('/', "_");
    for (part, expected) in [
        (
            format!(r#""thoughtSignature":"{respelt}","functionCall":{{"name":"f"}}"#),
            signature,
        ),
        // A client that echoes nothing but the id.
        (format!(r#""functionCall":{{"id":"{id}","name":"f"}}"#), signature),
    ] {
        let body = format!(
            r#"{{"contents":[{{"role":"user","parts":[{{"text":"go"}}]}},{{"role":"model","parts":[{{{part}}}]}},
                {{"role":"user","parts":[{{"functionResponse":{{"name":"f","response":{{}}}}}}]}}]}}"#
        );
        let upstream: Value = serde_json::from_slice(&translated(&body, Framing::Events).body).unwrap();
        assert_eq!(upstream["contents"][1]["parts"][0]["thoughtSignature"], expected);
    }
}

/// The one that follows from the last: an id with its signature would be far too long, and is not Gemini's.
#[test]
fn ids_go_back_without_the_signature_that_rode_in_them() {
    let events = events(&retold("parallel", Framing::Events));
    let first = parts(&events)
        .into_iter()
        .find(|part| part.get("functionCall").is_some())
        .unwrap();
    let id = &first["functionCall"]["id"];
    let body = format!(
        r#"{{"contents":[{{"role":"user","parts":[{{"text":"go"}}]}},
            {{"role":"model","parts":[{{"functionCall":{{"id":{id},"name":"f"}}}}]}},
            {{"role":"user","parts":[{{"functionResponse":{{"id":{id},"name":"f","response":{{}}}}}}]}}]}}"#
    );
    let upstream: Value = serde_json::from_slice(&translated(&body, Framing::Events).body).unwrap();
    assert_eq!(upstream["contents"][1]["parts"][0]["functionCall"]["id"], "k3v1");
    assert_eq!(
        upstream["contents"][2]["parts"][0]["functionResponse"]["id"],
        "k3v1"
    );
}
