//! Answers against the OpenAPI document, as schemathesis finds them: none that it does not describe, no 5xx, and nothing
//! refused that it allows.

use std::path::Path;
use std::process::Command;

use gateway_simulator::Simulator;

use crate::folder::Folder;
use crate::sdks::environments;
use crate::server::Server;

/// Most sign-ins and keys here are wrong.
const WITHOUT_THROTTLES: [(&str, &str); 3] = [
    ("GATEWAY__AUTH__FAILURES_PER_ACCOUNT", "1000000"),
    ("GATEWAY__AUTH__FAILURES_PER_ADDRESS", "1000000"),
    ("GATEWAY__KEYS__UNKNOWN_PER_ADDRESS", "1000000"),
];

#[test]
fn an_admin_gets_what_the_document_says() {
    check("admin");
}

#[test]
fn a_member_gets_what_the_document_says() {
    check("member");
}

#[test]
fn an_api_key_gets_what_the_document_says() {
    check("key");
}

#[test]
fn a_stranger_gets_what_the_document_says() {
    check("anonymous");
}

#[track_caller]
fn check(role: &str) {
    let python = environments().join("contract/bin/python");
    let folder = Folder::new();
    let provider = Simulator::builder().keep(100).try_start().unwrap();
    let server = Server::start(&folder, &WITHOUT_THROTTLES);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/check.py");
    let output = Command::new(&python)
        .arg(script)
        .arg(role)
        .arg(format!("http://{}", server.address))
        .arg(provider.base_url())
        .env_clear()
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(folder.path("."))
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", python.display()));
    assert!(
        output.status.success(),
        "findings as {role}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    );
    let log = server.log();
    assert!(!log.contains("panicked"), "{log}");
    server.stop();
}
