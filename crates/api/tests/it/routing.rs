//! Which account serves and what an error does, through the whole server: one test for each row of the table of faults.

use std::time::Duration;

use gateway_simulator::{Fault, Point, Script};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::client::Reply;
use crate::gateway::{TestGateway, message};
use crate::on_both_databases;

/// Two accounts of which the first is asked first, and a key.
struct Pair {
    first: Value,
    second: Value,
    key: String,
}

const FIRST: &str = "sk-ant-first-0123456789";
const SECOND: &str = "sk-ant-second-0123456789";

impl Pair {
    async fn of(gateway: &TestGateway) -> Self {
        Self {
            first: account(gateway, FIRST, json!({"name": "first", "priority": 1})).await,
            second: account(gateway, SECOND, json!({"name": "second", "priority": 2})).await,
            key: key(gateway).await,
        }
    }

    async fn health(&self, gateway: &TestGateway) -> Value {
        health(gateway, &self.first).await
    }

    /// Both accounts answer so.
    fn always(gateway: &TestGateway, script: &Script) {
        gateway.provider.always_for(FIRST, script.clone());
        gateway.provider.always_for(SECOND, script.clone());
    }
}

async fn key(gateway: &TestGateway) -> String {
    let key = gateway.make_key(&gateway.admin, json!({})).await;
    key["key"].as_str().unwrap().to_owned()
}

async fn account(gateway: &TestGateway, secret: &str, mut wishes: Value) -> Value {
    wishes["credential"] = json!({"type": "api_key", "api_key": secret});
    gateway.make_account(&gateway.admin, wishes).await
}

async fn health(gateway: &TestGateway, account: &Value) -> Value {
    let path = format!(
        "/api/upstream-accounts/{}/health?cached=true",
        account["id"].as_str().unwrap()
    );
    gateway
        .get(&path)
        .bearer(&gateway.admin)
        .send()
        .await
        .expect(200)
        .json()
}

async fn send(gateway: &TestGateway, key: &str, model: &str, stream: bool) -> Reply {
    let mut body = message();
    body["model"] = json!(model);
    body["stream"] = json!(stream);
    let request = gateway.post("/v1/messages").header("x-api-key", key);
    request
        .header("anthropic-version", "2023-06-01")
        .json(&body)
        .send()
        .await
}

async fn ask(gateway: &TestGateway, key: &str) -> Reply {
    send(gateway, key, "claude-sonnet-5-5", false).await
}

fn served_by<'a>(reply: &'a Reply, account: &'a Value) -> (Option<&'a str>, Option<&'a str>) {
    (reply.header("x-gateway-account"), account["id"].as_str())
}

#[track_caller]
fn assert_served_by(reply: &Reply, account: &Value) {
    let (actual, expected) = served_by(reply, account);
    assert_eq!(actual, expected, "{reply}");
}

fn attempts(reply: &Reply) -> u32 {
    reply.header("x-gateway-attempts").unwrap().parse().unwrap()
}

