//! Responses on the wire.

use std::sync::Arc;

use gateway_domain::{ManualClock, Timestamp};
use gateway_simulator::{Endpoint, Fault, Reply, Script, Simulator};
use serde_json::{Value, json};

use crate::client::{Answer, call, streamed};
use crate::openai::{KEY, city_schema, post, respond};

fn hello() -> Value {
    json!({"model": "gpt-4o", "input": "Hello"})
}

fn with_tools(model: &str, input: impl Into<Value>) -> Value {
    json!({
        "model": model,
        "input": input.into(),
        "tools": [
            {"type": "function", "name": "weather", "parameters": city_schema(), "strict": true},
            {"type": "custom", "name": "patch"},
        ],
    })
}

fn names(answer: &Answer) -> Vec<String> {
    let events = answer.events();
    for (number, (name, data)) in events.iter().enumerate() {
        assert_eq!(
            (&data["type"], &data["sequence_number"]),
            (&json!(name), &json!(number))
        );
    }
    let mut names: Vec<String> = events.into_iter().map(|(name, _)| name).collect();
    names.dedup();
    names.iter().map(|name| name.replace("response.", "")).collect()
}

fn kinds(response: &Value) -> Vec<&str> {
    let items = response["output"].as_array().unwrap();
    items.iter().map(|item| item["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_response_is_one_json_object() {
    let clock = ManualClock::at(Timestamp::from_seconds(1_795_305_600));
    let simulator = Simulator::builder().clock(Arc::new(clock)).start().await;
    let reply = Reply::new()
        .and_thinking("The user wants the weather.")
        .and_text("Let me look.")
        .and_tool_use("weather", json!({"city": "Zürich"}))
        .and_tool_use("patch", json!("*** Begin"));
    simulator.next(Script::reply(reply.clone()));
    let mut body = with_tools("gpt-5", "Hello");
    body["reasoning"] = json!({"effort": "low", "summary": "auto"});
    body["include"] = json!(["reasoning.encrypted_content"]);
    insta::assert_json_snapshot!("response", respond(&simulator, &body).json());
    simulator.next(Script::reply(reply));
    insta::assert_snapshot!("response_stream", respond(&simulator, &streamed(body)).text());
}

#[tokio::test]
async fn events_come_in_the_provider_s_order() {
    let simulator = Simulator::start().await;
    let text = [
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
    ];
    let expected: Vec<&str> = [
        &["created", "in_progress"][..],
        &["output_item.added", "output_item.done"],
        &text,
        &["content_part.done", "output_item.done", "completed"],
    ]
    .concat();
    let body = json!({"model": "gpt-5", "input": "Hello"});
    assert_eq!(names(&respond(&simulator, &streamed(body))), expected);

    let body = with_tools("gpt-4o", "weather and patch");
    let expected: Vec<&str> = [
        &["created", "in_progress"][..],
        &text,
        &["content_part.done", "output_item.done"],
        &[
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
        ],
        &["output_item.done", "output_item.added"],
        &[
            "custom_tool_call_input.delta",
            "custom_tool_call_input.done",
            "output_item.done",
        ],
        &["completed"],
    ]
    .concat();
    assert_eq!(names(&respond(&simulator, &streamed(body))), expected);
}

#[tokio::test]
async fn a_stream_ends_with_the_whole_response() {
    let simulator = Simulator::start().await;
    let reply = Reply::new()
        .and_thinking("Hm.")
        .and_text("Let me look.")
        .and_tool_use("weather", json!({"city": "Zürich"}));
    simulator.always(Script::reply(reply));
    let body = with_tools("gpt-5", "Hello");
    let whole = respond(&simulator, &body).json();
    let events = respond(&simulator, &streamed(body)).events();
    let last = &events.last().unwrap().1["response"];
    assert_eq!(kinds(last), kinds(&whole));
    assert_eq!(last["usage"], whole["usage"]);
    assert_eq!(last["output"][2]["arguments"], whole["output"][2]["arguments"]);
    let pieces: String = events
        .iter()
        .filter(|(name, _)| name == "response.function_call_arguments.delta")
        .map(|(_, data)| data["delta"].as_str().unwrap())
        .collect();
    assert_eq!(json!(pieces), whole["output"][2]["arguments"]);
    let before = &events[..events.len() - 1];
    assert!(before.iter().all(|(_, data)| data["response"]["usage"].is_null()));
}

#[tokio::test]
async fn the_numbers_are_what_is_billed() {
    let simulator = Simulator::builder().shortest_cached_prompt(16).start().await;
    let body = json!({"model": "gpt-6.1-sol", "instructions": "word ".repeat(64), "input": "Hello"});
    for turn in 0..2 {
        let usage = respond(&simulator, &body).json()["usage"].clone();
        let billed = simulator.received().last().unwrap().billed.tokens;
        let details = &usage["input_tokens_details"];
        assert_eq!(usage["input_tokens"], billed.total_input());
        assert_eq!(details["cached_tokens"], billed.cache_read);
        assert_eq!(details["cache_write_tokens"], billed.cache_write_5m);
        assert_eq!(usage["output_tokens"], billed.output);
        assert_eq!(
            usage["output_tokens_details"]["reasoning_tokens"],
            billed.reasoning
        );
        assert_eq!(usage["total_tokens"], billed.total());
        assert_eq!(
            (billed.cache_read > 0, billed.cache_write_5m > 0),
            (turn == 1, turn == 0)
        );
    }
    assert_eq!(simulator.billed(KEY).messages, 2);
}

#[tokio::test]
async fn input_is_counted_as_it_is_billed() {
    let simulator = Simulator::start().await;
    let body = with_tools("gpt-4o", "How long is this?");
    let counted = call(simulator.address(), &post("/v1/responses/input_tokens", &body)).json();
    assert_eq!(counted["object"], "response.input_tokens");
    assert_eq!(
        counted["input_tokens"],
        respond(&simulator, &body).json()["usage"]["input_tokens"]
    );
    simulator.next(Script::status(500).on(Endpoint::CountTokens));
    assert_eq!(
        call(simulator.address(), &post("/v1/responses/input_tokens", &body)).status,
        500
    );
}

#[tokio::test]
async fn a_conversation_goes_on_with_its_items() {
    let simulator = Simulator::start().await;
    let mut body = with_tools(
        "gpt-5.6-sol",
        json!([{"role": "user", "content": "weather and patch"}]),
    );
    body["store"] = json!(false);
    body["include"] = json!(["reasoning.encrypted_content"]);
    let first = respond(&simulator, &body).json();
    assert_eq!(
        kinds(&first),
        ["reasoning", "message", "function_call", "custom_tool_call"]
    );
    let input = body["input"].as_array_mut().unwrap();
    for item in first["output"].as_array().unwrap() {
        input.push(item.clone());
    }
    for (call, kind) in [(2, "function_call_output"), (3, "custom_tool_call_output")] {
        input.push(json!({"type": kind, "call_id": first["output"][call]["call_id"], "output": "ok"}));
    }
    let second = respond(&simulator, &body).json();
    assert_eq!(kinds(&second), ["reasoning", "message"], "{second}");
}

#[tokio::test]
async fn the_provider_keeps_a_conversation_for_its_account() {
    let simulator = Simulator::start().await;
    let first = respond(&simulator, &with_tools("gpt-5", "weather")).json();
    let output = json!([{
        "type": "function_call_output", "call_id": first["output"][2]["call_id"], "output": "Sunny",
    }]);
    let mut body = with_tools("gpt-5", output);
    body["previous_response_id"] = first["id"].clone();
    let second = respond(&simulator, &body).json();
    assert_eq!(kinds(&second), ["reasoning", "message"], "{second}");
    assert_eq!(second["previous_response_id"], first["id"]);
    let grown = second["usage"]["input_tokens"].as_u64() > first["usage"]["input_tokens"].as_u64();
    assert!(grown);

    let other = post("/v1/responses", &body).with("Authorization", "Bearer sk-proj-other");
    let refused = call(simulator.address(), &other).json()["error"].clone();
    assert_eq!(refused["code"], "previous_response_not_found");

    let mut unkept = hello();
    unkept["store"] = json!(false);
    body["previous_response_id"] = respond(&simulator, &unkept).json()["id"].clone();
    assert_eq!(respond(&simulator, &body).status, 400);
}

#[tokio::test]
async fn reasoning_may_come_back_by_its_id_where_it_was_kept() {
    let simulator = Simulator::start().await;
    let mut body = json!({"model": "gpt-5", "input": "Hello"});
    let kept = respond(&simulator, &body).json()["output"].clone();
    let mut input = vec![json!({"role": "user", "content": "Hello"})];
    input.extend(kept.as_array().unwrap().iter().cloned());
    input.push(json!({"role": "user", "content": "And?"}));
    body["input"] = json!(input);
    assert_eq!(respond(&simulator, &body).status, 200);
    body["input"][1]["id"] = json!("rs_unknown");
    let answer = respond(&simulator, &body);
    assert_eq!(answer.status, 404);
    assert!(
        answer
            .error_message()
            .starts_with("Item with id 'rs_unknown' not found.")
    );
}

#[tokio::test]
async fn a_response_ends_for_a_reason_and_with_its_usage() {
    let simulator = Simulator::start().await;
    let mut body = hello();
    body["max_output_tokens"] = json!(16);
    for (script, name, reason) in [
        (Script::new(), "incomplete", json!("max_output_tokens")),
        (
            Script::reply(Reply::text("N").stop_reason("content_filter")),
            "incomplete",
            json!("content_filter"),
        ),
        (
            Script::reply(Reply::text("N").stop_reason("failed")),
            "failed",
            Value::Null,
        ),
    ] {
        simulator.next(script);
        let events = respond(&simulator, &streamed(body.clone())).events();
        let (last, data) = events.last().unwrap();
        assert_eq!(last, &format!("response.{name}"));
        let response = &data["response"];
        assert_eq!(
            (&response["status"], &response["incomplete_details"]["reason"]),
            (&json!(name), &reason)
        );
        assert!(response["usage"]["output_tokens"].as_u64() > Some(0));
        assert_eq!(response["error"].is_null(), name != "failed");
    }
    simulator.next(Script::reply(Reply::text("No.").stop_reason("refusal")));
    let part = respond(&simulator, &hello()).json()["output"][0]["content"][0].clone();
    assert_eq!(part, json!({"type": "refusal", "refusal": "No."}));
}

#[tokio::test]
async fn a_drawn_answer_fits_its_schema() {
    let simulator = Simulator::start().await;
    let mut body = hello();
    body["text"] =
        json!({"format": {"type": "json_schema", "name": "place", "strict": true, "schema": city_schema()}});
    let answer = respond(&simulator, &body).json();
    let text = answer["output"][0]["content"][0]["text"].as_str().unwrap();
    let place: Value = serde_json::from_str(text).unwrap();
    assert!(place["city"].is_string());
    assert_eq!(answer["text"]["format"]["name"], "place");
}

#[tokio::test]
async fn a_search_of_the_web_is_an_item() {
    let simulator = Simulator::start().await;
    let body = json!({"model": "gpt-5", "input": "Use web_search", "tools": [{"type": "web_search"}]});
    let answer = respond(&simulator, &streamed(body));
    let names = names(&answer);
    let at = names
        .iter()
        .position(|name| name == "web_search_call.in_progress")
        .unwrap();
    assert_eq!(
        names[at + 1..at + 4],
        [
            "web_search_call.searching",
            "web_search_call.completed",
            "output_item.done"
        ]
    );
    assert_eq!(simulator.billed(KEY).web_searches, 1);
}

#[tokio::test]
async fn faults_find_their_place_in_a_stream() {
    let simulator = Simulator::start().await;
    simulator.next(Script::new().fault(Fault::ErrorEvent {
        after: 5,
        kind: "server_error".to_owned(),
    }));
    let events = respond(&simulator, &streamed(hello())).events();
    let (name, data) = events.last().unwrap();
    assert_eq!((name.as_str(), events.len()), ("error", 6));
    assert_eq!(
        (&data["error"]["type"], &data["sequence_number"]),
        (&json!("server_error"), &json!(5))
    );
    assert_eq!(simulator.billed(KEY).tokens.output, 4);
    simulator.next(Script::new().fault(Fault::EndAfter(3)));
    assert_eq!(names(&respond(&simulator, &streamed(hello()))).len(), 3);
}
