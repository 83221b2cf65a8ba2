use gateway_protocol::translation::{Part, Stop};

use crate::anthropic;

#[test]
fn a_whole_answer() {
    insta::assert_debug_snapshot!(
        anthropic()
            .read_reply(include_bytes!("../fixtures/answer.json"))
            .unwrap()
    );
}

#[test]
fn what_the_provider_did_by_itself_is_passed_over() {
    let reply = anthropic()
        .read_reply(
            br#"{"content":[
                {"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}},
                {"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]},
                {"type":"from_the_future","text":7},
                {"type":"text","text":""},
                {"type":"text","text":"Found.","citations":[{"type":"web_search_result_location"}]},
                {"type":"redacted_thinking","data":"Emw"}],
            "stop_reason":"end_turn"}"#,
        )
        .unwrap();
    insta::assert_debug_snapshot!(reply);
}

#[test]
fn every_stop_reason() {
    let stop = |reason: &str| {
        let body = format!(r#"{{"content":[],"stop_reason":{reason},"stop_sequence":"END"}}"#);
        anthropic().read_reply(body.as_bytes()).unwrap().stop
    };
    for (reason, expected) in [
        ("\"end_turn\"", Stop::EndTurn),
        ("\"max_tokens\"", Stop::MaxTokens),
        ("\"stop_sequence\"", Stop::StopSequence(Some("END".to_owned()))),
        ("\"tool_use\"", Stop::ToolUse),
        ("\"pause_turn\"", Stop::Pause),
        ("\"refusal\"", Stop::Refusal),
        ("\"model_context_window_exceeded\"", Stop::ContextWindow),
        ("\"from_the_future\"", Stop::EndTurn),
        ("null", Stop::EndTurn),
    ] {
        assert_eq!(stop(reason), expected, "{reason}");
    }
}

#[test]
fn why_it_refused_is_told() {
    let reply = anthropic()
        .read_reply(
            br#"{"content":[],"stop_reason":"refusal",
            "stop_details":{"type":"refusal","category":null,"explanation":"I will not."}}"#,
        )
        .unwrap();
    assert!(matches!(reply.parts.as_slice(), [Part::Text(text)] if text == "I will not."));
}

#[test]
fn what_is_no_answer_is_not_read() {
    for body in [
        "",
        "null",
        "{}",
        "<html>",
        r#"{"type":"error","error":{"type":"api_error","message":"x"}}"#,
        r#"{"content":[{}]}"#,
        r#"{"content":[{"type":"tool_use","id":"1","name":"f"}]}"#,
    ] {
        assert!(anthropic().read_reply(body.as_bytes()).is_err(), "{body}");
    }
}
