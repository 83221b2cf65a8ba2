use std::time::Duration;

use gateway_domain::Role;
use serde_json::{Value, json};

use crate::gateway::TestGateway;
use crate::on_both_databases;

fn path(account: &Value, model: &str) -> String {
    format!(
        "/api/upstream-accounts/{}/prices/{model}",
        account["id"].as_str().unwrap()
    )
}

fn list(account: &Value) -> String {
    format!(
        "/api/upstream-accounts/{}/prices",
        account["id"].as_str().unwrap()
    )
}

/// The latest attempt that was made.
async fn attempt(gateway: &TestGateway, key: &Value) -> Value {
    gateway.clock.advance(Duration::from_secs(1));
    gateway
        .message(key["key"].as_str().unwrap())
        .send()
        .await
        .expect(200);
    gateway.settle().await;
    let request = gateway
        .list(&gateway.admin, "/api/usage/requests")
        .await
        .remove(0);
    let detail = format!("/api/usage/requests/{}", request["id"].as_str().unwrap());
    let detail = gateway
        .get(&detail)
        .bearer(&gateway.admin)
        .send()
        .await
        .expect(200)
        .json();
    detail["attempts"][0].clone()
}

fn tokens(attempt: &Value) -> f64 {
    attempt["input_tokens"].as_f64().unwrap() + attempt["output_tokens"].as_f64().unwrap()
}

