use gateway_api::{ApiSettings, DefaultCredentials};
use gateway_domain::Role;
use serde_json::{Value, json};
use std::time::Duration;

use crate::database::Kind;
use crate::gateway::{PASSWORD, TestGateway};
use crate::on_both_databases;

async fn sign_in(gateway: &TestGateway, username: &str, password: &str) -> crate::client::Reply {
    gateway
        .post("/api/auth/login")
        .json(&json!({"username": username, "password": password}))
        .send()
        .await
}

on_both_databases! {
    async fn signing_in_gives_tokens_and_the_user(gateway) {
        gateway.make_user("ann", Role::Member).await;
        for name in ["ann", "ANN", "ann@example.org"] {
            let reply = sign_in(&gateway, name, PASSWORD).await.expect(200);
            assert_eq!(reply.header("cache-control"), Some("no-store"));
            let body = reply.json();
            assert_eq!(body["token_type"], "Bearer");
            assert_eq!(body["expires_in"], 900);
            assert_eq!(body["user"]["username"], "ann");
            assert_eq!(body["user"]["role"], "member");
            let me = gateway.me(body["access_token"].as_str().unwrap()).await.expect(200).json();
            assert_eq!(me["last_login_at"], "2026-06-15T12:00:00Z");
            let mut fields: Vec<_> = me.as_object().unwrap().keys().cloned().collect();
            fields.sort();
            assert_eq!(
                fields,
                [
                    "created_at", "email", "id", "is_active", "last_login_at", "must_change_password", "role",
                    "updated_at", "username",
                ]
            );
        }
    }

    async fn strangers_wrong_passwords_and_the_deactivated_look_alike(gateway) {
        let id = gateway.make_user("gone", Role::Member).await;
        let off = json!({"is_active": false});
        gateway.put(&format!("/api/users/{id}")).bearer(&gateway.admin).json(&off).send().await.expect(200);
        let mut seen = Vec::new();
        for (name, password) in [("nobody", PASSWORD), ("root", "wrong-password"), ("gone", PASSWORD)] {
            let reply = sign_in(&gateway, name, password).await.expect(401);
            let mut body = reply.json();
            body["error"]["request_id"] = Value::Null;
            let headers: Vec<_> = reply
                .headers()
                .iter()
                .filter(|(name, _)| !name.contains("request-id") && name != "date")
                .cloned()
                .collect();
            seen.push((reply.code(), (body, headers)));
        }
        assert_eq!(seen[0].0, "invalid_credentials");
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
    }

    async fn many_wrong_passwords_have_to_wait(gateway) {
        gateway.make_user("ann", Role::Member).await;
        for _ in 0..5 {
            sign_in(&gateway, "ann", "wrong-password").await.expect(401);
        }
        let mut reply = sign_in(&gateway, "ann", "wrong-password").await;
        if reply.status == 401 {
            reply = sign_in(&gateway, "ann", "wrong-password").await;
        }
        let reply = reply.expect(429);
        assert_eq!(reply.code(), "too_many_attempts");
        let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=900).contains(&seconds));
        gateway.clock.advance(Duration::from_secs(seconds));
        sign_in(&gateway, "ann", PASSWORD).await.expect(200);
    }

    async fn a_refresh_token_works_once_and_its_theft_ends_the_sign_in(gateway) {
        gateway.make_user("ann", Role::Member).await;
        let first = sign_in(&gateway, "ann", PASSWORD).await.expect(200).json();
        let refresh = |token: &Value| gateway.post("/api/auth/refresh").json(&json!({"refresh_token": token}));
        let second = refresh(&first["refresh_token"]).send().await.expect(200).json();
        assert_ne!(first["refresh_token"], second["refresh_token"]);
        let token = second["access_token"].as_str().unwrap();
        gateway.me(token).await.expect(200);
        let stolen = refresh(&first["refresh_token"]).send().await.expect(401);
        assert_eq!(stolen.code(), "invalid_token");
        gateway.me(token).await.expect(401);
        refresh(&second["refresh_token"]).send().await.expect(401);
        refresh(&json!("nonsense")).send().await.expect(401);
    }

    async fn signing_out_ends_both_tokens_at_once(gateway) {
        gateway.make_user("ann", Role::Member).await;
        for with_body in [false, true] {
            let tokens = sign_in(&gateway, "ann", PASSWORD).await.expect(200).json();
            let token = tokens["access_token"].as_str().unwrap();
            let mut request = gateway.post("/api/auth/logout").bearer(token);
            if with_body {
                request = request.json(&json!({"refresh_token": tokens["refresh_token"]}));
            }
            let reply = request.send().await.expect(204);
            assert!(reply.body.is_empty());
            assert_eq!(gateway.me(token).await.expect(401).code(), "invalid_token");
            let refresh = json!({"refresh_token": tokens["refresh_token"]});
            gateway.post("/api/auth/refresh").json(&refresh).send().await.expect(401);
        }
    }

    async fn a_new_password_ends_every_other_sign_in(gateway) {
        let ann = gateway.member("ann").await;
        let other = gateway.sign_in("ann").await;
        let change = |current: &str, new: &str| {
            gateway
                .post("/api/auth/password")
                .bearer(&ann.token)
                .json(&json!({"current_password": current, "new_password": new}))
        };
        let wrong = change("not this one", "Another-Horse-43").send().await.expect(401);
        assert_eq!(wrong.code(), "invalid_credentials");
        for weak in ["short", &"x".repeat(73), "password123", "nul\u{0}nul-nul-nul"] {
            let reply = change(PASSWORD, weak).send().await.expect(422);
            assert_eq!((reply.code().as_str(), reply.fields()), ("validation_failed", vec!["new_password".to_owned()]));
        }
        change(PASSWORD, "Another-Horse-43").send().await.expect(204);
        gateway.me(&ann.token).await.expect(200);
        gateway.me(&other).await.expect(401);
        sign_in(&gateway, "ann", PASSWORD).await.expect(401);
        sign_in(&gateway, "ann", "Another-Horse-43").await.expect(200);
    }

    async fn access_tokens_end_and_forged_ones_never_begin(gateway) {
        let ann = gateway.member("ann").await;
        let mut parts: Vec<&str> = ann.token.split('.').collect();
        parts[2] = "AAAA";
        for forged in ["", "x", "a.b.c", &parts.join("."), &format!("{}.", parts[..2].join("."))] {
            gateway.me(forged).await.expect(401);
        }
        let twice = gateway.get("/api/auth/me").bearer(&ann.token).bearer(&ann.token).send().await;
        assert_eq!(twice.expect(400).code(), "malformed_request");
        let basic = gateway.get("/api/auth/me").header("authorization", "Basic YTpi").send().await;
        assert_eq!(basic.expect(401).header("www-authenticate"), Some("Bearer"));
        gateway.clock.advance(Duration::from_secs(1000));
        gateway.me(&ann.token).await.expect(401);
    }
}

