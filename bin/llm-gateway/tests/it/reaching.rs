use std::io;
use std::net::TcpListener;

use gateway_simulator::Simulator;
use serde_json::{Value, json};

use crate::folder::Folder;
use crate::http::{self, Answer};
use crate::server::Server;
use crate::serving::{PRODUCTION, headers, message, set_up};

fn ask(server: &Server, key: &str) -> Answer {
    http::request(
        &server.address,
        "POST",
        "/v1/messages",
        &headers(key),
        &message(false),
    )
}

fn only_account(server: &Server) -> Value {
    let authorization = format!("authorization: Bearer {}", server.admin_token());
    let answer = http::request(
        &server.address,
        "GET",
        "/api/upstream-accounts",
        &[authorization],
        "",
    );
    answer.json()["data"][0].clone()
}

#[test]
fn in_production_this_machine_is_reached_only_where_it_is_listed() {
    let folder = Folder::new();
    let provider = Simulator::builder().try_start().unwrap();
    let lenient = [&PRODUCTION[..], &[("ALLOW_DEFAULT_CREDENTIALS", "1")]].concat();

    let server = Server::start(&folder, &lenient);
    let account = json!({
        "name": "here", "provider": "anthropic", "base_url": provider.base_url(),
        "credential": {"type": "api_key", "api_key": "sk-ant-simulated"},
    });
    let answer = server.post("/api/upstream-accounts", &server.admin_token(), &account);
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(answer.body.contains("upstream.allow_private"), "{answer:?}");
    server.stop();

    let here = provider.base_url().replace("http://", "");
    let listed = [&lenient[..], &[("GATEWAY__UPSTREAM__ALLOW_PRIVATE", &here)]].concat();
    let server = Server::start(&folder, &listed);
    let key = set_up(&server, &provider);
    assert_eq!(ask(&server, &key).status, 200);
    server.stop();

    // What is in the database is judged again when it is connected to.
    let server = Server::start(&folder, &lenient);
    let answer = ask(&server, &key);
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(!answer.body.contains(&here), "{answer:?}");
    assert_eq!(provider.received().len(), 1);
    server.stop();
}

#[test]
fn in_development_admins_reach_this_machine_and_members_do_not() {
    let folder = Folder::new();
    let provider = Simulator::builder().try_start().unwrap();
    let server = Server::start(&folder, &[]);
    let key = set_up(&server, &provider);
    assert_eq!(ask(&server, &key).status, 200);
    assert_eq!(only_account(&server)["base_url"], provider.base_url());

    let signed_in = server.sign_in("testuser", "testpass123").json();
    let token = signed_in["access_token"].as_str().unwrap();
    let account = json!({
        "name": "here", "provider": "anthropic", "base_url": provider.base_url(),
        "credential": {"type": "api_key", "api_key": "sk-ant-simulated"},
    });
    let answer = server.post("/api/upstream-accounts", token, &account);
    assert_eq!(answer.status, 422, "{answer:?}");
    server.stop();
}

#[test]
fn proxy_variables_of_the_environment_are_ignored() {
    let folder = Folder::new();
    let provider = Simulator::builder().try_start().unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let names = [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ];
    let variables = names.map(|name| (name, url.as_str()));
    let server = Server::start(&folder, &variables);
    let key = set_up(&server, &provider);
    assert_eq!(ask(&server, &key).status, 200);
    server.stop();
    assert_eq!(proxy.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}