on_both_databases! {
    async fn a_clients_fault_costs_one_attempt_and_no_account_anything(gateway) {
        let pair = Pair::of(&gateway).await;
        for (status, stream) in [(400, false), (413, true), (422, false), (404, true)] {
            gateway.provider.next(Script::status(status).message("prompt is too long: 250000 tokens > 200000 maximum"));
            let reply = send(&gateway, &pair.key, "claude-sonnet-5-5", stream).await.expect(status);
            assert_eq!(attempts(&reply), 1);
            assert_eq!(reply.json()["error"]["message"], "prompt is too long: 250000 tokens > 200000 maximum");
        }
        assert_eq!(gateway.provider.received().len(), 4);
        assert_eq!(pair.health(&gateway).await["success_rate"], Value::Null);
    }

    async fn a_refused_credential_moves_on_and_is_never_the_clients(gateway) {
        let pair = Pair::of(&gateway).await;
        gateway.provider.accept_only([SECOND]);
        let reply = ask(&gateway, &pair.key).await.expect(200);
        assert_served_by(&reply, &pair.second);
        let health = pair.health(&gateway).await;
        assert_eq!(health["status"], "unhealthy");
        assert!(health["reason"].as_str().unwrap().starts_with("credential: 401"), "{health}");
        assert!(health["until"].is_string());
        // Time alone does not bring it back.
        gateway.clock.advance(Duration::from_secs(600));
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.second);

        gateway.provider.accept_only(["nobody's"]);
        let reply = ask(&gateway, &pair.key).await.expect(502);
        assert_eq!(reply.json()["error"]["type"], "api_error");
        assert_eq!(reply.json()["error"]["message"], "no healthy upstream account");
        ask(&gateway, &pair.key).await.expect(502);

        gateway.provider.accept_any();
        let path = format!("/api/upstream-accounts/{}/health", pair.first["id"].as_str().unwrap());
        gateway.get(&path).bearer(&gateway.admin).send().await.expect(200);
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.first);
    }

    async fn an_account_without_credit_is_out_until_it_is_edited(gateway) {
        let pair = Pair::of(&gateway).await;
        gateway.provider.next(Script::status(400).message("Your credit balance is too low to access the Anthropic API."));
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.second);
        assert_eq!(pair.health(&gateway).await["status"], "unhealthy");
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.second);
        let path = format!("/api/upstream-accounts/{}", pair.first["id"].as_str().unwrap());
        gateway.clock.advance(Duration::from_secs(1));
        gateway.put(&path).bearer(&gateway.admin).json(&json!({"name": "paid"})).send().await.expect(200);
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.first);
    }

    async fn a_used_up_quota_rests_for_its_family_of_models_until_its_reset(gateway) {
        let pair = Pair::of(&gateway).await;
        gateway.provider.next(Script::status(429).header("retry-after", "90"));
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.second);
        let health = pair.health(&gateway).await;
        assert_eq!((&health["status"], &health["until"]), (&json!("cooling_down"), &json!("2026-06-15T12:01:30Z")));
        assert!(health["reason"].as_str().unwrap().contains("quota"), "{health}");
        let other_family = send(&gateway, &pair.key, "claude-haiku-5-5", false).await.expect(200);
        assert_served_by(&other_family, &pair.first);

        Pair::always(&gateway, &Script::status(429).header("retry-after", "30"));
        let reply = ask(&gateway, &pair.key).await.expect(429);
        assert_eq!((reply.header("retry-after"), attempts(&reply)), (Some("30"), 1));
        // Now both rest, and nobody is asked any more.
        let asked = gateway.provider.received().len();
        let reply = ask(&gateway, &pair.key).await.expect(429);
        assert_eq!((reply.header("retry-after"), attempts(&reply)), (Some("30"), 0));
        assert_eq!(reply.json()["error"]["type"], "rate_limit_error");
        assert_eq!(gateway.provider.received().len(), asked);

        gateway.provider.forget_scripts();
        gateway.clock.advance(Duration::from_secs(90));
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.first);
    }

    async fn a_wait_of_a_day_is_neither_believed_nor_passed_on(gateway) {
        let pair = Pair::of(&gateway).await;
        Pair::always(&gateway, &Script::status(429).header("retry-after", "86400"));
        let reply = ask(&gateway, &pair.key).await.expect(429);
        assert_eq!(reply.header("retry-after"), Some("60"));
        let health = pair.health(&gateway).await;
        assert_eq!(health["until"], "2026-06-15T13:00:00Z");
        assert!(health["reason"].is_string());
        let path = format!("/api/upstream-accounts/{}/reset", pair.first["id"].as_str().unwrap());
        let reset = gateway.post(&path).bearer(&gateway.admin).send().await.expect(200).json();
        assert_eq!((&reset["until"], &reset["reason"]), (&Value::Null, &Value::Null));
    }

    async fn a_spending_limit_is_hopeless_until_the_month_ends(gateway) {
        let pair = Pair::of(&gateway).await;
        Pair::always(&gateway, &Script::status(429).error_code("enforced_spend_limit_reached"));
        let reply = ask(&gateway, &pair.key).await.expect(429);
        assert_eq!(attempts(&reply), 2);
        assert_eq!(reply.header("x-should-retry"), Some("false"));
        assert_eq!(pair.health(&gateway).await["until"], "2026-07-01T00:00:00Z");
        // Nobody is asked again, and still nobody is told to wait.
        let reply = ask(&gateway, &pair.key).await.expect(429);
        assert_eq!((attempts(&reply), reply.header("x-should-retry"), reply.header("retry-after")), (0, Some("false"), None));
    }

    async fn a_burst_rests_for_about_a_second(gateway) {
        let pair = Pair::of(&gateway).await;
        gateway.provider.next(Script::status(429));
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.second);
        assert!(pair.health(&gateway).await["reason"].as_str().unwrap().starts_with("burst"));
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.second);
        gateway.clock.advance(Duration::from_millis(1_200));
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.first);
    }

    async fn an_overload_moves_on_pauses_and_never_empties_the_pool(gateway) {
        let pair = Pair::of(&gateway).await;
        gateway.provider.next(Script::status(529));
        let reply = ask(&gateway, &pair.key).await.expect(200);
        assert_served_by(&reply, &pair.second);
        // As the first event of a stream it is the same.
        gateway.provider.next(Script::new().fault(Fault::ErrorEvent { after: 0, kind: "overloaded_error".to_owned() }));
        let reply = send(&gateway, &pair.key, "claude-sonnet-5-5", true).await.expect(200);
        assert!(reply.text().contains("message_stop") && attempts(&reply) == 2, "{reply}");

        // Both, and then one again after a pause.
        gateway.provider.next_for(FIRST, Script::status(529));
        gateway.provider.next_for(SECOND, Script::status(529));
        let reply = ask(&gateway, &pair.key).await.expect(200);
        assert_eq!(attempts(&reply), 3);

        Pair::always(&gateway, &Script::status(529));
        for _ in 0..3 {
            let asked = gateway.provider.received().len();
            let reply = ask(&gateway, &pair.key).await.expect(529);
            assert_eq!(reply.json()["error"]["type"], "overloaded_error");
            assert!(gateway.provider.received().len() > asked, "somebody is tried");
        }
        gateway.provider.forget_scripts();
        ask(&gateway, &pair.key).await.expect(200);
    }

    async fn a_server_that_fails_thrice_is_out_and_comes_back_by_itself(gateway) {
        let pair = Pair::of(&gateway).await;
        gateway.provider.always_for(FIRST, Script::status(500));
        for _ in 0..3 {
            assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.second);
        }
        let health = pair.health(&gateway).await;
        assert_eq!(health["status"], "cooling_down");
        assert!(health["reason"].as_str().unwrap().starts_with("server: 500"), "{health}");
        assert_eq!(attempts(&ask(&gateway, &pair.key).await.expect(200)), 1);
        gateway.provider.forget_scripts();
        gateway.clock.advance(Duration::from_secs(6));
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.first);
        assert_eq!(pair.health(&gateway).await["status"], "healthy");

        Pair::always(&gateway, &Script::status(500));
        ask(&gateway, &pair.key).await.expect(500);
    }

    async fn an_empty_stream_and_a_broken_connection_move_on(gateway) {
        let pair = Pair::of(&gateway).await;
        for script in [
            Script::new().fault(Fault::EndAfter(0)),
            Script::new().fault(Fault::HangUp(Point::InHead)),
            Script::new().fault(Fault::HangUp(Point::AfterEvents(1))),
        ] {
            gateway.provider.next_for(FIRST, script);
            let reply = send(&gateway, &pair.key, "claude-sonnet-5-5", true).await.expect(200);
            assert_served_by(&reply, &pair.second);
            assert_eq!(reply.text().matches("event: message_start").count(), 1);
            assert!(reply.text().contains("message_stop"));
            gateway.clock.advance(Duration::from_secs(300));
            assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.first);
        }
        Pair::always(&gateway, &Script::new().fault(Fault::Reset(Point::BeforeHead)));
        ask(&gateway, &pair.key).await.expect(502);
    }

    async fn a_missing_model_rests_at_that_account_alone(gateway) {
        let pair = Pair::of(&gateway).await;
        gateway.provider.next(Script::status(404).message("model: claude-sonnet-5-5"));
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.second);
        assert_eq!(attempts(&ask(&gateway, &pair.key).await.expect(200)), 1);
        assert_served_by(&send(&gateway, &pair.key, "claude-opus-5-5", false).await.expect(200), &pair.first);
        gateway.clock.advance(Duration::from_secs(600));
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.first);

        Pair::always(&gateway, &Script::status(404).message("model: claude-sonnet-5-5"));
        let reply = ask(&gateway, &pair.key).await.expect(404);
        assert_eq!(reply.json()["error"]["type"], "not_found_error");
    }

    async fn a_full_account_is_waited_for_in_a_fair_queue(gateway) {
        let alone = account(&gateway, FIRST, json!({"max_concurrency": 1})).await;
        let key = key(&gateway).await;
        gateway.provider.always(Script::text("Hello").head_after(Duration::from_millis(150)));
        let replies = futures_util::future::join_all((0..4).map(|_| ask(&gateway, &key))).await;
        for reply in &replies {
            assert_served_by(reply, &alone);
            assert_eq!(reply.status, 200);
        }
        gateway.settle().await;
        let requests = gateway.list(&gateway.admin, "/api/usage/requests").await;
        assert_eq!(requests.len(), 4);
        assert_eq!(health(&gateway, &alone).await["in_flight"], 0);
    }

    async fn a_client_that_waits_for_a_whole_answer_and_goes_away_frees_everything(gateway) {
        let alone = account(&gateway, FIRST, json!({"max_concurrency": 1})).await;
        let key = key(&gateway).await;
        gateway.provider.next(Script::text("Hello").head_after(Duration::from_secs(3_600)));
        let body = message().to_string();
        let request = gateway.post("/v1/messages").header("x-api-key", &key).header("content-type", "application/json");
        let request = request.header("content-length", &body.len().to_string());
        let mut gone = request.open().await;
        gone.write_all(body.as_bytes()).await.unwrap();
        gateway.provider.wait_for_requests(1).await;
        drop(gone);
        gateway.provider.wait_for_ends(1).await;
        ask(&gateway, &key).await.expect(200);
        gateway.settle().await;
        let requests = gateway.list(&gateway.admin, "/api/usage/requests?status=cancelled").await;
        assert_eq!(requests.len(), 1);
        assert_eq!(health(&gateway, &alone).await["in_flight"], 0);
    }

    async fn a_decision_is_stored_with_its_request(gateway) {
        let pair = Pair::of(&gateway).await;
        let reply = ask(&gateway, &pair.key).await.expect(200);
        gateway.settle().await;
        let path = format!("/api/usage/requests/{}", reply.header("x-gateway-request-id").unwrap());
        let shown = gateway.get(&path).bearer(&gateway.admin).send().await.expect(200).json();
        let decision = &shown["decision"];
        assert_eq!(decision["strategy"], "smart");
        let candidates = decision["candidates"].as_array().unwrap();
        assert_eq!(candidates.len(), 2);
        assert_eq!((&candidates[0]["account_id"], &candidates[0]["picked"]), (&pair.first["id"], &json!(true)));
        assert!(candidates[0]["score"].is_number() && candidates[0]["parts"]["money_usd"].is_number());
        assert_eq!(candidates[1]["account_id"], pair.second["id"]);
        assert_eq!((&candidates[1]["picked"], &candidates[1]["reason"]), (&json!(false), &json!("lower priority")));
        assert_eq!(shown["passed_over"][0]["account_id"], pair.second["id"]);
        assert_eq!(shown["queued_ms"], 0.0);
    }

    async fn a_simulation_tells_the_decision_and_sends_nothing(gateway) {
        let pair = Pair::of(&gateway).await;
        let simulate = |body: Value| gateway.post("/api/routing/simulate").bearer(&gateway.admin).json(&body).send();
        let told = simulate(json!({"model": "claude-sonnet-5-5", "dialect": "anthropic", "stream": true})).await.expect(200).json();
        assert_eq!((&told["strategy"], &told["account_id"], &told["refusal"]), (&json!("smart"), &pair.first["id"], &Value::Null));
        let candidates = told["candidates"].as_array().unwrap();
        assert_eq!((&candidates[0]["name"], &candidates[0]["picked"]), (&json!("first"), &json!(true)));
        assert_eq!(candidates[0]["upstream_model"], "claude-sonnet-5-5");
        assert!(candidates[0]["score"].is_number());
        assert_eq!((&candidates[1]["picked"], &candidates[1]["reason"]), (&json!(false), &json!("lower priority")));
        assert!(gateway.provider.received().is_empty());
        // The same as is done then.
        assert_served_by(&ask(&gateway, &pair.key).await.expect(200), &pair.first);

        let only_second = gateway.make_key(&gateway.admin, json!({"allowed_accounts": [pair.second["id"]]})).await;
        let told = simulate(json!({"model": "claude-sonnet-5-5", "key_id": only_second["id"]})).await.expect(200).json();
        assert_eq!(told["account_id"], pair.second["id"]);
        let first = told["candidates"].as_array().unwrap().iter().find(|candidate| candidate["name"] == "first").unwrap();
        assert_eq!(first["reason"], "not allowed to this key");

        let told = simulate(json!({"model": "gpt-6"})).await.expect(200).json();
        assert_eq!((&told["account_id"], &told["refusal"]), (&Value::Null, &json!("no account serves the model")));
        for (body, field) in [
            (json!({}), "model"),
            (json!({"model": ""}), "model"),
            (json!({"model": "m", "dialect": "latin"}), "dialect"),
            (json!({"model": "m", "key_id": "0199aaaa-0000-7000-8000-000000000000"}), "key_id"),
            (json!({"model": "m", "input_tokens": 1_000_000_000_000_u64}), "input_tokens"),
            (json!({"model": "m", "extra": 1}), "extra"),
        ] {
            let refused = simulate(body).await.expect(422).json();
            assert_eq!(refused["error"]["details"][0]["field"], field, "{refused}");
        }
    }
}
