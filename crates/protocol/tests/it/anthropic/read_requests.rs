use gateway_protocol::Address;
use gateway_protocol::translation::{
    Dropped, Format, Origin, Part, Role, Thinking, ThinkingAmount, ToolChoice,
};

use super::{blocks, messages, read, request, write};
use crate::anthropic;

/// The parts of the one message with these blocks, and what was dropped.
#[track_caller]
fn parts(of: &str) -> (Vec<Part>, String) {
    let (mut conversation, dropped) = read(&blocks(of)).unwrap();
    assert_eq!(conversation.turns.len(), 1);
    (conversation.turns.remove(0).parts, dropped)
}

#[track_caller]
fn only_text(of: &str) -> String {
    match parts(of).0.as_slice() {
        [Part::Text(text)] => text.clone(),
        parts => panic!("{parts:?}"),
    }
}

#[test]
fn a_turn_of_a_coding_agent() {
    insta::assert_debug_snapshot!(read(include_str!("../fixtures/requests/coding_agent.json")).unwrap());
}

#[test]
fn every_kind_of_block() {
    insta::assert_debug_snapshot!(read(include_str!("../fixtures/requests/every_block.json")).unwrap());
}

#[test]
fn hints_are_named_and_nothing_is_left_out_silently() {
    let (_, dropped) = read(&request(
        r#""service_tier":"auto","speed":"fast","inference_geo":"us","context_management":{},
        "diagnostics":{},"betas":[],"cache_control":{"type":"ephemeral"},"from_the_future":1,
        "metadata":{"user_id":"u","team":"t"},"container":null,"mcp_servers":[],
        "system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],
        "tools":[{"name":"f","input_schema":{"type":"object"},"defer_loading":true,"input_examples":[],
            "eager_input_streaming":true,"allowed_callers":["direct"],"cache_control":{"type":"ephemeral"}}],
        "output_config":{"effort":"low","verbosity":1}"#,
    ))
    .unwrap();
    assert_eq!(
        dropped,
        "allowed_callers, betas, cache_control, context_management, defer_loading, diagnostics, \
         eager_input_streaming, from_the_future, inference_geo, input_examples, metadata.team, \
         output_config.verbosity, service_tier, speed"
    );
}

#[test]
fn text_documents_are_not_dropped() {
    assert_eq!(
        only_text(
            r#"{"type":"document","title":"Report","context":"Of 2026","source":
            {"type":"text","media_type":"text/plain","data":"It went well."}}"#
        ),
        "<document>\n<title>Report</title>\n<context>Of 2026</context>\nIt went well.\n</document>"
    );
    assert_eq!(
        only_text(r#"{"type":"document","source":{"type":"content","content":"It went well."}}"#),
        "<document>\nIt went well.\n</document>"
    );
    let (parts, dropped) = parts(
        r#"{"type":"document","title":"T","citations":{"enabled":true},"source":{"type":"content","content":[
            {"type":"text","text":"one"},
            {"type":"image","source":{"type":"url","url":"https://example.com/a.png"}},
            {"type":"text","text":"two"}]}}"#,
    );
    assert_eq!(dropped, "citations");
    let [Part::Text(before), Part::Media(_), Part::Text(after)] = parts.as_slice() else {
        panic!("{parts:?}");
    };
    assert_eq!(before, "<document>\n<title>T</title>\none\n");
    assert_eq!(after, "two\n</document>");
}

#[test]
fn a_search_result_is_text_with_its_source() {
    assert_eq!(
        only_text(
            r#"{"type":"search_result","title":"Rust","source":"https://rust-lang.org","content":
            [{"type":"text","text":"A language"},{"type":"text","text":"and more"}]}"#
        ),
        "<search_result>\n<title>Rust</title>\n<source>https://rust-lang.org</source>\nA language\nand more\n\
         </search_result>"
    );
}

#[test]
fn is_error_and_disable_parallel_tool_use_are_kept() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[
        {"role":"user","content":"x"},
        {"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{"a": 1e2}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","is_error":true,"content":"broken"}]}],
        "tools":[{"name":"f","input_schema":{"type":"object"}}],
        "tool_choice":{"type":"auto","disable_parallel_tool_use":true}}"#;
    let (conversation, dropped) = read(body).unwrap();
    assert_eq!(conversation.parallel_tool_calls, Some(false));
    let [Part::ToolResult(result)] = conversation.turns[2].parts.as_slice() else {
        panic!("{:?}", conversation.turns);
    };
    assert!(result.is_error);
    let [Part::ToolCall(call)] = conversation.turns[1].parts.as_slice() else {
        panic!("{:?}", conversation.turns);
    };
    assert_eq!(
        call.arguments.get(),
        r#"{"a": 1e2}"#,
        "not even a number's spelling changes"
    );
    assert_eq!(dropped, "");
}

