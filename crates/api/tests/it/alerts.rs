use gateway_alerting::{AccountState, Alert};
use gateway_api::ApiSettings;
use gateway_domain::{AccountId, ProviderKind};
use serde_json::{Value, json};

use crate::database::Kind;
use crate::gateway::TestGateway;
use crate::on_both_databases;

on_both_databases! {
    async fn alerts_are_paged_newest_first(gateway) {
        let account_id = AccountId::random();
        let out = Alert::AccountOut(AccountState {
            account_id,
            name: "team".to_owned(),
            provider: ProviderKind::Gemini,
            status: "cooling_down".to_owned(),
            reason: None,
            until: None,
        });
        let id = gateway.app.store.raise_alert(&out, None).await.unwrap().unwrap();
        gateway.clock.advance(std::time::Duration::from_secs(1));
        gateway.app.store.raise_alert(&Alert::Test, None).await.unwrap().unwrap();

        let page = gateway.get("/api/alerts?page_size=1").bearer(&gateway.admin).send().await.expect(200).json();
        assert_eq!((&page["data"][0]["kind"], &page["data"][0]["subject"]), (&json!("test"), &Value::Null));
        let next = format!("/api/alerts?cursor={}", page["next_cursor"].as_str().unwrap());
        let page = gateway.get(&next).bearer(&gateway.admin).send().await.expect(200).json();
        let expected = json!({
            "id": id.to_string(),
            "kind": "account_out",
            "subject": {"type": "account", "id": account_id.to_string()},
            "created_at": "2026-06-15T12:00:00Z",
            "next_attempt_at": null,
            "attempts": 0,
            "delivered_at": null,
            "last_error": null,
            "payload": {
                "type": "account_out",
                "timestamp": "2026-06-15T12:00:00Z",
                "data": {
                    "account_id": account_id.to_string(), "name": "team", "provider": "gemini",
                    "status": "cooling_down", "reason": null, "until": null,
                },
            },
        });
        assert_eq!(page, json!({"data": [expected], "next_cursor": null}));
        for query in ["cursor=nonsense", "page_size=0", "page=1"] {
            gateway.get(&format!("/api/alerts?{query}")).bearer(&gateway.admin).send().await.expect(400);
        }
    }
}

#[tokio::test]
async fn a_test_needs_a_webhook_to_go_to() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let refused = gateway
        .post("/api/alerts/test")
        .bearer(&gateway.admin)
        .send()
        .await
        .expect(409);
    assert_eq!(refused.code(), "no_webhook");
    assert!(gateway.list(&gateway.admin, "/api/alerts").await.is_empty());

    let settings = ApiSettings {
        has_webhook: true,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    let sent = gateway
        .post("/api/alerts/test")
        .bearer(&gateway.admin)
        .send()
        .await
        .expect(202)
        .json();
    let listed = gateway.list(&gateway.admin, "/api/alerts").await;
    assert_eq!(
        (&listed[0]["id"], &listed[0]["next_attempt_at"]),
        (&sent["id"], &json!("2026-06-15T12:00:00Z"))
    );
    let metrics = gateway
        .get("/metrics")
        .bearer(&gateway.admin)
        .send()
        .await
        .expect(200)
        .text();
    assert!(
        metrics.contains("gateway_alerts_total{kind=\"test\"} 1"),
        "{metrics}"
    );
}