#[tokio::test]
async fn who_must_change_the_password_may_do_nothing_else() {
    let settings = ApiSettings {
        default_credentials: DefaultCredentials::ToBeChanged,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    let user = json!({
        "username": "newcomer", "email": "n@example.org", "password": "Chosen-By-The-Admin", "role": "admin",
    });
    gateway
        .post("/api/users")
        .bearer(&gateway.admin)
        .json(&user)
        .send()
        .await
        .expect(201);
    let tokens = sign_in(&gateway, "newcomer", "Chosen-By-The-Admin")
        .await
        .expect(200)
        .json();
    assert_eq!(tokens["user"]["must_change_password"], true);
    let token = tokens["access_token"].as_str().unwrap();
    gateway.me(token).await.expect(200);
    for path in [
        "/api/keys",
        "/api/users",
        "/api/upstream-accounts",
        "/api/prices",
        "/api/usage/summary",
        "/metrics",
    ] {
        let reply = gateway.get(path).bearer(token).send().await.expect(403);
        assert_eq!(reply.code(), "password_change_required", "{path}");
    }
    let change = json!({"current_password": "Chosen-By-The-Admin", "new_password": "Chosen-By-Myself-1"});
    gateway
        .post("/api/auth/password")
        .bearer(token)
        .json(&change)
        .send()
        .await
        .expect(204);
    gateway.get("/api/users").bearer(token).send().await.expect(200);
    assert_eq!(gateway.me(token).await.json()["must_change_password"], false);
}

#[tokio::test]
async fn the_seeded_accounts_work_and_a_warning_stands_until_they_are_changed() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let tokens = sign_in(&gateway, "admin", "admin123456").await.expect(200).json();
    assert_eq!(tokens["user"]["role"], "admin");
    assert_eq!(tokens["user"]["must_change_password"], true);
    let tokens = sign_in(&gateway, "testuser", "testpass123")
        .await
        .expect(200)
        .json();
    assert_eq!(tokens["user"]["role"], "member");
    let health = async || {
        let health = gateway.get("/health").bearer(&gateway.admin).send().await;
        health.expect(200).json()
    };
    let warnings = |health: Value| health["warnings"].as_array().unwrap().len();
    assert_eq!(warnings(health().await), 1);
    for user in gateway.list(&gateway.admin, "/api/users").await {
        if user["must_change_password"] == true {
            let path = format!("/api/users/{}", user["id"].as_str().unwrap());
            gateway
                .put(&path)
                .bearer(&gateway.admin)
                .json(&json!({"is_active": false}))
                .send()
                .await
                .expect(200);
        }
    }
    assert_eq!(warnings(health().await), 0);
}

