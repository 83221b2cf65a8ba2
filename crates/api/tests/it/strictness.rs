//! Bodies that say more than they may, or say it twice.

use gateway_api::ApiSettings;
use serde_json::{Value, json};

use crate::database::Kind;
use crate::gateway::TestGateway;

#[tokio::test]
async fn a_field_that_nobody_knows_is_named() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let key = gateway.make_key(&gateway.admin, json!({})).await;
    let account = gateway.make_account(&gateway.admin, json!({})).await;
    let key = format!("/api/keys/{}", key["id"].as_str().unwrap());
    let account = format!("/api/upstream-accounts/{}", account["id"].as_str().unwrap());
    let rotate = format!("{key}/rotate");
    let user =
        json!({"username": "u", "email": "u@example.org", "password": "Correct-Horse-42", "role": "member"});
    for (method, path, body) in [
        (
            "POST",
            "/api/auth/login",
            json!({"username": "a", "password": "b"}),
        ),
        ("POST", "/api/auth/refresh", json!({"refresh_token": "a"})),
        ("POST", "/api/auth/logout", json!({"refresh_token": "a"})),
        (
            "POST",
            "/api/auth/password",
            json!({"current_password": "a", "new_password": "b"}),
        ),
        ("POST", "/api/users", user),
        ("POST", "/api/keys", json!({"name": "a"})),
        ("PUT", key.as_str(), json!({})),
        ("POST", rotate.as_str(), json!({})),
        ("PUT", account.as_str(), json!({})),
        ("PUT", "/api/prices/m", json!({"input": 1, "output": 1})),
        ("POST", "/api/routing/simulate", json!({"model": "m"})),
    ] {
        for field in [
            "id",
            "owner_id",
            "is_admin",
            "secret_hash",
            "spent_usd",
            "created_at",
        ] {
            let mut body = body.clone();
            body[field] = json!("x");
            let request = gateway.request(method, path).bearer(&gateway.admin).json(&body);
            let reply = request.send().await.expect(422);
            assert!(reply.to_string().contains(field), "{method} {path}: {reply}");
        }
    }
}

#[tokio::test]
async fn members_cannot_say_whose_a_thing_is_or_how_much_was_used() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let ann = gateway.member("ann").await;
    let bob = gateway.member("bob").await;
    let key = gateway.make_key(&ann.token, json!({})).await;
    let path = format!("/api/keys/{}", key["id"].as_str().unwrap());
    let for_bob = json!({"name": "k", "user_id": bob.id});
    let reply = gateway
        .post("/api/keys")
        .bearer(&ann.token)
        .json(&for_bob)
        .send()
        .await;
    assert!(matches!(reply.status, 403 | 422), "{reply}");
    for body in [
        json!({"user_id": bob.id}),
        json!({"role": "admin"}),
        json!({"secret_hash": "x"}),
        json!({"budget": {"spent_usd": "0"}}),
        json!({"owner_id": Value::Null}),
    ] {
        gateway
            .put(&path)
            .bearer(&ann.token)
            .json(&body)
            .send()
            .await
            .expect(422);
    }
}

#[tokio::test]
async fn bodies_have_their_limits_to_the_byte() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let padded = |length: usize| {
        let body = json!({"username": "ann", "password": "a wrong one"}).to_string();
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    for (path, limit) in [("/api/auth/login", 64 << 10), ("/api/users", 1 << 20)] {
        for (length, refused) in [(limit, false), (limit + 1, true)] {
            let request = gateway
                .post(path)
                .bearer(&gateway.admin)
                .header("content-type", "application/json")
                .bytes(padded(length));
            let reply = request.send().await;
            assert_eq!(reply.status == 413, refused, "{path} {length}: {}", reply.status);
        }
    }
}

#[tokio::test]
async fn compressed_bodies_are_read_on_llm_routes_only() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    for coding in ["gzip", "deflate", "br", "zstd", "identity, gzip", "compress"] {
        let request = gateway
            .post("/api/keys")
            .bearer(&gateway.admin)
            .header("content-encoding", coding)
            .json(&json!({"name": "a"}));
        assert_eq!(request.send().await.status, 415, "{coding}");
    }
    let key = gateway.make_key(&gateway.admin, json!({})).await;
    for coding in ["compress", "gzip, gzip", "gzip, br", "x", "zstd,zstd"] {
        let request = gateway
            .message(key["key"].as_str().unwrap())
            .header("content-encoding", coding);
        assert_eq!(request.send().await.status, 415, "{coding}");
    }
}

#[tokio::test]
async fn what_is_authorised_is_what_is_forwarded() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    gateway.make_account(&gateway.admin, json!({})).await;
    let key = gateway
        .make_key(&gateway.admin, json!({"allowed_models": ["claude-haiku-*"]}))
        .await;
    let key = key["key"].as_str().unwrap();
    let twice = |before: &str, after: &str| {
        format!(
            r#"{{{before}"model":"claude-haiku-4-5"{after},"max_tokens":1,"messages":[{{"role":"user","content":"Hi"}}],"input":"Hi"}}"#
        )
    };
    for (before, after) in [
        ("", r#","model":"claude-opus-5""#),
        (r#""model":"claude-opus-5","#, ""),
        ("", r#","mod\u0065l":"claude-opus-5""#),
        ("", r#","Model":"claude-opus-5""#),
        ("", r#","stream":false,"stream":true"#),
        ("", r#","STREAM":true"#),
    ] {
        for path in ["/v1/messages", "/v1/chat/completions", "/v1/responses"] {
            let request = gateway
                .post(path)
                .bearer(key)
                .header("content-type", "application/json")
                .bytes(twice(before, after));
            assert_eq!(request.send().await.status, 400, "{path} {before}{after}");
        }
    }
    let other = r#"{"model":"models/claude-opus-5","contents":[{"parts":[{"text":"Hi"}]}]}"#;
    let request = gateway
        .post("/v1beta/models/claude-haiku-4-5:generateContent")
        .bearer(key)
        .header("content-type", "application/json")
        .bytes(other);
    request.send().await.expect(400);
    assert!(gateway.provider.received().is_empty());
}

#[tokio::test]
async fn a_request_without_a_path_is_dressed_as_all_others() {
    let gateway = TestGateway::start_with(Kind::Sqlite, ApiSettings::default()).await;
    for method in ["OPTIONS", "GET", "TRACE"] {
        let reply = gateway.request(method, "*").send().await;
        assert!((400..500).contains(&reply.status), "{reply}");
        assert!(reply.header("x-request-id").is_some(), "{method}: {reply}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
    let reply = gateway.request("TRACE", "/healthz").send().await;
    assert_eq!(reply.status, 405, "{reply}");
}
