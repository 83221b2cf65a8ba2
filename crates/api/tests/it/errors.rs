use gateway_api::ApiSettings;
use serde_json::{Value, json};

use crate::client::{Reply, Request};
use crate::database::Kind;
use crate::gateway::{TestGateway, message};

/// An error as a client sees it, but for what differs from run to run.
fn seen(reply: &Reply) -> Value {
    let mut body = reply.json();
    for pointer in ["/error/request_id", "/request_id", "/error/details/0/requestId"] {
        if let Some(id) = body.pointer_mut(pointer) {
            assert_eq!(id.as_str(), reply.header("x-request-id"));
            *id = json!("[request id]");
        }
    }
    json!({"status": reply.status, "content-type": reply.header("content-type"), "body": body})
}

#[tokio::test]
async fn errors_look_as_their_clients_expect() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let key = gateway
        .make_key(&gateway.admin, json!({"allowed_models": ["other"]}))
        .await;
    let key = key["key"].as_str().unwrap();
    let admin = gateway.admin.as_str();
    let json_type = |request: Request| request.header("content-type", "application/json");
    let cases: Vec<(&str, Request)> = vec![
        ("unknown route", gateway.get("/nowhere")),
        ("unknown route under /api", gateway.get("/api/nowhere")),
        (
            "unknown route under /v1",
            gateway.post("/v1/messages/batches").header("x-api-key", key),
        ),
        (
            "unknown route of OpenAI's",
            gateway.post("/v1/chat/nowhere").bearer(key),
        ),
        (
            "unknown route of Gemini's",
            gateway.post("/v1beta/models/gemini-2.5-pro:nowhere").bearer(key),
        ),
        ("wrong method", gateway.delete("/api/keys").bearer(admin)),
        (
            "wrong method under /v1",
            gateway.get("/v1/messages").header("x-api-key", key),
        ),
        ("not signed in", gateway.get("/api/keys")),
        (
            "malformed",
            json_type(gateway.post("/api/keys").bearer(admin)).bytes("{\"name\":"),
        ),
        (
            "not valid",
            gateway
                .post("/api/keys")
                .bearer(admin)
                .json(&json!({"nmae": "x"})),
        ),
        (
            "several not valid",
            gateway.post("/api/keys").bearer(admin).json(&json!({
                "name": "", "limits": {"requests_per_minute": 0}, "allowed_ips": ["home"],
            })),
        ),
        (
            "no JSON",
            gateway
                .post("/api/keys")
                .bearer(admin)
                .header("content-type", "text/plain")
                .bytes("name=x"),
        ),
        ("wrong parameter", gateway.get("/api/keys?page=0").bearer(admin)),
        ("unknown parameter", gateway.get("/api/keys?pgae=1").bearer(admin)),
        (
            "absent",
            gateway
                .get("/api/keys/0199aaaa-0000-7000-8000-000000000000")
                .bearer(admin),
        ),
        ("no API key", gateway.post("/v1/messages").json(&message())),
        ("wrong API key", gateway.message("sk-gw-aaaaaaaaaaaa-bbbb")),
        ("no API key on OpenAI's face", gateway.get("/v1/models")),
        (
            "no API key on Anthropic's face",
            gateway
                .get("/v1/models")
                .header("anthropic-version", "2023-06-01"),
        ),
        ("model not allowed", gateway.message(key)),
        (
            "malformed message",
            json_type(gateway.post("/v1/messages").header("x-api-key", key)).bytes("{"),
        ),
        (
            "unknown encoding",
            gateway.message(key).header("content-encoding", "lzma"),
        ),
    ];
    let mut all = serde_json::Map::new();
    for (name, request) in cases {
        all.insert(name.to_owned(), seen(&request.send().await));
    }
    insta::assert_json_snapshot!(all);
}

#[tokio::test]
async fn methods_that_are_not_taken_are_told_which_are() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    for (method, path, allow) in [
        ("DELETE", "/api/keys", "GET, POST"),
        ("PATCH", "/api/users/x", "GET, PUT, DELETE"),
        ("GET", "/api/auth/login", "POST"),
        ("TRACE", "/healthz", "GET"),
        ("TRACE", "/v1/messages", "POST"),
        ("OPTIONS", "/v1/messages", "POST"),
        ("POST", "/", "GET, HEAD"),
    ] {
        let reply = gateway.request(method, path).send().await.expect(405);
        assert_eq!(reply.header("allow"), Some(allow), "{method} {path}");
        assert!(reply.header("access-control-allow-origin").is_none());
    }
}

