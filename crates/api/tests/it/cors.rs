use gateway_api::ApiSettings;
use serde_json::json;

use crate::client::Reply;
use crate::database::Kind;
use crate::gateway::TestGateway;

const CONSOLE: &str = "https://console.example.org";

async fn preflight(gateway: &TestGateway, path: &str, origin: &str) -> Reply {
    gateway
        .request("OPTIONS", path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization, content-type")
        .send()
        .await
}

fn allows(reply: &Reply) -> Vec<&str> {
    [
        "access-control-allow-origin",
        "access-control-allow-methods",
        "access-control-allow-headers",
        "access-control-allow-credentials",
    ]
    .into_iter()
    .filter_map(|name| reply.header(name))
    .collect()
}

#[tokio::test]
async fn no_page_may_read_anything_unless_it_is_allowed() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    for origin in [CONSOLE, "null", "http://localhost"] {
        let reply = preflight(&gateway, "/api/keys", origin).await.expect(405);
        assert_eq!(allows(&reply), [""; 0], "{origin}");
        let reply = gateway
            .get("/api/keys")
            .bearer(&gateway.admin)
            .header("origin", origin);
        assert_eq!(allows(&reply.send().await.expect(200)), [""; 0], "{origin}");
    }
}

#[tokio::test]
async fn a_page_that_is_allowed_may_read_answers_and_no_other_may() {
    let settings = ApiSettings {
        cors_origins: vec![serde_json::from_value(json!(CONSOLE)).unwrap()],
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    for path in ["/api/keys", "/v1/messages", "/nowhere"] {
        let reply = preflight(&gateway, path, CONSOLE).await.expect(204);
        assert_eq!(
            allows(&reply),
            [
                CONSOLE,
                "GET, HEAD, POST, PUT, DELETE",
                "authorization, content-type"
            ],
            "{path}"
        );
        // Errors too: a page must be able to say what went wrong.
        let reply = gateway.get(path).header("origin", CONSOLE).send().await;
        assert_eq!(allows(&reply), [CONSOLE], "{path}");
        assert_eq!(reply.header("vary"), Some("origin"));
    }
    for origin in [
        "http://console.example.org",
        "https://console.example.org:8443",
        "https://console.example.org.evil.example",
        "https://evil.example/https://console.example.org",
        "https://CONSOLE.example.org",
        "null",
        "*",
        "",
    ] {
        let reply = preflight(&gateway, "/api/keys", origin).await.expect(405);
        assert_eq!(allows(&reply), [""; 0], "{origin}");
    }
    // Without an origin it is no browser's question.
    let reply = gateway.request("OPTIONS", "/api/keys").send().await.expect(405);
    assert_eq!(reply.header("allow"), Some("GET, POST"));
}
