use std::time::Duration;

use gateway_domain::Role;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::client::Reply;
use crate::database::Kind;
use crate::gateway::{CREDENTIAL, PASSWORD, TestGateway};
use crate::on_both_databases;

async fn log(gateway: &TestGateway, query: &str) -> Vec<Value> {
    let target = format!("/api/audit-log?page_size=100&{query}");
    let page = gateway
        .get(&target)
        .bearer(&gateway.admin)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(page["next_cursor"], Value::Null);
    page["data"].as_array().unwrap().iter().rev().cloned().collect()
}

fn told(entries: &[Value]) -> Vec<Value> {
    let told = entries.iter().map(|entry| {
        json!([
            entry["actor"],
            entry["action"],
            entry["target_type"],
            entry["target_id"],
            entry["result"]
        ])
    });
    told.collect()
}

async fn sign_in(gateway: &TestGateway, username: &str, password: &str) -> Reply {
    let body = json!({"username": username, "password": password});
    gateway.post("/api/auth/login").json(&body).send().await
}

on_both_databases! {
    async fn signing_in_and_out_is_in_the_log(gateway) {
        let id = gateway.make_user("ann", Role::Member).await;
        let before = log(&gateway, "").await.len();
        sign_in(&gateway, "ann", "Wrong-Horse-42-Battery").await.expect(401);
        // People type their passwords there.
        sign_in(&gateway, PASSWORD, "ann").await.expect(401);
        let first = sign_in(&gateway, "ann", PASSWORD).await.expect(200).json();
        let refresh = |token: &Value| gateway.post("/api/auth/refresh").json(&json!({"refresh_token": token}));
        refresh(&first["refresh_token"]).send().await.expect(200);
        refresh(&first["refresh_token"]).send().await.expect(401);
        let second = sign_in(&gateway, "ann", PASSWORD).await.expect(200).json();
        let token = second["access_token"].as_str().unwrap();
        let change = json!({"current_password": PASSWORD, "new_password": "Another-Horse-43-Battery"});
        gateway.post("/api/auth/password").bearer(token).json(&change).send().await.expect(204);
        gateway.post("/api/auth/password").bearer(token).json(&change).send().await.expect(401);
        let out = gateway.post("/api/auth/logout").bearer(token).send().await.expect(204);

        let entries = log(&gateway, "").await.split_off(before);
        let sessions = [&entries[3]["target_id"], &entries[7]["target_id"]];
        assert!(sessions.iter().all(|session| session.as_str().is_some_and(|id| id.len() == 36)), "{entries:?}");
        assert_eq!(
            told(&entries),
            [
                json!(["nobody", "sign_in", "user", id, "refused"]),
                json!(["nobody", "sign_in", "user", null, "refused"]),
                json!(["ann", "sign_in", "user", id, "done"]),
                json!(["nobody", "refresh_token_reused", "session", sessions[0], "done"]),
                json!(["ann", "sign_in", "user", id, "done"]),
                json!(["ann", "password_change", "user", id, "done"]),
                json!(["ann", "password_change", "user", id, "refused"]),
                json!(["ann", "sign_out", "session", sessions[1], "done"]),
            ]
        );
        let last = &entries[7];
        assert_eq!((&last["actor_id"], &last["address"]), (&json!(id), &json!("127.0.0.1")));
        assert_eq!(last["request_id"].as_str(), out.header("x-gateway-request-id"));
        assert_eq!(last["at"], "2026-06-15T12:00:00Z");
        let all = json!(entries).to_string();
        for secret in [PASSWORD, "Another-Horse", "Wrong-Horse", token] {
            assert!(!all.contains(secret), "{all}");
        }
    }

    async fn whoever_changes_something_is_in_the_log_with_it(gateway) {
        let ann = gateway.member("ann").await;
        let key = gateway.make_key(&ann.token, json!({"name": "ci"})).await;
        let path = format!("/api/keys/{}", key["id"].as_str().unwrap());
        gateway.put(&path).bearer(&gateway.admin).json(&json!({"name": "cd"})).send().await.expect(200);
        let account = gateway.make_account(&gateway.admin, json!({"name": "team"})).await;
        let account = account["id"].as_str().unwrap();
        let accounts = format!("/api/upstream-accounts/{account}");
        gateway.post(&format!("{accounts}/reset")).bearer(&gateway.admin).send().await.expect(200);
        let price = json!({"input": 1, "output": 2});
        gateway.put("/api/prices/claude-x").bearer(&gateway.admin).json(&price).send().await.expect(200);

        let of_key = log(&gateway, &format!("target_id={}", key["id"].as_str().unwrap())).await;
        assert_eq!((&of_key[0]["actor"], &of_key[0]["before"]), (&json!("ann"), &Value::Null));
        assert_eq!(of_key[0]["after"]["name"], "ci");
        assert_eq!((&of_key[1]["actor"], &of_key[1]["action"]), (&json!("root"), &json!("change")));
        assert_eq!((&of_key[1]["before"], &of_key[1]["after"]), (&json!({"name": "ci"}), &json!({"name": "cd"})));
        let of_account = log(&gateway, &format!("target_id={account}")).await;
        assert_eq!((&of_account[0]["action"], &of_account[1]["action"]), (&json!("create"), &json!("reset")));
        let of_price = log(&gateway, "target_id=claude-x").await;
        assert_eq!((&of_price[0]["target_type"], &of_price[0]["action"]), (&json!("price"), &json!("create")));
        let all = json!(log(&gateway, "").await).to_string();
        for secret in [key["key"].as_str().unwrap(), CREDENTIAL] {
            assert!(!all.contains(secret), "{all}");
        }
        let seen = gateway.app.store.verify_audit(None).await.unwrap();
        assert_eq!(seen.broken, None);
    }

    async fn whoever_asks_for_what_is_not_theirs_is_in_the_log(gateway) {
        let ann = gateway.member("ann").await;
        let denied = gateway.get("/api/audit-log").bearer(&ann.token).send().await.expect(403);
        let path = format!("/api/users/{}", ann.id);
        gateway.delete(&path).bearer(&ann.token).send().await.expect(403);
        let key = gateway.make_key(&ann.token, json!({"allowed_ips": ["192.0.2.1"]})).await;
        gateway.delete(&path).bearer(&ann.token).send().await.expect(403);
        gateway.get("/v1/models").bearer(key["key"].as_str().unwrap()).send().await.expect(403);

        let entries = log(&gateway, "action=denial").await;
        assert_eq!(told(&entries)[0], json!(["ann", "denial", "route", "GET /api/audit-log", "refused"]));
        assert_eq!(entries[0]["request_id"].as_str(), denied.header("x-gateway-request-id"));
        assert_eq!(told(&entries)[1], json!(["ann", "denial", "route", "DELETE /api/users/{id}", "refused"]));
        let prefix = key["prefix"].as_str().unwrap();
        let with_key = json!([format!("API key {prefix}"), "denial", "route", "GET /v1/models", "refused"]);
        assert_eq!(told(&entries)[2], with_key);
        assert_eq!(entries.len(), 3);
        gateway.app.note_last_repeats().await;
        let entries = log(&gateway, "action=denial").await;
        assert_eq!(told(&entries)[3], json!(["gateway: audit log", "denial", "route", null, "refused"]));
        assert_eq!(entries[3]["after"], json!({"unwritten_before": 1}));
    }
}

