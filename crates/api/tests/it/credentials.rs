//! What a request may come with to say who it is from.

use gateway_api::ApiSettings;
use gateway_domain::Role;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{Reply, read_reply};
use crate::database::Kind;
use crate::gateway::{PASSWORD, TestGateway, message};
use crate::on_both_databases;

async fn raw(gateway: &TestGateway, request: &str) -> Reply {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    read_reply(&mut stream).await
}

#[tokio::test]
async fn two_authorization_headers_are_refused_everywhere() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    for path in [
        "/",
        "/healthz",
        "/health",
        "/docs/",
        "/openapi.json",
        "/api/keys",
        "/api/auth/me",
        "/v1/models",
        "/v1beta/models",
        "/nowhere",
    ] {
        let reply = gateway
            .get(path)
            .bearer(&gateway.admin)
            .bearer(&gateway.admin)
            .send()
            .await;
        assert_eq!(reply.status, 400, "{path}: {reply}");
    }
}

#[tokio::test]
async fn two_different_credentials_are_refused() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    gateway.make_account(&gateway.admin, json!({})).await;
    let [one, other] = [
        gateway.make_key(&gateway.admin, json!({})).await,
        gateway.make_key(&gateway.admin, json!({})).await,
    ]
    .map(|key| key["key"].as_str().unwrap().to_owned());
    for header in ["x-api-key", "x-goog-api-key"] {
        for path in ["/api/keys", "/api/auth/me", "/metrics"] {
            let request = gateway.get(path).bearer(&gateway.admin).header(header, &one);
            assert_eq!(request.send().await.status, 401, "{path} {header}");
        }
        let request = gateway.get("/v1/models").bearer(&one).header(header, &other);
        assert_eq!(request.send().await.status, 401, "{header}");
        let request = gateway.get("/v1/models").bearer(&one).header(header, &one);
        assert_eq!(request.send().await.status, 200, "{header}");
    }
    for (query, expected) in [(&one, 200), (&other, 401)] {
        let target = format!("/v1/messages?key={query}");
        let request = gateway.post(&target).header("x-api-key", &one).json(&message());
        assert_eq!(request.send().await.status, expected);
    }
    let only_in_query = gateway.post(&format!("/v1/messages?key={one}")).json(&message());
    only_in_query.send().await.expect(401);
    for received in gateway.provider.received() {
        assert!(!format!("{received:?}").contains("sk-gw-"), "{received:?}");
    }
}

#[tokio::test]
async fn passwords_that_bcrypt_would_cut_are_wrong_and_cannot_be_set() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    gateway.make_user("ann", Role::Member).await;
    for password in [
        format!("{PASSWORD}\0"),
        format!("{PASSWORD}\0more"),
        "x".repeat(73),
        "ä".repeat(37),
    ] {
        let login = json!({"username": "ann", "password": password});
        let reply = gateway
            .post("/api/auth/login")
            .json(&login)
            .send()
            .await
            .expect(401);
        assert_eq!(reply.code(), "invalid_credentials");
        let user =
            json!({"username": "bob", "email": "b@example.org", "password": password, "role": "member"});
        let make = gateway.post("/api/users").bearer(&gateway.admin).json(&user);
        assert_eq!(make.send().await.expect(422).code(), "validation_failed");
    }
    for login in ["ann\0", "an\0n", "\0"] {
        let login = json!({"username": login, "password": PASSWORD});
        gateway
            .post("/api/auth/login")
            .json(&login)
            .send()
            .await
            .expect(401);
    }
}

