//! The list of models.

use gateway_simulator::Simulator;
use serde_json::{Value, json};

use crate::client::{Request, call};

fn list(simulator: &Simulator, query: &str) -> Value {
    let answer = call(simulator.address(), &Request::get(&format!("/v1/models{query}")));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn ids(page: &Value) -> Vec<&str> {
    let models = page["data"].as_array().unwrap();
    models.iter().map(|model| model["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_list_has_pages_both_ways() {
    let simulator = Simulator::builder()
        .models(["a", "b", "c", "d", "e"])
        .start()
        .await;
    let first = list(&simulator, "?limit=2");
    assert_eq!(ids(&first), ["a", "b"]);
    assert_eq!(
        (&first["has_more"], &first["first_id"], &first["last_id"]),
        (&json!(true), &json!("a"), &json!("b"))
    );
    let last = list(&simulator, "?limit=3&after_id=b");
    assert_eq!(
        (ids(&last), &last["has_more"]),
        (vec!["c", "d", "e"], &json!(false))
    );
    let before = list(&simulator, "?limit=2&before_id=d");
    assert_eq!(
        (ids(&before), &before["has_more"]),
        (vec!["b", "c"], &json!(true))
    );
    assert_eq!(ids(&list(&simulator, "")).len(), 5);
    for query in [
        "?limit=0",
        "?limit=1001",
        "?limit=x",
        "?after_id=z",
        "?after_id=a&before_id=b",
    ] {
        let answer = call(simulator.address(), &Request::get(&format!("/v1/models{query}")));
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_model_says_what_it_can_do() {
    let simulator = Simulator::start().await;
    let answer = call(simulator.address(), &Request::get("/v1/models/claude-sonnet-4-5"));
    let model = answer.json();
    assert_eq!(model["type"], "model");
    assert_eq!(model["lifecycle"], "deprecated");
    assert_eq!(model["max_input_tokens"], 200_000);
    assert_eq!(
        model["capabilities"]["thinking"]["types"]["adaptive"]["supported"],
        true
    );
    let missing = call(simulator.address(), &Request::get("/v1/models/gpt-4"));
    assert_eq!(
        (missing.status, missing.error_type().as_str()),
        (404, "not_found_error")
    );
}

#[tokio::test]
async fn the_list_can_be_of_one_stage_of_life() {
    let simulator = Simulator::start().await;
    let deprecated = list(&simulator, "?lifecycle=deprecated");
    assert_eq!(
        ids(&deprecated),
        ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929"]
    );
    assert!(!ids(&list(&simulator, "?lifecycle[]=active")).contains(&"claude-sonnet-4-5"));
}
