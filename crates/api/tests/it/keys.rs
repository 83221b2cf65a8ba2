use std::time::Duration;

use serde_json::{Value, json};

use crate::gateway::no_limits;
use crate::on_both_databases;

fn path(thing: &Value) -> String {
    format!("/api/keys/{}", thing["id"].as_str().unwrap())
}

on_both_databases! {
    async fn a_key_is_shown_once(gateway) {
        let ann = gateway.member("ann").await;
        let reply = gateway.post("/api/keys").bearer(&ann.token).json(&json!({"name": "ci"})).send().await.expect(201);
        let issued = reply.json();
        assert_eq!(reply.header("location"), Some(path(&issued).as_str()));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let key = issued["key"].as_str().unwrap().to_owned();
        assert!(key.starts_with("sk-gw-"));
        let mut shown = issued.clone();
        shown.as_object_mut().unwrap().remove("key");
        assert_eq!(
            shown,
            json!({
                "id": issued["id"], "user_id": ann.id, "name": "ci", "prefix": issued["prefix"], "is_active": true,
                "expires_at": null, "created_at": "2026-06-15T12:00:00Z", "updated_at": "2026-06-15T12:00:00Z",
                "last_used_at": null, "allowed_models": [], "allowed_ips": [], "allowed_accounts": [], "tags": {},
                "limits": no_limits(),
                "budget": {"amount_usd": null, "period": "month", "spent_usd": 0.0, "resets_at": "2026-07-01T00:00:00Z", "exhausts_at": null},
            })
        );
        let read = gateway.get(&path(&issued)).bearer(&ann.token).send().await.expect(200);
        assert_eq!(read.json(), shown);
        assert_eq!(gateway.list(&ann.token, "/api/keys").await, [shown]);
        let secret = key.rsplit('-').next().unwrap();
        assert!(!read.text().contains(secret));
    }

    async fn everything_about_a_key_can_be_set_and_cleared(gateway) {
        let account = gateway.make_account(&gateway.admin, json!({})).await;
        let wishes = json!({
            "name": "all", "is_active": true, "expires_in_days": 30,
            "allowed_models": ["claude-*", "exact"], "allowed_ips": ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"],
            "allowed_accounts": [account["id"]], "tags": {"team": "a"},
            "limits": {
                "requests_per_minute": 10, "tokens_per_minute": 1000, "input_tokens_per_minute": 900,
                "output_tokens_per_minute": 100, "concurrent_requests": 2, "burst_requests": 1,
            },
            "budget": {"amount_usd": 0.123456789, "period": "day"},
        });
        let issued = gateway.make_key(&gateway.admin, wishes.clone()).await;
        for field in ["name", "allowed_models", "allowed_ips", "allowed_accounts", "tags", "limits"] {
            assert_eq!(issued[field], wishes[field], "{field}");
        }
        assert_eq!(issued["expires_at"], "2026-07-15T12:00:00Z");
        assert_eq!(issued["budget"]["amount_usd"], 0.123456789);
        assert_eq!(issued["budget"]["resets_at"], "2026-06-16T00:00:00Z");

        let put = |body: Value| gateway.put(&path(&issued)).bearer(&gateway.admin).json(&body);
        gateway.clock.advance(Duration::from_secs(1));
        let renamed = put(json!({"name": "other", "limits": {"requests_per_minute": null}})).send().await.expect(200);
        let renamed = renamed.json();
        assert_eq!(renamed["name"], "other");
        let mut limits = wishes["limits"].clone();
        limits["requests_per_minute"] = Value::Null;
        assert_eq!(renamed["limits"], limits);
        assert_eq!(renamed["allowed_models"], wishes["allowed_models"]);
        assert_eq!(renamed["updated_at"], "2026-06-15T12:00:01Z");
        let cleared = put(json!({
            "expires_at": null, "allowed_models": [], "allowed_ips": [], "allowed_accounts": [], "tags": {},
            "budget": {"amount_usd": null, "period": "total"},
        }));
        let cleared = cleared.send().await.expect(200).json();
        assert_eq!(cleared["expires_at"], Value::Null);
        assert_eq!(
            cleared["budget"],
            json!({"amount_usd": null, "period": "total", "spent_usd": 0.0, "resets_at": null, "exhausts_at": null})
        );
        assert_eq!(put(json!({})).send().await.expect(200).json()["name"], "other");
    }

    async fn money_is_exact_to_the_last_digit(gateway) {
        let key = gateway.make_key(&gateway.admin, json!({})).await;
        for amount in ["0.000000001", "9223372036.854775807", "0.1", "1e-9"] {
            let body = format!(r#"{{"budget":{{"amount_usd":{amount}}}}}"#);
            let request = gateway.put(&path(&key)).bearer(&gateway.admin).header("content-type", "application/json");
            let text = request.bytes(body).send().await.expect(200).text();
            let expected = if amount == "1e-9" { "0.000000001" } else { amount };
            assert!(text.contains(&format!("\"amount_usd\":{expected},")), "{text}");
        }
        for amount in ["0.0000000001", "-1", "1e400", "\"1\"", "9223372037"] {
            let body = format!(r#"{{"budget":{{"amount_usd":{amount}}}}}"#);
            let request = gateway.put(&path(&key)).bearer(&gateway.admin).header("content-type", "application/json");
            assert_eq!(request.bytes(body).send().await.expect(422).fields(), ["budget.amount_usd"], "{amount}");
        }
    }

    async fn what_is_not_valid_is_named(gateway) {
        for (body, field) in [
            (json!({}), "name"),
            (json!({"name": ""}), "name"),
            (json!({"name": " "}), "name"),
            (json!({"name": "a\u{0}b"}), "name"),
            (json!({"name": "x".repeat(101)}), "name"),
            (json!({"name": null}), "name"),
            (json!({"name": "x", "is_active": null}), "is_active"),
            (json!({"name": "x", "nmae": "y"}), "nmae"),
            (json!({"name": "x", "limits": {"requests_per_minutes": 1}}), "limits.requests_per_minutes"),
            (json!({"name": "x", "limits": {"requests_per_minute": 0}}), "limits.requests_per_minute"),
            (json!({"name": "x", "limits": {"requests_per_minute": -1}}), "limits.requests_per_minute"),
            (json!({"name": "x", "limits": {"tokens_per_minute": 1.5}}), "limits.tokens_per_minute"),
            (json!({"name": "x", "limits": []}), "limits"),
            (json!({"name": "x", "budget": {"period": "year"}}), "budget.period"),
            (json!({"name": "x", "expires_at": "soon"}), "expires_at"),
            (json!({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}), "expires_at"),
            (json!({"name": "x", "expires_in_days": 0}), "expires_in_days"),
            (json!({"name": "x", "expires_at": "2030-01-01T00:00:00Z", "expires_in_days": 1}), "expires_in_days"),
            (json!({"name": "x", "allowed_models": ["two words"]}), "allowed_models[0]"),
            (json!({"name": "x", "allowed_ips": ["127.0.0.1", "home"]}), "allowed_ips[1]"),
            (json!({"name": "x", "allowed_accounts": ["nonsense"]}), "allowed_accounts[0]"),
            (json!({"name": "x", "allowed_accounts": ["0199aaaa-0000-7000-8000-000000000000"]}), "allowed_accounts[0]"),
            (json!({"name": "x", "tags": {"": "y"}}), "tags."),
            (json!({"name": "x", "tags": {"a": 1}}), "tags.a"),
            (json!({"name": "x", "user_id": "0199aaaa-0000-7000-8000-000000000000"}), "user_id"),
            (json!({"name": "x", "public_id": "aaaaaaaaaaaa"}), "public_id"),
        ] {
            let reply = gateway.post("/api/keys").bearer(&gateway.admin).json(&body).send().await.expect(422);
            assert_eq!(reply.fields(), [field], "{body}");
        }
        let many = json!({"name": "x", "allowed_models": vec!["m"; 101]});
        let reply = gateway.post("/api/keys").bearer(&gateway.admin).json(&many).send().await.expect(422);
        assert_eq!(reply.fields(), ["allowed_models"]);
    }

    async fn a_member_has_only_their_own(gateway) {
        let (ann, bob) = (gateway.member("ann").await, gateway.member("bob").await);
        let key = gateway.make_key(&ann.token, json!({})).await;
        let absent = "/api/keys/0199aaaa-0000-7000-8000-000000000000";
        for path in [path(&key).as_str(), absent, "/api/keys/nonsense"] {
            gateway.get(path).bearer(&bob.token).send().await.expect(404);
            gateway.put(path).bearer(&bob.token).json(&json!({"name": "mine"})).send().await.expect(404);
            gateway.delete(path).bearer(&bob.token).send().await.expect(404);
            gateway.post(&format!("{path}/rotate")).bearer(&bob.token).send().await.expect(404);
        }
        assert!(gateway.list(&bob.token, "/api/keys").await.is_empty());
        assert!(gateway.list(&bob.token, &format!("/api/keys?user_id={}", ann.id)).await.is_empty());
        let for_ann = json!({"name": "x", "user_id": ann.id});
        gateway.post("/api/keys").bearer(&bob.token).json(&for_ann).send().await.expect(403);
        let chown = json!({"user_id": bob.id});
        let reply = gateway.put(&path(&key)).bearer(&ann.token).json(&chown).send().await.expect(422);
        assert_eq!(reply.fields(), ["user_id"]);

        let made = gateway.make_key(&gateway.admin, for_ann).await;
        assert_eq!(made["user_id"], json!(ann.id));
        assert_eq!(gateway.list(&gateway.admin, &format!("/api/keys?user_id={}", ann.id)).await.len(), 2);
        gateway.get(&path(&key)).bearer(&gateway.admin).send().await.expect(200);
    }

    async fn a_rotated_key_has_a_grace(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        let old = gateway.make_key(&gateway.admin, json!({})).await;
        let old_key = old["key"].as_str().unwrap();
        gateway.message(old_key).send().await.expect(200);
        let rotate = |body: Value| gateway.post(&format!("{}/rotate", path(&old))).bearer(&gateway.admin).json(&body);
        for seconds in [json!(604_801), json!(-1), json!("1")] {
            let reply = rotate(json!({"grace_seconds": seconds})).send().await.expect(422);
            assert_eq!(reply.fields(), ["grace_seconds"]);
        }
        let new = rotate(json!({"grace_seconds": 60})).send().await.expect(201).json();
        assert_eq!((&new["id"], &new["prefix"]), (&old["id"], &old["prefix"]));
        let new_key = new["key"].as_str().unwrap();
        assert_ne!(new_key, old_key);
        gateway.message(new_key).send().await.expect(200);
        gateway.message(old_key).send().await.expect(200);
        gateway.clock.advance(Duration::from_secs(61));
        gateway.message(old_key).send().await.expect(401);
        gateway.message(new_key).send().await.expect(200);

        let newest = gateway.post(&format!("{}/rotate", path(&old))).bearer(&gateway.admin).send().await.expect(201);
        gateway.message(new_key).send().await.expect(401);
        gateway.message(newest.json()["key"].as_str().unwrap()).send().await.expect(200);
    }

    async fn a_key_stops_at_once_when_it_is_revoked_expired_or_deleted(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        let key = gateway.make_key(&gateway.admin, json!({"expires_in_days": 1})).await;
        let secret = key["key"].as_str().unwrap();
        gateway.message(secret).send().await.expect(200);
        let put = |body: Value| gateway.put(&path(&key)).bearer(&gateway.admin).json(&body);
        put(json!({"is_active": false})).send().await.expect(200);
        let reply = gateway.message(secret).send().await.expect(401);
        assert_eq!(reply.json()["error"]["type"], "authentication_error");
        put(json!({"is_active": true})).send().await.expect(200);
        gateway.message(secret).send().await.expect(200);
        gateway.settle().await;
        assert_ne!(gateway.list(&gateway.admin, "/api/keys").await[0]["last_used_at"], Value::Null);
        gateway.clock.advance(Duration::from_secs(86_400));
        gateway.message(secret).send().await.expect(401);
        let admin = gateway.sign_in("root").await;
        gateway.put(&path(&key)).bearer(&admin).json(&json!({"expires_at": null})).send().await.expect(200);
        gateway.message(secret).send().await.expect(200);
        gateway.delete(&path(&key)).bearer(&admin).send().await.expect(204);
        gateway.message(secret).send().await.expect(401);
        gateway.delete(&path(&key)).bearer(&admin).send().await.expect(404);
    }
}