#[tokio::test]
async fn a_published_password_from_another_machine_is_in_the_log() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let body = json!({"username": "admin", "password": "admin123456"});
    let elsewhere = gateway
        .post("/api/auth/login")
        .header("x-forwarded-for", "192.0.2.1");
    elsewhere.json(&body).send().await.expect(403);
    let entries = log(&gateway, "action=sign_in").await;
    let last = entries.last().unwrap();
    assert_eq!(
        (&last["result"], &last["actor"]),
        (&json!("refused"), &json!("nobody"))
    );
    assert!(last["target_id"].is_string(), "{last}");
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_keep_a_guess_out_of_the_log() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    gateway.make_user("ann", Role::Member).await;
    let body = json!({"username": "ann", "password": "a wrong password"}).to_string();
    let length = body.len().to_string();
    let login = gateway
        .post("/api/auth/login")
        .header("content-type", "application/json");
    let mut stream = login.header("content-length", &length).open().await;
    stream.write_all(body.as_bytes()).await.unwrap();
    // While the password is being checked.
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(stream);
    while log(&gateway, "action=sign_in")
        .await
        .iter()
        .all(|entry| entry["result"] != "refused")
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_used_refresh_token_that_comes_with_a_log_out_is_in_the_log() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    gateway.make_user("ann", Role::Member).await;
    let first = sign_in(&gateway, "ann", PASSWORD).await.expect(200).json();
    let used = json!({"refresh_token": first["refresh_token"]});
    gateway
        .post("/api/auth/refresh")
        .json(&used)
        .send()
        .await
        .expect(200);
    let second = gateway.sign_in("ann").await;
    gateway
        .post("/api/auth/logout")
        .bearer(&second)
        .json(&used)
        .send()
        .await
        .expect(204);
    gateway
        .me(first["access_token"].as_str().unwrap())
        .await
        .expect(401);
    let entries = log(&gateway, "action=refresh_token_reused").await;
    assert_eq!((entries.len(), &entries[0]["actor"]), (1, &json!("ann")));
}

