use bytes::Bytes;
use gateway_domain::Dialect;
use gateway_protocol::{Address, CacheWish, Peek, codec, splice};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use serde::de::IgnoredAny;

use crate::anthropic;

fn peek(body: &str) -> Result<Peek, String> {
    anthropic()
        .peek(body.as_bytes(), &Address::default())
        .map_err(|error| error.to_string())
}

#[track_caller]
fn assert_refused(body: &str, sentence: &str) {
    assert_eq!(
        peek(body).map(|peek| peek.model),
        Err(sentence.to_owned()),
        "{body}"
    );
}

#[test]
fn reads_what_routing_needs() {
    let body = r#" { "system" : "be brief", "model":"claude-sonnet-5-5" , "max_tokens": 1024,
        "messages": [{"role": "user", "content": "{\"model\": \"other\"}"}], "stream": true,
        "metadata": {"other": [1], "user_id": "user_1"}, "tools": [{"model": "other"}] } "#;
    let peek = peek(body).unwrap();
    assert_eq!(&body[peek.model_span.clone().unwrap()], r#""claude-sonnet-5-5""#);
    insta::assert_debug_snapshot!(peek);
}

#[test]
fn only_the_model_is_required() {
    let peek = peek(r#"{"model":"m"}"#).unwrap();
    assert_eq!((peek.stream, peek.max_tokens, peek.user_id), (false, None, None));
}

#[test]
fn null_is_as_good_as_nothing() {
    let peek = peek(r#"{"model":"m","stream":null,"max_tokens":null,"metadata":null}"#).unwrap();
    assert_eq!((peek.stream, peek.max_tokens, peek.user_id), (false, None, None));
    assert_eq!(
        self::peek(r#"{"model":"m","metadata":{"user_id":null}}"#)
            .unwrap()
            .user_id,
        None
    );
}

#[test]
fn fields_of_the_wrong_kind_are_refused() {
    assert_refused("{}", "model: Field required");
    for model in ["null", "7", "[]", "{}", "true", r#""\ud800""#] {
        assert_refused(
            &format!(r#"{{"model":{model}}}"#),
            "model: Input should be a valid string",
        );
    }
    assert_refused(
        r#"{"model":""}"#,
        "model: String should have at least 1 character",
    );
    for stream in ["0", "\"true\"", "[]"] {
        let body = format!(r#"{{"model":"m","stream":{stream}}}"#);
        assert_refused(&body, "stream: Input should be a valid boolean");
    }
    for max_tokens in ["-1", "1.5", "1e400", "\"7\"", "99999999999999999999"] {
        let body = format!(r#"{{"model":"m","max_tokens":{max_tokens}}}"#);
        assert_refused(&body, "max_tokens: Input should be a valid non-negative integer");
    }
    assert_refused(
        r#"{"model":"m","metadata":"x"}"#,
        "metadata: Input should be an object",
    );
    assert_refused(
        r#"{"model":"m","metadata":{"user_id":7}}"#,
        "metadata.user_id: Input should be a valid string",
    );
}

#[test]
fn a_field_in_another_case_is_refused_as_some_servers_would_read_it() {
    for (dialect, body) in [
        (
            Dialect::Anthropic,
            r#"{"model":"m","Model":"n","max_tokens":1,"messages":[]}"#,
        ),
        (
            Dialect::Anthropic,
            r#"{"model":"m","max_tokens":1,"MAX_TOKENS":9,"messages":[]}"#,
        ),
        (Dialect::OpenAiChat, r#"{"MODEL":"n","model":"m","messages":[]}"#),
        (
            Dialect::OpenAiChat,
            r#"{"model":"m","Str\u0065am":true,"messages":[]}"#,
        ),
        (
            Dialect::OpenAiResponses,
            r#"{"model":"m","moDel":"n","input":"Hi"}"#,
        ),
    ] {
        let refused = codec(dialect).unwrap().peek(body.as_bytes(), &Address::default());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("Field must be written as "), "{body}: {refused}");
    }
}

#[test]
fn a_body_may_repeat_the_model_of_the_address_and_name_no_other() {
    let address = Address {
        model: Some("gemini-x"),
        ..Address::default()
    };
    for (body, is_good) in [
        (r#"{"model":"models/gemini-x","contents":[]}"#, true),
        (r#"{"model":"gemini-x","contents":[]}"#, true),
        (
            r#"{"generateContentRequest":{"model":"models/gemini-x","contents":[]}}"#,
            true,
        ),
        (r#"{"model":"models/gemini-y","contents":[]}"#, false),
        (r#"{"model":7,"contents":[]}"#, false),
        (
            r#"{"generateContentRequest":{"model":"models/gemini-y","contents":[]}}"#,
            false,
        ),
        (
            r#"{"contents":[],"generate_content_request":{"model":"gemini-y"}}"#,
            false,
        ),
    ] {
        let peeked = codec(Dialect::Gemini).unwrap().peek(body.as_bytes(), &address);
        assert_eq!(peeked.is_ok(), is_good, "{body}: {peeked:?}");
    }
}

#[test]
fn a_field_given_twice_is_refused_however_it_is_written() {
    assert_refused(
        r#"{"model":"a","model":"b"}"#,
        "model: Field may be given only once",
    );
    assert_refused(
        r#"{"model":"a","mod\u0065l":"b"}"#,
        "model: Field may be given only once",
    );
    assert_refused(
        r#"{"\u006dodel":"a","model":null}"#,
        "model: Field may be given only once",
    );
    assert_refused(
        r#"{"model":null,"model":"b"}"#,
        "model: Field may be given only once",
    );
    assert_refused(
        r#"{"model":"a","stream":true,"stream":true}"#,
        "stream: Field may be given only once",
    );
    assert_refused(
        r#"{"model":"a","max_tokens":1,"max_tokens":2}"#,
        "max_tokens: Field may be given only once",
    );
    assert_refused(
        r#"{"model":"a","metadata":{},"metadata":{}}"#,
        "metadata: Field may be given only once",
    );
    assert_refused(
        r#"{"model":"a","metadata":{"user_id":"a","user_i\u0064":"b"}}"#,
        "metadata.user_id: Field may be given only once",
    );
    for name in [
        "system",
        "tools",
        "messages",
        "container",
        "thread",
        "cache_control",
    ] {
        for (first, second) in [("null", "[]"), ("[]", "[]"), ("\"a\"", "null")] {
            assert_refused(
                &format!(r#"{{"{name}":{first},"model":"a","{name}":{second}}}"#),
                &format!("{name}: Field may be given only once"),
            );
        }
    }
}

#[test]
fn a_field_may_be_written_with_escapes() {
    let body = r#"{"mod\u0065l":"cl\u0061ude","str\u0065am":true}"#;
    let peek = peek(body).unwrap();
    assert_eq!((peek.model.as_str(), peek.stream), ("claude", true));
    assert_eq!(&body[peek.model_span.unwrap()], r#""cl\u0061ude""#);
}

#[test]
fn what_is_not_read_passes_whatever_it_means() {
    let body = r#"{"model":"m","a":"\ud800","\udfff":1e999999,"b":-0.0,"x":1,"x":2,"c":123456789012345678901234567890}"#;
    assert_eq!(peek(body).unwrap().model, "m");
}

#[test]
fn a_body_that_is_no_json_object_is_refused() {
    let cases = [
        "",
        "null",
        "[1]",
        "{\"model\":\"m\"",
        "{\"model\":\"m\"} x",
        "{\"model\":\"m\",}",
        "{model:\"m\"}",
        "{'model':'m'}",
        "{\"a\":01}",
        "{\"a\":[1,]}",
        "{\"a\":[1}]",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"line\nfeed\"}",
        "{\"a\":tru}",
        "{\"a\":NaN}",
        "{\"a\" 1}",
        "\u{feff}{\"model\":\"m\"}",
    ];
    let sentences = cases.map(|body| format!("{body:?} {}", peek(body).unwrap_err()));
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn a_body_that_is_not_utf_8_is_refused() {
    let error = anthropic()
        .peek(b"{\"model\":\"m\",\"a\":\"\xff\"}", &Address::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "The request body is not valid UTF-8 at byte 18"
    );
}

#[test]
fn nesting_is_allowed_up_to_128_levels() {
    let nested = |levels: usize| {
        let inner = levels - 1;
        format!(
            r#"{{"model":"m","a":{}{}}}"#,
            "[".repeat(inner),
            "]".repeat(inner)
        )
    };
    assert!(peek(&nested(128)).is_ok());
    let error = peek(&nested(129)).unwrap_err();
    assert!(error.contains("more than 128 levels of nesting"), "{error}");
}

#[test]
fn endless_nesting_costs_neither_stack_nor_time() {
    for open in ["[", "{\"a\":", "[{\"a\":"] {
        assert!(peek(&format!("{{\"model\":\"m\",\"a\":{}", open.repeat(1_000_000))).is_err());
    }
}

#[test]
fn the_splice_replaces_the_model_and_nothing_else() {
    let body = Bytes::from("{ \"a\":1.0, \"model\" : \"cl\\u0061ude\",\t\"b\":\"\\ud800\" }");
    let span = anthropic()
        .peek(&body, &Address::default())
        .unwrap()
        .model_span
        .unwrap();
    assert_eq!(
        splice(&body, span, "a \"new\" one"),
        "{ \"a\":1.0, \"model\" : \"a \\\"new\\\" one\",\t\"b\":\"\\ud800\" }"
    );
}

#[test]
fn a_splice_that_changes_nothing_copies_nothing() {
    let body = Bytes::from(r#"{"model":"m"}"#);
    assert_eq!(splice(&body, 9..12, "m").as_ptr(), body.as_ptr());
}

/// JSON values as text, with spaces in all places.
fn values() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<f64>()
            .prop_filter("JSON has no such number", |number| number.is_finite())
            .prop_map(|n| n.to_string()),
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,2})?([eE][+-]?[0-9]{1,3})?",
        strings(),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..6);
        let members = prop::collection::vec((strings(), inner), 0..6);
        prop_oneof![
            (list, spaces())
                .prop_map(|(list, space)| format!("[{space}{}{space}]", list.join(&format!("{space},")))),
            (members, spaces()).prop_map(|(members, space)| object(&members, &space)),
        ]
    })
}

fn strings() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        r#""(\\[bfnrt"/\\]|\\u[0-9a-fA-F]{4}|[a-z é中😀]){0,60}""#,
    ]
}

fn spaces() -> impl Strategy<Value = String> {
    "[ \t\r\n]{0,2}"
}

fn object(members: &[(String, String)], space: &str) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(key, value)| format!("{space}{key}{space}:{space}{value}{space}"))
        .collect();
    format!("{space}{{{space}{}}}{space}", members.join(","))
}

/// Request bodies, valid but for the fields that happen to be in the rest.
fn bodies() -> impl Strategy<Value = (String, String)> {
    let members = prop::collection::vec((strings(), values()), 0..6);
    (any::<String>(), members, any::<prop::sample::Index>(), spaces()).prop_map(
        |(model, mut members, place, space)| {
            let member = ("\"model\"".to_owned(), serde_json::to_string(&model).unwrap());
            members.insert(place.index(members.len() + 1), member);
            (model, object(&members, &space))
        },
    )
}

/// Whether serde takes the bytes for a JSON object.
fn is_object(body: &[u8]) -> bool {
    let is_json = str::from_utf8(body).is_ok() && serde_json::from_slice::<IgnoredAny>(body).is_ok();
    is_json && body.trim_ascii_start().starts_with(b"{")
}

fn is_refused_as_malformed(body: &[u8]) -> bool {
    match anthropic().peek(body, &Address::default()) {
        Ok(_) => false,
        Err(error) => error.to_string().starts_with("The request body is not"),
    }
}

proptest! {
    #[test]
    fn the_model_is_what_serde_reads((model, body) in bodies()) {
        assert!(is_object(body.as_bytes()));
        match peek(&body) {
            Ok(peek) => {
                assert_eq!(peek.model, model);
                let span = &body[peek.model_span.unwrap()];
                assert_eq!(serde_json::from_str::<String>(span).unwrap(), model);
            }
            Err(error) => assert!(model.is_empty(), "{error}"),
        }
    }

    #[test]
    fn a_damaged_body_is_valid_here_when_it_is_valid_for_serde(
        (_, body) in bodies(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), damages()), 1..3),
    ) {
        let mut body = body.into_bytes();
        for (place, bytes) in damage {
            let place = place.index(body.len());
            body.splice(place..(place + bytes.len()).min(body.len()), bytes);
        }
        if is_object(&body) {
            assert!(!is_refused_as_malformed(&body));
        } else {
            assert!(anthropic().peek(&body, &Address::default()).is_err());
        }
    }

    #[test]
    fn garbage_never_panics(body: Vec<u8>) {
        assert!(is_object(&body) || anthropic().peek(&body, &Address::default()).is_err());
    }

    #[test]
    fn what_is_spliced_in_is_read_back((model, body) in bodies(), other in "\\PC{1,40}") {
        if let Ok(peek) = peek(&body) {
            let body = Bytes::from(body);
            let spliced = splice(&body, peek.model_span.unwrap(), &other);
            let again = anthropic().peek(&spliced, &Address::default()).unwrap();
            assert_eq!(again.model, other);

            let back = splice(&spliced, again.model_span.unwrap(), &model);
            assert_eq!(back, body);
        }
    }
}

fn damages() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", "e", ".", "\n", "\\u12", "tru"
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..2),
    ]
}

