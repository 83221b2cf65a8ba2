use gateway_simulator::{Endpoint, Script};
use serde_json::{Value, json};

use crate::gateway::{CREDENTIAL, no_limits};
use crate::on_both_databases;

fn path(thing: &Value) -> String {
    format!("/api/upstream-accounts/{}", thing["id"].as_str().unwrap())
}

on_both_databases! {
    async fn a_credential_is_never_seen_again(gateway) {
        let account = gateway.make_account(&gateway.admin, json!({})).await;
        assert_eq!(account["credential"], json!({"type": "api_key", "hint": "…wxyz"}));
        let mut shown = account.clone();
        for field in ["id", "base_url", "health"] {
            shown.as_object_mut().unwrap().remove(field);
        }
        assert_eq!(
            shown,
            json!({
                "owner_id": null, "name": "simulated", "provider": "anthropic",
                "credential": {"type": "api_key", "hint": "…wxyz"}, "admin_credential": null, "proxy_url": null,
                "is_active": true,
                "priority": 50, "weight": 1, "max_concurrency": null, "models": [], "model_map": {}, "tags": {},
                "limits": no_limits(),
                "budget": {"amount_usd": null, "period": "month", "spent_usd": 0.0, "resets_at": "2026-07-01T00:00:00Z", "exhausts_at": null},
                "created_at": "2026-06-15T12:00:00Z", "updated_at": "2026-06-15T12:00:00Z", "last_used_at": null,
            })
        );
        let health = json!({
            "status": "unknown", "reason": null, "until": null, "checked_at": null, "latency_ms": null,
            "http_status": null, "in_flight": 0, "success_rate": null, "ttft_ms": null,
            "rate_limits": {
                "requests_remaining": null, "input_tokens_remaining": null, "output_tokens_remaining": null,
                "resets_at": null,
            },
        });
        assert_eq!(account["health"], health);
        let read = gateway.get(&path(&account)).bearer(&gateway.admin).send().await.expect(200);
        assert_eq!(read.header("cache-control"), Some("no-store"));
        assert_eq!(read.json(), account);
        let listed = gateway.get("/api/upstream-accounts").bearer(&gateway.admin).send().await.expect(200);
        assert_eq!(listed.json()["data"], json!([account]));
        for reply in [read, listed] {
            assert!(!reply.text().contains(CREDENTIAL) && !reply.text().contains("sealed"));
        }
    }

    async fn changes_are_in_force_before_they_are_answered(gateway) {
        let account = gateway.make_account(&gateway.admin, json!({})).await;
        let key = gateway.make_key(&gateway.admin, json!({})).await;
        let key = key["key"].as_str().unwrap();
        gateway.message(key).send().await.expect(200);
        let put = |body: Value| gateway.put(&path(&account)).bearer(&gateway.admin).json(&body);
        put(json!({"is_active": false})).send().await.expect(200);
        assert_ne!(gateway.message(key).send().await.status, 200);
        put(json!({"is_active": true, "models": ["other-model"]})).send().await.expect(200);
        gateway.message(key).send().await.expect(404);
        put(json!({"models": [], "model_map": {"alias": "claude-sonnet-5-5"}})).send().await.expect(200);
        gateway.message(key).send().await.expect(200);
        put(json!({"credential": {"type": "api_key", "api_key": "sk-ant-another-abcd"}})).send().await.expect(200);
        gateway.message(key).send().await.expect(200);
        let last = gateway.provider.received().pop().unwrap();
        assert_eq!(last.credential.as_deref(), Some("sk-ant-another-abcd"));
        gateway.delete(&path(&account)).bearer(&gateway.admin).send().await.expect(204);
        assert_ne!(gateway.message(key).send().await.status, 200);
    }

    async fn everything_about_an_account_can_be_set_and_cleared(gateway) {
        let account = gateway.make_account(&gateway.admin, json!({
            "credential": {
                "type": "oauth", "access_token": "at-1234567890-abcd", "refresh_token": "rt-1234567890",
                "expires_at": "2027-01-01T00:00:00Z",
            },
            "base_url": "https://api.example.com", "proxy_url": "socks5://127.0.0.1:1080", "is_active": false, "priority": 7, "weight": 1000,
            "max_concurrency": 3, "models": ["claude-*"], "model_map": {"a": "b"}, "tags": {"team": "x"},
        })).await;
        assert_eq!(account["credential"], json!({"type": "oauth", "hint": "…abcd"}));
        assert_eq!(account["health"]["status"], "disabled");
        let put = |body: Value| gateway.put(&path(&account)).bearer(&gateway.admin).json(&body);
        let changed = put(json!({"proxy_url": null, "max_concurrency": null, "weight": 0})).send().await.expect(200);
        let changed = changed.json();
        assert_eq!((&changed["proxy_url"], &changed["max_concurrency"], &changed["weight"]), (&Value::Null, &Value::Null, &json!(0)));
        assert_eq!(changed["priority"], 7);
        assert_eq!(put(json!({})).send().await.expect(200).json()["tags"], json!({"team": "x"}));
    }

    async fn what_is_not_valid_is_named(gateway) {
        let valid = json!({
            "name": "x", "provider": "anthropic", "credential": {"type": "api_key", "api_key": "sk-1234"},
        });
        for (field, value, culprit) in [
            ("name", json!(""), "name"),
            ("provider", json!("mistral"), "provider"),
            ("credential", json!({"type": "api_key"}), "credential.api_key"),
            ("credential", json!({"type": "api_key", "api_key": ""}), "credential.api_key"),
            ("credential", json!({"type": "api_key", "api_key": "a\r\nb: c"}), "credential.api_key"),
            ("credential", json!({"type": "oauth", "refresh_token": "x"}), "credential.access_token"),
            ("credential", json!({"type": "password"}), "credential.type"),
            ("credential", json!({"type": "api_key", "api_key": "x", "hint": "y"}), "credential.hint"),
            ("credential", json!("sk-1234"), "credential"),
            ("base_url", json!("ftp://example.com"), "base_url"),
            ("base_url", json!("https://user:pass@example.com"), "base_url"),
            ("base_url", json!("https://example.com/?x=y"), "base_url"),
            ("base_url", json!("http://169.254.169.254/"), "base_url"),
            ("base_url", json!("nonsense"), "base_url"),
            ("proxy_url", json!("ftp://proxy"), "proxy_url"),
            ("priority", json!(-1), "priority"),
            ("priority", json!(1001), "priority"),
            ("weight", json!(1001), "weight"),
            ("weight", json!(-1), "weight"),
            ("max_concurrency", json!(0), "max_concurrency"),
            ("models", json!(["a b"]), "models[0]"),
            ("model_map", json!({"a*": "b"}), "model_map.a*"),
            ("tags", json!({"a": "line\nbreak"}), "tags.a"),
            ("owner_id", json!(null), "owner_id"),
        ] {
            let mut body = valid.clone();
            body[field] = value.clone();
            let reply = gateway.post("/api/upstream-accounts").bearer(&gateway.admin).json(&body).send().await;
            assert_eq!(reply.expect(422).fields(), [culprit], "{field} {value}");
        }
    }

    async fn a_credential_does_not_follow_to_another_server(gateway) {
        let account = gateway.make_account(&gateway.admin, json!({})).await;
        let put = |body: Value| gateway.put(&path(&account)).bearer(&gateway.admin).json(&body);
        let own = gateway.provider.base_url();
        let other_port = "http://127.0.0.1:1";
        let other_scheme = own.replace("http:", "https:");
        for url in [other_port, "https://evil.example.com", &other_scheme] {
            let reply = put(json!({"base_url": url})).send().await.expect(422);
            assert_eq!(reply.fields(), ["credential"], "{url}");
        }
        put(json!({"base_url": format!("{own}/prefix")})).send().await.expect(200);
        let credential = json!({"type": "api_key", "api_key": "sk-for-the-other"});
        let moved = put(json!({"base_url": other_port, "credential": credential})).send().await.expect(200).json();
        assert_eq!(moved["base_url"], other_port);
    }

    async fn a_member_has_their_own_and_sees_little_of_the_shared(gateway) {
        let (ann, bob) = (gateway.member("ann").await, gateway.member("bob").await);
        let shared = gateway.make_account(&gateway.admin, json!({"name": "shared"})).await;
        let public = json!({"base_url": "https://api.example.com"});
        let own = gateway.make_account(&ann.token, public).await;
        assert_eq!(own["owner_id"], json!(ann.id));

        let seen = gateway.get(&path(&shared)).bearer(&ann.token).send().await.expect(200).json();
        let mut fields: Vec<_> = seen.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        assert_eq!(fields, ["health", "id", "name", "provider"]);
        assert_eq!(gateway.list(&ann.token, "/api/upstream-accounts").await.len(), 2);
        assert_eq!(gateway.list(&bob.token, "/api/upstream-accounts").await.len(), 1);
        assert_eq!(gateway.list(&gateway.admin, "/api/upstream-accounts").await.len(), 2);

        for (account, status) in [(&shared, 403), (&own, 404)] {
            let path = path(account);
            gateway.put(&path).bearer(&bob.token).json(&json!({"weight": 5})).send().await.expect(status);
            gateway.delete(&path).bearer(&bob.token).send().await.expect(status);
            gateway.post(&format!("{path}/reset")).bearer(&bob.token).send().await.expect(status);
            let health = gateway.get(&format!("{path}/health")).bearer(&bob.token).send().await;
            health.expect(if status == 403 { 200 } else { 404 });
        }
        gateway.get(&path(&own)).bearer(&bob.token).send().await.expect(404);
        gateway.put(&path(&own)).bearer(&ann.token).json(&json!({"weight": 5})).send().await.expect(200);
        gateway.delete(&path(&own)).bearer(&ann.token).send().await.expect(204);
        assert!(gateway.provider.received().is_empty(), "a member's look at a shared account asks nobody");

        for url in ["http://127.0.0.1:9", "http://localhost", "https://10.1.2.3", "https://[::1]"] {
            let body = json!({
                "name": "x", "provider": "anthropic", "base_url": url,
                "credential": {"type": "api_key", "api_key": "sk-1234"},
            });
            let reply = gateway.post("/api/upstream-accounts").bearer(&ann.token).json(&body).send().await;
            assert_eq!(reply.expect(422).fields(), ["base_url"], "{url}");
        }
    }

    async fn health_is_asked_now_or_remembered(gateway) {
        let account = gateway.make_account(&gateway.admin, json!({})).await;
        let health = |query: &str| gateway.get(&format!("{}/health{query}", path(&account))).bearer(&gateway.admin);
        assert_eq!(health("?cached=true").send().await.expect(200).json()["status"], "unknown");
        assert!(gateway.provider.received().is_empty());
        let live = health("").send().await.expect(200).json();
        assert_eq!((&live["status"], &live["http_status"]), (&json!("healthy"), &json!(200)));
        assert_eq!(live["checked_at"], "2026-06-15T12:00:00Z");
        let asked = gateway.provider.received().pop().unwrap();
        assert_eq!((asked.method.as_str(), asked.path()), ("GET", "/v1/models"));

        gateway.provider.accept_only(["another"]);
        let refused = health("").send().await.expect(200).json();
        assert_eq!((&refused["status"], &refused["http_status"]), (&json!("unhealthy"), &json!(401)));
        assert!(!refused.to_string().contains(CREDENTIAL));
        assert_eq!(health("?cached=true").send().await.json()["status"], "unhealthy");
        assert_eq!(gateway.list(&gateway.admin, "/api/upstream-accounts?status=unhealthy").await.len(), 1);
        assert!(gateway.list(&gateway.admin, "/api/upstream-accounts?status=healthy").await.is_empty());
        assert!(gateway.list(&gateway.admin, "/api/upstream-accounts?provider=gemini").await.is_empty());

        let reset = gateway.post(&format!("{}/reset", path(&account))).bearer(&gateway.admin).send().await;
        assert_ne!(reset.expect(200).json()["status"], "unhealthy");
        health("?cached=perhaps").send().await.expect(400);
        gateway.get("/api/upstream-accounts?status=fine").bearer(&gateway.admin).send().await.expect(400);
    }

    async fn an_unreachable_provider_is_a_finding_and_no_error(gateway) {
        gateway.provider.always(Script::status(500).on(Endpoint::Models));
        let broken = gateway.make_account(&gateway.admin, json!({})).await;
        let away = gateway.make_account(&gateway.admin, json!({"base_url": "http://127.0.0.1:1"})).await;
        for account in [broken, away] {
            let reply = gateway.get(&format!("{}/health", path(&account))).bearer(&gateway.admin).send().await;
            let health = reply.expect(200).json();
            assert_ne!(health["status"], "healthy", "{health}");
        }
    }
}
