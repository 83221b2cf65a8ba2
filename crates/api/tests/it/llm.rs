use std::io::{Read, Write};
use std::time::Duration;

use gateway_simulator::{Ended, Fault, Point, Script};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::read_reply;
use crate::gateway::{CREDENTIAL, TestGateway, message};
use crate::on_both_databases;

async fn key_with_account(gateway: &TestGateway, wishes: Value) -> String {
    gateway.make_account(&gateway.admin, json!({})).await;
    gateway.make_key(&gateway.admin, wishes).await["key"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn streamed() -> Value {
    let mut body = message();
    body["stream"] = json!(true);
    body
}

on_both_databases! {
    async fn a_message_goes_through_as_it_is(gateway) {
        let key = key_with_account(&gateway, json!({})).await;
        gateway.provider.next(Script::text("Hello!"));
        let body = r#"{ "max_tokens":64, "temperature": 1.0e0, "model":"claude-sonnet-5-5","messages":[{"role":"user","content":"Hi"}] }"#;
        let request = gateway
            .post(&format!("/v1/messages?beta=true&key={key}"))
            .header("x-api-key", &key)
            .header("anthropic-version", "2023-06-01")
            .header("anthropic-beta", "one,two")
            .header("cookie", "a=b")
            .header("content-type", "application/json");
        let reply = request.bytes(body).send().await.expect(200);
        assert_eq!(reply.json()["content"][0]["text"], "Hello!");
        let received = gateway.provider.received().pop().unwrap();
        assert_eq!(received.body, body.as_bytes());
        assert_eq!(received.target, "/v1/messages?beta=true");
        assert_eq!(received.credential.as_deref(), Some(CREDENTIAL));
        assert_eq!(received.header("anthropic-beta"), Some("one,two"));
        assert_eq!(received.header("cookie"), None);
        assert!(received.headers.iter().all(|(_, value)| !value.contains(&key)));
        assert_eq!(reply.header("request-id"), Some(received.request_id.as_str()));
        assert_ne!(reply.header("x-request-id"), reply.header("request-id"));
        assert_eq!(reply.header("x-gateway-attempts"), Some("1"));
        for name in ["x-gateway-request-id", "x-gateway-account", "x-request-id"] {
            assert!(reply.header(name).is_some(), "{name}");
        }
    }

    async fn a_stream_comes_as_events(gateway) {
        let key = key_with_account(&gateway, json!({})).await;
        gateway.provider.next(Script::text("One two three"));
        let reply = gateway.post("/v1/messages").header("x-api-key", &key).json(&streamed()).send().await.expect(200);
        assert!(reply.header("content-type").unwrap().starts_with("text/event-stream"));
        assert_eq!(reply.header("content-length"), None);
        let text = reply.text();
        assert!(text.starts_with("event: message_start\n") && text.contains("event: message_stop\n"), "{text}");
        gateway.settle().await;
        let request = gateway.list(&gateway.admin, "/api/usage/requests").await.remove(0);
        assert_eq!((&request["stream"], &request["status"]), (&json!(true), &json!("ok")));
        assert!(request["output_tokens"].as_u64().unwrap() > 0);
    }

    async fn a_client_that_goes_away_ends_the_request_at_the_provider(gateway) {
        let key = key_with_account(&gateway, json!({})).await;
        gateway.provider.next(Script::text("word ".repeat(2000)).between_chunks(Duration::from_millis(20)));
        let request = gateway.post("/v1/messages").header("x-api-key", &key);
        let body = streamed().to_string();
        let mut stream = request
            .header("content-type", "application/json")
            .header("content-length", &body.len().to_string())
            .open()
            .await;
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut some = [0; 4096];
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("content_block_delta") {
            let read = stream.read(&mut some).await.unwrap();
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&some[..read]);
        }
        drop(stream);
        gateway.provider.wait_for_ends(1).await;
        assert!(!matches!(gateway.provider.received()[0].ended, Ended::Completed | Ended::InProgress));
    }

    async fn a_broken_stream_ends_with_an_error_event(gateway) {
        let key = key_with_account(&gateway, json!({})).await;
        gateway.provider.next(Script::text("One two three four five six").fault(Fault::Reset(Point::InEvent(4))));
        let reply = gateway.post("/v1/messages").header("x-api-key", &key).json(&streamed()).send().await.expect(200);
        let text = reply.text();
        assert!(text.contains("event: error\n") && !text.contains("message_stop"), "{text}");
    }

    async fn a_key_is_taken_from_any_of_three_headers(gateway) {
        let key = key_with_account(&gateway, json!({})).await;
        let send = |headers: Vec<(&'static str, String)>| {
            let request = gateway.post("/v1/messages").json(&message());
            headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
        };
        let bearer = format!("Bearer {key}");
        send(vec![("authorization", bearer.clone())]).await.expect(200);
        send(vec![("x-api-key", key.clone())]).await.expect(200);
        send(vec![("x-goog-api-key", key.clone())]).await.expect(200);
        send(vec![("authorization", bearer.clone()), ("x-api-key", key.clone())]).await.expect(200);
        send(vec![("authorization", bearer.clone()), ("x-api-key", "other".to_owned())]).await.expect(401);
        send(vec![("authorization", bearer.clone()), ("authorization", bearer)]).await.expect(400);
        send(vec![("x-api-key", format!("{key}x"))]).await.expect(401);
        send(vec![("x-api-key", gateway.admin.clone())]).await.expect(401);
        send(vec![]).await.expect(401);
        let in_query = gateway.post(&format!("/v1/messages?key={key}")).json(&message()).send().await;
        in_query.expect(401);
    }

    async fn a_keys_rules_are_kept(gateway) {
        let key = key_with_account(&gateway, json!({"allowed_models": ["claude-haiku-*"]})).await;
        let reply = gateway.message(&key).send().await.expect(403);
        assert_eq!(reply.json()["error"]["type"], "permission_error");
        let mut body = message();
        body["model"] = json!("claude-haiku-5-5");
        gateway.post("/v1/messages").header("x-api-key", &key).json(&body).send().await.expect(200);

        let elsewhere = gateway.make_key(&gateway.admin, json!({"allowed_ips": ["198.51.100.0/24"]})).await;
        let reply = gateway.message(elsewhere["key"].as_str().unwrap()).send().await.expect(403);
        assert_eq!(reply.json()["error"]["type"], "permission_error");
        let here = gateway.make_key(&gateway.admin, json!({"allowed_ips": ["127.0.0.1"]})).await;
        gateway.message(here["key"].as_str().unwrap()).send().await.expect(200);
    }

    async fn limits_say_when_to_come_back(gateway) {
        let key = key_with_account(&gateway, json!({"limits": {"requests_per_minute": 1}})).await;
        gateway.message(&key).send().await.expect(200);
        let reply = gateway.message(&key).send().await.expect(429);
        assert_eq!(reply.json()["error"]["type"], "rate_limit_error");
        let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds));
        gateway.clock.advance(Duration::from_secs(seconds));
        gateway.message(&key).send().await.expect(200);
    }

    async fn a_spent_budget_is_the_end_until_the_period_turns(gateway) {
        let rates = json!({"input": 1_000_000, "output": 0});
        gateway.put("/api/prices/claude-sonnet-5-5").bearer(&gateway.admin).json(&rates).send().await.expect(200);
        let key = key_with_account(&gateway, json!({"budget": {"amount_usd": 120.0, "period": "day"}})).await;
        // The prompt of four tokens may have been one of many more: the last dollars are not spent.
        let mut served = 0;
        let refused = loop {
            let reply = gateway.message(&key).send().await;
            if reply.status != 200 {
                break reply.expect(402);
            }
            served += 1;
        };
        assert!((1..30).contains(&served), "{served}");
        assert_eq!(refused.json()["error"]["type"], "billing_error");
        assert!(refused.text().contains("$120.0 for this day"), "{refused}");
        assert_eq!(gateway.provider.received().len(), served);
        gateway.get("/v1/models").header("x-api-key", &key).send().await.expect(200);
        gateway.clock.advance(Duration::from_secs(12 * 3600));
        gateway.message(&key).send().await.expect(200);
    }

    async fn models_have_two_faces(gateway) {
        let key = key_with_account(&gateway, json!({"allowed_models": ["claude-*-5-5"]})).await;
        let get = |path: &str| gateway.get(path).header("x-api-key", &key);
        let openai = get("/v1/models").send().await.expect(200).json();
        assert_eq!((&openai["object"], &openai["data"][0]["object"]), (&json!("list"), &json!("model")));
        let ids: Vec<_> = openai["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["claude-haiku-5-5", "claude-opus-5-5", "claude-sonnet-5-5"]);
        let anthropic = |path: &str| get(path).header("anthropic-version", "2023-06-01");
        let page = anthropic("/v1/models?limit=2").send().await.expect(200).json();
        assert_eq!((&page["has_more"], &page["last_id"]), (&json!(true), &json!("claude-opus-5-5")));
        let rest = anthropic("/v1/models?limit=2&after_id=claude-opus-5-5").send().await.expect(200).json();
        assert_eq!(rest["data"].as_array().unwrap().len(), 1);
        for limit in ["many", "0", "1001", "-1"] {
            let target = format!("/v1/models?limit={limit}");
            anthropic(&target).send().await.expect(400);
        }
        let one = anthropic("/v1/models/claude-opus-5-5").send().await.expect(200).json();
        assert_eq!((&one["type"], &one["id"]), (&json!("model"), &json!("claude-opus-5-5")));
        assert_eq!(get("/v1/models/claude-opus-5-5").send().await.expect(200).json()["object"], "model");
        for absent in ["claude-opus-5", "nonsense", "a%2Fb"] {
            let reply = anthropic(&format!("/v1/models/{absent}")).send().await.expect(404);
            assert_eq!(reply.json()["error"]["type"], "not_found_error");
            let reply = get(&format!("/v1/models/{absent}")).send().await.expect(404);
            assert!(reply.json()["error"]["message"].is_string() && reply.json()["type"].is_null());
        }
    }

    async fn tokens_are_counted_by_the_provider(gateway) {
        let key = key_with_account(&gateway, json!({})).await;
        let mut body = message();
        body.as_object_mut().unwrap().remove("max_tokens");
        let count = gateway.post("/v1/messages/count_tokens").header("x-api-key", &key).json(&body);
        let reply = count.header("anthropic-version", "2023-06-01").send().await.expect(200);
        assert!(reply.json()["input_tokens"].as_u64().unwrap() > 0);
    }

    async fn what_is_authorised_is_what_is_forwarded(gateway) {
        let key = key_with_account(&gateway, json!({})).await;
        for body in [
            r#"{"model":"a","model":"b","max_tokens":1,"messages":[]}"#,
            r#"{"model":"a","max_tokens":1,"messages":[],"messages":[]}"#,
            r#"{"model":"a","max_tokens":1,"system":"b","syst\u0065m":"c","messages":[]}"#,
            r#"{"model":"a","max_tokens":1,"tools":[],"messages":[],"tools":[]}"#,
            r#"{"model":"a","max_tokens":1,"container":"b","container":"c","messages":[]}"#,
            r#"{"max_tokens":1,"messages":[]}"#,
            r#"{"model":7,"max_tokens":1,"messages":[]}"#,
            r#"{"model":"a","stream":"yes","messages":[]}"#,
            "[]",
            "",
            "{",
        ] {
            let request = gateway.post("/v1/messages").header("x-api-key", &key);
            let reply = request.header("content-type", "application/json").bytes(body).send().await.expect(400);
            assert_eq!(reply.json()["error"]["type"], "invalid_request_error", "{body}");
        }
        assert!(gateway.provider.received().is_empty());
    }
}

