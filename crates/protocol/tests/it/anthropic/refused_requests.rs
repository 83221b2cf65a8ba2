use super::{blocks, messages, read, request};

/// The sentence with which the request is refused.
#[track_caller]
fn refusal(body: &str) -> String {
    match read(body) {
        Err(sentence) => sentence,
        Ok(said) => panic!("{said:?}"),
    }
}

#[test]
fn what_is_anthropics_alone_is_refused_by_name() {
    let bodies = [
        request(r#""container":"container_1""#),
        request(r#""thread":{"id":"thread_1"}"#),
        request(r#""mcp_servers":[{"url":"https://example.com"}]"#),
        request(r#""fallbacks":[{"model":"x"}]"#),
        request(r#""compaction":{}"#),
        request(r#""tools":[{"type":"web_search_20260318","name":"web_search"}]"#),
        request(
            r#""tools":[{"name":"f","input_schema":{"type":"object"}},{"type":"bash_20250124","name":"bash"}]"#,
        ),
        blocks(r#"{"type":"image","source":{"type":"file","file_id":"file_1"}}"#),
        blocks(r#"{"type":"document","source":{"type":"file","file_id":"file_1"}}"#),
        blocks(r#"{"type":"container_upload","file_id":"file_1"}"#),
        blocks(r#"{"type":"from_the_future","text":{"a":1}}"#),
        messages(
            r#"[{"role":"user","content":"x"},{"role":"assistant","content":
            [{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}]}]"#,
        ),
        messages(
            r#"[{"role":"user","content":"x"},{"role":"assistant","content":
            [{"type":"text","text":"y"},{"type":"web_search_tool_result","tool_use_id":"s","content":[]}]}]"#,
        ),
        messages(
            r#"[{"role":"user","content":"x"},{"role":"assistant","content":
            [{"type":"mcp_tool_use","id":"m","name":"n","input":{},"server_name":"s"}]}]"#,
        ),
        messages(
            r#"[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"tool_reference"}]}]}]"#,
        ),
        r#"{"model":"m","max_tokens":0,"messages":[{"role":"user","content":"x"}]}"#.to_owned(),
    ];
    let all = bodies.map(|body| refusal(&body));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_breaks_anthropics_rules_is_refused_in_its_words() {
    let tool = r#""tools":[{"name":"f","input_schema":{"type":"object"}}]"#;
    let bodies = [
        "[]".to_owned(),
        r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#.to_owned(),
        r#"{"max_tokens":1,"messages":[{"role":"user","content":"x"}]}"#.to_owned(),
        r#"{"model":"m","max_tokens":1}"#.to_owned(),
        r#"{"model":"m","max_tokens":-1,"messages":[]}"#.to_owned(),
        messages("[]"),
        messages("{}"),
        messages(r#"["Hello"]"#),
        messages(r#"[{"role":"tool","content":"x"}]"#),
        messages(r#"[{"role":"user"}]"#),
        messages(r#"[{"role":"user","content":7}]"#),
        messages(r#"[{"role":"user","content":"x","content":"y"}]"#),
        messages(r#"[{"role":"assistant","content":"x"}]"#),
        messages(r#"[{"role":"assistant","content":""}]"#),
        messages(r#"[{"role":"user","content":"x"},{"role":"user","content":[]}]"#),
        messages(
            r#"[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_result","tool_use_id":"t"}]}]"#,
        ),
        messages(
            r#"[{"role":"user","content":"x"},{"role":"system","content":[{"type":"image","source":{}}]}]"#,
        ),
        messages(
            r#"[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":"{}"}]}]"#,
        ),
        blocks(r#"{"text":"x"}"#),
        blocks(r#"{"type":"text"}"#),
        blocks(r#"{"type":"text","text":""}"#),
        blocks(r#"{"type":"text","text":null}"#),
        blocks(r#"{"type":"text","text":"\ud83d"}"#),
        blocks(r#"{"type":"thinking","thinking":"x","signature":"y"}"#),
        blocks(r#"{"type":"image"}"#),
        request(r#""stream":"yes""#),
        request(r#""system":7"#),
        request(r#""system":[{"type":"image"}]"#),
        request(r#""temperature":"hot""#),
        request(r#""stop_sequences":[7]"#),
        request(r#""thinking":{"type":"enabled"}"#),
        request(r#""thinking":{"type":"much"}"#),
        request(r#""output_config":{"effort":"minimal"}"#),
        request(r#""output_config":{"format":{"type":"text"}}"#),
        request(r#""tools":[{"name":"f"}]"#),
        request(r#""tools":[{"name":"","input_schema":{}}]"#),
        request(r#""tools":[{"name":"f","input_schema":{}},{"name":"f","input_schema":{}}]"#),
        request(r#""tool_choice":{"type":"any"}"#),
        request(&format!(r#"{tool},"tool_choice":{{"type":"tool","name":"g"}}"#)),
        request(&format!(r#"{tool},"tool_choice":{{"type":"required"}}"#)),
    ];
    let all = bodies.map(|body| refusal(&body));
    insta::assert_snapshot!(all.join("\n"));
}