#[tokio::test]
async fn a_well_formed_request_id_is_kept() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let id_of = async |given: &str| {
        let reply = gateway
            .get("/healthz")
            .header("x-request-id", given)
            .send()
            .await
            .expect(200);
        (
            reply.header("x-request-id").unwrap().to_owned(),
            reply.header("x-gateway-request-id").unwrap().to_owned(),
        )
    };
    let long = "x".repeat(128);
    for good in ["abc-123", "{}[]!~", long.as_str()] {
        let (shown, own) = id_of(good).await;
        assert_eq!(shown, good);
        assert_eq!(own.len(), 36);
    }
    let too_long = "x".repeat(129);
    for bad in ["", "two words", too_long.as_str(), "tab\tbed", "\u{fc}mlaut"] {
        let (shown, own) = id_of(bad).await;
        assert_eq!(shown, own, "{bad:?}");
    }
    let reply = gateway
        .get("/api/nowhere")
        .header("x-request-id", "mine")
        .send()
        .await
        .expect(404);
    assert_eq!(reply.json()["error"]["request_id"], "mine");
    let reply = gateway.get("/v1/models").send().await.expect(401);
    assert_eq!(reply.header("request-id"), reply.header("x-request-id"));
}

#[tokio::test]
async fn answers_tell_browsers_to_keep_away() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    for path in [
        "/api/auth/me",
        "/api/nowhere",
        "/healthz",
        "/health",
        "/openapi.json",
        "/v1/models",
        "/v1beta/models",
        "/v1/nowhere",
        "/%76%31/models",
    ] {
        let reply = gateway.get(path).bearer(&gateway.admin).send().await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}");
        }
        assert_eq!(reply.header("strict-transport-security"), None);
        assert_eq!(reply.header("server"), None);
    }
}

#[tokio::test]
async fn parameters_are_read_strictly() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    for query in [
        "page=0",
        "page=-1",
        "page=x",
        "page=4294967296",
        "page_size=0",
        "page_size=101",
        "page=1&page=2",
        "q=%00",
        "unknown=1",
        "Page=1",
    ] {
        let reply = gateway
            .get(&format!("/api/users?{query}"))
            .bearer(&gateway.admin)
            .send()
            .await
            .expect(400);
        assert_eq!(reply.code(), "invalid_parameter", "{query}");
    }
    let far = gateway
        .get("/api/users?page=4294967295&page_size=100")
        .bearer(&gateway.admin)
        .send()
        .await;
    assert_eq!(far.expect(200).json()["data"], json!([]));
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_is_who_it_names() {
    let settings = ApiSettings {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    gateway.make_account(&gateway.admin, json!({})).await;
    let key = gateway
        .make_key(&gateway.admin, json!({"allowed_ips": ["198.51.100.0/24"]}))
        .await;
    let message = || gateway.message(key["key"].as_str().unwrap());
    message().send().await.expect(403);
    message()
        .header("x-forwarded-for", "198.51.100.7")
        .send()
        .await
        .expect(200);
    message()
        .header("x-forwarded-for", "198.51.100.7, 203.0.113.9")
        .send()
        .await
        .expect(403);
    let reply = gateway
        .get("/healthz")
        .header("x-forwarded-proto", "https")
        .send()
        .await;
    assert!(reply.header("strict-transport-security").is_some());
}

#[tokio::test]
async fn nobody_else_is_believed_about_addresses() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let key = gateway
        .make_key(&gateway.admin, json!({"allowed_ips": ["198.51.100.0/24"]}))
        .await;
    let request = gateway
        .message(key["key"].as_str().unwrap())
        .header("x-forwarded-for", "198.51.100.7");
    assert_eq!(
        request.send().await.expect(403).json()["error"]["type"],
        "permission_error"
    );
    let reply = gateway
        .get("/healthz")
        .header("x-forwarded-proto", "https")
        .send()
        .await;
    assert!(reply.header("strict-transport-security").is_none());
}
