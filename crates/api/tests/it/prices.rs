use std::time::Duration;

use gateway_simulator::Script;
use serde_json::{Value, json};

use crate::gateway::TestGateway;
use crate::on_both_databases;

async fn price(gateway: &TestGateway, model: &str) -> Value {
    let prices = gateway.list(&gateway.admin, "/api/prices").await;
    prices
        .into_iter()
        .find(|price| price["model"] == model)
        .unwrap_or_default()
}

on_both_databases! {
    async fn an_operators_price_replaces_the_shipped_one_until_it_is_taken_back(gateway) {
        let shipped = price(&gateway, "claude-sonnet-4-5").await;
        assert_eq!((&shipped["source"], &shipped["provider"]), (&json!("shipped"), &json!("anthropic")));
        let put = |body: Value| gateway.put("/api/prices/claude-sonnet-4-5").bearer(&gateway.admin).json(&body);
        let rates = json!({"input": 1.25, "output": 2.000001, "cache_read": 0.1});
        let set = put(rates).send().await.expect(200).json();
        assert_eq!((&set["input"], &set["output"], &set["cache_read"]), (&json!(1.25), &json!(2.000001), &json!(0.1)));
        assert_eq!((&set["cache_write_5m"], &set["source"]), (&Value::Null, &json!("operator")));
        assert!(set["version"].as_str().unwrap().starts_with("operator/"));
        assert_eq!(price(&gateway, "claude-sonnet-4-5").await, set);
        gateway.clock.advance(Duration::from_secs(1));
        let again = put(json!({"input": 1, "output": 2})).send().await.expect(200).json();
        assert_ne!(again["version"], set["version"]);

        let delete = || gateway.delete("/api/prices/claude-sonnet-4-5").bearer(&gateway.admin);
        gateway.clock.advance(Duration::from_secs(1));
        delete().send().await.expect(204);
        assert_eq!(price(&gateway, "claude-sonnet-4-5").await, shipped);
        delete().send().await.expect(404);
    }

    async fn prices_that_are_none_are_refused(gateway) {
        let ann = gateway.member("ann").await;
        let path = "/api/prices/some-model";
        for (body, field) in [
            (json!({"input": 1}), "output"),
            (json!({"input": -1, "output": 1}), "input"),
            (json!({"input": "1", "output": 1}), "input"),
            (json!({"input": 1, "output": 0.0000001}), "output"),
            (json!({"input": 1, "output": 1, "cached": 1}), "cached"),
            (json!({"input": 1, "output": 10_000_000_000_u64}), "output"),
        ] {
            let reply = gateway.put(path).bearer(&gateway.admin).json(&body).send().await.expect(422);
            assert_eq!(reply.fields(), [field], "{body}");
        }
        gateway.put("/api/prices/*").bearer(&gateway.admin).json(&json!({"input": 1, "output": 1})).send().await.expect(400);
        gateway.put("/api/prices/a%20b").bearer(&gateway.admin).json(&json!({"input": 1, "output": 1})).send().await.expect(400);
        gateway.put(path).bearer(&ann.token).json(&json!({"input": 1, "output": 1})).send().await.expect(403);
        gateway.delete(path).bearer(&ann.token).send().await.expect(403);
        assert!(gateway.list(&ann.token, "/api/prices").await.len() > 10);
    }

    async fn a_price_may_have_tiers_and_a_price_for_searches_and_a_name_with_slashes(gateway) {
        let tier = |above: u64, input: f64| json!({
            "above_input_tokens": above, "input": input, "output": 2.0,
            "cache_read": null, "cache_write_5m": null, "cache_write_1h": null,
        });
        let body = json!({
            "input": 1, "output": 2, "tiers": [tier(1000, 3.0), tier(2000, 4.0)], "web_searches_per_1k_usd": 5,
        });
        let path = "/api/prices/vendor/model-1.5";
        let set = gateway.put(path).bearer(&gateway.admin).json(&body).send().await.expect(200).json();
        assert_eq!(set["tiers"], json!([tier(1000, 3.0), tier(2000, 4.0)]));
        assert_eq!(set["web_searches_per_1k_usd"], json!(5.0));
        assert_eq!(price(&gateway, "vendor/model-1.5").await, set);
        gateway.delete(path).bearer(&gateway.admin).send().await.expect(204);
    }

    async fn a_request_is_charged_at_the_price_in_force(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        let key = gateway.make_key(&gateway.admin, json!({})).await;
        let rates = json!({"input": 1_000_000, "output": 1_000_000});
        gateway.put("/api/prices/claude-sonnet-5-5").bearer(&gateway.admin).json(&rates).send().await.expect(200);
        let answer = gateway.message(key["key"].as_str().unwrap()).send().await.expect(200).json();
        gateway.settle().await;
        let request = gateway.list(&gateway.admin, "/api/usage/requests").await.remove(0);
        let tokens = answer["usage"]["input_tokens"].as_u64().unwrap() + answer["usage"]["output_tokens"].as_u64().unwrap();
        assert_eq!(request["cost_usd"].as_f64().unwrap(), tokens as f64);
    }

    async fn each_model_that_had_a_say_in_an_answer_is_charged_at_its_own_price(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        let key = gateway.make_key(&gateway.admin, json!({})).await;
        let answer = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-8", "content": [],
            "stop_reason": "end_turn",
            "usage": {
                "input_tokens": 1000, "output_tokens": 200,
                "iterations": [
                    {"type": "message", "model": "claude-sonnet-5-5", "input_tokens": 1000, "output_tokens": 10},
                    {"type": "fallback_message", "model": "claude-opus-4-8", "input_tokens": 1000, "output_tokens": 200},
                ],
            },
        });
        gateway.provider.next(Script::raw(200, "application/json", answer.to_string()));
        gateway.message(key["key"].as_str().unwrap()).send().await.expect(200);
        gateway.settle().await;
        let request = gateway.list(&gateway.admin, "/api/usage/requests").await.remove(0);
        assert_eq!((&request["input_tokens"], &request["output_tokens"]), (&json!(2000), &json!(210)));
        // Sonnet 5.5: 1000 at $2 and 10 at $10; Opus 4.8: 1000 at $5 and 200 at $25.
        assert_eq!(request["cost_usd"], json!(0.0021 + 0.01));
    }
}
