use std::time::Duration;

use gateway_api::ApiSettings;
use serde_json::{Value, json};

use crate::database::Kind;
use crate::gateway::TestGateway;
use crate::on_both_databases;

on_both_databases! {
    async fn health_names_what_it_is_made_of(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        gateway.make_account(&gateway.admin, json!({"is_active": false})).await;
        let elsewhere = || gateway.get("/health").header("x-forwarded-for", "192.0.2.1");
        let health = elsewhere().bearer(&gateway.admin).send().await.expect(200).json();
        assert!(health["warnings"].is_array());
        let member = gateway.member("ann").await;
        for request in [elsewhere(), elsewhere().bearer("nonsense"), elsewhere().bearer(&member.token)] {
            let seen = request.send().await.expect(200).json();
            assert_eq!((&seen["status"], &seen["warnings"]), (&json!("ok"), &Value::Null));
            assert_eq!(seen["version"], health["version"]);
        }
        let here = gateway.get("/health").send().await.expect(200).json();
        assert_eq!(here["warnings"], health["warnings"]);
        assert_eq!(health["status"], "ok");
        assert_eq!(health["missing"], json!([]));
        assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(health["started_at"], "2026-06-15T12:00:00Z");
        assert!(["sqlite", "postgres"].contains(&health["database"]["backend"].as_str().unwrap()));
        assert!(health["database"]["latency_ms"].is_number());
        assert_eq!(health["accounts"], json!({"total": 2, "by_status": {"unknown": 1, "disabled": 1}}));
    }

    async fn without_a_database_it_is_alive_but_not_ready(gateway) {
        gateway.get("/readyz").send().await.expect(200);
        gateway.app.store.close().await;
        gateway.get("/healthz").send().await.expect(200);
        // What was found is believed for a second, so that nobody keeps the database busy by asking.
        gateway.get("/readyz").send().await.expect(200);
        gateway.clock.advance(Duration::from_secs(1));
        let ready = gateway.get("/readyz").send().await.expect(503).json();
        assert_eq!(ready, json!({"ready": false, "missing": ["database"]}));
        let health = gateway.get("/health").send().await.expect(503).json();
        assert_eq!(health["status"], "unavailable");
        let reply = gateway.get("/api/keys").bearer(&gateway.admin).send().await.expect(503);
        assert_eq!(reply.code(), "unavailable");
        assert!(reply.header("retry-after").is_some());
        let login = json!({"username": "root", "password": "x"});
        gateway.post("/api/auth/login").json(&login).send().await.expect(503);
    }
}

#[tokio::test]
async fn draining_is_not_ready() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    gateway.app.readiness.drain();
    let ready = gateway.get("/readyz").send().await.expect(503).json();
    assert_eq!(ready["missing"], json!(["draining"]));
    gateway.get("/healthz").send().await.expect(200);
    gateway.me(&gateway.admin).await.expect(200);
}

#[tokio::test]
async fn clients_find_a_gateway_at_the_root() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let reply = gateway.request("HEAD", "/").send().await.expect(200);
    assert!(reply.body.is_empty());
    let reply = gateway.get("/").send().await.expect(200);
    assert_eq!(reply.text(), "ok\n");
}

#[tokio::test]
async fn metrics_are_for_admins_or_a_token() {
    let settings = ApiSettings {
        metrics_token: Some("scrape-me".to_owned().into()),
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    let member = gateway.member("ann").await;
    gateway.get("/metrics").send().await.expect(401);
    gateway
        .get("/metrics")
        .bearer("scrape-mf")
        .send()
        .await
        .expect(401);
    gateway
        .get("/metrics")
        .bearer(&member.token)
        .send()
        .await
        .expect(403);
    for token in ["scrape-me", &gateway.admin] {
        let reply = gateway.get("/metrics").bearer(token).send().await.expect(200);
        assert!(
            reply
                .header("content-type")
                .unwrap()
                .starts_with("application/openmetrics-text")
        );
        assert!(reply.text().ends_with("# EOF\n"));
        assert!(reply.text().contains("gateway_database_connections{pool="));
    }
    let empty = ApiSettings {
        metrics_token: Some(String::new().into()),
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, empty).await;
    gateway.get("/metrics").bearer("").send().await.expect(401);
    let public = ApiSettings {
        metrics_public: true,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, public).await;
    gateway.get("/metrics").send().await.expect(200);
}

#[tokio::test]
async fn the_document_can_be_read_without_the_internet() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let reply = gateway.get("/docs").send().await.expect(302);
    assert_eq!(reply.header("location"), Some("/docs/"));
    let page = gateway.get("/docs/").send().await.expect(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(
        !page.text().contains("http://") && !page.text().contains("https://"),
        "{page}"
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'self'") && !policy.contains("unsafe-inline"),
        "{policy}"
    );
    assert!(
        !page.text().contains("<style") && !page.text().contains("<script>"),
        "{page}"
    );
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        gateway.get(&format!("/docs/{file}")).send().await.expect(200);
    }
    let initializer = gateway.get("/docs/swagger-initializer.js").send().await.text();
    assert!(initializer.contains("/openapi.json"), "{initializer}");
    for absent in ["/docs/absent.js", "/docs/..%2f..%2fetc%2fpasswd", "/docs/%2e%2e"] {
        gateway.get(absent).send().await.expect(404);
    }
}