#[test]
fn a_model_name_that_no_provider_has_is_refused() {
    let body = format!(r#"{{"model":"{}"}}"#, "y".repeat(257));
    let error = anthropic()
        .peek(body.as_bytes(), &Address::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "model: String should have at most 256 characters"
    );
}

/// A body with this system prompt and these messages, as text.
fn conversation(system: &str, messages: &str) -> Peek {
    peek(&format!(
        r#"{{"model":"m","max_tokens":1,"system":{system},"messages":{messages}}}"#
    ))
    .unwrap()
}

#[test]
fn a_conversation_is_known_by_how_it_begins() {
    let system = r#"[{"type":"text","text":"x-anthropic-billing-header: cc_version=1; cch=a"},{"type":"text","text":"You code."}]"#;
    let next_system = system.replace("cch=a", "cch=b");
    let first = r#"[{"role":"user","content":[{"type":"text","text":"Hello","cache_control":{"type":"ephemeral"}}]}]"#;
    let later = r#"[{"role":"user","content":[{"type":"text","text":"Hello"}]},{"role":"assistant","content":"Hi"},
        {"role":"user","content":[{"type":"text","text":"More","cache_control":{"type":"ephemeral"}}]}]"#;
    let begun = conversation(system, first);
    let gone_on = conversation(&next_system, later);
    assert!(begun.conversation.is_some() && begun.preamble.is_some());
    assert_eq!(begun.conversation, gone_on.conversation);
    assert_eq!(
        begun.preamble.map(|preamble| preamble.hash),
        gone_on.preamble.map(|preamble| preamble.hash)
    );
    // A sub-agent has the preamble in common, and nothing else.
    let sub_agent = conversation(system, &first.replace("Hello", "Search"));
    assert_eq!(begun.preamble, sub_agent.preamble);
    assert_ne!(begun.conversation, sub_agent.conversation);
    let other_system = conversation(r#""You write.""#, first);
    assert_ne!(begun.preamble, other_system.preamble);
    assert_ne!(begun.conversation, other_system.conversation);
}

#[test]
fn a_request_without_messages_or_preamble_has_none() {
    let peek = peek(r#"{"model":"m","messages":[]}"#).unwrap();
    assert_eq!((peek.conversation, peek.preamble), (None, None));
}

#[test]
fn the_longest_wish_for_caching_counts() {
    let wish = |body: &str| peek(body).unwrap().cache_wish;
    let marked = |mark: &str| {
        format!(
            r#"{{"model":"m","system":[{{"type":"text","text":"s"{mark}}}],"messages":[{{"role":"user","content":"x"}}]}}"#
        )
    };
    assert_eq!(wish(&marked("")), CacheWish::None);
    assert_eq!(wish(&marked(r#","cache_control":null"#)), CacheWish::None);
    assert_eq!(
        wish(&marked(r#","cache_control":{"type":"ephemeral"}"#)),
        CacheWish::Short
    );
    assert_eq!(
        wish(&marked(r#","cache_control":{"type":"ephemeral","ttl":"1h"}"#)),
        CacheWish::Long
    );
    assert_eq!(
        wish(r#"{"model":"m","cache_control":{"type":"ephemeral"},"messages":[]}"#),
        CacheWish::Short
    );
    // Somebody only writes about it.
    let quoted =
        r#"{"model":"m","messages":[{"role":"user","content":"\"cache_control\":{\"ttl\":\"1h\"}"}]}"#;
    assert_eq!(wish(quoted), CacheWish::None);
}

#[test]
fn what_only_one_account_holds_is_found() {
    let pin = |rest: &str| peek(&format!(r#"{{"model":"m",{rest}}}"#)).unwrap().pin;
    assert_eq!(
        pin(r#""container":"container_1""#).as_deref(),
        Some("container_1")
    );
    assert_eq!(
        pin(r#""container":{"id":"container_2"}"#).as_deref(),
        Some("container_2")
    );
    assert_eq!(pin(r#""container":{"skills":[]}"#), None);
    assert_eq!(pin(r#""container":null"#), None);
    assert_eq!(pin(r#""thread":"thread_1""#).as_deref(), Some("thread_1"));
    let file = r#""messages":[{"role":"user","content":[{"type":"document","source":{"type":"file","file_id" : "file_1"}}]}]"#;
    assert_eq!(pin(file).as_deref(), Some("file_1"));
    let in_a_tool =
        r#""messages":[{"role":"assistant","content":[{"type":"tool_use","input":{"file_id":"file_1"}}]}]"#;
    assert_eq!(pin(in_a_tool), None);
    let quoted = r#""messages":[{"role":"user","content":"\"file_id\":\"file_1\""}]"#;
    assert_eq!(pin(quoted), None);
}
