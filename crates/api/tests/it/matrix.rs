//! Every route of the document, for every kind of caller.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gateway_api::{ApiSettings, DefaultCredentials};
use gateway_domain::{AccountId, Budget, Credential, Limits, ProviderKind, Role};
use gateway_store::{Actor, NewAccount, SealedCredential};
use serde_json::{Value, json};

use crate::database::Kind;
use crate::gateway::{CREDENTIAL, TestGateway, TestUser};

/// What a route answers to those whom it lets in; everybody else is told to sign in, or to come with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Anybody, whatever they come with.
    Anybody(u16),
    /// Sign-ins: the member whom the thing belongs to, another member, an admin.
    Session([u16; 3]),
    /// API keys.
    Key(u16),
}

use Rule::{Anybody, Key, Session};

/// The rules, written down a second time: by hand, and not from the code. A route without a rule fails the test, and so
/// does a rule without a route.
///
/// Bodies are `{}`, so that 400 and 422 say that the caller was let in.
const RULES: &[(&str, &str, Rule)] = &[
    ("post", "/api/auth/login", Anybody(422)),
    ("post", "/api/auth/refresh", Anybody(422)),
    ("post", "/api/auth/logout", Session([422, 422, 422])),
    ("get", "/api/auth/me", Session([200, 200, 200])),
    ("post", "/api/auth/password", Session([422, 422, 422])),
    ("get", "/api/users", Session([403, 403, 200])),
    ("post", "/api/users", Session([403, 403, 422])),
    ("get", "/api/users/{id}", Session([403, 403, 200])),
    ("put", "/api/users/{id}", Session([403, 403, 200])),
    ("delete", "/api/users/{id}", Session([403, 403, 204])),
    ("get", "/api/keys", Session([200, 200, 200])),
    ("post", "/api/keys", Session([422, 422, 422])),
    ("get", "/api/keys/{id}", Session([200, 404, 200])),
    ("put", "/api/keys/{id}", Session([200, 404, 200])),
    ("delete", "/api/keys/{id}", Session([204, 404, 204])),
    ("post", "/api/keys/{id}/rotate", Session([201, 404, 201])),
    ("get", "/api/upstream-accounts", Session([200, 200, 200])),
    ("post", "/api/upstream-accounts", Session([422, 422, 422])),
    ("get", "/api/upstream-accounts/{id}", Session([200, 404, 200])),
    ("put", "/api/upstream-accounts/{id}", Session([200, 404, 200])),
    ("delete", "/api/upstream-accounts/{id}", Session([204, 404, 204])),
    (
        "get",
        "/api/upstream-accounts/{id}/health",
        Session([200, 404, 200]),
    ),
    (
        "post",
        "/api/upstream-accounts/{id}/reset",
        Session([200, 404, 200]),
    ),
    (
        "get",
        "/api/upstream-accounts/{id}/prices",
        Session([200, 404, 200]),
    ),
    (
        "put",
        "/api/upstream-accounts/{id}/prices/{model}",
        Session([422, 404, 422]),
    ),
    (
        "delete",
        "/api/upstream-accounts/{id}/prices/{model}",
        Session([204, 404, 204]),
    ),
    ("get", "/api/usage/summary", Session([200, 200, 200])),
    ("get", "/api/usage/timeseries", Session([200, 200, 200])),
    ("get", "/api/usage/requests", Session([200, 200, 200])),
    ("get", "/api/usage/requests/{id}", Session([200, 404, 200])),
    ("get", "/api/usage/export", Session([200, 200, 200])),
    ("get", "/api/usage/reconcile", Session([400, 400, 400])),
    ("get", "/api/prices", Session([200, 200, 200])),
    ("put", "/api/prices/{model}", Session([403, 403, 422])),
    ("delete", "/api/prices/{model}", Session([403, 403, 404])),
    ("post", "/api/routing/simulate", Session([403, 403, 422])),
    ("get", "/api/alerts", Session([403, 403, 200])),
    ("post", "/api/alerts/test", Session([403, 403, 409])),
    ("get", "/api/audit-log", Session([403, 403, 200])),
    ("get", "/metrics", Session([403, 403, 200])),
    ("post", "/v1/messages", Key(400)),
    ("post", "/v1/messages/count_tokens", Key(400)),
    ("post", "/v1/chat/completions", Key(400)),
    ("post", "/v1/responses", Key(400)),
    ("get", "/v1/models", Key(200)),
    ("get", "/v1/models/{id}", Key(200)),
    ("post", "/v1/models/{id}", Key(404)),
    ("get", "/v1beta/models", Key(200)),
    ("get", "/v1beta/models/{id}", Key(200)),
    ("post", "/v1beta/models/{id}", Key(404)),
    ("get", "/v1/usage", Key(200)),
    ("get", "/", Anybody(200)),
    ("head", "/", Anybody(200)),
    ("get", "/healthz", Anybody(200)),
    ("get", "/readyz", Anybody(200)),
    ("get", "/health", Anybody(200)),
    ("get", "/openapi.json", Anybody(200)),
    ("get", "/docs", Anybody(302)),
    ("get", "/docs/", Anybody(200)),
    ("get", "/docs/{file}", Anybody(200)),
];

