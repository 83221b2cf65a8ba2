use std::thread;
use std::time::Duration;

use gateway_simulator::{Script, Simulator};
use serde_json::{Value, json};

use crate::folder::Folder;
use crate::server::Server;
use crate::{canaries, databases, http};

const CREDENTIAL: &str = "sk-ant-simulated-credential-0123456789";
const MASTER_KEY: &str = "3q2-7wAjRMWx9Kf0LpZ8uVh5cTn1yGoDbE6sIaXmQrk";
const JWT_SECRET: &str = "qL3vX8sT0yWmZ5rC2nUa7KdFhJ9eBgP4";
const WEBHOOK_SECRET: &str = "whsec_cUwzdlg4c1QweVdtWjVyQzJuVWE3S2RGaEo5ZUJnUDQ=";
const PROMPT: &str = "the canary in the prompt sings at dawn";

fn call(server: &Server, key: &str, stream: bool) -> http::Answer {
    let headers = [
        format!("x-api-key: {key}"),
        "anthropic-version: 2023-06-01".to_owned(),
    ];
    let message = json!({
        "model": "claude-haiku-4-5", "max_tokens": 64, "stream": stream,
        "system": PROMPT, "messages": [{"role": "user", "content": PROMPT}],
    });
    http::request(
        &server.address,
        "POST",
        "/v1/messages",
        &headers,
        &message.to_string(),
    )
}

fn live(server: &Server, provider: &Simulator, text: &str) {
    let admin = server.admin_token();
    let post = |path: &str, token: &str, body: Value| {
        let answer = server.post(path, token, &body);
        assert!(answer.status < 300, "{path}: {answer:?}");
        if answer.body.is_empty() {
            Value::Null
        } else {
            answer.json()
        }
    };
    let account = json!({
        "name": "simulated", "provider": "anthropic", "base_url": provider.base_url(),
        "credential": {"type": "api_key", "api_key": CREDENTIAL},
    });
    post("/api/upstream-accounts", &admin, account);
    let password = "Correct-Horse-42-Battery";
    let ann = json!({"username": "ann", "email": "ann@example.org", "password": password, "role": "member"});
    post("/api/users", &admin, ann);
    let signed_in = server.sign_in("ann", password).json();
    let refreshed = post(
        "/api/auth/refresh",
        "none",
        json!({"refresh_token": signed_in["refresh_token"]}),
    );
    let token = refreshed["access_token"].as_str().unwrap();
    let change = json!({"current_password": password, "new_password": "Another-Horse-43-Battery"});
    post("/api/auth/password", token, change);
    assert_eq!(server.sign_in("ann", "Wrong-Horse-44-Battery-Staple").status, 401);
    // People type their passwords there.
    assert_eq!(server.sign_in("Another-Horse-43-Battery", "ann").status, 401);

    let key = post("/api/keys", &admin, json!({"name": "ci"}));
    let rotated = post(
        &format!("/api/keys/{}/rotate", key["id"].as_str().unwrap()),
        &admin,
        json!({}),
    );
    let key = rotated["key"].as_str().unwrap();
    provider.always(Script::text(text));
    assert_eq!(call(server, key, false).status, 200);
    assert_eq!(call(server, key, true).status, 200);
    // A provider that tells what it was sent.
    for status in [400, 401, 403, 500] {
        let told =
            json!({"type": "error", "error": {"type": "api_error", "message": format!("bad {CREDENTIAL}")}});
        provider.next(Script::raw(status, "application/json", told.to_string()));
        assert!(call(server, key, false).status >= 400);
    }
    assert_eq!(call(server, "sk-gw-unknown-0123456789abcdef", false).status, 401);
    let in_query = format!("/v1beta/models?key={key}");
    assert_eq!(server.get(&in_query).status, 200);

    for path in [
        "/api/users",
        "/api/keys",
        "/api/upstream-accounts",
        "/api/usage/requests",
        "/api/usage/export?format=jsonl",
        "/api/audit-log?page_size=100",
        "/api/alerts",
        "/api/prices",
        "/metrics",
        "/health",
        "/openapi.json",
    ] {
        assert_eq!(server.get_as(&admin, path).status, 200, "{path}");
    }
    post("/api/alerts/test", &admin, json!({}));
    post(
        "/api/auth/logout",
        token,
        json!({"refresh_token": refreshed["refresh_token"]}),
    );
}

#[test]
fn nothing_that_the_server_emits_or_stores_holds_a_secret() {
    for secret in [CREDENTIAL, PROMPT, WEBHOOK_SECRET.trim_start_matches("whsec_")] {
        canaries::note(secret);
    }
    for database in [None, Some(databases::create_on_server())] {
        let folder = Folder::new();
        let provider = Simulator::builder().try_start().unwrap();
        let webhook = format!("{}/hooks/anything", provider.base_url());
        let mut variables = vec![
            ("RUST_LOG", "trace"),
            ("GATEWAY_MASTER_KEY", MASTER_KEY),
            ("JWT_SECRET", JWT_SECRET),
            ("ALERTS_WEBHOOK_SECRET", WEBHOOK_SECRET),
            ("ALERTS_WEBHOOK_URL", &webhook),
            ("GATEWAY__LEDGER__BATCH_INTERVAL_MS", "50"),
        ];
        variables.extend(database.iter().map(|url| ("DATABASE_URL", url.as_str())));
        let server = Server::start(&folder, &variables);
        let text = format!(
            "the canary in the answer sings at dusk, on {}",
            if database.is_some() {
                "PostgreSQL"
            } else {
                "SQLite"
            }
        );
        live(&server, &provider, &text);
        // It was in answers, and shall be nowhere else.
        canaries::note(&text);
        // What is sent in the background has its say in the log too.
        thread::sleep(Duration::from_secs(2));
        for arguments in [
            &["config"][..],
            &["journal", "inspect", "--format", "jsonl"],
            &["audit", "verify"],
            &["db", "check"],
        ] {
            let printed = folder.run(arguments, &variables).success();
            canaries::expect_none_in(arguments[0], printed.as_bytes());
        }
        assert!(
            server.log().contains("TRACE"),
            "it says everything that it can say"
        );
        if let Some(url) = &database {
            canaries::expect_none_in("the database", databases::dump(url).as_bytes());
        }
        server.stop();
    }
}

#[test]
fn what_the_gateway_writes_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt as _;

    fn check(folder: &std::path::Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode & 0o077, 0, "{} {mode:o}", path.display());
            if path.is_dir() {
                check(&path);
            }
        }
    }

    let folder = Folder::new();
    std::fs::create_dir(folder.path("data")).unwrap();
    let server = Server::start(&folder, &[]);
    check(&folder.path("data"));
    server.stop();
}