#[tokio::test]
async fn who_is_throttled_for_what_nobody_was_given_is_in_the_log() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let random = |number: usize, length: usize| format!("{number:0length$}");
    let mut statuses = [0, 0];
    for number in 0..51 {
        let token = json!({"refresh_token": format!("{}A", random(number, 42))});
        statuses[0] = gateway.post("/api/auth/refresh").json(&token).send().await.status;
        let key = format!("sk-gw-{}-{}", random(number, 12), random(number, 43));
        statuses[1] = gateway.get("/v1/models").bearer(&key).send().await.status;
    }
    assert_eq!(statuses, [429, 429]);
    for (query, target) in [("action=refresh", "session"), ("action=denial", "api_key")] {
        let entries = log(&gateway, query).await;
        let told: Vec<_> = entries
            .iter()
            .map(|entry| (&entry["target_type"], &entry["result"]))
            .collect();
        assert_eq!(told, [(&json!(target), &json!("throttled"))], "{query}");
    }
}

#[tokio::test]
async fn no_control_character_gets_into_the_log() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let rates = json!({"input": 1, "output": 1});
    for model in ["a%0Ab", "a%1B%5B31mb", "a%00b", "a%7Fb", "a%C2%9Bb"] {
        let reply = gateway
            .put(&format!("/api/prices/{model}"))
            .bearer(&gateway.admin)
            .json(&rates);
        let status = reply.send().await.status;
        assert!((400..500).contains(&status), "{model}: {status}");
    }
    for name in ["a\nb", "a\u{1b}[31mb", "a\u{0}b", "a\u{7f}b", "a\u{9b}b"] {
        let body = json!({"name": name});
        gateway
            .post("/api/keys")
            .bearer(&gateway.admin)
            .json(&body)
            .send()
            .await
            .expect(422);
        let user =
            json!({"username": name, "email": "a@example.org", "password": PASSWORD, "role": "member"});
        gateway
            .post("/api/users")
            .bearer(&gateway.admin)
            .json(&user)
            .send()
            .await
            .expect(422);
        sign_in(&gateway, name, PASSWORD).await.expect(401);
    }
    for entry in log(&gateway, "").await {
        let told = [
            &entry["actor"],
            &entry["target_id"],
            &entry["address"],
            &entry["request_id"],
        ];
        for text in told.into_iter().filter_map(Value::as_str) {
            assert!(!text.contains(char::is_control), "{entry}");
        }
        for document in [&entry["before"], &entry["after"]] {
            assert!(!document.to_string().contains(char::is_control), "{entry}");
        }
    }
}

#[tokio::test]
async fn what_goes_with_a_deleted_user_is_in_the_log() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let ann = gateway.member("ann").await;
    let key = gateway.make_key(&ann.token, json!({"name": "ci"})).await;
    let account = gateway
        .make_account(&ann.token, json!({"base_url": "https://api.example.com"}))
        .await;
    let path = format!("/api/users/{}", ann.id);
    gateway
        .delete(&path)
        .bearer(&gateway.admin)
        .send()
        .await
        .expect(204);
    let entries = log(&gateway, "action=delete").await;
    let told: Vec<_> = entries.iter().map(|entry| &entry["target_id"]).collect();
    assert_eq!(told, [&key["id"], &account["id"], &json!(ann.id)]);
    assert_eq!(entries[0]["before"]["name"], "ci");
}

#[tokio::test]
async fn a_flood_of_wrong_passwords_is_one_entry_a_minute() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    gateway.make_user("ann", Role::Member).await;
    for _ in 0..3 {
        sign_in(&gateway, "ann", "wrong-password").await.expect(401);
    }
    gateway.clock.advance(Duration::from_secs(60));
    sign_in(&gateway, "ann", "wrong-password").await.expect(401);
    sign_in(&gateway, "bob", "wrong-password").await.expect(401);
    let entries = log(&gateway, "action=sign_in&from=2026-06-15T12:00:00Z").await;
    let refused: Vec<_> = entries
        .iter()
        .filter(|entry| entry["result"] == "refused")
        .collect();
    assert_eq!(refused.len(), 3);
    assert_eq!(refused[0]["after"], Value::Null);
    assert_eq!(refused[1]["after"], json!({"unwritten_before": 2}));
    assert_eq!(refused[2]["target_id"], Value::Null);
}

#[tokio::test]
async fn the_log_is_paged_newest_first() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    for name in ["ann", "bob", "cid"] {
        gateway.make_user(name, Role::Member).await;
    }
    let page = |query: &str| {
        gateway
            .get(&format!("/api/audit-log?{query}"))
            .bearer(&gateway.admin)
    };
    let first = page("page_size=2").send().await.expect(200).json();
    assert_eq!(first["data"][0]["after"]["username"], "cid");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = page(&format!("page_size=2&cursor={cursor}"))
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(second["data"][0]["after"]["username"], "ann");
    for query in [
        "cursor=nonsense",
        "page_size=0",
        "page=1",
        "actor_id=ann",
        "from=yesterday",
    ] {
        page(query).send().await.expect(400);
    }
}
