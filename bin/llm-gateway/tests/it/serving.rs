use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use gateway_simulator::{Script, Simulator};
use rustix::process::Signal;
use serde_json::json;

use crate::folder::Folder;
use crate::http;
use crate::server::Server;

/// Adds the simulator's account and makes an API key.
pub(crate) fn set_up(server: &Server, provider: &Simulator) -> String {
    let token = server.admin_token();
    let account = json!({
        "name": "simulated",
        "provider": "anthropic",
        "credential": {"type": "api_key", "api_key": "sk-ant-simulated"},
        "base_url": provider.base_url(),
    });
    let answer = server.post("/api/upstream-accounts", &token, &account);
    assert_eq!(answer.status, 201, "{answer:?}");
    let answer = server.post("/api/keys", &token, &json!({"name": "test"}));
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["key"].as_str().unwrap().to_owned()
}

pub(crate) fn headers(key: &str) -> [String; 2] {
    [
        format!("x-api-key: {key}"),
        "anthropic-version: 2023-06-01".to_owned(),
    ]
}

pub(crate) fn message(stream: bool) -> String {
    json!({
        "model": "claude-haiku-4-5",
        "max_tokens": 64,
        "stream": stream,
        "messages": [{"role": "user", "content": "Hello"}],
    })
    .to_string()
}

#[test]
fn the_start_up_text_tells_a_beginner_how_to_go_on() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    for words in [
        "sqlite://data/gateway.db",
        "/docs",
        "profile development",
        "admin / admin123456, testuser / testpass123",
        "WARNING: these passwords are published",
        "/api/auth/login",
    ] {
        assert!(server.welcome.contains(words), "{words}\n{}", server.welcome);
    }
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/readyz").status, 200);
    assert_eq!(server.sign_in("testuser", "testpass123").status, 200);
    server.stop();
}

#[test]
fn a_request_goes_all_the_way_and_is_in_the_books_after_a_restart() {
    let folder = Folder::new();
    let provider = Simulator::builder().try_start().unwrap();
    let server = Server::start(&folder, &[]);
    let key = set_up(&server, &provider);
    provider.next(Script::text("Good morning"));
    let answer = http::request(
        &server.address,
        "POST",
        "/v1/messages",
        &headers(&key),
        &message(false),
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["content"][0]["text"], "Good morning");
    server.stop();

    let server = Server::start(&folder, &[]);
    let token = server.admin_token();
    let answer = http::request(
        &server.address,
        "GET",
        "/api/usage/summary",
        &[format!("authorization: Bearer {token}")],
        "",
    );
    assert_eq!(answer.json()["totals"]["requests"], 1, "{answer:?}");
    server.stop();
}

#[test]
fn a_stream_that_is_open_when_the_server_is_stopped_ends_well() {
    let folder = Folder::new();
    let provider = Simulator::builder().tokens_per_event(1).try_start().unwrap();
    let server = Server::start(&folder, &[]);
    let key = set_up(&server, &provider);
    provider.next(Script::text("one two three four five six").between_chunks(Duration::from_millis(200)));
    let mut stream = http::send(
        &server.address,
        "POST",
        "/v1/messages",
        &headers(&key),
        &message(true),
    );
    let mut text = http::read_until(&mut stream, "content_block_delta");

    server.signal(Signal::TERM);
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("event: message_stop"), "{text}");
    assert_eq!(server.wait().code(), Some(0));

    let server = Server::start(&folder, &[]);
    let token = server.admin_token();
    let path = "/api/usage/requests";
    let answer = http::request(
        &server.address,
        "GET",
        path,
        &[format!("authorization: Bearer {token}")],
        "",
    );
    assert_eq!(answer.json()["data"][0]["status"], "ok", "{answer:?}");
    server.stop();
}

#[test]
fn while_it_drains_it_is_not_ready() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[("GATEWAY__SERVER__SHUTDOWN_DELAY_SECONDS", "600")]);
    server.signal(Signal::TERM);
    let answer = loop {
        let answer = server.get("/readyz");
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("draining"), "{answer:?}");
    assert_eq!(server.get("/healthz").status, 200);
    server.insist();
}

#[test]
fn ctrl_c_stops_it_too() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    server.signal(Signal::INT);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_taken_port_is_named_with_another_one_to_choose() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = folder.run(&[], &[("PORT", &port.to_string())]).error();
    let expected =
        format!("port {port} of 127.0.0.1 is taken by another program: choose another one, such as PORT=");
    assert!(error.starts_with(&expected), "{error}");
    assert!(!folder.path("data/gateway.db").exists());
}

