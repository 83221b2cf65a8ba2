//! Every route of the document, for every kind of caller.

use gateway_api::ApiSettings;
use gateway_domain::Role;
use serde_json::{Value, json};

use crate::database::Kind;
use crate::gateway::TestGateway;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Anybody,
    SignedIn,
    Admin,
    ApiKey,
}

/// The rules, written down a second time: by hand, and not from the code.
fn policy(method: &str, path: &str) -> Policy {
    match (method, path) {
        ("post", "/api/auth/login" | "/api/auth/refresh") => Policy::Anybody,
        (_, "/" | "/healthz" | "/readyz" | "/health" | "/openapi.json") => Policy::Anybody,
        (_, path) if path.starts_with("/docs") => Policy::Anybody,
        (_, "/metrics") => Policy::Admin,
        ("put" | "delete", "/api/prices/{model}") => Policy::Admin,
        (_, "/api/alerts" | "/api/alerts/test" | "/api/audit-log") => Policy::Admin,
        (_, path) if path.starts_with("/api/users") || path.starts_with("/api/routing") => Policy::Admin,
        (_, path) if path.starts_with("/v1") => Policy::ApiKey,
        (_, path) if path.starts_with("/api/") => Policy::SignedIn,
        _ => panic!("{method} {path} has no rule"),
    }
}

async fn routes(gateway: &TestGateway) -> Vec<(String, String)> {
    let document = gateway.get("/openapi.json").send().await.expect(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap().clone();
    paths
        .into_iter()
        .flat_map(|(path, methods)| {
            let methods: Vec<String> = methods.as_object().unwrap().keys().cloned().collect();
            methods.into_iter().map(move |method| (method, path.clone()))
        })
        .collect()
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let routes = routes(&gateway).await;
    assert!(routes.len() > 35);
    for (method, path) in routes {
        let policy = policy(&method, &path);
        // Fresh ones each time: some of the routes end the sign-in.
        let number = gateway
            .app
            .store
            .list_users(
                None,
                gateway_domain::Page {
                    page: 1,
                    page_size: 1,
                },
            )
            .await;
        let number = number.unwrap().total;
        let member = gateway.member(&format!("member{number}")).await;
        let admin = gateway.user(&format!("admin{number}"), Role::Admin).await;
        let key = gateway.make_key(&member.token, json!({})).await;
        let key = key["key"].as_str().unwrap().to_owned();
        let target = path
            .replace("{id}", "0199aaaa-0000-7000-8000-000000000000")
            .replace("{model}", "claude-x")
            .replace("{file}", "index.html");
        let callers: [(&str, Option<&str>); 5] = [
            ("nobody", None),
            ("a stranger", Some("nonsense")),
            ("a member", Some(&member.token)),
            ("an admin", Some(&admin.token)),
            ("an API key", Some(&key)),
        ];
        for (who, token) in callers {
            let mut request = gateway.request(&method.to_uppercase(), &target);
            if let Some(token) = token {
                request = request.bearer(token);
            }
            if matches!(method.as_str(), "post" | "put") && path != "/api/auth/logout" {
                request = request.json(&json!({}));
            }
            let status = request.send().await.status;
            let is_let_in = match policy {
                Policy::Anybody => true,
                Policy::SignedIn => matches!(who, "a member" | "an admin"),
                Policy::Admin => who == "an admin",
                Policy::ApiKey => who == "an API key",
            };
            let is_refused = matches!(status, 401 | 403);
            assert_eq!(
                is_let_in, !is_refused,
                "{method} {path} answers {status} to {who}"
            );
            if !is_let_in {
                let expected = if policy == Policy::Admin && who == "a member" {
                    403
                } else {
                    401
                };
                assert_eq!(status, expected, "{method} {path} for {who}");
            }
            assert!(status < 500, "{method} {path} answers {status} to {who}");
        }
    }
}

#[tokio::test]
async fn every_status_is_in_the_document() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let document = gateway.get("/openapi.json").send().await.expect(200).json();
    for (method, path) in routes(&gateway).await {
        let responses = document["paths"][&path][&method]["responses"]
            .as_object()
            .unwrap()
            .clone();
        let target = path
            .replace("{id}", "nonsense")
            .replace("{model}", "x y")
            .replace("{file}", "absent.js");
        let target = target.replace(' ', "%20");
        for body in ["", "{", "[]", "{\"unknown\":1}"] {
            let mut request = gateway.request(&method.to_uppercase(), &format!("{target}?unknown=1"));
            if !body.is_empty() {
                request = request.header("content-type", "application/json").bytes(body);
            }
            if !path.starts_with("/v1/") && path != "/api/auth/logout" {
                request = request.bearer(&gateway.admin);
            }
            let reply = request.send().await;
            assert!(
                responses.contains_key(&reply.status.to_string()),
                "{method} {path} answers {reply}"
            );
        }
    }
}

#[tokio::test]
async fn the_document_and_its_page_can_be_switched_off() {
    let settings = ApiSettings {
        docs: false,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    for path in ["/openapi.json", "/docs", "/docs/", "/docs/index.html"] {
        let reply = gateway.get(path).send().await.expect(404);
        assert_eq!(reply.json()["error"]["code"], Value::from("not_found"), "{path}");
    }
}
