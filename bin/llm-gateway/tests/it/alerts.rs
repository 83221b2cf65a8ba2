use gateway_domain::RequestId;
use gateway_simulator::{Script, Simulator};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::folder::Folder;
use crate::http;
use crate::receiver::{Receiver, SECRET};
use crate::server::Server;
use crate::serving::{headers, message, set_up};

/// Looks every second, and tells of accounts after one.
fn variables(receiver: &Receiver) -> Vec<(&str, &str)> {
    vec![
        ("ALERTS_WEBHOOK_URL", &receiver.url),
        ("ALERTS_WEBHOOK_SECRET", SECRET),
        ("GATEWAY__ALERTS__CHECK_INTERVAL_SECONDS", "1"),
        ("GATEWAY__ALERTS__ACCOUNT_GRACE_SECONDS", "1"),
    ]
}

fn ask(server: &Server, key: &str) -> u16 {
    http::request(
        &server.address,
        "POST",
        "/v1/messages",
        &headers(key),
        &message(false),
    )
    .status
}

fn put(server: &Server, token: &str, path: &str, body: &Value) {
    let headers = [format!("authorization: Bearer {token}")];
    let answer = http::request(&server.address, "PUT", path, &headers, &body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// The rows of `GET /api/alerts`, newest first.
fn alerts(server: &Server, token: &str) -> Vec<Value> {
    let answer = server.get_as(token, "/api/alerts?page_size=100");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["data"].as_array().unwrap().clone()
}

/// The alert in the list, once this field of it has a value.
fn wait_for(server: &Server, token: &str, id: &str, field: &str) -> Value {
    loop {
        let found = alerts(server, token).into_iter().find(|alert| alert["id"] == id);
        let alert = found.expect("what was sent is listed");
        if !alert[field].is_null() {
            return alert;
        }
        std::thread::yield_now();
    }
}

#[test]
fn an_alert_that_is_refused_comes_again_also_after_a_restart_until_it_is_accepted() {
    let folder = Folder::new();
    let receiver = Receiver::start(&[500, 307]);
    let server = Server::start(&folder, &variables(&receiver));
    let token = server.admin_token();
    let sent = server.post("/api/alerts/test", &token, &json!({}));
    assert_eq!(sent.status, 202, "{sent:?}");
    let id = sent.json()["id"].as_str().unwrap().to_owned();

    let first = receiver.next();
    assert_eq!(
        (first.status, &first.id, &first.payload["type"]),
        (500, &id, &json!("test"))
    );
    wait_for(&server, &token, &id, "last_error");
    server.signal(Signal::KILL);
    server.wait();

    let server = Server::start(&folder, &variables(&receiver));
    for status in [307, 204] {
        let again = receiver.next();
        assert_eq!(
            (again.status, &again.id, &again.payload),
            (status, &id, &first.payload)
        );
    }
    let alert = wait_for(&server, &token, &id, "delivered_at");
    assert_eq!(
        (&alert["attempts"], &alert["last_error"]),
        (&json!(3), &json!("answered 307"))
    );
    assert_eq!(
        (&alert["next_attempt_at"], &alert["subject"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(alert["payload"], first.payload);
    server.stop();
    assert!(receiver.rest().is_empty());
}

/// A key whose budget five messages use up.
fn key_for_five_messages(server: &Server, token: &str, probe: &str) -> (Value, String) {
    assert_eq!(ask(server, probe), 200);
    let authorization = [format!("x-api-key: {probe}")];
    let cost = loop {
        let usage = http::request(&server.address, "GET", "/v1/usage", &authorization, "").json();
        match usage["today"]["cost_usd"].as_f64() {
            Some(cost) if cost > 0.0 => break cost,
            // Written within a moment.
            _ => std::thread::yield_now(),
        }
    };
    let budget = json!({"amount_usd": 5.0 * cost, "period": "total"});
    let key = server.post("/api/keys", token, &json!({"name": "ci", "budget": budget}));
    assert_eq!(key.status, 201, "{key:?}");
    (key.json(), key.json()["key"].as_str().unwrap().to_owned())
}

/// One dollar for each token of output, so that amounts are whole.
fn set_price(server: &Server, token: &str) {
    let rates = json!({"input": 0, "output": 1_000_000});
    put(server, token, "/api/prices/claude-haiku-4-5", &rates);
}

/// Spends a budget of five messages, and expects each of its parts to be told once.
fn told_once_each(receiver: &Receiver, servers: &[&Server], token: &str) -> Value {
    let provider = Simulator::builder().try_start().unwrap();
    // Longer than it may be, so that each message costs what is held for it.
    provider.always(Script::text("word ".repeat(200)));
    let probe = set_up(servers[0], &provider);
    set_price(servers[0], token);
    servers.iter().for_each(|server| wait_for_news(server, token));
    let (key, secret) = key_for_five_messages(servers[0], token, &probe);
    for (messages, percent) in [(3, 50), (1, 80), (1, 100)] {
        for number in 0..messages {
            assert_eq!(ask(servers[number % servers.len()], &secret), 200);
        }
        let told = receiver.next();
        assert_eq!(told.payload["type"], "budget_threshold");
        let data = &told.payload["data"];
        assert_eq!((&data["percent"], &data["name"]), (&json!(percent), &json!("ci")));
        assert_eq!(data["subject"], json!({"type": "api_key", "id": key["id"]}));
        assert_eq!(
            (&data["period"], &data["period_end"]),
            (&json!("total"), &Value::Null)
        );
        assert_eq!(data["amount_usd"], key["budget"]["amount_usd"]);
        assert!(data["spent_usd"].as_f64() >= Some(0.6 * data["amount_usd"].as_f64().unwrap()));
    }
    let rows = alerts(servers[0], token);
    let percents: Vec<_> = rows
        .iter()
        .map(|alert| &alert["payload"]["data"]["percent"])
        .collect();
    assert_eq!(percents, [100, 80, 50]);
    assert_eq!(rows[0]["subject"], json!({"type": "api_key", "id": key["id"]}));
    key
}

/// Until the account and the price are known here that were set elsewhere.
fn wait_for_news(server: &Server, token: &str) {
    let has_account = || server.get_as(token, "/health").json()["accounts"]["total"] == 1;
    let has_price = || server.get_as(token, "/api/prices").body.contains("\"operator\"");
    while !(has_account() && has_price()) {
        std::thread::yield_now();
    }
}

/// How many alerts about budgets this process has raised.
fn raised(server: &Server, token: &str) -> u32 {
    let metrics = server.get_as(token, "/metrics").body;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("gateway_alerts_total{kind=\"budget_threshold\"} "));
    line.map_or(0, |count| count.parse().unwrap())
}

#[test]
fn each_part_of_a_budget_is_told_once_and_not_again_after_a_restart() {
    let folder = Folder::new();
    let receiver = Receiver::start(&[]);
    let server = Server::start(&folder, &variables(&receiver));
    let token = server.admin_token();
    let key = told_once_each(&receiver, &[&server], &token);
    assert_eq!(raised(&server, &token), 3);
    assert!(
        server.log().contains("a part of a budget is spent"),
        "{}",
        server.log()
    );
    server.stop();

    // Another amount is another budget, so that it is seen that all of them were looked at.
    let server = Server::start(&folder, &variables(&receiver));
    let amount = 0.9 * key["budget"]["amount_usd"].as_f64().unwrap();
    let budget = json!({"budget": {"amount_usd": amount, "period": "total"}});
    let path = format!("/api/keys/{}", key["id"].as_str().unwrap());
    put(&server, &token, &path, &budget);
    let told = receiver.next().payload;
    assert_eq!(
        (&told["data"]["percent"], &told["data"]["amount_usd"]),
        (&json!(100), &json!(amount))
    );
    assert_eq!(raised(&server, &token), 1);
    server.stop();
    assert!(receiver.rest().is_empty());
}

#[test]
fn several_instances_tell_of_a_budget_once() {
    let (folders, receiver) = ([Folder::new(), Folder::new()], Receiver::start(&[]));
    let database = new_database();
    let secrets = [
        ("DATABASE_URL", database.as_str()),
        ("JWT_SECRET", "qL3vX8sT0yWmZ5rC2nUa7KdFhJ9eBgP4"),
        (
            "GATEWAY_MASTER_KEY",
            "3q2-7wAjRMWx9Kf0LpZ8uVh5cTn1yGoDbE6sIaXmQrk",
        ),
    ];
    let variables = [&variables(&receiver)[..], &secrets].concat();
    let servers = folders.each_ref().map(|folder| Server::start(folder, &variables));
    let token = servers[0].admin_token();
    told_once_each(&receiver, &[&servers[0], &servers[1]], &token);
    let all: u32 = servers.iter().map(|server| raised(server, &token)).sum();
    assert_eq!(all, 3);
    for server in servers {
        server.stop();
    }
    assert!(receiver.rest().is_empty());
}

/// The URL of a database of its own on the server that the tests were given.
#[expect(
    clippy::disallowed_methods,
    reason = "who runs the tests says where PostgreSQL is"
)]
fn new_database() -> String {
    let server = std::env::var("TEST_DATABASE_URL").expect("`cargo xtask test` says where PostgreSQL is");
    let name = format!("alerts_{}", RequestId::random().as_uuid().simple());
    let runtime = actix_web::rt::Runtime::new().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls)
            .await
            .unwrap();
        actix_web::rt::spawn(connection);
        client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
    });
    let (address, parameters) = server.split_once('?').unwrap_or((&server, ""));
    let (host, _) = address
        .rsplit_once('/')
        .filter(|(host, _)| host.contains("://"))
        .unwrap_or((address, ""));
    format!("{host}/{name}?{parameters}")
}