#[test]
fn a_host_that_is_not_here_is_named() {
    let folder = Folder::new();
    let error = folder.run(&[], &[("HOST", "192.0.2.1"), ("PORT", "0")]).error();
    assert!(
        error.starts_with("this machine has no address 192.0.2.1"),
        "{error}"
    );
    let error = folder
        .run(&[], &[("HOST", "nowhere.invalid"), ("PORT", "0")])
        .error();
    assert!(
        error.starts_with("HOST is nowhere.invalid, which is no address of this machine"),
        "{error}"
    );
}

#[test]
fn the_first_start_sets_the_admin_password() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[("GATEWAY_ADMIN_PASSWORD", "correct horse battery")]);
    assert_eq!(server.sign_in("admin", "admin123456").status, 401);
    let user = server.sign_in("admin", "correct horse battery").json()["user"].clone();
    assert_eq!(user["must_change_password"], false);
    assert!(!server.welcome.contains("admin / "), "{}", server.welcome);
    server.stop();

    // Later starts leave it alone: it may have been changed since.
    let server = Server::start(&folder, &[("GATEWAY_ADMIN_PASSWORD", "another good password")]);
    assert_eq!(server.sign_in("admin", "correct horse battery").status, 200);
    server.stop();

    let error = Folder::new()
        .run(&[], &[("GATEWAY_ADMIN_PASSWORD", "short"), ("PORT", "0")])
        .error();
    assert!(
        error.starts_with("GATEWAY_ADMIN_PASSWORD cannot be used: "),
        "{error}"
    );
}

/// What production cannot do without.
pub(crate) const PRODUCTION: [(&str, &str); 4] = [
    ("GATEWAY_PROFILE", "production"),
    ("JWT_SECRET", "qL3vX8sT0yWmZ5rC2nUa7KdFhJ9eBgP4"),
    (
        "GATEWAY_MASTER_KEY",
        "3q2-7wAjRMWx9Kf0LpZ8uVh5cTn1yGoDbE6sIaXmQrk",
    ),
    ("GATEWAY__LOG__FORMAT", "text"),
];

#[test]
fn in_production_published_passwords_are_good_for_nothing_but_being_changed() {
    let folder = Folder::new();
    let server = Server::start(&folder, &PRODUCTION);
    assert_eq!(server.sign_in("testuser", "testpass123").status, 401);
    let token = server.admin_token();
    let answer = server.post("/api/keys", &token, &json!({"name": "x"}));
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(answer.json()["error"]["code"], "password_change_required");
    assert!(
        server
            .welcome
            .contains("can do nothing but be changed, from this machine"),
        "{}",
        server.welcome
    );
    server.stop();

    let server = Server::start(
        &folder,
        &[&PRODUCTION[..], &[("ALLOW_DEFAULT_CREDENTIALS", "1")]].concat(),
    );
    let answer = server.post("/api/keys", &server.admin_token(), &json!({"name": "x"}));
    assert_eq!(answer.status, 201, "{answer:?}");
    server.stop();
}

#[test]
fn on_every_interface_published_passwords_are_good_for_nothing_but_being_changed_here() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[("HOST", "0.0.0.0")]);
    let token = server.admin_token();
    let answer = server.post("/api/keys", &token, &json!({"name": "x"}));
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(answer.json()["error"]["code"], "password_change_required");
    let login = json!({"username": "admin", "password": "admin123456"}).to_string();
    let from_elsewhere = ["x-forwarded-for: 192.0.2.1".to_owned()];
    let answer = http::request(
        &server.address,
        "POST",
        "/api/auth/login",
        &from_elsewhere,
        &login,
    );
    assert_eq!(answer.status, 403, "{answer:?}");
    let change = json!({"current_password": "admin123456", "new_password": "correct horse battery"});
    assert_eq!(server.post("/api/auth/password", &token, &change).status, 204);
    let answer = server.post("/api/keys", &token, &json!({"name": "x"}));
    assert_eq!(answer.status, 201, "{answer:?}");
    let login = json!({"username": "admin", "password": "correct horse battery"}).to_string();
    let answer = http::request(
        &server.address,
        "POST",
        "/api/auth/login",
        &from_elsewhere,
        &login,
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    server.stop();
}

#[test]
fn another_master_key_than_the_database_was_used_with_is_refused() {
    let folder = Folder::new();
    let provider = Simulator::builder().try_start().unwrap();
    let server = Server::start(&folder, &[]);
    set_up(&server, &provider);
    server.stop();
    let other = [
        (
            "GATEWAY_MASTER_KEY",
            "3q2-7wAjRMWx9Kf0LpZ8uVh5cTn1yGoDbE6sIaXmQrk",
        ),
        ("PORT", "0"),
    ];
    let error = folder.run(&[], &other).error();
    assert!(
        error.starts_with("what is sealed in the database does not open ("),
        "{error}"
    );
    assert!(
        error.ends_with("start with the GATEWAY_MASTER_KEY that this database was used with"),
        "{error}"
    );
}
