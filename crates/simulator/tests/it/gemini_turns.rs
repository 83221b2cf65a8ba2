//! The order of turns and the signatures of Gemini's dialect.

use gateway_simulator::Simulator;
use serde_json::{Value, json};

use crate::gemini_client::{NEW, OLD, generate, parts, tools, user};

fn model(parts: &Value) -> Value {
    json!({"role": "model", "parts": parts})
}

fn calls(names: &[&str]) -> Value {
    let calls: Vec<Value> = names
        .iter()
        .map(|name| json!({"functionCall": {"name": name, "args": {}}}))
        .collect();
    model(&json!(calls))
}

fn responses(names: &[&str]) -> Value {
    let responses: Vec<Value> = names
        .iter()
        .map(|name| json!({"functionResponse": {"name": name, "response": {"output": "ok"}}}))
        .collect();
    json!({"role": "user", "parts": responses})
}

fn body(contents: &[Value]) -> Value {
    json!({"contents": contents, "tools": tools(&["weather", "clock"])})
}

fn refusal(simulator: &Simulator, model: &str, contents: &[Value]) -> String {
    let answer = generate(simulator, model, &body(contents));
    assert_eq!(answer.status, 400, "{contents:?}: {}", answer.text());
    answer.error_message()
}

#[tokio::test]
async fn roles_are_the_user_s_and_the_model_s() {
    let simulator = Simulator::start().await;
    let system = json!({"role": "system", "parts": [{"text": "a"}]});
    let nobody = json!({"parts": [{"text": "a"}]});
    assert_eq!(
        generate(&simulator, OLD, &body(std::slice::from_ref(&nobody))).status,
        200
    );
    for contents in [vec![system], vec![nobody, model(&json!([{"text": "b"}]))]] {
        assert!(refusal(&simulator, OLD, &contents).contains("Please use a valid role: user, model."));
    }
    assert!(refusal(&simulator, OLD, &[model(&json!([{"text": "b"}]))]).contains("start with a user turn"));
}