on_both_databases! {
    async fn each_account_is_charged_at_its_own_price(gateway) {
        let dear = gateway.make_account(&gateway.admin, json!({"name": "dear"})).await;
        let plain = gateway.make_account(&gateway.admin, json!({"name": "plain"})).await;
        let key_of = async |account: &Value| {
            gateway.make_key(&gateway.admin, json!({"allowed_accounts": [account["id"]]})).await
        };
        let (dear_key, plain_key) = (key_of(&dear).await, key_of(&plain).await);
        let before = attempt(&gateway, &dear_key).await;
        let listed = before["cost_usd"].as_f64().unwrap();

        let rates = json!({"input": 1_000_000, "output": 1_000_000});
        let set = gateway.put(&path(&dear, "claude-sonnet-5-5")).bearer(&gateway.admin).json(&rates).send().await.expect(200).json();
        let charged = attempt(&gateway, &dear_key).await;
        assert_eq!(charged["account_id"], dear["id"]);
        assert_eq!(charged["price_version"], set["version"]);
        assert_eq!(charged["cost_usd"].as_f64().unwrap(), tokens(&charged));
        let other = attempt(&gateway, &plain_key).await;
        assert_eq!((&other["account_id"], &other["cost_usd"]), (&plain["id"], &before["cost_usd"]));
        assert_eq!(other["price_version"], before["price_version"]);

        // A share of what everybody pays, for whatever has no price of its own.
        let half = json!({"multiplier": 0.5});
        let share = gateway.put(&path(&plain, "*")).bearer(&gateway.admin).json(&half).send().await.expect(200).json();
        let halved = attempt(&gateway, &plain_key).await;
        assert_eq!(halved["cost_usd"].as_f64().unwrap(), listed / 2.0);
        let version = format!("{}/{}", share["version"].as_str().unwrap(), before["price_version"].as_str().unwrap());
        assert_eq!(halved["price_version"], version);

        gateway.delete(&path(&dear, "claude-sonnet-5-5")).bearer(&gateway.admin).send().await.expect(204);
        let again = attempt(&gateway, &dear_key).await;
        assert_eq!((&again["cost_usd"], &again["price_version"]), (&before["cost_usd"], &before["price_version"]));
    }

    async fn the_balancer_sends_work_to_the_account_that_pays_least(gateway) {
        let dear = gateway.make_account(&gateway.admin, json!({"name": "dear"})).await;
        let cheap = gateway.make_account(&gateway.admin, json!({"name": "cheap"})).await;
        let question = json!({"model": "claude-sonnet-5-5", "input_tokens": 100_000, "output_tokens": 1000});
        let picked = async || {
            let reply = gateway.post("/api/routing/simulate").bearer(&gateway.admin).json(&question).send().await.expect(200);
            reply.json()["account_id"].clone()
        };
        for (low, high) in [(&cheap, &dear), (&dear, &cheap)] {
            for (account, multiplier) in [(low, 0.1), (high, 10.0)] {
                let body = json!({"multiplier": multiplier});
                gateway.put(&path(account, "*")).bearer(&gateway.admin).json(&body).send().await.expect(200);
            }
            for _ in 0..8 {
                assert_eq!(picked().await, low["id"]);
            }
        }
    }

    async fn prices_of_an_account_are_listed_with_everything_that_was_set(gateway) {
        let account = gateway.make_account(&gateway.admin, json!({})).await;
        assert_eq!(gateway.list(&gateway.admin, &list(&account)).await, [Value::Null; 0]);
        let model = "some.vendor/model-1.5";
        let rates = json!({
            "input": 3, "output": 15.5, "cache_read": 0.3, "cache_write_5m": 3.75, "cache_write_1h": 6,
            "tiers": [{"above_input_tokens": 200_000, "input": 6, "output": 22.5, "cache_read": 0.6}],
            "web_searches_per_1k_usd": 8.000000001,
        });
        let set = gateway.put(&path(&account, model)).bearer(&gateway.admin).json(&rates).send().await.expect(200).json();
        assert_eq!(set, json!({
            "model": model, "multiplier": null,
            "input": 3.0, "output": 15.5, "cache_read": 0.3, "cache_write_5m": 3.75, "cache_write_1h": 6.0,
            "tiers": [{
                "above_input_tokens": 200_000, "input": 6.0, "output": 22.5, "cache_read": 0.6,
                "cache_write_5m": null, "cache_write_1h": null,
            }],
            "web_searches_per_1k_usd": 8.000000001,
            "version": set["version"], "effective_from": "2026-06-15T12:00:00Z",
        }));
        let every = gateway.put(&path(&account, "*")).bearer(&gateway.admin).json(&json!({"multiplier": 0})).send().await.expect(200).json();
        assert_eq!((&every["multiplier"], &every["input"]), (&json!(0.0), &Value::Null));
        assert_eq!(gateway.list(&gateway.admin, &list(&account)).await, [every, set]);
        // Slashes may be written as such or not.
        let encoded = path(&account, "some.vendor%2Fmodel-1.5");
        gateway.delete(&encoded).bearer(&gateway.admin).send().await.expect(204);
        gateway.delete(&encoded).bearer(&gateway.admin).send().await.expect(404);
        gateway.delete(&path(&account, "%2A")).bearer(&gateway.admin).send().await.expect(204);
        assert_eq!(gateway.list(&gateway.admin, &list(&account)).await, [Value::Null; 0]);
    }

    async fn an_accounts_prices_are_its_owners_to_set(gateway) {
        let (ann, bob) = (gateway.member("ann").await, gateway.user("bob", Role::Member).await);
        let shared = gateway.make_account(&gateway.admin, json!({"name": "shared"})).await;
        let anns = gateway.make_account(&ann.token, json!({"base_url": "https://api.example.com"})).await;
        let half = json!({"multiplier": 0.5});
        for (token, account, status) in [
            (&ann.token, &shared, 403),
            (&bob.token, &anns, 404),
            (&ann.token, &anns, 200),
            (&gateway.admin, &anns, 200),
            (&gateway.admin, &shared, 200),
        ] {
            gateway.put(&path(account, "*")).bearer(token).json(&half).send().await.expect(status);
            gateway.get(&list(account)).bearer(token).send().await.expect(status);
        }
        gateway.delete(&path(&shared, "*")).bearer(&ann.token).send().await.expect(403);
        gateway.delete(&path(&anns, "*")).bearer(&bob.token).send().await.expect(404);
        gateway.delete(&path(&anns, "*")).bearer(&ann.token).send().await.expect(204);
        gateway.get(&list(&anns)).send().await.expect(401);
        gateway.put("/api/upstream-accounts/none/prices/x").bearer(&gateway.admin).json(&half).send().await.expect(404);
    }

    async fn an_accounts_prices_that_are_none_are_refused(gateway) {
        let account = gateway.make_account(&gateway.admin, json!({})).await;
        let put = async |model: &str, body: &Value| {
            gateway.put(&path(&account, model)).bearer(&gateway.admin).json(body).send().await
        };
        for (model, body, fields) in [
            ("m", json!({}), &["input", "output"][..]),
            ("m", json!({"input": 1}), &["output"]),
            ("m", json!({"multiplier": -0.1}), &["multiplier"]),
            ("m", json!({"multiplier": 1001}), &["multiplier"]),
            ("m", json!({"multiplier": 0.0000001}), &["multiplier"]),
            ("m", json!({"multiplier": 1, "input": 1}), &["input"]),
            ("m", json!({"input": 1, "output": 1, "web_searches_per_1k_usd": -1}), &["web_searches_per_1k_usd"]),
            ("m", json!({"input": 1, "output": 1, "price": 1}), &["price"]),
            ("m", json!({"input": 1, "output": 1, "tiers": [{"above_input_tokens": 1, "input": -1, "output": 1}]}), &["tiers[0].input"]),
            ("m", json!({"input": 1, "output": 1, "tiers": [
                {"above_input_tokens": 2, "input": 1, "output": 1}, {"above_input_tokens": 2, "input": 1, "output": 1},
            ]}), &["tiers"]),
            ("*", json!({"input": 1, "output": 1}), &["multiplier"]),
        ] {
            let reply = put(model, &body).await.expect(422);
            assert_eq!(reply.fields(), fields, "{body}");
        }
        put("a%20b", &json!({"multiplier": 1})).await.expect(400);
    }
}
