use std::time::Duration;

use gateway_domain::Role;
use gateway_simulator::Script;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::gateway::{TestGateway, message, no_limits};
use crate::on_both_databases;

async fn key_of(gateway: &TestGateway, token: &str, wishes: Value) -> String {
    gateway.make_key(token, wishes).await["key"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn remaining(reply: &Reply, what: &str) -> Option<u64> {
    let header = reply.header(&format!("anthropic-ratelimit-{what}-remaining"));
    header.map(|value| value.parse().unwrap())
}

on_both_databases! {
    async fn keys_users_and_accounts_have_limits_of_one_shape(gateway) {
        let key = gateway.make_key(&gateway.admin, json!({})).await;
        let user = gateway.make_user("limited", Role::Member).await;
        let account = gateway.make_account(&gateway.admin, json!({})).await;
        let places = [
            format!("/api/keys/{}", key["id"].as_str().unwrap()),
            format!("/api/users/{user}"),
            format!("/api/upstream-accounts/{}", account["id"].as_str().unwrap()),
        ];
        for place in &places {
            let put = |body: Value| gateway.put(place).bearer(&gateway.admin).json(&body).send();
            assert_eq!(put(json!({})).await.expect(200).json()["limits"], no_limits(), "{place}");
            let wish = json!({
                "requests_per_minute": 7, "input_tokens_per_minute": 100_000, "output_tokens_per_minute": 20_000,
            });
            put(json!({"limits": wish})).await.expect(200);
            let changed = put(json!({"limits": {"tokens_per_minute": 5, "output_tokens_per_minute": null}})).await;
            let mut expected = no_limits();
            expected["requests_per_minute"] = json!(7);
            expected["tokens_per_minute"] = json!(5);
            expected["input_tokens_per_minute"] = json!(100_000);
            assert_eq!(changed.expect(200).json()["limits"], expected, "{place}");
            let read = gateway.get(place).bearer(&gateway.admin).send().await.expect(200).json();
            assert_eq!(read["limits"], expected, "{place}");
            let refused = put(json!({"limits": {"input_tokens_per_minute": 0}})).await.expect(422);
            assert_eq!(refused.fields(), ["limits.input_tokens_per_minute"], "{place}");
            let refused = put(json!({"limits": {"tokens_per_hour": 5}})).await.expect(422);
            assert_eq!(refused.fields(), ["limits.tokens_per_hour"], "{place}");
            put(json!({"limits": null})).await.expect(422);

            let budget = json!({"amount_usd": 12.5, "period": "week"});
            let changed = put(json!({"budget": budget})).await.expect(200).json();
            assert_eq!(changed["budget"]["amount_usd"], 12.5, "{place}");
            assert_eq!(changed["budget"]["period"], "week", "{place}");
            assert_eq!(changed["budget"]["spent_usd"], 0.0, "{place}");
            assert!(changed["budget"]["resets_at"].is_string(), "{place}");
            let refused = put(json!({"budget": {"amount_usd": -1}})).await.expect(422);
            assert_eq!(refused.fields(), ["budget.amount_usd"], "{place}");
        }
        let put = |place: &str, limits: Value| {
            gateway.put(place).bearer(&gateway.admin).json(&json!({"limits": limits})).send()
        };
        let refused = put(&places[0], json!({"burst_requests": 5})).await.expect(422);
        assert_eq!(refused.fields(), ["limits.burst_requests"]);
        put(&places[0], json!({"burst_requests": 5, "concurrent_requests": 1})).await.expect(200);
        let refused = put(&places[2], json!({"concurrent_requests": 5})).await.expect(422);
        assert_eq!(refused.fields(), ["limits.concurrent_requests"]);
    }

    async fn a_users_limit_counts_all_of_the_users_keys(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        let user = gateway.member("shared").await;
        let limits = json!({"limits": {"requests_per_minute": 2}});
        let place = format!("/api/users/{}", user.id);
        gateway.put(&place).bearer(&gateway.admin).json(&limits).send().await.expect(200);
        let first = key_of(&gateway, &user.token, json!({})).await;
        let second = key_of(&gateway, &user.token, json!({})).await;
        gateway.message(&first).send().await.expect(200);
        gateway.message(&second).send().await.expect(200);
        for key in [&first, &second] {
            let reply = gateway.message(key).send().await.expect(429);
            assert_eq!(reply.json()["error"]["message"], "this user's limit of 2 requests per minute is reached");
            assert_eq!(reply.header("retry-after"), Some("30"));
        }
        let other = key_of(&gateway, &gateway.admin, json!({})).await;
        gateway.message(&other).send().await.expect(200);
        gateway.clock.advance(Duration::from_secs(30));
        gateway.message(&second).send().await.expect(200);
    }

    async fn answers_tell_what_is_left_in_the_clients_own_words(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        let limits = json!({"limits": {
            "requests_per_minute": 3, "input_tokens_per_minute": 1000, "output_tokens_per_minute": 500,
        }});
        let key = key_of(&gateway, &gateway.admin, limits).await;
        gateway.provider.next(Script::text("one two three"));
        let reply = gateway.message(&key).send().await.expect(200);
        let usage = &reply.json()["usage"];
        let used = |name: &str| usage[name].as_u64().unwrap();
        assert_eq!(reply.header("anthropic-ratelimit-requests-limit"), Some("3"));
        assert_eq!(remaining(&reply, "requests"), Some(2));
        assert_eq!(reply.header("anthropic-ratelimit-requests-reset"), Some("2026-06-15T12:00:20Z"));
        assert_eq!(remaining(&reply, "input-tokens"), Some(1000 - used("input_tokens")));
        assert_eq!(remaining(&reply, "output-tokens"), Some(500 - used("output_tokens")));
        assert_eq!(remaining(&reply, "tokens"), None);

        let chat = gateway.post("/v1/chat/completions").header("authorization", &format!("Bearer {key}"));
        let reply = chat.json(&message()).send().await.expect(200);
        assert_eq!(reply.header("x-ratelimit-limit-requests"), Some("3"));
        assert_eq!(reply.header("x-ratelimit-remaining-requests"), Some("1"));
        assert_eq!(reply.header("x-ratelimit-reset-requests"), Some("40s"));
        assert_eq!(reply.header("x-ratelimit-limit-tokens"), Some("500"));
        assert_eq!(remaining(&reply, "requests"), None);

        gateway.message(&key).send().await.expect(200);
        let refused = gateway.message(&key).send().await.expect(429);
        assert_eq!((remaining(&refused, "requests"), refused.header("retry-after")), (Some(0), Some("20")));
    }

    async fn tokens_beyond_a_limit_have_to_be_waited_for(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        let key = key_of(&gateway, &gateway.admin, json!({"limits": {"output_tokens_per_minute": 60}})).await;
        gateway.provider.next(Script::text("word ".repeat(100)));
        let used = gateway.message(&key).send().await.expect(200).json()["usage"]["output_tokens"].as_u64().unwrap();
        assert!(used > 60);
        let refused = gateway.message(&key).send().await.expect(429);
        let message = refused.json()["error"]["message"].clone();
        assert_eq!(message, "this API key's limit of 60 output tokens per minute is reached");
        // One a second comes back, and one is enough.
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert_eq!(wait, used - 60 + 1);
        gateway.clock.advance(Duration::from_secs(wait - 1));
        gateway.message(&key).send().await.expect(429);
        gateway.clock.advance(Duration::from_secs(1));
        gateway.message(&key).send().await.expect(200);
    }

    async fn an_account_at_its_own_limit_is_passed_over(gateway) {
        let limits = |count: u32| json!({"limits": {"requests_per_minute": count}, "priority": count});
        let first = gateway.make_account(&gateway.admin, limits(1)).await;
        let second = gateway.make_account(&gateway.admin, limits(2)).await;
        let key = key_of(&gateway, &gateway.admin, json!({})).await;
        let mut served = Vec::new();
        let mut last = String::new();
        for _ in 0..3 {
            let reply = gateway.message(&key).send().await.expect(200);
            served.push(reply.header("x-gateway-account").unwrap().to_owned());
            reply.header("x-gateway-request-id").unwrap().clone_into(&mut last);
        }
        let [first, second] = [&first, &second].map(|account| account["id"].as_str().unwrap());
        assert_eq!(served, [first, second, second]);
        let refused = gateway.message(&key).send().await.expect(429);
        assert_eq!(refused.header("retry-after"), Some("30"));
        assert_eq!(refused.json()["error"]["type"], "rate_limit_error");
        gateway.settle().await;
        let place = format!("/api/usage/requests/{last}");
        let detail = gateway.get(&place).bearer(&gateway.admin).send().await.expect(200).json();
        let passed_over = &detail["passed_over"][0];
        assert_eq!(passed_over["account_id"], first);
        assert_eq!(passed_over["reason"], "this account's limit of 1 requests per minute is reached");
        gateway.clock.advance(Duration::from_secs(60));
        let reply = gateway.message(&key).send().await.expect(200);
        assert_eq!(reply.header("x-gateway-account"), Some(first));
    }
}
