use futures_util::future::join_all;
use gateway_simulator::Script;
use serde_json::{Value, json};

use crate::gateway::{TestGateway, message};
use crate::on_both_databases;

/// One dollar for a thousand tokens of input, ten for a thousand of output.
async fn set_prices(gateway: &TestGateway) {
    let rates = json!({"input": 1_000, "output": 10_000});
    let put = gateway
        .put("/api/prices/claude-sonnet-5-5")
        .bearer(&gateway.admin);
    put.json(&rates).send().await.expect(200);
}

async fn key_with(gateway: &TestGateway, wishes: Value) -> (String, String) {
    let made = gateway.make_key(&gateway.admin, wishes).await;
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

async fn spent(gateway: &TestGateway, place: &str) -> String {
    gateway.settle().await;
    let shown = gateway.get(place).bearer(&gateway.admin).send().await.expect(200);
    shown.json()["budget"]["spent_usd"].to_string()
}

on_both_databases! {
    async fn two_hundred_at_once_do_not_overspend(gateway) {
        set_prices(&gateway).await;
        gateway.make_account(&gateway.admin, json!({})).await;
        let (id, key) = key_with(&gateway, json!({"budget": {"amount_usd": 1.0, "period": "month"}})).await;
        let mut body = message();
        body["max_tokens"] = json!(10);
        gateway.provider.always(Script::text("one two three"));
        let send = || gateway.post("/v1/messages").header("x-api-key", &key).json(&body).send();
        let replies = join_all((0..200).map(|_| send())).await;
        let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
        let (served, refused) = (count(200), count(402));
        assert_eq!(served + refused, 200);
        assert!(served > 5 && refused > 5, "{served} served, {refused} refused");
        let refusal = replies.iter().find(|reply| reply.status == 402).unwrap().json();
        assert_eq!(refusal["error"]["type"], "billing_error");

        let shown = spent(&gateway, &format!("/api/keys/{id}")).await;
        let total = format!("/api/usage/summary?key_id={id}");
        let total = gateway.get(&total).bearer(&gateway.admin).send().await.expect(200).json();
        assert_eq!(total["totals"]["cost_usd"].to_string(), shown);
        assert_eq!(total["totals"]["requests"], served);
        let dollars: f64 = shown.parse().unwrap();
        // What is left is less than the next one may cost.
        assert!(dollars <= 1.0 && dollars > 0.7, "{dollars}");
    }

    async fn streams_hold_until_they_end(gateway) {
        set_prices(&gateway).await;
        gateway.make_account(&gateway.admin, json!({})).await;
        let (_, key) = key_with(&gateway, json!({"budget": {"amount_usd": 0.9, "period": "total"}})).await;
        let mut body = message();
        body["stream"] = json!(true);
        for _ in 0..3 {
            gateway.provider.next(Script::text("Hi"));
            gateway.post("/v1/messages").header("x-api-key", &key).json(&body).send().await.expect(200);
        }
    }

    async fn what_may_cost_more_than_is_left_is_refused_with_the_numbers(gateway) {
        set_prices(&gateway).await;
        gateway.make_account(&gateway.admin, json!({})).await;
        let (id, key) = key_with(&gateway, json!({"budget": {"amount_usd": 0.5, "period": "day"}})).await;
        let reply = gateway.message(&key).send().await.expect(402);
        let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("this API key has $0.5 left of its budget of $0.5 for this day"), "{message}");
        assert!(message.contains("and this request may cost $0."), "{message}");
        assert!(gateway.provider.received().is_empty());
        assert_eq!(spent(&gateway, &format!("/api/keys/{id}")).await, "0.0");
    }

    async fn a_users_budget_is_spent_by_all_of_the_users_keys(gateway) {
        set_prices(&gateway).await;
        gateway.make_account(&gateway.admin, json!({})).await;
        let user = gateway.member("shared").await;
        let place = format!("/api/users/{}", user.id);
        let set = |amount: f64| {
            let budget = json!({"budget": {"amount_usd": amount, "period": "month"}});
            gateway.put(&place).bearer(&gateway.admin).json(&budget).send()
        };
        set(1.5).await.expect(200);
        let mut keys = Vec::new();
        for _ in 0..2 {
            let made = gateway.make_key(&user.token, json!({})).await;
            keys.push(made["key"].as_str().unwrap().to_owned());
        }
        for key in &keys {
            gateway.message(key).send().await.expect(200);
        }
        let both = spent(&gateway, &place).await;
        set(both.parse().unwrap()).await.expect(200);
        for key in &keys {
            let reply = gateway.message(key).send().await.expect(402);
            let message = reply.json()["error"]["message"].clone();
            assert_eq!(message, format!("this user has spent its budget of ${both} for this month"));
        }
        let own = gateway.get("/v1/usage").header("x-api-key", &keys[0]).send().await.expect(200).json();
        assert_eq!(own["user"]["budget"]["spent_usd"].to_string(), both);
        let other = gateway.make_key(&gateway.admin, json!({})).await;
        gateway.message(other["key"].as_str().unwrap()).send().await.expect(200);
    }

    async fn an_account_that_has_spent_its_budget_is_passed_over(gateway) {
        set_prices(&gateway).await;
        let first = gateway.make_account(&gateway.admin, json!({"priority": 1})).await;
        let second = gateway.make_account(&gateway.admin, json!({"priority": 2})).await;
        let [first, second] = [first, second].map(|account| account["id"].as_str().unwrap().to_owned());
        let (_, key) = key_with(&gateway, json!({})).await;
        let served_by = async || {
            let reply = gateway.message(&key).send().await.expect(200);
            reply.header("x-gateway-account").unwrap().to_owned()
        };
        assert_eq!(served_by().await, first);
        let place = |id: &str| format!("/api/upstream-accounts/{id}");
        let amount = spent(&gateway, &place(&first)).await;
        let set = |id: &str| {
            let budget = json!({"budget": {"amount_usd": amount.parse::<f64>().unwrap(), "period": "day"}});
            gateway.put(&place(id)).bearer(&gateway.admin).json(&budget).send()
        };
        set(&first).await.expect(200);
        assert_eq!(served_by().await, second);
        set(&second).await.expect(200);
        let reply = gateway.message(&key).send().await.expect(429);
        assert_eq!(reply.json()["error"]["message"], "every upstream account has reached its spending limit");
        assert_eq!(reply.header("x-should-retry"), Some("false"));
        gateway.put(&place(&first)).bearer(&gateway.admin)
            .json(&json!({"budget": {"amount_usd": 5.0}})).send().await.expect(200);
        assert_eq!(served_by().await, first);
    }

    async fn a_budget_that_is_not_known_is_read_from_the_database(gateway) {
        set_prices(&gateway).await;
        gateway.make_account(&gateway.admin, json!({})).await;
        let (id, key) = key_with(&gateway, json!({})).await;
        gateway.message(&key).send().await.expect(200);
        // Set while nothing was counted for it: what was used before counts all the same.
        let amount: f64 = spent(&gateway, &format!("/api/keys/{id}")).await.parse().unwrap();
        let budget = json!({"budget": {"amount_usd": amount, "period": "total"}});
        gateway.put(&format!("/api/keys/{id}")).bearer(&gateway.admin).json(&budget).send().await.expect(200);
        let reply = gateway.message(&key).send().await.expect(402);
        assert!(reply.text().contains("this API key has spent its budget"), "{reply}");
    }
}