#[tokio::test]
async fn published_passwords_are_refused_from_other_machines() {
    let proxied = ApiSettings {
        trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
        ..ApiSettings::default()
    };
    let behind_proxy = TestGateway::start_with(Kind::Sqlite, proxied).await;
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let login = |gateway: &TestGateway, username: &str, password: &str| {
        let body = json!({"username": username, "password": password});
        gateway.post("/api/auth/login").json(&body)
    };
    let here = login(&gateway, "admin", "admin123456").send().await.expect(200);
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("via", "1.1 proxy"),
    ] {
        for username in ["admin", "testuser", "nobody"] {
            let request = login(&gateway, username, "admin123456").header(name, value);
            let reply = request.send().await.expect(403);
            assert_eq!(reply.code(), "password_change_required", "{name} {username}");
        }
        // Nobody learns more than that by other passwords.
        let request = login(&gateway, "admin", "wrong-password").header(name, value);
        assert_eq!(request.send().await.expect(401).code(), "invalid_credentials");
        // A sign-in from here opens nothing elsewhere but its change.
        let token = here.json()["access_token"].as_str().unwrap().to_owned();
        gateway.get("/api/users").bearer(&token).send().await.expect(200);
        let elsewhere = |path: &str| gateway.get(path).bearer(&token).header(name, value).send();
        elsewhere("/api/auth/me").await.expect(200);
        assert_eq!(
            elsewhere("/api/users").await.expect(403).code(),
            "password_change_required"
        );
    }
    let reply = login(&behind_proxy, "admin", "admin123456").send().await;
    assert_eq!(reply.expect(403).code(), "password_change_required");

    let allowed = ApiSettings {
        default_credentials: DefaultCredentials::Allowed,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, allowed).await;
    let request = login(&gateway, "admin", "admin123456").header("x-forwarded-for", "192.0.2.1");
    let token = request.send().await.expect(200).json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let users = gateway.get("/api/users").bearer(&token);
    users
        .header("x-forwarded-for", "192.0.2.1")
        .send()
        .await
        .expect(200);
}
