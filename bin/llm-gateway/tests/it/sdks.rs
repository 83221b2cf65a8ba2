use std::path::{Path, PathBuf};
use std::process::Command;

use gateway_simulator::Simulator;
use serde_json::json;

use crate::folder::Folder;
use crate::server::Server;

/// What every client asks: of each provider a model of the newest kind and one of an older kind, which is told in other
/// words how much to think, or does not think at all.
const MODELS: [&str; 6] = [
    "claude-sonnet-5-5",
    "claude-haiku-4-5",
    "gpt-4.1",
    "gpt-5.6-sol",
    "gemini-3.8-flash",
    "gemini-2.5-flash",
];

#[test]
fn the_first_anthropic_sdk_works_with_every_provider() {
    check("anthropic-1", "messages.py");
}

#[test]
fn the_second_anthropic_sdk_works_with_every_provider() {
    check("newest", "messages.py");
}

#[test]
fn the_openai_sdk_works_with_every_provider() {
    check("newest", "chat_completions.py");
}

#[test]
fn responses_of_the_openai_sdk_work_with_every_provider() {
    check("newest", "responses.py");
}

#[test]
fn the_google_sdk_works_with_every_provider() {
    check("newest", "generate_content.py");
}

/// Runs a suite of `tests/sdks` with the SDKs of an environment, and expects every step of it to go well.
#[track_caller]
fn check(environment: &str, suite: &str) {
    let python = environments().join(environment).join("bin/python");
    let folder = Folder::new();
    let provider = Simulator::builder().try_start().unwrap();
    let server = Server::start(&folder, &[]);
    let key = set_up(&server, &provider);
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdks");
    let output = Command::new(&python)
        .arg(scripts.join(suite))
        .arg(format!("http://{}", server.address))
        .arg(&key)
        .args(MODELS)
        // The SDKs take keys, addresses and proxies from the environment.
        .env_clear()
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", python.display()));
    assert!(
        output.status.success(),
        "{suite} in {environment}: {}\n{}\n{}\n{}",
        output.status,
        server.log(),
        String::from_utf8_lossy(&output.stderr),
        // It ends with the names of the steps that failed.
        String::from_utf8_lossy(&output.stdout)
    );
    server.stop();
}

/// Adds an account of each provider, all of them at the simulator, and makes an API key.
fn set_up(server: &Server, provider: &Simulator) -> String {
    let token = server.admin_token();
    for (kind, credential) in [
        ("anthropic", "sk-ant-simulated"),
        ("openai", "sk-proj-simulated"),
        ("gemini", "AIza-simulated"),
    ] {
        let account = json!({
            "name": kind,
            "provider": kind,
            "credential": {"type": "api_key", "api_key": credential},
            "base_url": provider.base_url(),
        });
        let answer = server.post("/api/upstream-accounts", &token, &account);
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let answer = server.post("/api/keys", &token, &json!({"name": "sdks"}));
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["key"].as_str().unwrap().to_owned()
}

#[expect(
    clippy::disallowed_methods,
    reason = "who runs the tests says where the environments are"
)]
pub(crate) fn environments() -> PathBuf {
    match std::env::var_os("TEST_PYTHON_SDKS") {
        Some(folder) => folder.into(),
        None => panic!(
            "TEST_PYTHON_SDKS is not set: run `cargo xtask test`, which installs the official SDKs into environments \
             of their own, or set it to the whole path of the folder where it did, target/sdks"
        ),
    }
}
