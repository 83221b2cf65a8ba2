//! Chat completions on the wire.

use std::sync::Arc;

use gateway_domain::{ManualClock, Timestamp};
use gateway_simulator::{Endpoint, Fault, Point, Reply, Script, Simulator};
use serde_json::{Value, json};

use crate::client::{End, call, streamed};
use crate::openai::{KEY, chat, chunks, city_schema, get, post, refusal, user, with_key, with_weather};

fn hello() -> Value {
    json!({"model": "gpt-4o", "messages": [user("Hello")]})
}

async fn simulator_at_a_fixed_time() -> Simulator {
    let clock = ManualClock::at(Timestamp::from_seconds(1_795_305_600));
    Simulator::builder().clock(Arc::new(clock)).start().await
}

#[tokio::test]
async fn a_completion_is_one_json_object() {
    let simulator = simulator_at_a_fixed_time().await;
    let answer = chat(&simulator, &hello());
    assert_eq!((answer.status, answer.end), (200, End::Whole));
    insta::assert_snapshot!(
        "chat_completion",
        String::from_utf8(answer.raw).unwrap().replace('\r', "")
    );
}

#[tokio::test]
async fn a_stream_is_one_chunk_after_another() {
    let simulator = simulator_at_a_fixed_time().await;
    let reply = Reply::new()
        .and_thinking("The user wants the weather.")
        .and_text("Let me look.")
        .and_tool_use("weather", json!({"city": "Zürich"}))
        .and_tool_use("clock", json!({}));
    simulator.next(Script::reply(reply));
    let mut body = streamed(with_weather("gpt-4o", "Hello"));
    body["stream_options"] = json!({"include_usage": true});
    insta::assert_snapshot!("chat_stream", chat(&simulator, &body).text());
}

#[tokio::test]
async fn usage_comes_with_a_stream_only_when_asked_for() {
    let simulator = Simulator::start().await;
    let (without, is_done) = chunks(&chat(&simulator, &streamed(hello())));
    assert!(is_done);
    assert!(without.iter().all(|chunk| chunk.get("usage").is_none()));
    assert!(without.iter().all(|chunk| chunk["choices"][0].is_object()));

    let mut body = streamed(hello());
    body["stream_options"] = json!({"include_usage": true});
    let (with, _) = chunks(&chat(&simulator, &body));
    let (last, others) = with.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert!(others.iter().all(|chunk| chunk["usage"].is_null()));
    assert_eq!(last["usage"], chat(&simulator, &hello()).json()["usage"]);
}

#[tokio::test]
async fn a_stream_adds_up_to_the_whole_completion() {
    let simulator = Simulator::start().await;
    simulator.always(Script::reply(
        Reply::text("Grüße, 世界, and more.").and_tool_use("weather", json!({"city": "Zürich"})),
    ));
    let body = with_weather("gpt-4o", "Hello");
    let whole = chat(&simulator, &body).json()["choices"][0].clone();
    let (pieces, _) = chunks(&chat(&simulator, &streamed(body)));
    let deltas = || pieces.iter().map(|chunk| &chunk["choices"][0]["delta"]);
    assert_eq!(deltas().next().unwrap()["role"], "assistant");
    let text: String = deltas().filter_map(|delta| delta["content"].as_str()).collect();
    assert_eq!(json!(text), whole["message"]["content"]);
    let calls = || deltas().filter_map(|delta| delta["tool_calls"].get(0));
    let first = calls().next().unwrap();
    assert_eq!(first["index"], 0);
    assert_eq!(first["function"], json!({"name": "weather", "arguments": ""}));
    assert!(calls().skip(1).all(|call| call.get("id").is_none()));
    let arguments: String = calls()
        .filter_map(|call| call["function"]["arguments"].as_str())
        .collect();
    assert_eq!(
        json!(arguments),
        whole["message"]["tool_calls"][0]["function"]["arguments"]
    );
    let finished: Vec<&Value> = pieces
        .iter()
        .map(|chunk| &chunk["choices"][0]["finish_reason"])
        .filter(|reason| !reason.is_null())
        .collect();
    assert_eq!(finished, [&whole["finish_reason"]]);
}

#[tokio::test]
async fn the_numbers_are_what_is_billed() {
    let simulator = Simulator::builder().shortest_cached_prompt(16).start().await;
    let mut body = json!({
        "model": "gpt-5.6-sol",
        "messages": [{"role": "developer", "content": "word ".repeat(64)}, user("Hello")],
    });
    for turn in 0..2 {
        let usage = chat(&simulator, &body).json()["usage"].clone();
        let billed = simulator.received().last().unwrap().billed.tokens;
        let details = &usage["prompt_tokens_details"];
        assert_eq!(usage["prompt_tokens"], billed.total_input());
        assert_eq!(details["cached_tokens"], billed.cache_read);
        assert_eq!(details["cache_write_tokens"], billed.cache_write_5m);
        assert_eq!(usage["completion_tokens"], billed.output);
        assert_eq!(
            usage["completion_tokens_details"]["reasoning_tokens"],
            billed.reasoning
        );
        assert_eq!(usage["total_tokens"], billed.total());
        assert!(billed.reasoning > 0 && billed.reasoning < billed.output);
        assert_eq!(
            (billed.cache_read > 0, billed.cache_write_5m > 0),
            (turn > 0, true)
        );
        body["messages"][1]["content"] = json!("Hello again, and at some more length");
    }
    assert_eq!(simulator.billed(KEY).messages, 2);
}

