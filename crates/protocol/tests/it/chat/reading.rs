use gateway_protocol::Address;
use gateway_protocol::translation::{Conversation, Dropped};
use proptest::prelude::{any, prop, proptest};

use super::chat;

/// A request of every kind of message, tool and wish.
pub(super) const FULL: &str = include_str!("../fixtures/chat/request.json");

pub(super) fn read(body: &str) -> Result<(Conversation, String), String> {
    let mut dropped = Dropped::default();
    chat()
        .read_request(body.as_bytes(), &Address::default(), &mut dropped)
        .map(|conversation| (conversation, dropped.to_string()))
        .map_err(|error| error.to_string())
}

/// The request with these other fields.
fn read_fields(fields: &str) -> Result<(Conversation, String), String> {
    read(&format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}]{fields}}}"#
    ))
}

fn read_messages(messages: &str) -> Result<(Conversation, String), String> {
    read(&format!(r#"{{"model":"m","messages":[{messages}]}}"#))
}

#[test]
fn a_full_request() {
    let (conversation, dropped) = read(FULL).unwrap();
    insta::assert_snapshot!(format!("{conversation:#?}\ndropped: {dropped}"));
}

#[test]
fn a_request_of_older_clients() {
    let body = r#"{"model":"gpt-3.5-turbo","messages":[
        {"role":"user","content":"Weather?"},
        {"role":"assistant","content":null,"function_call":{"name":"weather","arguments":"{\"city\":\"Rome\"}"}},
        {"role":"function","name":"weather","content":"Sunny"},
        {"role":"assistant","content":null,"function_call":{"name":"weather","arguments":""}},
        {"role":"function","name":"weather","content":"Rain"}],
        "functions":[{"name":"weather","parameters":{"type":"object","properties":{}}},{"name":"now"}],
        "function_call":{"name":"weather"},"max_tokens":100,"user":"u"}"#;
    let (conversation, dropped) = read(body).unwrap();
    insta::assert_snapshot!(format!("{conversation:#?}\ndropped: {dropped}"));
}

#[test]
fn what_only_openai_can_do_is_refused_by_name() {
    let refused = [
        r#","n":2"#,
        r#","logprobs":true"#,
        r#","top_logprobs":3"#,
        r#","logit_bias":{"50256":-100}"#,
        r#","audio":{"voice":"alloy","format":"wav"}"#,
        r#","modalities":["text","audio"]"#,
        r#","web_search_options":{}"#,
        r#","moderation":{"model":"omni-moderation-latest"}"#,
        r#","tools":[{"type":"web_search"}]"#,
    ];
    let sentences = refused.map(|fields| read_fields(fields).unwrap_err());
    insta::assert_snapshot!(sentences.join("\n"));
    let nothing = r#","n":1,"logprobs":false,"top_logprobs":0,"logit_bias":{},"audio":null,"modalities":["text"],"store":false,"service_tier":"auto","metadata":null"#;
    assert_eq!(read_fields(nothing).unwrap().1, "");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let messages = [
        "",
        r#"{"role":"owner","content":"x"}"#,
        r#"{"content":"x"}"#,
        r#"{"role":"user","content":7}"#,
        r#"{"role":"user","content":[{"type":"text"}]}"#,
        r#"{"role":"user","content":[{"text":"x"}]}"#,
        r#"{"role":"user","content":[{"type":"text","text":"x"},{"type":"video","text":"x"}]}"#,
        r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png,x"}}]}"#,
        r#"{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}"#,
        r#"{"role":"user","content":[{"type":"file","file":{}}]}"#,
        r#"{"role":"user","content":"\ud800"}"#,
        r#"{"role":"user","role":"user","content":"x"}"#,
        r#"{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}"#,
        r#"{"role":"assistant","audio":{"id":"audio_1"}}"#,
        r#"{"role":"assistant","tool_calls":[{"type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
        r#"{"role":"assistant","tool_calls":[{"id":"a","type":"web","function":{"name":"f","arguments":"{}"}}]}"#,
        r#"{"role":"assistant","tool_calls":[{"id":"a","type":"custom"}]}"#,
        r#"{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"[1]"}}]}"#,
        r#"{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"a\":}"}}]}"#,
        r#"{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{} {}"}}]}"#,
        r#"{"role":"tool","content":"x"}"#,
        r#"{"role":"function","name":"f","content":"x"}"#,
    ];
    let fields = [
        r#","stop":7"#,
        r#","reasoning_effort":"ultra""#,
        r#","response_format":{"type":"xml"}"#,
        r#","response_format":{"type":"json_schema"}"#,
        r#","response_format":{"type":"json_schema","json_schema":{"name":"a","schema":[]}}"#,
        r#","tool_choice":"any""#,
        r#","tool_choice":{"type":"function"}"#,
        r#","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[]}}"#,
        r#","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"x","tools":[{"type":"function","function":{"name":"f"}}]}}"#,
        r#","tools":[{"type":"function"}]"#,
        r#","tools":[{"type":"function","function":{"name":"f","parameters":7}}]"#,
        r#","temperature":"hot""#,
    ];
    let messages = messages.map(|messages| format!("{messages}\n  {}", read_messages(messages).unwrap_err()));
    let fields = fields.map(|fields| format!("{fields}\n  {}", read_fields(fields).unwrap_err()));
    insta::assert_snapshot!([messages.join("\n"), fields.join("\n")].join("\n"));
}