/// The same for an account that belongs to everybody.
const RULES_OF_SHARED_ACCOUNTS: &[(&str, &str, Rule)] = &[
    ("get", "/api/upstream-accounts/{id}", Session([200, 200, 200])),
    ("put", "/api/upstream-accounts/{id}", Session([403, 403, 200])),
    ("delete", "/api/upstream-accounts/{id}", Session([403, 403, 204])),
    (
        "get",
        "/api/upstream-accounts/{id}/health",
        Session([200, 200, 200]),
    ),
    (
        "post",
        "/api/upstream-accounts/{id}/reset",
        Session([403, 403, 200]),
    ),
    (
        "get",
        "/api/upstream-accounts/{id}/prices",
        Session([403, 403, 200]),
    ),
    (
        "put",
        "/api/upstream-accounts/{id}/prices/{model}",
        Session([403, 403, 422]),
    ),
    (
        "delete",
        "/api/upstream-accounts/{id}/prices/{model}",
        Session([403, 403, 204]),
    ),
];

/// Everybody who may come, and a gateway to come to.
struct World {
    gateway: TestGateway,
    owner: TestUser,
    other: TestUser,
    admin: TestUser,
    key: String,
    /// Sign-ins and keys that are good no more, by why.
    dead: Vec<(&'static str, String)>,
    request: String,
}

impl World {
    async fn new() -> Self {
        let gateway = TestGateway::start(Kind::Sqlite).await;
        gateway.make_account(&gateway.admin, json!({})).await;
        let early = gateway.member("owner").await;
        let expires_at = "2026-06-15T12:05:00Z";
        let brief = gateway
            .make_key(&early.token, json!({"expires_at": expires_at}))
            .await;
        gateway.clock.advance(Duration::from_secs(20 * 60));

        let owner = TestUser {
            token: gateway.sign_in("owner").await,
            ..early
        };
        let out = gateway.sign_in("owner").await;
        gateway
            .post("/api/auth/logout")
            .bearer(&out)
            .send()
            .await
            .expect(204);
        let admin = gateway.user("boss", Role::Admin).await;
        let gone = gateway.member("gone").await;
        let orphan = gateway.make_key(&gone.token, json!({})).await;
        let off = json!({"is_active": false});
        gateway
            .put(&format!("/api/users/{}", gone.id))
            .bearer(&admin.token)
            .json(&off)
            .send()
            .await
            .expect(200);
        let revoked = gateway.make_key(&owner.token, off.clone()).await;
        let key = gateway.make_key(&owner.token, json!({})).await;
        let text = |key: &Value| key["key"].as_str().unwrap().to_owned();
        let message = json!({"model": "claude-haiku-4-5", "max_tokens": 8, "messages": [{"role": "user", "content": "Hi"}]});
        let answer = gateway
            .post("/v1/messages")
            .bearer(&text(&key))
            .json(&message)
            .send()
            .await
            .expect(200);
        let request = answer.header("x-gateway-request-id").unwrap().to_owned();
        gateway.app.proxy.ledger().flush().await;
        Self {
            dead: vec![
                ("an expired sign-in", early.token),
                ("a sign-in that was ended", out),
                ("a sign-in of a deactivated user", gone.token),
                ("an expired key", text(&brief)),
                ("a revoked key", text(&revoked)),
                ("a deactivated user's key", text(&orphan)),
            ],
            owner,
            other: gateway.member("other").await,
            admin,
            key: text(&key),
            request,
            gateway,
        }
    }

    /// A thing of the owner's, or of everybody's, that this route is about; a new one, for it may be deleted.
    async fn target(&self, path: &str, is_shared: bool) -> String {
        let Self { gateway, .. } = self;
        let id_of = |made: Value| made["id"].as_str().unwrap().to_owned();
        let id = if path.starts_with("/api/keys/") {
            id_of(gateway.make_key(&self.owner.token, json!({})).await)
        } else if path.starts_with("/api/upstream-accounts/") {
            let id = if is_shared {
                id_of(gateway.make_account(&self.admin.token, json!({})).await)
            } else {
                self.owners_account().await
            };
            let price = format!("/api/upstream-accounts/{id}/prices/claude-x");
            let rates = json!({"input": 1, "output": 2});
            gateway
                .put(&price)
                .bearer(&self.admin.token)
                .json(&rates)
                .send()
                .await
                .expect(200);
            id
        } else if path.starts_with("/api/users/") {
            let name = format!("user{}", gateway_domain::RequestId::random().as_uuid().simple());
            gateway.make_user(&name, Role::Member).await
        } else if path.starts_with("/api/usage/") {
            self.request.clone()
        } else {
            "claude-haiku-4-5".to_owned()
        };
        let path = path.replace("{id}", &id).replace("{model}", "claude-x");
        path.replace("{file}", "index.css")
    }

