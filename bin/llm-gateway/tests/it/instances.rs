//! Two servers on one database.

use std::thread;
use std::time::Duration;

use gateway_simulator::Simulator;
use serde_json::{Value, json};

use crate::databases;
use crate::folder::Folder;
use crate::load::{Seen, ask};
use crate::server::Server;
use crate::serving::set_up;

const SECRETS: [(&str, &str); 2] = [
    ("JWT_SECRET", "bT7qX2vN9cR4wK8yH3mL6pJ1gF5dS0aZuEiOqWxCnVb"),
    (
        "GATEWAY_MASTER_KEY",
        "3q2-7wAjRMWx9Kf0LpZ8uVh5cTn1yGoDbE6sIaXmQrk",
    ),
];

#[test]
fn what_is_revoked_at_one_instance_is_revoked_at_the_other() {
    let provider = Simulator::builder().keep(100).try_start().unwrap();
    let database = databases::create_on_server();
    let folders = [Folder::new(), Folder::new()];
    let [one, other] = [0, 1].map(|number| {
        let variables = [SECRETS[0], SECRETS[1], ("DATABASE_URL", database.as_str())];
        Server::start(&folders[number], &variables)
    });
    let key = set_up(&one, &provider);
    // The other learns of the account and the key within moments.
    while !matches!(ask(&other.address, &key, false), Some(Seen::Whole(_))) {
        thread::sleep(Duration::from_millis(20));
    }

    // A sign-in is good at both, and ends at both at once, with its access token.
    let sign_in = || {
        let tokens = one.sign_in("testuser", "testpass123").json();
        tokens["access_token"].as_str().unwrap().to_owned()
    };
    let token = sign_in();
    assert_eq!(other.get_as(&token, "/api/auth/me").status, 200);
    let headers = [format!("authorization: Bearer {token}")];
    let out = crate::http::request(&one.address, "POST", "/api/auth/logout", &headers, "");
    assert_eq!(out.status, 204);
    assert_eq!(other.get_as(&token, "/api/auth/me").status, 401);

    // So does that of a user who is switched off.
    let token = sign_in();
    assert_eq!(other.get_as(&token, "/api/auth/me").status, 200);
    let admin = one.admin_token();
    let users = one.get_as(&admin, "/api/users?q=testuser").json();
    let user = users["data"][0]["id"].as_str().unwrap().to_owned();
    let put = |path: &str, body: Value| {
        let headers = [format!("authorization: Bearer {admin}")];
        crate::http::request(&one.address, "PUT", path, &headers, &body.to_string()).status
    };
    assert_eq!(
        put(&format!("/api/users/{user}"), json!({"is_active": false})),
        200
    );
    assert_eq!(other.get_as(&token, "/api/auth/me").status, 401);

    // API keys are remembered; that one has changed is told within moments.
    let keys = one.get_as(&admin, "/api/keys").json();
    let path = format!("/api/keys/{}", keys["data"][0]["id"].as_str().unwrap());
    assert_eq!(put(&path, json!({"is_active": false})), 200);
    while !matches!(ask(&other.address, &key, false), Some(Seen::Refused(401, _))) {
        thread::sleep(Duration::from_millis(20));
    }
    one.stop();
    other.stop();
}