#[test]
fn signatures_of_others_are_known_again() {
    let body = messages(
        r#"[{"role":"user","content":"x"},{"role":"assistant","content":[
            {"type":"thinking","thinking":"a","signature":"EqQB"},
            {"type":"thinking","thinking":"b","signature":"gemini:Cg=="},
            {"type":"thinking","thinking":"c","signature":""},
            {"type":"thinking","thinking":"d","signature":"unsigned:"},
            {"type":"redacted_thinking","data":"Emw"},
            {"type":"redacted_thinking","data":"openai:gAAA"},
            {"type":"text","text":"y"}]}]"#,
    );
    let (conversation, _) = read(&body).unwrap();
    let found: Vec<_> = conversation.turns[1]
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Thinking(thought) => Some((
                thought.is_redacted,
                thought
                    .signature
                    .as_ref()
                    .map(|signature| (signature.origin, signature.value.as_str())),
            )),
            _ => None,
        })
        .collect();
    assert_eq!(
        found,
        [
            (false, Some((Origin::Anthropic, "EqQB"))),
            (false, Some((Origin::Gemini, "Cg=="))),
            (false, None),
            (false, None),
            (true, Some((Origin::AnthropicRedacted, "Emw"))),
            (true, Some((Origin::OpenAi, "gAAA"))),
        ]
    );
}

#[test]
fn the_system_speaks_first_and_in_between() {
    let body = r#"{"model":"m","max_tokens":9,"system":"One.","messages":[
        {"role":"system","content":"Two."},
        {"role":"user","content":"x"},
        {"role":"system","content":[{"type":"text","text":"Three."}]}]}"#;
    let (conversation, _) = read(body).unwrap();
    assert_eq!(conversation.system, ["One.", "Two."]);
    let roles: Vec<_> = conversation.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::User, Role::System]);
}

#[test]
fn what_anthropic_itself_hides_from_the_model_is_hidden_from_others() {
    let (conversation, dropped) = read(&request(
        r#""system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1"},
        {"type":"text","text":"You are Claude Code."}]"#,
    ))
    .unwrap();
    assert_eq!(conversation.system, ["You are Claude Code."]);
    assert_eq!(dropped, "x-anthropic-billing-header");
}

#[test]
fn thinking_by_every_word_for_it() {
    let cases = [
        (
            r#""thinking":{"type":"enabled","budget_tokens":1024}"#,
            Some((ThinkingAmount::Tokens(1024), true)),
            "",
        ),
        (
            r#""thinking":{"type":"enabled","budget_tokens":1024,"display":"omitted"}"#,
            Some((ThinkingAmount::Tokens(1024), false)),
            "",
        ),
        (
            r#""thinking":{"type":"disabled"}"#,
            Some((ThinkingAmount::Off, false)),
            "",
        ),
        (
            r#""thinking":{"type":"adaptive"}"#,
            Some((ThinkingAmount::Free, true)),
            "",
        ),
        (
            r#""thinking":{"type":"between_tools","display":"summarized"}"#,
            Some((ThinkingAmount::Free, true)),
            "thinking.between_tools",
        ),
        (
            r#""thinking":{"type":"disabled"},"output_config":{"effort":"max"}"#,
            Some((ThinkingAmount::Off, false)),
            "output_config.effort",
        ),
        ("", None, ""),
    ];
    for (fields, expected, left_out) in cases {
        let (conversation, dropped) = read(&request(fields)).unwrap();
        let expected = expected.map(|(amount, is_shown)| Thinking { amount, is_shown });
        assert_eq!(conversation.thinking, expected, "{fields}");
        assert_eq!(dropped, left_out, "{fields}");
    }
}