#[test]
fn hints_are_dropped_and_named() {
    let fields = r#","store":true,"metadata":{"a":"b"},"service_tier":"flex","verbosity":"low","prompt_cache_key":"k",
        "prompt_cache_retention":"24h","prediction":{"type":"content","content":"x"},"from_the_future":1,
        "stream_options":{"include_obfuscation":true},"user":"u","safety_identifier":"s""#;
    let (conversation, dropped) = read_fields(fields).unwrap();
    insta::assert_snapshot!(dropped);
    assert_eq!(conversation.user.as_deref(), Some("s"));
}

#[test]
fn every_tool_choice_is_read() {
    let tools = r#","tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}},{"type":"custom","custom":{"name":"c"}}]"#;
    let choices = [
        r#""none""#,
        r#""auto""#,
        r#""required""#,
        "null",
        r#"{"type":"function","function":{"name":"f"}}"#,
        r#"{"type":"custom","custom":{"name":"c"}}"#,
        r#"{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}}"#,
        r#"{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"g"}},{"type":"custom","custom":{"name":"c"}}]}}"#,
    ];
    let all = choices.map(|choice| {
        let (conversation, _) = read_fields(&format!(r#"{tools},"tool_choice":{choice}"#)).unwrap();
        let tools: Vec<_> = conversation.tools.iter().map(|tool| tool.name.as_str()).collect();
        format!("{choice}\n  {:?} of {tools:?}", conversation.tool_choice)
    });
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn ids_that_a_server_gave_twice_are_told_apart() {
    let turn = |answer: &str| {
        format!(
            r#"{{"role":"assistant","tool_calls":[{{"id":"call_0","function":{{"name":"f","arguments":"{{}}"}}}}]}},
            {{"role":"tool","tool_call_id":"call_0","content":"{answer}"}}"#
        )
    };
    let (conversation, _) = read_messages(&format!("{},{}", turn("one"), turn("two"))).unwrap();
    insta::assert_debug_snapshot!(conversation.turns);
}

#[test]
fn what_is_empty_is_no_turn() {
    let messages = r#"{"role":"user","content":""},{"role":"assistant","content":null},{"role":"user","content":[]},
        {"role":"user","content":[{"type":"text","text":""}]},{"role":"system","content":"s"},{"role":"user","content":"x"}"#;
    let (conversation, _) = read_messages(messages).unwrap();
    assert_eq!((conversation.system.len(), conversation.turns.len()), (1, 1));
}

#[test]
fn a_hundred_thousand_messages_are_read() {
    let messages = r#"{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"b"},"#;
    let body = format!(
        "{}{}",
        messages.repeat(33_333),
        r#"{"role":"user","content":"x"}"#
    );
    assert_eq!(read_messages(&body).unwrap().0.turns.len(), 100_000);
}

#[test]
fn deep_arguments_are_refused_and_cost_no_stack() {
    let nested = |levels: usize| {
        let arguments = format!(
            "{{\\\"a\\\":{}{}}}",
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        );
        read_messages(&format!(
            r#"{{"role":"assistant","tool_calls":[{{"id":"a","function":{{"name":"f","arguments":"{arguments}"}}}}]}}"#
        ))
    };
    assert!(nested(128).is_ok());
    assert!(nested(129).is_err());
    assert!(nested(100_000).is_err());
}

proptest! {
    #[test]
    fn a_damaged_request_never_panics(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut body = FULL.as_bytes().to_vec();
        for (place, byte) in damage {
            let place = place.index(body.len());
            body[place] = byte;
        }
        let mut dropped = Dropped::default();
        drop(chat().read_request(&body, &Address::default(), &mut dropped));
    }

    #[test]
    fn garbage_is_refused(body: Vec<u8>) {
        let mut dropped = Dropped::default();
        assert!(chat().read_request(&body, &Address::default(), &mut dropped).is_err());
    }
}
