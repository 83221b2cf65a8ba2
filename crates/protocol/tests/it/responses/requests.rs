use gateway_protocol::{Address, CacheWish, Peek};

use super::responses;

const CODEX: &str = include_str!("../fixtures/responses/codex.json");

fn peek(body: &str) -> Peek {
    responses().peek(body.as_bytes(), &Address::default()).unwrap()
}

fn refusal(body: &[u8]) -> String {
    responses()
        .peek(body, &Address::default())
        .unwrap_err()
        .to_string()
}

/// How a conversation with this input is known.
fn conversation(input: &str) -> Option<u64> {
    peek(&format!(
        r#"{{"model":"m","instructions":"Be brief.","input":{input}}}"#
    ))
    .conversation
}

#[test]
fn reads_what_routing_needs() {
    insta::assert_debug_snapshot!(peek(CODEX));
}

#[test]
fn prompts_are_cached_unasked() {
    assert_eq!(peek(r#"{"model":"m"}"#).cache_wish, CacheWish::Short);
}

#[test]
fn a_body_that_says_no_model_is_refused() {
    for (body, problem) in [
        (r#"{"input":"x"}"#, "Missing required parameter: 'model'."),
        (
            r#"{"model":null}"#,
            "Invalid type for 'model': expected a string.",
        ),
        (r#"{"model":7}"#, "Invalid type for 'model': expected a string."),
        (
            r#"{"model":""}"#,
            "Invalid 'model': empty string. Expected a string with minimum length 1.",
        ),
        (
            r#"{"model":"a","model":"b"}"#,
            "Duplicate parameter: 'model'. It may be given only once.",
        ),
        (
            r#"{"model":"a","input":"b","input":"c"}"#,
            "Duplicate parameter: 'input'. It may be given only once.",
        ),
        (
            r#"{"model":"a","tools":[],"tools":[]}"#,
            "Duplicate parameter: 'tools'. It may be given only once.",
        ),
        (
            r#"{"model":"a","instructions":null,"instructions":"b"}"#,
            "Duplicate parameter: 'instructions'. It may be given only once.",
        ),
        (
            r#"{"model":"a","previous_response_id":"b","previous_response_id":"c"}"#,
            "Duplicate parameter: 'previous_response_id'. It may be given only once.",
        ),
        (
            r#"{"model":"a","conversation":"b","conversation":{"id":"c"}}"#,
            "Duplicate parameter: 'conversation'. It may be given only once.",
        ),
        (
            r#"{"model":"a","stream":1}"#,
            "Invalid type for 'stream': expected a boolean.",
        ),
        (
            r#"{"model":"a","max_output_tokens":1.5}"#,
            "Invalid type for 'max_output_tokens': expected a non-negative integer.",
        ),
        (
            r#"{"model":"a","user":{}}"#,
            "Invalid type for 'user': expected a string.",
        ),
    ] {
        assert_eq!(refusal(body.as_bytes()), problem, "{body}");
    }
    let long = format!(r#"{{"model":"{}"}}"#, "m".repeat(257));
    assert!(refusal(long.as_bytes()).starts_with("Invalid 'model': string too long."));
}

#[test]
fn a_body_that_is_no_json_object_is_refused() {
    for body in [
        &b""[..],
        b"[]",
        b"{\"model\":\"m\"",
        b"\xff",
        b"{\"model\":\"m\"}x",
    ] {
        assert!(refusal(body).starts_with("We could not parse the JSON body of your request: "));
    }
}

#[test]
fn a_session_is_named_by_the_finest_name() {
    let user_id = |fields: &str| peek(&format!(r#"{{"model":"m",{fields}}}"#)).user_id;
    assert_eq!(user_id(r#""safety_identifier":"s""#).as_deref(), Some("s"));
    assert_eq!(
        user_id(r#""safety_identifier":"s","user":"u""#).as_deref(),
        Some("u")
    );
    assert_eq!(
        user_id(r#""user":"u","prompt_cache_key":"k","safety_identifier":null"#).as_deref(),
        Some("k")
    );
    assert_eq!(user_id(r#""user":null"#), None);
}

#[test]
fn what_one_account_holds_is_a_pin() {
    let pin = |fields: &str| peek(&format!(r#"{{"model":"m",{fields}}}"#)).pin;
    for (fields, name) in [
        (r#""previous_response_id":"resp_1""#, "resp_1"),
        (r#""conversation":"conv_1""#, "conv_1"),
        (r#""conversation":{"id":"conv_2"}"#, "conv_2"),
        (
            r#""input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]"#,
            "file-1",
        ),
        (
            r#""input":[{"role":"user","content":[{"file_id":"file-2", "detail":"auto", "type":"input_image"}]}]"#,
            "file-2",
        ),
    ] {
        assert_eq!(pin(fields).as_deref(), Some(name), "{fields}");
    }
    for fields in [
        r#""previous_response_id":null,"conversation":"""#,
        r#""input":"{\"type\":\"input_file\",\"file_id\":\"file-1\"}""#,
        r#""input":[{"type":"file_citation","file_id":"file-1"}]"#,
        r#""metadata":{"type":"input_file","file_id":"file-1"}"#,
    ] {
        assert_eq!(pin(fields), None, "{fields}");
    }
}

#[test]
fn every_turn_of_a_conversation_is_known_alike() {
    let first = conversation(r#"[{"role":"user","content":"Hello"}]"#);
    assert!(first.is_some());
    for later in [
        r#""Hello""#,
        r#"[{"type":"message","role":"user","content":"Hello","id":"msg_7"}]"#,
        r#"[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi"},{"role":"user","content":"Bye"}]"#,
    ] {
        assert_eq!(conversation(later), first, "{later}");
    }
    for other in [
        r#""Hello!""#,
        r#"[{"role":"developer","content":"Be kind"},{"role":"user","content":"Hello"}]"#,
    ] {
        assert_ne!(conversation(other), first, "{other}");
    }
    for empty in ["[]", "null", r#"[{"role":"system","content":"x"}]"#] {
        assert_eq!(conversation(empty), None, "{empty}");
    }
}

#[test]
fn marks_for_the_cache_do_not_make_another_conversation() {
    let marked = conversation(
        r#"[{"role":"user","content":[{"type":"input_text","text":"a","prompt_cache_breakpoint":{"mode":"explicit"}}]}]"#,
    );
    let plain = conversation(r#"[{"role":"user","content":[{"type":"input_text","text":"a"}]}]"#);
    assert_eq!(marked, plain);
}

#[test]
fn a_preamble_is_all_that_instructs() {
    let preamble = |fields: &str| peek(&format!(r#"{{"model":"m",{fields}}}"#)).preamble;
    let both = preamble(
        r#""instructions":"a","input":[{"role":"system","content":"b"},{"role":"user","content":"c"}]"#,
    );
    let bytes = r#""a""#.len() + r#"{"role":"system","content":"b"}"#.len();
    assert_eq!(both.unwrap().bytes, bytes);
    let later = preamble(r#""input":[{"role":"user","content":"c"},{"role":"system","content":"b"}]"#);
    assert_eq!(later, None);
    assert_ne!(preamble(r#""tools":[1]"#), preamble(r#""tools":[2]"#));
    assert_eq!(preamble(r#""instructions":null"#), None);
}