#[test]
fn an_effort_counts_with_and_without_thinking() {
    for word in ["low", "medium", "high", "xhigh", "max"] {
        let expected = ThinkingAmount::Effort(word.parse().unwrap());
        let effort = format!(r#""output_config":{{"effort":"{word}"}}"#);
        let (conversation, _) = read(&request(&effort)).unwrap();
        let thinking = conversation.thinking.unwrap();
        assert_eq!((thinking.amount, thinking.is_shown), (expected, false));

        let adaptive = format!(r#"{effort},"thinking":{{"type":"adaptive"}}"#);
        let (conversation, _) = read(&request(&adaptive)).unwrap();
        let thinking = conversation.thinking.unwrap();
        assert_eq!((thinking.amount, thinking.is_shown), (expected, true));
    }
}

#[test]
fn tool_choices() {
    let required = |names: &[&str]| ToolChoice::Required {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    let cases = [
        (r#"{"type":"auto"}"#, Some(ToolChoice::Auto), None),
        (r#"{"type":"none"}"#, Some(ToolChoice::None), None),
        (
            r#"{"type":"any","disable_parallel_tool_use":false}"#,
            Some(required(&[])),
            Some(true),
        ),
        (
            r#"{"type":"tool","name":"f","disable_parallel_tool_use":true}"#,
            Some(required(&["f"])),
            Some(false),
        ),
    ];
    for (choice, expected, parallel) in cases {
        let fields =
            format!(r#""tool_choice":{choice},"tools":[{{"name":"f","input_schema":{{"type":"object"}}}}]"#);
        let (conversation, _) = read(&request(&fields)).unwrap();
        assert_eq!(conversation.tool_choice, expected, "{choice}");
        assert_eq!(conversation.parallel_tool_calls, parallel, "{choice}");
    }
}

#[test]
fn a_format_by_its_old_and_its_new_name() {
    for fields in [
        r#""output_config":{"format":{"type":"json_schema","schema":{"type": "object"}}}"#,
        r#""output_format":{"type":"json_schema","schema":{"type": "object"}}"#,
    ] {
        let (conversation, dropped) = read(&request(fields)).unwrap();
        let Format::Schema { schema, .. } = conversation.format else {
            panic!("{fields}");
        };
        assert_eq!(schema.get(), r#"{"type": "object"}"#);
        assert_eq!(dropped, "");
    }
}

#[test]
fn the_last_message_may_be_an_empty_one_of_the_assistant() {
    let body = messages(r#"[{"role":"user","content":"x"},{"role":"assistant","content":""}]"#);
    let (conversation, _) = read(&body).unwrap();
    assert_eq!(conversation.turns.len(), 1);
}

#[test]
fn a_count_needs_no_limit_of_tokens() {
    let body = br#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#;
    let mut dropped = Dropped::default();
    let conversation = anthropic()
        .read_count_request(body, &Address::default(), &mut dropped)
        .unwrap();
    assert_eq!(conversation.max_tokens, None);
    assert_eq!(conversation.turns.len(), 1);
}

#[test]
fn a_hundred_thousand_messages_are_read_and_written() {
    let turn = r#"{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"text","text":"y"}]}"#;
    let all = vec![turn; 50_000].join(",");
    let (conversation, _) = read(&messages(&format!("[{all}]"))).unwrap();
    assert_eq!(conversation.turns.len(), 100_000);
    let body = write(&conversation).unwrap().body;
    assert_eq!(body["messages"].as_array().unwrap().len(), 100_000);
}

#[test]
fn long_lists_of_anything_else_are_read_and_written() {
    let tools: Vec<_> = (0..20_000)
        .map(|at| format!(r#"{{"name":"f{at}","input_schema":{{"type":"object"}}}}"#))
        .collect();
    let calls: Vec<_> = (0..20_000)
        .map(|at| format!(r#"{{"type":"tool_use","id":"t{at}","name":"f.{at}","input":{{}}}}"#))
        .collect();
    let unknown: Vec<_> = (0..20_000).map(|at| format!(r#""x{at}":1"#)).collect();
    let body = format!(
        r#"{{"model":"m","max_tokens":9,"tools":[{}],{},"messages":[
            {{"role":"user","content":"x"}},{{"role":"assistant","content":[{}]}}]}}"#,
        tools.join(","),
        unknown.join(","),
        calls.join(",")
    );
    let (conversation, _) = read(&body).unwrap();
    let body = write(&conversation).unwrap().body;
    assert_eq!(body["tools"].as_array().unwrap().len(), 20_000);
    assert_eq!(body["messages"][1]["content"].as_array().unwrap().len(), 20_000);
}
