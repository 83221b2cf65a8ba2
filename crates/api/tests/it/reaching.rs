use serde_json::{Value, json};

use crate::database::Kind;
use crate::gateway::TestGateway;
use crate::on_both_databases;

/// Nobody listens there.
const AWAY: &str = "http://127.0.0.1:1";

fn path(thing: &Value) -> String {
    format!("/api/upstream-accounts/{}", thing["id"].as_str().unwrap())
}

on_both_databases! {
    async fn only_the_internet_and_what_is_listed_may_be_written_down(gateway) {
        let account = gateway.make_account(&gateway.admin, json!({})).await;
        for (field, url, why) in [
            ("base_url", "http://api.example.com", "plain http is for accounts of admins, to what upstream.allow_private lists: use https"),
            ("base_url", "https://10.0.0.1", "not an address on the internet: only accounts of admins reach others, if upstream.allow_private lists them"),
            ("base_url", "https://169.254.169.254", "link-local and metadata addresses are never reached"),
            ("base_url", "https://user@api.example.com", "no user name and no password are allowed here"),
            ("base_url", "https://api.example.com/?a=b", "no query and no fragment are allowed here"),
            ("base_url", "https://api.example.com/#top", "no query and no fragment are allowed here"),
            ("proxy_url", "socks5://10.0.0.1:1080", "not an address on the internet: only accounts of admins reach others, if upstream.allow_private lists them"),
            ("proxy_url", "http://metadata.google.internal", "link-local and metadata addresses are never reached"),
            ("proxy_url", "http://user:pass@proxy.example.com", "no user name and no password are allowed here"),
            ("proxy_url", "http://proxy.example.com/?a=b", "expected nothing but scheme, host and port"),
        ] {
            let body = json!({field: url, "credential": {"type": "api_key", "api_key": "sk-1234"}});
            let reply = gateway.put(&path(&account)).bearer(&gateway.admin).json(&body).send().await.expect(422).json();
            assert_eq!(reply["error"]["details"], json!([{"field": field, "message": why}]), "{url}");
        }
    }

    async fn a_members_account_goes_no_further_when_an_admin_changes_it(gateway) {
        let ann = gateway.member("ann").await;
        let account = gateway.make_account(&ann.token, json!({"base_url": "https://api.example.com"})).await;
        let credential = json!({"type": "api_key", "api_key": "sk-1234"});
        for (wish, field) in [
            (json!({"base_url": gateway.provider.base_url(), "credential": credential}), "base_url"),
            (json!({"proxy_url": "socks5://127.0.0.1:1080"}), "proxy_url"),
        ] {
            for token in [&ann.token, &gateway.admin] {
                let reply = gateway.put(&path(&account)).bearer(token).json(&wish).send().await;
                assert_eq!(reply.expect(422).fields(), [field]);
            }
        }
    }

    async fn a_credential_does_not_follow_to_another_proxy_that_could_read_it(gateway) {
        let account = gateway.make_account(&gateway.admin, json!({
            "admin_credential": {"type": "api_key", "api_key": "sk-ant-admin01-abcd"},
        })).await;
        let put = |body: Value| gateway.put(&path(&account)).bearer(&gateway.admin).json(&body);
        let proxy = json!("socks5://127.0.0.1:1080");
        assert_eq!(put(json!({"proxy_url": proxy})).send().await.expect(422).fields(), ["credential", "admin_credential"]);
        let credential = json!({"type": "api_key", "api_key": "sk-1234"});
        let anew = json!({"proxy_url": proxy, "credential": credential, "admin_credential": null});
        put(anew).send().await.expect(200);
        put(json!({"proxy_url": proxy, "weight": 5})).send().await.expect(200);
        assert_eq!(put(json!({"proxy_url": "http://127.0.0.1:1080"})).send().await.expect(422).fields(), ["credential"]);
        assert_eq!(put(json!({"proxy_url": null})).send().await.expect(422).fields(), ["credential"]);
        put(json!({"proxy_url": null, "credential": credential})).send().await.expect(200);

        // By https a proxy reads nothing, and a change to plain http is a change of the server.
        put(json!({"base_url": "https://127.0.0.1:1", "credential": credential})).send().await.expect(200);
        put(json!({"proxy_url": proxy})).send().await.expect(200);
        assert_eq!(put(json!({"proxy_url": null, "base_url": AWAY})).send().await.expect(422).fields(), ["credential"]);
    }

    async fn members_are_not_told_what_is_behind_the_address_of_a_shared_account(gateway) {
        let ann = gateway.member("ann").await;
        let down = gateway.make_account(&gateway.admin, json!({"name": "down", "priority": 1, "base_url": AWAY})).await;
        gateway.make_account(&gateway.admin, json!({"name": "up", "priority": 2})).await;
        let key = gateway.make_key(&ann.token, json!({})).await;
        let answer = gateway.message(key["key"].as_str().unwrap()).send().await.expect(200);
        let first = answer.header("x-gateway-request-id").unwrap().to_owned();
        let health = format!("{}/health", path(&down));
        let probed = gateway.get(&health).bearer(&gateway.admin).send().await.expect(200).json();
        let reason = probed["reason"].as_str().unwrap();
        assert!(reason.starts_with("transport: no answer came: ") && reason.contains("refused"), "{reason}");
        // The account rests now, which is said of it in the next request.
        let answer = gateway.message(key["key"].as_str().unwrap()).send().await.expect(200);
        let second = answer.header("x-gateway-request-id").unwrap().to_owned();
        gateway.settle().await;

        for target in [
            path(&down),
            health,
            "/api/upstream-accounts".to_owned(),
            format!("/api/usage/requests/{first}"),
            format!("/api/usage/requests/{second}"),
            "/api/usage/export".to_owned(),
        ] {
            let seen = gateway.get(&target).bearer(&ann.token).send().await.expect(200).text();
            assert!(!seen.contains("refused") && !seen.contains("127.0.0.1:1"), "{target}: {seen}");
            if target != "/api/usage/export" {
                assert!(seen.contains("no answer came\""), "{target}: {seen}");
                let seen = gateway.get(&target).bearer(&gateway.admin).send().await.expect(200).text();
                assert!(seen.contains("refused"), "{target}: {seen}");
            }
        }
    }
}