#[tokio::test]
async fn compressed_bodies_are_read() {
    let gateway = TestGateway::start(crate::database::Kind::Sqlite).await;
    let key = key_with_account(&gateway, json!({})).await;
    let plain = message().to_string().into_bytes();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&plain).unwrap();
    let send = async |coding: &str, body: Vec<u8>| {
        let request = gateway
            .post("/v1/messages")
            .header("x-api-key", &key)
            .header("content-encoding", coding);
        request
            .header("content-type", "application/json")
            .bytes(body)
            .send()
            .await
    };
    send("gzip", gzip.finish().unwrap()).await.expect(200);
    send("zstd", zstd::encode_all(plain.as_slice(), 3).unwrap())
        .await
        .expect(200);
    let received = gateway.provider.received();
    for request in &received {
        assert_eq!(request.body, plain);
        assert_eq!(request.header("content-encoding"), None);
    }
    assert_eq!(received.len(), 2);
    send("identity", plain.clone()).await.expect(200);
    send("gzip", plain.clone()).await.expect(400);
    send("gzip, gzip", plain.clone()).await.expect(415);
    send("compress", plain).await.expect(415);
    // A gigabyte in a few kilobytes.
    let bomb = zstd::encode_all(std::io::repeat(b' ').take(1 << 30), 3).unwrap();
    assert!(bomb.len() < 1 << 20);
    let reply = send("zstd", bomb).await.expect(413);
    assert_eq!(reply.json()["error"]["type"], "request_too_large");
}

