use gateway_api::ApiSettings;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::client::read_reply;
use crate::database::Kind;
use crate::gateway::{TestGateway, message};

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
async fn limits_go_by_the_route_however_its_path_is_written() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let login = json!({"username": "x".repeat(70_000), "password": ""});
    for path in ["/api/auth/login", "/api/%61uth/login", "/%61pi/auth/%6cogin"] {
        let reply = gateway.post(path).json(&login).send().await.expect(413);
        assert_eq!(reply.code(), "payload_too_large", "{path}");
    }
    let reply = gateway.post("/%76%31/messages").json(&message()).send().await;
    let error = reply.expect(401).json();
    assert_eq!(error["error"]["type"], "authentication_error");
    let reply = gateway.post("/v1/messages%2f").json(&message()).send().await;
    assert_eq!(reply.expect(404).json()["error"]["type"], "not_found_error");
}

#[tokio::test]
async fn strangers_take_no_memory_from_callers_who_are_known() {
    let settings = ApiSettings {
        max_strangers_bodies_in_memory_bytes: 1000,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    let mut strangers = Vec::new();
    for path in ["/api/auth/login", "/api/auth/refresh"] {
        let request = gateway
            .post(path)
            .header("content-type", "application/json")
            .header("content-length", "60000");
        let mut stream = request.open().await;
        stream.write_all(&[b' '; 400]).await.unwrap();
        strangers.push(stream);
    }
    let login = json!({"username": "root", "password": "x".repeat(300)});
    let busy = loop {
        let reply = gateway.post("/api/auth/login").json(&login).send().await;
        // The strangers' bytes may not have come yet.
        if reply.status == 503 {
            break reply;
        }
    };
    assert_eq!(busy.header("retry-after"), Some("1"));
    let name = json!({"name": "x".repeat(100)});
    let make = gateway.post("/api/keys").bearer(&gateway.admin).json(&name);
    make.send().await.expect(201);
    let out = gateway.post("/api/auth/logout").bearer(&gateway.admin);
    out.json(&json!({"refresh_token": "x".repeat(500)}))
        .send()
        .await
        .expect(204);
}

#[tokio::test]
async fn bombs_at_the_same_time_cost_no_more_than_the_memory_for_bodies() {
    let settings = ApiSettings {
        max_bodies_in_memory_bytes: 4 << 20,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    let key = gateway.make_key(&gateway.admin, json!({})).await;
    let key = key["key"].as_str().unwrap();
    let bomb = zstd::encode_all(vec![b' '; 64 << 20].as_slice(), 3).unwrap();
    let send = || {
        gateway
            .post("/v1/messages")
            .header("x-api-key", key)
            .header("content-type", "application/json")
            .header("content-encoding", "zstd")
            .bytes(bomb.clone())
            .send()
    };
    for reply in futures_util::future::join_all((0..8).map(|_| send())).await {
        assert_eq!(reply.expect(503).header("retry-after"), Some("1"));
    }
    // What they took is given back.
    let small = zstd::encode_all(message().to_string().as_bytes(), 3).unwrap();
    let request = gateway
        .post("/v1/messages")
        .header("x-api-key", key)
        .header("content-type", "application/json")
        .header("content-encoding", "zstd");
    request.bytes(small).send().await.expect(404);
}

#[tokio::test]
async fn a_body_has_a_second_more_for_each_4_kib_that_came() {
    let settings = ApiSettings {
        body_timeout_seconds: 1,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    let body = json!({"name": "x".repeat(16 << 10)}).to_string();
    for (seconds, expected) in [(4, 422), (6, 408)] {
        let request = gateway
            .post("/api/keys")
            .bearer(&gateway.admin)
            .header("content-type", "application/json")
            .header("content-length", &body.len().to_string());
        let mut stream = request.open().await;
        let (most, rest) = body.split_at(body.len() - 1);
        stream.write_all(most.as_bytes()).await.unwrap();
        // Until all of that is read: nothing tells from outside.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        gateway.clock.advance(std::time::Duration::from_secs(seconds));
        stream.write_all(rest.as_bytes()).await.unwrap();
        read_reply(&mut stream).await.expect(expected);
    }
}
