//! What an answer says, and what it costs.

use gateway_simulator::{Reply, Script, Simulator};
use serde_json::{Value, json};

use crate::client::{Answer, Request, call, hello, streamed};

fn ask(simulator: &Simulator, body: &Value) -> Answer {
    let answer = call(simulator.address(), &Request::message(body));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

fn with_tools(prompt: &str) -> Value {
    let mut body = hello();
    body["messages"][0]["content"] = json!(prompt);
    body["tools"] = json!([
        {"name": "get_weather", "input_schema": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer"},
                "unit": {"enum": ["celsius", "kelvin"]},
                "tags": {"type": "array", "items": {"type": "boolean"}},
            },
        }},
        {"name": "get_time", "input_schema": {"type": "object"}},
    ]);
    body
}

fn kinds(message: &Value) -> Vec<&str> {
    let blocks = message["content"].as_array().unwrap();
    blocks
        .iter()
        .map(|block| block["type"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn tools_are_called_when_the_prompt_names_them() {
    let simulator = Simulator::start().await;
    let message = ask(&simulator, &with_tools("use get_weather and get_time")).json();
    assert_eq!(kinds(&message), ["text", "tool_use", "tool_use"]);
    assert_eq!(message["stop_reason"], "tool_use");
    let input = &message["content"][1]["input"];
    assert!(input["city"].is_string() && input["days"].is_i64() && input["tags"][0].is_boolean());
    assert_eq!(input["unit"], "celsius");
    assert_eq!(message["content"][2]["input"], json!({}));

    let message = ask(&simulator, &with_tools("say hello")).json();
    assert_eq!(kinds(&message), ["text"]);
}

#[tokio::test]
async fn a_tool_choice_is_obeyed() {
    let simulator = Simulator::start().await;
    let choose = |prompt: &str, choice: Value| {
        let mut body = with_tools(prompt);
        body["tool_choice"] = choice;
        let message = ask(&simulator, &body).json();
        let blocks = message["content"].as_array().unwrap().clone();
        blocks
            .into_iter()
            .filter(|block| block["type"] == "tool_use")
            .map(|block| block["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(choose("hello", json!({"type": "any"})), ["get_weather"]);
    assert_eq!(
        choose("hello", json!({"type": "tool", "name": "get_time"})),
        ["get_time"]
    );
    assert_eq!(choose("get_time", json!({"type": "none"})), [""; 0]);
    let single = json!({"type": "auto", "disable_parallel_tool_use": true});
    assert_eq!(choose("get_weather get_time", single), ["get_weather"]);
}

#[tokio::test]
async fn a_tool_s_input_comes_in_pieces_that_make_json() {
    let simulator = Simulator::start().await;
    let events = ask(&simulator, &streamed(with_tools("get_weather"))).events();
    let pieces: Vec<&str> = events
        .iter()
        .filter(|(_, data)| data["delta"]["type"] == "input_json_delta")
        .map(|(_, data)| data["delta"]["partial_json"].as_str().unwrap())
        .collect();
    assert_eq!(pieces[0], "");
    assert!(pieces.len() > 3);
    let input: Value = serde_json::from_str(&pieces.concat()).unwrap();
    assert!(input["city"].is_string());
}

#[tokio::test]
async fn the_model_goes_on_after_a_tool_s_result() {
    let simulator = Simulator::start().await;
    let mut body = with_tools("use get_weather");
    let message = ask(&simulator, &body).json();
    let id = &message["content"][1]["id"];
    body["messages"] = json!([
        {"role": "user", "content": "use get_weather"},
        {"role": "assistant", "content": message["content"]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "get_weather: rain"}]},
    ]);
    assert_eq!(ask(&simulator, &body).json()["stop_reason"], "end_turn");
}

#[tokio::test]
async fn thinking_is_signed_and_counted() {
    let simulator = Simulator::start().await;
    let mut body = hello();
    body["thinking"] = json!({"type": "adaptive"});
    let message = ask(&simulator, &body).json();
    assert_eq!(kinds(&message), ["thinking", "text"]);
    assert!(!message["content"][0]["thinking"].as_str().unwrap().is_empty());
    let thought = message["usage"]["output_tokens_details"]["thinking_tokens"]
        .as_u64()
        .unwrap();
    assert!(thought > 0 && thought < message["usage"]["output_tokens"].as_u64().unwrap());

    let events = ask(&simulator, &streamed(body.clone())).events();
    let deltas: Vec<&str> = events
        .iter()
        .filter(|(_, data)| data["index"] == 0)
        .filter_map(|(_, data)| data["delta"]["type"].as_str())
        .collect();
    let (last, before) = deltas.split_last().unwrap();
    assert_eq!(*last, "signature_delta");
    assert!(before.iter().all(|kind| *kind == "thinking_delta") && !before.is_empty());

    body["thinking"]["display"] = json!("omitted");
    let omitted = ask(&simulator, &body).json();
    assert_eq!(omitted["content"][0]["thinking"], "");
    assert_eq!(
        omitted["usage"]["output_tokens_details"]["thinking_tokens"],
        thought
    );
}

#[tokio::test]
async fn a_search_of_the_web_is_billed() {
    let simulator = Simulator::start().await;
    let mut body = hello();
    body["tools"] = json!([{"type": "web_search_20260318", "name": "web_search"}]);
    body["messages"][0]["content"] = json!("use web_search");
    for body in [body.clone(), streamed(body)] {
        let answer = ask(&simulator, &body);
        assert!(answer.text().contains("\"web_search_tool_result\""));
        assert!(answer.text().contains("\"web_search_requests\":1"));
    }
    assert_eq!(simulator.billed("sk-ant-test").web_searches, 2);
}

#[tokio::test]
async fn max_tokens_and_stop_sequences_cut_the_answer() {
    let simulator = Simulator::start().await;
    simulator.always(Script::text("One two three. STOP and on it goes for a while."));
    let mut body = hello();
    body["max_tokens"] = json!(3);
    let message = ask(&simulator, &body).json();
    assert_eq!(message["stop_reason"], "max_tokens");
    assert_eq!(message["content"][0]["text"], "One two thre");
    assert_eq!(message["usage"]["output_tokens"], 3);

    body["max_tokens"] = json!(100);
    body["stop_sequences"] = json!(["HALT", "STOP"]);
    let message = ask(&simulator, &body).json();
    assert_eq!(message["stop_reason"], "stop_sequence");
    assert_eq!(message["stop_sequence"], "STOP");
    assert_eq!(message["content"][0]["text"], "One two three. ");

    body["max_tokens"] = json!(0);
    let message = ask(&simulator, &body).json();
    assert_eq!(message["content"], json!([]));
    assert_eq!(message["usage"]["output_tokens"], 0);
}

#[tokio::test]
async fn a_script_says_what_the_answer_is_and_costs() {
    let simulator = Simulator::start().await;
    simulator.next(Script::reply(
        Reply::text("No.").stop_reason("refusal").output_tokens(777),
    ));
    let message = ask(&simulator, &hello()).json();
    assert_eq!(message["stop_reason"], "refusal");
    assert_eq!(message["usage"]["output_tokens"], 777);
    assert_eq!(simulator.billed("sk-ant-test").tokens.output, 777);
}

#[tokio::test]
async fn input_tokens_follow_the_length_of_the_prompt() {
    let simulator = Simulator::start().await;
    let mut body = hello();
    let tokens = |body: &Value| {
        ask(&simulator, body).json()["usage"]["input_tokens"]
            .as_u64()
            .unwrap()
    };
    let short = tokens(&body);
    body["messages"][0]["content"] = json!("word ".repeat(4_000));
    assert_eq!(tokens(&body), short + 5_000 - 4);
    let count = Request::post(
        "/v1/messages/count_tokens",
        &json!({"model": body["model"], "messages": body["messages"]}),
    );
    let counted = call(simulator.address(), &count).json();
    assert_eq!(counted, json!({"input_tokens": short + 5_000 - 4}));
}
