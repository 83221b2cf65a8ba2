use gateway_protocol::{Address, CacheWish, Peek};

use super::chat;

fn peek(body: &str) -> Result<Peek, String> {
    chat()
        .peek(body.as_bytes(), &Address::default())
        .map_err(|error| error.to_string())
}

#[test]
fn reads_what_routing_needs() {
    let body = r#" { "model":"gpt-5.4" , "max_completion_tokens": 1024, "max_tokens": 7, "stream": true,
        "messages": [{"role": "developer", "content": "be brief"}, {"role": "user", "content": "{\"model\": \"x\"}"}],
        "stream_options": {"include_usage": true}, "prompt_cache_key": "session_1", "tools": [{"model": "other"}] } "#;
    let peek = peek(body).unwrap();
    assert_eq!(&body[peek.model_span.clone().unwrap()], r#""gpt-5.4""#);
    insta::assert_debug_snapshot!(peek);
}

#[test]
fn only_the_model_is_required() {
    let peek = peek(r#"{"model":"m","stream":null,"max_tokens":null,"user":null}"#).unwrap();
    assert_eq!((peek.stream, peek.max_tokens, peek.user_id), (false, None, None));
    assert_eq!((peek.conversation, peek.preamble, peek.pin), (None, None, None));
    assert_eq!(peek.cache_wish, CacheWish::Short);
}

#[test]
fn what_is_wrong_is_said_in_openais_words() {
    let cases = [
        "{}".to_owned(),
        "[1]".to_owned(),
        r#"{"model":7}"#.to_owned(),
        r#"{"model":null}"#.to_owned(),
        r#"{"model":""}"#.to_owned(),
        format!(r#"{{"model":"{}"}}"#, "y".repeat(257)),
        r#"{"model":"a","mod\u0065l":"b"}"#.to_owned(),
        r#"{"model":"a","stream":1}"#.to_owned(),
        r#"{"model":"a","stream_options":[]}"#.to_owned(),
        r#"{"model":"a","stream_options":{},"stream_options":{}}"#.to_owned(),
        r#"{"model":"a","max_tokens":-1}"#.to_owned(),
        r#"{"model":"a","max_completion_tokens":"7"}"#.to_owned(),
        r#"{"model":"a","user":7}"#.to_owned(),
        r#"{"model":"a","a":[1}"#.to_owned(),
    ];
    let sentences = cases.map(|body| format!("{body:.60} {}", peek(&body).unwrap_err()));
    insta::assert_snapshot!(sentences.join("\n"));
    let error = chat()
        .peek(b"{\"model\":\"\xff\"}", &Address::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "We could not parse the JSON body of your request: invalid UTF-8 at byte 10."
    );
}

#[test]
fn what_is_read_may_be_given_once() {
    for name in ["tools", "functions", "messages", "stream", "user", "max_tokens"] {
        let body = format!(r#"{{"{name}":null,"model":"a","{name}":null}}"#);
        assert_eq!(
            peek(&body).unwrap_err(),
            format!("Duplicate parameter: '{name}'. It may be given only once.")
        );
    }
}

#[test]
fn a_user_is_known_by_any_of_its_names() {
    let user = |fields: &str| peek(&format!(r#"{{"model":"m"{fields}}}"#)).unwrap().user_id;
    assert_eq!(
        user(r#","user":"a","safety_identifier":"b""#).as_deref(),
        Some("a")
    );
    assert_eq!(
        user(r#","prompt_cache_key":"c","safety_identifier":"b""#).as_deref(),
        Some("b")
    );
    assert_eq!(user(r#","prompt_cache_key":"c""#).as_deref(), Some("c"));
}

#[test]
fn a_conversation_is_known_by_how_it_begins() {
    let of = |tools: &str, messages: &str| {
        peek(&format!(
            r#"{{"model":"m","tools":{tools},"messages":[{messages}]}}"#
        ))
        .unwrap()
    };
    let system = r#"{"role":"system","content":"You code."},{"role":"developer","content":"In Rust."}"#;
    let hello = r#"{"role":"user","content":[{"type":"text","text":"Hello","prompt_cache_breakpoint":{"mode":"explicit"}}]}"#;
    let unmarked = r#"{"role":"user","content":[{"type":"text","text":"Hello"}]}"#;
    let begun = of("[1]", &format!("{system},{hello}"));
    let gone_on = of(
        "[1]",
        &format!(
            r#"{system},{unmarked},{{"role":"assistant","content":"Hi"}},{{"role":"user","content":"More"}}"#
        ),
    );
    assert!(begun.conversation.is_some() && begun.preamble.is_some());
    assert_eq!(begun.conversation, gone_on.conversation);
    assert_eq!(begun.preamble, gone_on.preamble);

    let other = of(
        "[1]",
        &format!(r#"{system},{{"role":"user","content":"Search"}}"#),
    );
    assert_eq!(begun.preamble, other.preamble);
    assert_ne!(begun.conversation, other.conversation);
    let other_tools = of("[2]", &format!("{system},{hello}"));
    assert_ne!(begun.preamble, other_tools.preamble);
    assert_ne!(begun.conversation, other_tools.conversation);
}

#[test]
fn what_only_one_account_holds_is_found() {
    let pin = |content: &str| {
        peek(&format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":{content}}}]}}"#
        ))
        .unwrap()
        .pin
    };
    assert_eq!(
        pin(r#"[{"type":"file","file":{"file_id" : "file-abc"}}]"#).as_deref(),
        Some("file-abc")
    );
    assert_eq!(
        pin(r#"[{"type":"file","file":{"file_id":null,"file_data":"data:x"}}]"#),
        None
    );
    assert_eq!(pin(r#""\"file_id\":\"file-abc\"""#), None);
    assert_eq!(
        pin(&format!(r#"[{{"file":{{"file_id":"{}"}}}}]"#, "x".repeat(1000))),
        None
    );
}

#[test]
fn endless_nesting_and_many_messages_cost_neither_stack_nor_time() {
    for open in ["[", "{\"a\":", "[{\"a\":"] {
        assert!(
            peek(&format!(
                "{{\"model\":\"m\",\"messages\":{}",
                open.repeat(1_000_000)
            ))
            .is_err()
        );
    }
    let messages = r#"{"role":"system","content":"s"},"#.repeat(100_000);
    let body = format!(r#"{{"model":"m","messages":[{messages}{{"role":"user","content":"u"}}]}}"#);
    assert!(peek(&body).unwrap().conversation.is_some());
}
