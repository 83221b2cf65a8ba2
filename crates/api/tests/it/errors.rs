use gateway_api::ApiSettings;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::client::{Reply, Request, read_reply};
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
    ] {
        let reply = gateway.get(path).bearer(&gateway.admin).send().await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}");
        }
        assert_eq!(reply.header("strict-transport-security"), None);
        assert_eq!(reply.header("server"), None);
    }
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused() {
    let settings = ApiSettings {
        max_llm_body_bytes: 3000,
        max_auth_body_bytes: 1000,
        max_body_bytes: 2000,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    let key = gateway.make_key(&gateway.admin, json!({})).await;
    let key = key["key"].as_str().unwrap();
    let login = |size: usize| {
        gateway
            .post("/api/auth/login")
            .json(&json!({"username": "x".repeat(size), "password": ""}))
    };
    login(900).send().await.expect(401);
    login(1000).send().await.expect(413);
    let make = |size: usize| {
        gateway
            .post("/api/keys")
            .bearer(&gateway.admin)
            .json(&json!({"name": "x".repeat(size)}))
    };
    make(1900).send().await.expect(422);
    assert_eq!(make(2000).send().await.expect(413).code(), "payload_too_large");
    let mut long = message();
    long["system"] = json!("x".repeat(3000));
    let request = gateway.post("/v1/messages").header("x-api-key", key).json(&long);
    assert_eq!(
        request.send().await.expect(413).json()["error"]["type"],
        "request_too_large"
    );

    // Without a length announced, what comes is counted.
    let head = gateway
        .post("/api/keys")
        .bearer(&gateway.admin)
        .header("content-type", "application/json")
        .header("transfer-encoding", "chunked");
    let mut stream = head.open().await;
    let chunk = format!("bb8\r\n{}\r\n0\r\n\r\n", "x".repeat(3000));
    stream.write_all(chunk.as_bytes()).await.unwrap();
    read_reply(&mut stream).await.expect(413);
}

#[tokio::test]
async fn bodies_in_memory_are_bounded_together() {
    let settings = ApiSettings {
        max_bodies_in_memory_bytes: 1000,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    let make = |size: usize| {
        gateway
            .post("/api/keys")
            .bearer(&gateway.admin)
            .json(&json!({"name": "x".repeat(size)}))
    };
    let reply = make(2000).send().await.expect(503);
    assert_eq!(
        (reply.code().as_str(), reply.header("retry-after")),
        ("unavailable", Some("1"))
    );
    // What was counted is given back.
    for _ in 0..20 {
        make(100).send().await.expect(201);
    }
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_off() {
    let settings = ApiSettings {
        body_timeout_seconds: 0,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    let request = gateway
        .post("/api/keys")
        .bearer(&gateway.admin)
        .header("content-type", "application/json")
        .header("content-length", "100");
    let mut stream = request.open().await;
    assert_eq!(
        read_reply(&mut stream).await.expect(408).code(),
        "request_timeout"
    );
}

#[tokio::test]
async fn hostile_json_is_an_answer_and_no_accident() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let send = async |body: Vec<u8>| {
        let request = gateway
            .post("/api/keys")
            .bearer(&gateway.admin)
            .header("content-type", "application/json");
        request.bytes(body).send().await
    };
    for body in [
        b"".to_vec(),
        b"\0".to_vec(),
        b"{\"name\":\"\xff\"}".to_vec(),
        b"{\"name\":\"\\ud800\"}".to_vec(),
        b"{\"name\":\"x\"} {}".to_vec(),
        b"{\"name\":NaN}".to_vec(),
    ] {
        let reply = send(body.clone()).await.expect(400);
        assert_eq!(
            reply.code(),
            "malformed_request",
            "{:?}",
            String::from_utf8_lossy(&body)
        );
    }
    let deep = format!("{{\"tags\":{}", "[".repeat(100_000));
    let twice = "{\"name\":\"a\",\"name\":\"b\"}";
    for body in ["[]", "null", "7", "\"x\"", "[\"x\"]", twice, &deep] {
        assert_eq!(
            send(body.as_bytes().to_vec()).await.expect(422).code(),
            "validation_failed"
        );
    }
    gateway.get("/healthz").send().await.expect(200);
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