#[tokio::test]
async fn a_refused_key_does_not_cost_an_upload() {
    let gateway = TestGateway::start(crate::database::Kind::Sqlite).await;
    let request = gateway
        .post("/v1/messages")
        .header("x-api-key", "sk-gw-aaaaaaaaaaaa-nonsense")
        .header("content-type", "application/json")
        .header("content-length", "1000000");
    let mut stream = request.open().await;
    read_reply(&mut stream).await.expect(401);
}

#[tokio::test]
async fn an_answer_of_a_provider_is_never_a_page() {
    let gateway = TestGateway::start(crate::database::Kind::Sqlite).await;
    let key = key_with_account(&gateway, json!({})).await;
    let script = "<script>alert(1)</script>";
    let error = json!({"type": "error", "error": {"type": "invalid_request_error", "message": script}});
    for (status, body) in [(200, json!(script)), (400, error)] {
        for content_type in ["text/html", "image/svg+xml", "text/html; charset=utf-7"] {
            let answer = Script::raw(status, content_type, body.to_string());
            gateway.provider.next(answer);
            let reply = gateway.message(&key).send().await.expect(status);
            assert_eq!(
                reply.header("content-type"),
                Some("application/json"),
                "{content_type}"
            );
            assert_eq!(
                reply.header("content-security-policy"),
                Some("default-src 'none'; frame-ancestors 'none'")
            );
            assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(reply.header("cache-control"), Some("no-store"));
        }
    }
}
