use gateway_protocol::translation::{Format, Part, Role, Thinking, ThinkingAmount, ToolChoice};
use proptest::prelude::{any, prop, proptest};

use super::{read, refusal, with_input};

const CODEX: &str = include_str!("../fixtures/responses/codex.json");

#[test]
fn a_request_of_codex() {
    let (conversation, dropped) = read(CODEX).unwrap();
    insta::assert_debug_snapshot!(conversation);
    assert_eq!(
        dropped,
        "client_metadata, prompt_cache_key, text.verbosity, tools.format"
    );
}

#[test]
fn a_request_with_media_and_a_schema() {
    let (conversation, dropped) = read(
        r#"{"model":"m","temperature":0.70,"top_p":1,"max_output_tokens":99,"user":"u","metadata":{"k":"v"},
            "input":[{"role":"user","content":[
                {"type":"input_text","text":"See:"},
                {"type":"input_image","image_url":"https://example.com/a.png","detail":"high"},
                {"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"},
                {"type":"input_file","filename":"b.pdf","file_data":"JVBE"},
                {"type":"input_file","file_url":"https://example.com/c.pdf"},
                {"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}}]}],
            "text":{"format":{"type":"json_schema","name":"out","strict":true,"schema":{"type":"object","b":1,"a":1e2}}}}"#,
    )
    .unwrap();
    insta::assert_debug_snapshot!(conversation);
    assert_eq!(dropped, "detail");
}

#[test]
fn a_text_alone_is_what_the_user_says() {
    let (conversation, dropped) = read(r#"{"model":"m","input":"Hello"}"#).unwrap();
    assert_eq!(conversation.turns.len(), 1);
    assert_eq!(conversation.turns[0].role, Role::User);
    assert!(matches!(&conversation.turns[0].parts[..], [Part::Text(text)] if text == "Hello"));
    assert_eq!(dropped, "");
}

#[test]
fn items_of_one_side_are_one_turn() {
    let (conversation, _) = read(CODEX).unwrap();
    let roles: Vec<_> = conversation
        .turns
        .iter()
        .map(|turn| (turn.role, turn.parts.len()))
        .collect();
    assert_eq!(
        roles,
        [
            (Role::User, 2),
            (Role::Assistant, 4),
            (Role::User, 2),
            (Role::Assistant, 1),
            (Role::User, 1),
            (Role::System, 1),
            (Role::User, 1),
        ]
    );
}

#[test]
fn what_would_change_the_meaning_is_refused_by_name() {
    let cases = [
        (r#""previous_response_id":"resp_1""#, "previous_response_id"),
        (r#""conversation":{"id":"conv_1"}"#, "conversation"),
        (r#""prompt":{"id":"pmpt_1"}"#, "prompt"),
        (r#""background":true"#, "background"),
        (r#""top_logprobs":3"#, "top_logprobs"),
        (r#""moderation":{"model":"omni"}"#, "moderation"),
        (
            r#""include":["message.output_text.logprobs"]"#,
            "include message.output_text.logprobs",
        ),
        (
            r#""tools":[{"type":"web_search"}]"#,
            "tools[0] of type web_search",
        ),
        (
            r#""tools":[{"type":"function","name":"f"},{"type":"local_shell"}]"#,
            "tools[1] of type local_shell",
        ),
        (
            r#""tools":[{"type":"mcp","server_label":"x"}]"#,
            "tools[0] of type mcp",
        ),
        (
            r#""tools":[{"type":"namespace","name":"n","description":"d","tools":[]}]"#,
            "tools[0] of type namespace",
        ),
        (
            r#""tool_choice":{"type":"file_search"}"#,
            "tool_choice of type file_search",
        ),
        (
            r#""tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"mcp"}]}"#,
            "tool_choice.tools[0] of type mcp",
        ),
    ];
    for (field, what) in cases {
        let body = format!(r#"{{"model":"m","input":"x",{field}}}"#);
        assert_eq!(
            refusal(&body),
            format!("{what}: not supported by the model's provider"),
            "{field}"
        );
    }
}

#[test]
fn items_that_only_openai_knows_are_refused_by_name() {
    let cases = [
        (
            r#"{"type":"item_reference","id":"msg_1"}"#,
            "input[0] of type item_reference",
        ),
        (r#"{"id":"msg_1"}"#, "input[0] of type item_reference"),
        (
            r#"{"type":"local_shell_call","id":"l","call_id":"c","action":{},"status":"completed"}"#,
            "input[0] of type local_shell_call",
        ),
        (
            r#"{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot"}}"#,
            "input[0] of type computer_call_output",
        ),
        (
            r#"{"type":"web_search_call","id":"w","status":"completed"}"#,
            "input[0] of type web_search_call",
        ),
        (
            r#"{"type":"mcp_call","arguments":"{}"}"#,
            "input[0] of type mcp_call",
        ),
        (
            r#"{"type":"image_generation_call","result":null}"#,
            "input[0] of type image_generation_call",
        ),
        (
            r#"{"type":"compaction","encrypted_content":"x"}"#,
            "input[0] of type compaction",
        ),
        (
            r#"{"role":"user","content":[{"type":"input_image","file_id":"file-1"}]}"#,
            "input[0].content[0].file_id",
        ),
        (
            r#"{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}"#,
            "input[0].content[0].file_id",
        ),
        (
            r#"{"role":"user","content":[{"type":"computer_screenshot"}]}"#,
            "input[0].content[0] of type computer_screenshot",
        ),
        (
            r#"{"role":"system","content":[{"type":"input_image","image_url":"https://e.com/a.png"}]}"#,
            "input[0].content: image of the system",
        ),
        (
            r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}","namespace":"n"}"#,
            "input[0].namespace",
        ),
    ];
    for (item, what) in cases {
        assert_eq!(
            refusal(&with_input(item)),
            format!("{what}: not supported by the model's provider"),
            "{item}"
        );
    }
}

#[test]
fn what_is_not_as_the_dialect_has_it_is_refused_with_its_place() {
    let cases = [
        (r#""input":null"#, "input: missing"),
        (r#""input":7"#, "input: invalid type"),
        (r#""input":[7]"#, "input[0]: invalid type"),
        (
            r#""input":[{"role":"tool","content":"x"}]"#,
            "input[0].role: expected user",
        ),
        (
            r#""input":[{"role":"user"}]"#,
            "input[0]: missing field `content`",
        ),
        (
            r#""input":[{"role":"user","content":[{"text":"x"}]}]"#,
            "input[0].content[0]: missing field `type`",
        ),
        (
            r#""input":[{"role":"user","content":[{"type":"input_text"}]}]"#,
            "input[0].content[0].text: missing",
        ),
        (
            r#""input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png,x"}]}]"#,
            "input[0].content[0].image_url: expected a URL or a base64-encoded data URL",
        ),
        (
            r#""input":[{"role":"user","content":"\ud800"}]"#,
            "input[0].content: ",
        ),
        (
            r#""input":[{"type":"function_call_output","output":"x"}]"#,
            "input[0]: missing field `call_id`",
        ),
        (
            r#""input":[{"type":"function_call","call_id":"","name":"f","arguments":""}]"#,
            "input[0].call_id: empty string",
        ),
        (
            r#""input":[{"role":"user","role":"user","content":"x"}]"#,
            "input[0]: duplicate field `role`",
        ),
        (
            r#""input":"x","reasoning":{"effort":"much"}"#,
            "reasoning.effort: expected none, minimal",
        ),
        (
            r#""input":"x","reasoning":{"summary":"much"}"#,
            "reasoning.summary: expected auto",
        ),
        (
            r#""input":"x","text":{"format":{"type":"xml"}}"#,
            "text.format.type: expected text",
        ),
        (
            r#""input":"x","tool_choice":"any"#,
            "The request body is not valid: ",
        ),
        (r#""input":"x","tool_choice":"any""#, "tool_choice: expected none"),
        (
            r#""input":"x","tools":[{"type":"function","function":{"name":"f"}}]"#,
            "tools[0]: missing field `name`",
        ),
        (
            r#""input":"x","temperature":"hot""#,
            "The request body is not valid: ",
        ),
    ];
    for (fields, problem) in cases {
        let said = refusal(&format!(r#"{{"model":"m",{fields}}}"#));
        assert!(said.starts_with(problem), "{fields}: {said}");
    }
}

#[test]
fn hints_are_dropped_by_name() {
    let (_, dropped) = read(
        r#"{"model":"m","input":[{"role":"assistant","phase":"commentary","content":[
                {"type":"output_text","text":"x","annotations":[{"type":"url_citation"}]}]}],
            "store":true,"truncation":"auto","service_tier":"flex","max_tool_calls":3,"include":["web_search_call.results"],
            "prompt_cache_key":"k","prompt_cache_retention":"24h","stream_options":{"include_obfuscation":true},
            "context_management":[],"reasoning":{"effort":"low","context":"auto","mode":"pro"},
            "tools":[{"type":"function","name":"f","defer_loading":true,"async":false}],"from_the_future":1}"#,
    )
    .unwrap();
    assert_eq!(
        dropped,
        "annotations, context_management, from_the_future, include, max_tool_calls, phase, prompt_cache_key, \
         prompt_cache_retention, reasoning.context, reasoning.mode, service_tier, store, stream_options, \
         tools.defer_loading, truncation"
    );
}

#[test]
fn what_says_nothing_is_not_named() {
    let (_, dropped) = read(
        r#"{"model":"m","input":"x","store":false,"truncation":"disabled","service_tier":"auto","background":false,
            "top_logprobs":0,"previous_response_id":null,"conversation":null,"prompt_cache_key":null,"include":null,
            "stream_options":{"include_obfuscation":false},"instructions":null,"tools":null,"text":null,"reasoning":null}"#,
    )
    .unwrap();
    assert_eq!(dropped, "");
}

#[test]
fn thinking_is_asked_for_in_words() {
    let thinking = |reasoning: &str| {
        let body = format!(r#"{{"model":"m","input":"x","reasoning":{reasoning}}}"#);
        read(&body).unwrap().0.thinking
    };
    let off = Thinking {
        amount: ThinkingAmount::Off,
        is_shown: false,
    };
    assert_eq!(thinking(r#"{"effort":"none"}"#), Some(off));
    let free = Thinking {
        amount: ThinkingAmount::Free,
        is_shown: true,
    };
    assert_eq!(thinking(r#"{"generate_summary":"concise"}"#), Some(free));
    assert_eq!(thinking("{}"), None);
    assert_eq!(thinking(r#"{"effort":null,"summary":null}"#), None);
}

#[test]
fn tools_are_chosen_in_every_way() {
    let choose = |choice: &str| {
        let body = format!(
            r#"{{"model":"m","input":"x","tool_choice":{choice},"tools":[{{"type":"function","name":"f"}},{{"type":"custom","name":"g"}}]}}"#
        );
        let (conversation, _) = read(&body).unwrap();
        (conversation.tool_choice.unwrap(), conversation.tools.len())
    };
    let required = |names: &[&str]| ToolChoice::Required {
        names: names.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(choose(r#""auto""#), (ToolChoice::Auto, 2));
    assert_eq!(choose(r#""none""#), (ToolChoice::None, 2));
    assert_eq!(choose(r#""required""#), (required(&[]), 2));
    assert_eq!(choose(r#"{"type":"function","name":"f"}"#), (required(&["f"]), 2));
    assert_eq!(choose(r#"{"type":"custom","name":"g"}"#), (required(&["g"]), 2));
    let allowed = r#"{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"custom","name":"g"}]}"#;
    assert_eq!(choose(allowed), (required(&["f", "g"]), 2));
    let allowed = r#"{"type":"allowed_tools","mode":"auto","tools":[{"type":"custom","name":"g"}]}"#;
    assert_eq!(choose(allowed), (ToolChoice::Auto, 1));
}

#[test]
fn formats_are_read() {
    let format = |text: &str| {
        let body = format!(r#"{{"model":"m","input":"x","text":{text}}}"#);
        read(&body).unwrap().0.format
    };
    assert!(matches!(format("{}"), Format::Text));
    assert!(matches!(format(r#"{"format":{"type":"text"}}"#), Format::Text));
    assert!(matches!(
        format(r#"{"format":{"type":"json_object"}}"#),
        Format::Json
    ));
}

#[test]
fn arguments_that_are_no_object_do_not_end_the_conversation() {
    let arguments = |text: &str| {
        let item = format!(r#"{{"type":"function_call","call_id":"c","name":"f","arguments":"{text}"}}"#);
        let (conversation, _) = read(&with_input(&item)).unwrap();
        match &conversation.turns[0].parts[0] {
            Part::ToolCall(call) => call.arguments.get().to_owned(),
            part => panic!("{part:?}"),
        }
    };
    assert_eq!(arguments(r#" {\"b\":1,\"a\":1e3} "#), r#"{"b":1,"a":1e3}"#);
    assert_eq!(arguments(""), "{}");
    assert_eq!(arguments("null"), "{}");
    assert_eq!(arguments(r#"{\"a\":"#), r#"{"arguments":"{\"a\":"}"#);
    assert_eq!(arguments("[1]"), r#"{"arguments":"[1]"}"#);
    let deep = "[".repeat(100_000);
    assert!(arguments(&format!(r#"{{\"a\":{deep}"#)).starts_with(r#"{"arguments":"{\"a\":[[["#));
}

#[test]
fn thoughts_come_back_with_their_signatures() {
    let (conversation, _) = read(&with_input(
        r#"{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gemini:c2ln"},
           {"type":"reasoning","id":"rs_2","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],"encrypted_content":"gAAAA"},
           {"type":"reasoning","id":"rs_3","summary":[],"encrypted_content":"anthropic-redacted:xyz"},
           {"type":"reasoning","id":"rs_4","summary":[],"content":[{"type":"reasoning_text","text":"in full"}]},
           {"type":"reasoning","id":"rs_5","summary":[]},
           {"type":"reasoning","id":"rs_6","summary":[],"encrypted_content":"unsigned:"}"#,
    ))
    .unwrap();
    insta::assert_debug_snapshot!(conversation.turns);
}

/// What the Python SDK sends after an answer of ours: the answer's output as it came, and the results.
#[test]
fn an_answer_of_ours_comes_back_in_the_next_turn() {
    let (conversation, dropped) = read(include_str!("../fixtures/responses/next_turn.json")).unwrap();
    insta::assert_debug_snapshot!(conversation.turns);
    assert_eq!(dropped, "");
}

#[test]
fn many_items_and_long_texts_take_linear_time() {
    let call = r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"},"#;
    let items = call.repeat(50_000) + r#"{"role":"user","content":"x"}"#;
    let (conversation, _) = read(&with_input(&items)).unwrap();
    assert_eq!(conversation.turns.len(), 100_000);
    let image = format!(
        r#"{{"role":"user","content":[{{"type":"input_image","image_url":"data:image/png;base64,{}"}}]}}"#,
        "A".repeat(20_000_000)
    );
    assert_eq!(read(&with_input(&image)).unwrap().0.turns.len(), 1);
}

#[test]
fn names_of_unknown_types_are_told_only_as_far_as_they_are_names() {
    let item = format!(r#"{{"type":"{}"}}"#, "ä".repeat(100_000));
    let said = refusal(&with_input(&item));
    assert!(said.len() < 300, "{said}");
}

proptest! {
    #[test]
    fn a_damaged_request_never_panics(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut body = CODEX.as_bytes().to_vec();
        for (place, byte) in damage {
            let place = place.index(body.len());
            body[place] = byte;
        }
        let _ = super::responses().peek(&body, &gateway_protocol::Address::default());
        let _ = super::responses().read_request(&body, &gateway_protocol::Address::default(), &mut Default::default());
    }
}