#[tokio::test]
async fn no_address_in_the_body_of_a_request_is_fetched() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let trap = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let url = format!("http://{}/picture.png", trap.local_addr().unwrap());
    for (provider, model) in [
        ("anthropic", "claude-a"),
        ("openai", "gpt-b"),
        ("gemini", "gemini-c"),
    ] {
        let wishes = json!({"provider": provider, "models": [model], "name": provider});
        gateway.make_account(&gateway.admin, wishes).await;
    }
    let key = gateway.make_key(&gateway.admin, json!({})).await;
    let key = key["key"].as_str().unwrap();
    for model in ["claude-a", "gpt-b", "gemini-c"] {
        let anthropic = json!({"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": [
            {"type": "image", "source": {"type": "url", "url": url}},
            {"type": "document", "source": {"type": "url", "url": url}},
            {"type": "text", "text": "Hi"},
        ]}]});
        let chat = json!({"model": model, "messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "Hi"},
        ]}]});
        let responses = json!({"model": model, "input": [{"role": "user", "content": [
            {"type": "input_image", "image_url": url}, {"type": "input_file", "file_url": url}, {"type": "input_text", "text": "Hi"},
        ]}]});
        let gemini = json!({"contents": [{"role": "user", "parts": [
            {"fileData": {"fileUri": url, "mimeType": "image/png"}}, {"text": "Hi"},
        ]}]});
        let of_model = format!("/v1beta/models/{model}:generateContent");
        for (path, body) in [
            ("/v1/messages", anthropic),
            (
                "/v1/messages/count_tokens",
                json!({"model": model, "messages": [{"role": "user", "content": url}]}),
            ),
            ("/v1/chat/completions", chat),
            ("/v1/responses", responses),
            (of_model.as_str(), gemini),
        ] {
            gateway.post(path).bearer(key).json(&body).send().await;
        }
    }
    assert!(!gateway.provider.received().is_empty());
    let asked = trap.accept();
    assert!(asked.is_err(), "{asked:?}");
}