#[tokio::test]
async fn an_older_model_does_not_bill_what_it_writes_to_the_cache() {
    let simulator = Simulator::builder().shortest_cached_prompt(16).start().await;
    let body = json!({"model": "gpt-4o", "messages": [user(&"word ".repeat(64))]});
    let first = chat(&simulator, &body).json()["usage"].clone();
    assert_eq!(first["prompt_tokens_details"]["cached_tokens"], 0);
    assert_eq!(first["prompt_tokens_details"].get("cache_write_tokens"), None);
    let second = chat(&simulator, &body).json()["usage"].clone();
    assert_eq!(second["prompt_tokens"], first["prompt_tokens"]);
    assert!(second["prompt_tokens_details"]["cached_tokens"].as_u64() > Some(64));
    assert_eq!(simulator.billed(KEY).tokens.cache_write_5m, 0);
    let other = with_key(post("/v1/chat/completions", &body), "sk-proj-other");
    let other = call(simulator.address(), &other).json();
    assert_eq!(other["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
}

#[tokio::test]
async fn a_drawn_answer_fits_its_schema() {
    let simulator = Simulator::start().await;
    let mut body = hello();
    body["response_format"] = json!({
        "type": "json_schema",
        "json_schema": {"name": "place", "strict": true, "schema": city_schema()},
    });
    let text = |body: &Value| chat(&simulator, body).json()["choices"][0]["message"]["content"].clone();
    let place: Value = serde_json::from_str(text(&body).as_str().unwrap()).unwrap();
    assert!(place["city"].is_string());
    body["response_format"] = json!({"type": "json_object"});
    body["messages"] = json!([user("Say it in JSON")]);
    assert_eq!(text(&body), "{}");
}

#[tokio::test]
async fn an_answer_ends_for_a_reason() {
    let simulator = Simulator::start().await;
    let choice = |body: &Value| chat(&simulator, body).json()["choices"][0].clone();
    let mut body = hello();
    body["max_tokens"] = json!(5);
    let cut = choice(&body);
    assert_eq!(cut["finish_reason"], "length");
    assert_eq!(cut["message"]["content"].as_str().unwrap().len(), 20);
    let mut body = hello();
    body["stop"] = json!(["two", "three"]);
    simulator.next(Script::text("one two three"));
    let stopped = choice(&body);
    assert_eq!(
        (&stopped["finish_reason"], &stopped["message"]["content"]),
        (&json!("stop"), &json!("one "))
    );
    simulator.next(Script::reply(Reply::text("No.").stop_reason("refusal")));
    let refused = choice(&hello())["message"].clone();
    assert_eq!(
        (&refused["content"], &refused["refusal"]),
        (&Value::Null, &json!("No."))
    );
    simulator.next(Script::reply(Reply::text("N").stop_reason("content_filter")));
    assert_eq!(choice(&hello())["finish_reason"], "content_filter");
}

#[tokio::test]
async fn thinking_is_shown_when_a_script_has_some() {
    let simulator = Simulator::start().await;
    let mut body = hello();
    for model in ["compat-deepseek-chat", "gpt-5"] {
        body["model"] = json!(model);
        simulator.next(Script::reply(Reply::new().and_thinking("Hm.").and_text("Yes.")));
        let message = chat(&simulator, &body).json()["choices"][0]["message"].clone();
        assert_eq!(
            (&message["reasoning_content"], &message["content"]),
            (&json!("Hm."), &json!("Yes."))
        );
        let drawn = chat(&simulator, &body).json()["choices"][0]["message"].clone();
        assert_eq!(drawn.get("reasoning_content"), None);
    }
}

#[tokio::test]
async fn models_are_listed_and_shown() {
    let simulator = Simulator::start().await;
    let list = call(simulator.address(), &get("/v1/models")).json();
    assert_eq!(list["object"], "list");
    let models = list["data"].as_array().unwrap();
    assert!(
        models
            .iter()
            .any(|model| model["id"] == "gpt-4o" && model["object"] == "model")
    );
    let shown = call(simulator.address(), &get("/v1/models/gpt-4o")).json();
    assert_eq!(
        shown,
        json!({"id": "gpt-4o", "object": "model", "created": 1_715_367_049, "owned_by": "system"})
    );
    let (status, error) = refusal(&call(simulator.address(), &get("/v1/models/none")));
    assert_eq!((status, &error["code"]), (404, &json!("model_not_found")));

    let few = Simulator::builder().models(["gpt-4o", "mine"]).start().await;
    let list = call(few.address(), &get("/v1/models")).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    let mut body = hello();
    body["model"] = json!("compat-x");
    assert_eq!(chat(&few, &body).status, 404);
}

#[tokio::test]
async fn headers_tell_whose_account_it_is_and_what_is_left() {
    let simulator = simulator_at_a_fixed_time().await;
    let answer = chat(&simulator, &hello());
    let received = simulator.received();
    assert_eq!(
        answer.header("x-request-id"),
        Some(received[0].request_id.as_str())
    );
    assert_eq!(received[0].credential.as_deref(), Some(KEY));
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("3999"));
    assert_eq!(answer.header("x-ratelimit-reset-requests"), Some("1m0s"));
    assert!(answer.header("x-ratelimit-limit-tokens").is_some());
    for name in ["openai-organization", "openai-processing-ms", "openai-version"] {
        assert!(answer.header(name).is_some(), "{name}");
    }
    assert_eq!(answer.header("anthropic-ratelimit-requests-limit"), None);
}

#[tokio::test]
async fn limits_are_enforced_when_they_are_to_be() {
    let clock = ManualClock::at(Timestamp::from_seconds(1_795_305_630));
    let simulator = Simulator::builder()
        .clock(Arc::new(clock))
        .requests_per_minute(1)
        .start()
        .await;
    assert_eq!(chat(&simulator, &hello()).status, 200);
    let answer = chat(&simulator, &hello());
    let (status, error) = refusal(&answer);
    assert_eq!((status, &error["code"]), (429, &json!("rate_limit_exceeded")));
    assert_eq!(answer.header("retry-after"), Some("30"));
    assert_eq!(answer.header("x-ratelimit-reset-requests"), Some("30s"));
}

#[tokio::test]
async fn statuses_have_the_provider_s_words() {
    let simulator = Simulator::start().await;
    for (status, kind, code) in [
        (400, "invalid_request_error", Value::Null),
        (401, "invalid_request_error", json!("invalid_api_key")),
        (
            403,
            "request_forbidden",
            json!("unsupported_country_region_territory"),
        ),
        (404, "invalid_request_error", json!("model_not_found")),
        (429, "requests", json!("rate_limit_exceeded")),
        (500, "server_error", Value::Null),
        (503, "server_error", Value::Null),
    ] {
        simulator.next(Script::status(status));
        let (own, error) = refusal(&chat(&simulator, &streamed(hello())));
        assert_eq!(
            (own, &error["type"], &error["code"]),
            (status, &json!(kind), &code)
        );
    }
    simulator.next(Script::status(429).error_code("insufficient_quota"));
    let (_, error) = refusal(&chat(&simulator, &hello()));
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("insufficient_quota"), &json!("insufficient_quota"))
    );
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("You exceeded your current quota")
    );
    simulator.next(Script::status(500).message("Ouch").kind("odd_error"));
    let (_, error) = refusal(&chat(&simulator, &hello()));
    assert_eq!(
        (&error["message"], &error["type"]),
        (&json!("Ouch"), &json!("odd_error"))
    );
    simulator.next(Script::status(503).on(Endpoint::Models));
    assert_eq!(call(simulator.address(), &get("/v1/models")).status, 503);
    assert_eq!(simulator.billed(KEY).messages, 0);
}

#[tokio::test]
async fn faults_find_their_place_in_a_stream() {
    let simulator = Simulator::start().await;
    let with = |fault: Fault| {
        simulator.next(Script::text("Half of a sentence").fault(fault));
        chat(&simulator, &streamed(hello()))
    };
    let (pieces, is_done) = chunks(&with(Fault::ErrorEvent {
        after: 2,
        kind: "server_error".to_owned(),
    }));
    assert_eq!((pieces.len(), is_done), (3, false));
    assert_eq!(pieces[2]["error"]["type"], "server_error");
    let (pieces, is_done) = chunks(&with(Fault::EndAfter(2)));
    assert_eq!((pieces.len(), is_done), (2, false));
    let reset = with(Fault::Reset(Point::InEvent(1)));
    assert_eq!((reset.end, chunks(&reset).0.len()), (End::Reset, 1));
    let billed = simulator.received().last().unwrap().billed;
    assert_eq!((billed.messages, billed.tokens.output), (1, 1));
    simulator.next(Script::new().fault(Fault::ErrorEvent {
        after: 1,
        kind: "rate_limit_exceeded".to_owned(),
    }));
    assert_eq!(chat(&simulator, &hello()).status, 429);
}