#[test]
fn it_is_told_when_an_account_goes_out_and_when_it_comes_back() {
    let (folder, receiver) = (Folder::new(), Receiver::start(&[]));
    let provider = Simulator::builder().try_start().unwrap();
    let server = Server::start(&folder, &variables(&receiver));
    let key = set_up(&server, &provider);
    assert_eq!(ask(&server, &key), 200);
    let token = server.admin_token();
    let account = server.get_as(&token, "/api/upstream-accounts").json()["data"][0].clone();

    provider.accept_only(["sk-ant-another"]);
    assert_eq!(ask(&server, &key), 502);
    let out = receiver.next();
    assert_eq!(out.payload["type"], "account_out");
    let data = &out.payload["data"];
    assert_eq!(
        (&data["account_id"], &data["status"]),
        (&account["id"], &json!("unhealthy"))
    );
    assert_eq!(
        (&data["name"], &data["provider"]),
        (&json!("simulated"), &json!("anthropic"))
    );
    assert!(
        data["reason"].as_str().unwrap().starts_with("credential: 401"),
        "{data}"
    );
    // That it is out is known over a restart, and not told again.
    server.stop();
    let server = Server::start(&folder, &variables(&receiver));

    provider.accept_any();
    let path = format!("/api/upstream-accounts/{}/reset", account["id"].as_str().unwrap());
    assert_eq!(server.post(&path, &token, &json!({})).status, 200);
    assert_eq!(ask(&server, &key), 200);
    let back = receiver.next();
    assert_eq!(back.payload["type"], "account_back", "{back:?}");
    assert_eq!(back.payload["data"]["status"], "healthy");
    let kinds: Vec<_> = alerts(&server, &token)
        .iter()
        .map(|alert| alert["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["account_back", "account_out"]);
    server.stop();
    assert!(receiver.rest().is_empty());
}

#[test]
fn without_a_webhook_alerts_are_logged_and_listed() {
    let folder = Folder::new();
    let provider = Simulator::builder().try_start().unwrap();
    let often = [
        ("GATEWAY__ALERTS__CHECK_INTERVAL_SECONDS", "1"),
        ("GATEWAY__ALERTS__ACCOUNT_GRACE_SECONDS", "0"),
    ];
    let server = Server::start(&folder, &often);
    let key = set_up(&server, &provider);
    let token = server.admin_token();
    let refused = server.post("/api/alerts/test", &token, &json!({}));
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (409, &json!("no_webhook"))
    );

    provider.accept_only(["sk-ant-another"]);
    assert_eq!(ask(&server, &key), 502);
    let listed = loop {
        if let Some(alert) = alerts(&server, &token).pop() {
            break alert;
        }
        std::thread::yield_now();
    };
    assert_eq!(
        (&listed["kind"], &listed["attempts"]),
        (&json!("account_out"), &json!(0))
    );
    assert_eq!(
        (&listed["next_attempt_at"], &listed["delivered_at"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(listed["subject"]["type"], "account");
    server.stop();
    let log = std::fs::read_to_string(folder.path("log")).unwrap();
    assert!(log.contains("account out"), "{log}");
}

#[test]
fn a_webhook_that_cannot_be_used_stops_the_start() {
    let run = |variables: &[(&str, &str)]| {
        Folder::new()
            .run(&[], &[&[("PORT", "0")], variables].concat())
            .error()
    };
    let url = ("ALERTS_WEBHOOK_URL", "https://hooks.example.com/T0/s3cret");
    let error = run(&[url]);
    assert!(
        error.starts_with("alerts.webhook_url is set and ALERTS_WEBHOOK_SECRET is not: give the secret"),
        "{error}"
    );
    let error = run(&[url, ("ALERTS_WEBHOOK_SECRET", "hunter2")]);
    assert!(
        error.starts_with("ALERTS_WEBHOOK_SECRET cannot be used: expected whsec_"),
        "{error}"
    );
    assert!(!error.contains("hunter2") && !error.contains("s3cret"), "{error}");
    let error = run(&[
        ("ALERTS_WEBHOOK_URL", "http://169.254.169.254/latest"),
        ("ALERTS_WEBHOOK_SECRET", SECRET),
    ]);
    assert_eq!(
        error,
        "alerts.webhook_url cannot be used: link-local and metadata addresses are never reached"
    );
}