    /// An account of the owner's on this machine, which no member can make.
    async fn owners_account(&self) -> String {
        let app = &self.gateway.app;
        let (id, credential) = (AccountId::random(), Credential::ApiKey(CREDENTIAL.into()));
        let account = NewAccount {
            id,
            owner_id: Some(self.owner.id.parse().unwrap()),
            name: "own".to_owned(),
            provider: ProviderKind::Anthropic,
            credential: SealedCredential {
                kind: credential.kind(),
                hint: "…wxyz".to_owned(),
                sealed: app.vault.seal_credential(id, &credential),
            },
            admin_credential: None,
            base_url: self.gateway.provider.base_url(),
            proxy_url: None,
            is_active: true,
            priority: 0,
            weight: 1,
            max_concurrency: None,
            limits: Limits::default(),
            budget: Budget::unlimited(),
            models: Vec::new(),
            model_map: BTreeMap::new(),
            tags: BTreeMap::new(),
        };
        let made = app.store.by(Actor::gateway("test")).create_account(account).await;
        made.unwrap().unwrap();
        app.reload_accounts().await.unwrap();
        id.to_string()
    }

    async fn check(&self, (method, path, rule): (&str, &str, Rule), is_shared: bool) {
        let session = |place: usize| match rule {
            Anybody(status) => status,
            Session(statuses) => statuses[place],
            Key(_) => 401,
        };
        let (nobody, key) = match rule {
            Anybody(status) => (status, status),
            Session(_) => (401, 401),
            Key(status) => (401, status),
        };
        let living = [
            ("nobody", None, nobody),
            ("a stranger", Some("nonsense"), nobody),
            ("the owner", Some(self.owner.token.as_str()), session(0)),
            ("another member", Some(self.other.token.as_str()), session(1)),
            ("an admin", Some(self.admin.token.as_str()), session(2)),
            ("an API key", Some(self.key.as_str()), key),
        ];
        let dead = self
            .dead
            .iter()
            .map(|(who, token)| (*who, Some(token.as_str()), nobody));
        for (who, token, expected) in living.into_iter().chain(dead) {
            let target = self.target(path, is_shared).await;
            let mut request = self.gateway.request(&method.to_uppercase(), &target);
            if let Some(token) = token {
                request = request.bearer(token);
            }
            if matches!(method, "post" | "put") {
                // One unknown field keeps those who are let in from ending what the next ones need.
                let body = if path == "/api/auth/logout" {
                    json!({"unknown": 1})
                } else {
                    json!({})
                };
                request = request.json(&body);
            }
            let reply = request.send().await;
            assert_eq!(
                reply.status, expected,
                "{method} {path} (shared: {is_shared}) for {who}: {reply}"
            );
        }
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
    let world = World::new().await;
    let documented: BTreeSet<_> = routes(&world.gateway).await.into_iter().collect();
    let ruled: BTreeSet<_> = RULES
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(documented, ruled, "a route needs a rule, and a rule a route");
    for rule in RULES {
        world.check(*rule, false).await;
    }
    for rule in RULES_OF_SHARED_ACCOUNTS {
        world.check(*rule, true).await;
    }
}

#[tokio::test]
async fn who_must_change_the_password_gets_nowhere_else_on_any_route() {
    let settings = ApiSettings {
        default_credentials: DefaultCredentials::ToBeChanged,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    let published = json!({"username": "admin", "password": "admin123456"});
    let tokens = gateway
        .post("/api/auth/login")
        .json(&published)
        .send()
        .await
        .expect(200)
        .json();
    let token = tokens["access_token"].as_str().unwrap();
    for (method, path, rule) in RULES {
        let may_pass = path.starts_with("/api/auth/") || !matches!(rule, Session(_));
        if may_pass {
            continue;
        }
        let id = AccountId::random().to_string();
        let target = path.replace("{id}", &id).replace("{model}", "claude-x");
        let reply = gateway
            .request(&method.to_uppercase(), &target)
            .bearer(token)
            .json(&json!({}))
            .send()
            .await
            .expect(403);
        assert_eq!(reply.code(), "password_change_required", "{method} {path}");
    }
    gateway.me(token).await.expect(200);
    gateway
        .post("/api/auth/logout")
        .bearer(token)
        .send()
        .await
        .expect(204);
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