#[tokio::test]
async fn calls_and_responses_take_turns() {
    let simulator = Simulator::start().await;
    let ask = user("weather?");
    let both = ["weather", "clock"];
    for contents in [
        vec![ask.clone(), calls(&both), responses(&both)],
        vec![ask.clone(), calls(&both), responses(&["clock", "weather"])],
        vec![
            ask.clone(),
            calls(&["clock"]),
            responses(&["clock"]),
            calls(&["weather"]),
            responses(&["weather"]),
        ],
        vec![user("a"), ask.clone(), model(&json!([{"text": "b"}])), user("c")],
        // As a client sends back what it has kept of a stream.
        vec![
            ask.clone(),
            model(&json!([{"text": "Let me "}])),
            model(&json!([{"text": "see."}])),
            calls(&["clock"]),
            calls(&["weather"]),
            responses(&["clock", "weather"]),
        ],
    ] {
        let answer = generate(&simulator, OLD, &body(&contents));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let text = model(&json!([{"text": "Let me see."}]));
    let cases: [(&[Value], &str); 8] = [
        (
            &[calls(&["clock"]), responses(&["clock"])],
            "function call turn comes immediately after a user turn",
        ),
        (
            &[ask.clone(), text, responses(&["clock"])],
            "function response turn comes immediately after a function call turn",
        ),
        (
            &[ask.clone(), calls(&both), responses(&["clock"])],
            "number of function response parts is equal to the number of function call parts",
        ),
        (
            &[
                ask.clone(),
                calls(&both),
                responses(&["weather"]),
                responses(&["clock"]),
            ],
            "number of function response parts",
        ),
        (
            &[ask.clone(), calls(&["clock"]), user("and?")],
            "number of function response parts",
        ),
        (
            &[ask.clone(), calls(&["clock"])],
            "number of function response parts",
        ),
        (
            &[ask.clone(), calls(&["clock"]), responses(&["toolu_1"])],
            "has no function call in the turn before",
        ),
        (
            &[ask, calls(&[""]), responses(&[""])],
            "function_call.name: Name cannot be empty.",
        ),
    ];
    for (contents, message) in cases {
        let refusal = refusal(&simulator, OLD, contents);
        assert!(refusal.contains(message), "{contents:?}: {refusal}");
    }
}

#[tokio::test]
async fn a_response_is_an_object_to_its_call() {
    let simulator = Simulator::start().await;
    let answered = |call: Value, response: Value| {
        let contents = [
            user("clock?"),
            model(&json!([{"functionCall": call}])),
            json!({"role": "user", "parts": [{"functionResponse": response}, {"text": "and now?"}]}),
        ];
        generate(&simulator, OLD, &body(&contents)).status
    };
    let call = json!({"id": "a1", "name": "clock", "args": {}});
    let response = json!({"name": "clock", "response": {"output": 1}});
    assert_eq!(answered(call.clone(), response.clone()), 200);
    assert_eq!(
        answered(call.clone(), json!({"id": "a1", "name": "clock", "response": {}})),
        200
    );
    assert_eq!(
        answered(call.clone(), json!({"id": "a2", "name": "clock", "response": {}})),
        400
    );
    assert_eq!(
        answered(call.clone(), json!({"name": "clock", "response": "one"})),
        400
    );
    assert_eq!(answered(call, json!({"name": "clock"})), 400);
}

#[tokio::test]
async fn after_the_responses_comes_text() {
    let simulator = Simulator::start().await;
    let contents = [user("clock?"), calls(&["clock"]), responses(&["clock"])];
    let answer = generate(&simulator, OLD, &body(&contents)).json();
    assert!(parts(&answer).iter().all(|part| part["text"].is_string()));
}

/// A turn of calls as a newer model makes it.
fn signed_calls(simulator: &Simulator, text: &str) -> Value {
    let answer = generate(simulator, NEW, &body(&[user(text)])).json();
    answer["candidates"][0]["content"].clone()
}

fn without_signature(turn: &Value) -> Value {
    let mut turn = turn.clone();
    for part in turn["parts"].as_array_mut().unwrap() {
        part.as_object_mut().unwrap().remove("thoughtSignature");
    }
    turn
}

fn sign_first_call(turn: &Value, signature: &str) -> Value {
    let mut turn = without_signature(turn);
    let parts = turn["parts"].as_array_mut().unwrap();
    let first = parts
        .iter_mut()
        .find(|part| part["functionCall"].is_object())
        .unwrap();
    first["thoughtSignature"] = json!(signature);
    turn
}

#[tokio::test]
async fn the_calls_of_the_current_turn_come_back_signed() {
    let simulator = Simulator::start().await;
    let turn = signed_calls(&simulator, "weather and clock");
    let results = responses(&["weather", "clock"]);
    let go_on = |turn: Value| {
        generate(
            &simulator,
            NEW,
            &body(&[user("weather and clock"), turn, results.clone()]),
        )
    };
    assert_eq!(go_on(turn.clone()).status, 200);

    let signature = turn["parts"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|part| part["thoughtSignature"].as_str())
        .unwrap();
    let for_urls = signature.replace('+', "-").replace('/', "_");
    assert_eq!(go_on(sign_first_call(&turn, &for_urls)).status, 200);
    for skip in [
        "skip_thought_signature_validator",
        "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",
    ] {
        assert_eq!(go_on(sign_first_call(&turn, skip)).status, 200, "{skip}");
    }
    let missing = go_on(without_signature(&turn));
    assert_eq!(missing.status, 400);
    assert!(
        missing
            .error_message()
            .starts_with("Function call is missing a thought_signature in functionCall parts.")
    );
    let invented = go_on(sign_first_call(&turn, "aW52ZW50ZWQ="));
    assert_eq!(
        (invented.status, invented.error_message().as_str()),
        (400, "Thought signature is not valid.")
    );
    let older = body(&[
        user("weather and clock"),
        without_signature(&turn),
        results.clone(),
    ]);
    assert_eq!(generate(&simulator, OLD, &older).status, 200);
}

#[tokio::test]
async fn one_signature_is_enough_for_a_step_that_was_streamed() {
    let simulator = Simulator::start().await;
    let turn = signed_calls(&simulator, "weather and clock");
    let chunks = turn["parts"].as_array().unwrap().iter();
    let mut contents = vec![user("weather and clock")];
    contents.extend(chunks.map(|part| model(&json!([part]))));
    contents.push(responses(&["weather", "clock"]));
    assert_eq!(generate(&simulator, NEW, &body(&contents)).status, 200);
}

#[tokio::test]
async fn every_step_of_the_current_turn_is_signed() {
    let simulator = Simulator::start().await;
    let first = signed_calls(&simulator, "weather");
    let second = signed_calls(&simulator, "clock");
    let two = |first: &Value, second: &Value| {
        let contents = [
            user("weather, then clock"),
            first.clone(),
            responses(&["weather"]),
            second.clone(),
            responses(&["clock"]),
        ];
        contents.to_vec()
    };
    assert_eq!(
        generate(&simulator, NEW, &body(&two(&first, &second))).status,
        200
    );
    for contents in [
        two(&without_signature(&first), &second),
        two(&first, &without_signature(&second)),
    ] {
        assert!(refusal(&simulator, NEW, &contents).contains("missing a thought_signature"));
    }
    let mut past = two(&without_signature(&first), &without_signature(&second));
    past.extend([model(&json!([{"text": "Done."}])), user("Thanks!")]);
    assert_eq!(generate(&simulator, NEW, &body(&past)).status, 200);
}