#[tokio::test]
async fn what_an_untrusted_peer_says_of_its_address_does_not_help_it() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    gateway.make_user("ann", Role::Member).await;
    let guess = |number: usize, password: &str| {
        let login = json!({"username": "ann", "password": password});
        gateway
            .post("/api/auth/login")
            .header("x-forwarded-for", &format!("198.51.100.{number}"))
            .header("x-real-ip", &format!("198.51.100.{number}"))
            .header("forwarded", &format!("for=198.51.100.{number}"))
            .json(&login)
            .send()
    };
    for number in 0..5 {
        guess(number, "a wrong password").await.expect(401);
    }
    let refused = guess(77, PASSWORD).await.expect(429);
    assert_eq!(refused.code(), "too_many_attempts");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let log = gateway
        .list(&gateway.admin, "/api/audit-log?action=sign_in")
        .await;
    assert!(log.iter().all(|entry| entry["address"] == "127.0.0.1"), "{log:?}");
    assert_eq!(log[0]["result"], "throttled");
}

#[tokio::test]
async fn a_flood_does_not_lock_out_where_a_user_has_signed_in_from() {
    let settings = ApiSettings {
        trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    gateway.make_user("ann", Role::Member).await;
    let sign_in = |from: &str, password: &str| {
        let login = json!({"username": "ann", "password": password});
        let request = gateway.post("/api/auth/login").header("x-forwarded-for", from);
        request.json(&login).send()
    };
    sign_in("192.0.2.1", PASSWORD).await.expect(200);
    for host in 0..8 {
        let reply = sign_in(&format!("198.51.100.{host}"), "a wrong password").await;
        assert_eq!(reply.status, if host < 5 { 401 } else { 429 }, "{host}");
    }
    sign_in("203.0.113.9", PASSWORD).await.expect(429);
    sign_in("192.0.2.1", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn the_host_and_the_form_of_the_target_grant_nothing() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let ann = gateway.member("ann").await;
    for (target, host) in [
        ("/api/users", "localhost/api/auth/login"),
        ("/api/users", "admin"),
        ("/api/users", ""),
        ("http://localhost/api/users", "localhost"),
        ("http://evil.example/api/users", "evil.example"),
        ("//evil.example/api/users", "localhost"),
        ("/api/auth/../users", "localhost"),
        ("/api/auth/%2e%2e/users", "localhost"),
        ("/api/users/", "localhost"),
        ("/API/users", "localhost"),
        ("/api//users", "localhost"),
        ("/api/users%00", "localhost"),
        ("/api/users;/api/auth/login", "localhost"),
        ("/api/users?x=/healthz", "localhost"),
        ("/api/users#/healthz", "localhost"),
    ] {
        for token in [None, Some(&ann.token)] {
            let credential = token.map_or(String::new(), |token| {
                format!("authorization: Bearer {token}\r\n")
            });
            let request =
                format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n{credential}connection: close\r\n\r\n");
            let reply = raw(&gateway, &request).await;
            assert!(
                matches!(reply.status, 400 | 401 | 403 | 404),
                "{target} {host}: {reply}"
            );
        }
    }
}

#[tokio::test]
async fn a_target_for_another_name_is_not_of_this_machine() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let body = json!({"username": "admin", "password": "admin123456"}).to_string();
    for (target, host, expected) in [
        ("/api/auth/login", "localhost", 200),
        ("http://localhost/api/auth/login", "localhost", 200),
        ("/api/auth/login", "evil.example", 403),
        ("http://evil.example/api/auth/login", "localhost", 403),
    ] {
        let request = format!(
            "POST {target} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(raw(&gateway, &request).await.status, expected, "{target} {host}");
    }
}

on_both_databases! {
    async fn a_new_role_and_deactivation_bite_at_once(gateway) {
        let ann = gateway.user("ann", Role::Admin).await;
        let path = format!("/api/users/{}", ann.id);
        gateway.get("/api/users").bearer(&ann.token).send().await.expect(200);
        gateway.put(&path).bearer(&gateway.admin).json(&json!({"role": "member"})).send().await.expect(200);
        gateway.get("/api/users").bearer(&ann.token).send().await.expect(403);
        gateway.me(&ann.token).await.expect(200);
        gateway.put(&path).bearer(&gateway.admin).json(&json!({"role": "admin"})).send().await.expect(200);
        gateway.get("/api/users").bearer(&ann.token).send().await.expect(200);
        gateway.put(&path).bearer(&gateway.admin).json(&json!({"is_active": false})).send().await.expect(200);
        gateway.me(&ann.token).await.expect(401);

        let log = gateway.list(&gateway.admin, &format!("/api/audit-log?target_id={}", ann.id)).await;
        let roles: Vec<_> = log.iter().map(|entry| (&entry["before"]["role"], &entry["after"]["role"])).collect();
        assert!(roles.contains(&(&json!("admin"), &json!("member"))), "{log:?}");
    }

    async fn of_twenty_refreshes_at_once_at_most_one_wins_and_the_sign_in_ends(gateway) {
        gateway.make_user("ann", Role::Member).await;
        let login = json!({"username": "ann", "password": PASSWORD});
        let tokens = gateway.post("/api/auth/login").json(&login).send().await.expect(200).json();
        let refresh = json!({"refresh_token": tokens["refresh_token"]});
        let attempts: Vec<_> = (0..20)
            .map(|_| tokio::spawn(gateway.post("/api/auth/refresh").json(&refresh).send()))
            .collect();
        let mut won = 0;
        for attempt in attempts {
            let reply = attempt.await.unwrap();
            assert!(matches!(reply.status, 200 | 401), "{reply}");
            won += usize::from(reply.status == 200);
        }
        assert!(won <= 1, "{won}");
        gateway.me(tokens["access_token"].as_str().unwrap()).await.expect(401);
        let log = gateway.list(&gateway.admin, "/api/audit-log?action=refresh_token_reused").await;
        assert_eq!(log.len(), 1, "once, however often it comes: {log:?}");
    }

    async fn what_is_searched_for_is_text_and_no_pattern(gateway) {
        gateway.make_user("ann_1", Role::Member).await;
        for (q, found) in [("ann_1", 1), ("ann%251", 0), ("%25", 0), ("_", 1), ("%5C", 0), ("'", 0), ("%00", 400)] {
            let reply = gateway.get(&format!("/api/users?q={q}")).bearer(&gateway.admin).send().await;
            if found == 400 {
                assert_eq!(reply.status, 400);
            } else {
                assert_eq!(reply.expect(200).json()["total"], found, "{q}");
            }
        }
        let long = "_".repeat(30_000);
        gateway.get(&format!("/api/users?q={long}")).bearer(&gateway.admin).send().await.expect(400);
        // The bearer token is never a part of a statement.
        for text in ["sk-gw-' OR 1=1 --", "sk-gw-aaaaaaaaaaaa-' OR '1'='1", "%", "_"] {
            gateway.get("/v1/models").bearer(text).send().await.expect(401);
            gateway.me(text).await.expect(401);
        }
    }
}

#[tokio::test]
async fn a_cookie_is_neither_set_nor_a_credential() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let login = json!({"username": "root", "password": PASSWORD});
    let reply = gateway
        .post("/api/auth/login")
        .json(&login)
        .send()
        .await
        .expect(200);
    assert_eq!(reply.header("set-cookie"), None);
    for cookie in ["token", "access_token", "session", "authorization"] {
        let request = gateway
            .get("/api/auth/me")
            .header("cookie", &format!("{cookie}={}", gateway.admin));
        assert_eq!(request.send().await.expect(401).header("set-cookie"), None);
    }
}

#[tokio::test]
async fn an_error_tells_nothing_of_the_database() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    gateway.app.store.close().await;
    let key = format!("sk-gw-{}-{}", "a".repeat(12), "b".repeat(43));
    for request in [
        gateway.get("/api/keys").bearer(&gateway.admin),
        gateway
            .post("/api/auth/login")
            .json(&json!({"username": "root", "password": PASSWORD})),
        gateway.get("/v1/models").bearer(&key),
        gateway.get("/readyz"),
    ] {
        let reply = request.send().await.expect(503);
        let text = reply.to_string().to_lowercase();
        for word in [
            "select", "sqlite", "diesel", "pool", ".rs", "panicked", "/tmp", "table",
        ] {
            assert!(!text.contains(word), "{word}: {reply}");
        }
    }
}
