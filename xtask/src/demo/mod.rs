mod http;

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::Result;
use crate::cli;
use crate::gateway;
use crate::interrupt::Interrupt;
use crate::process::Process;
use crate::throwaway::{free_port, secret};
use crate::workspace::root;

use self::http::Client;

/// What the simulated provider is known as, and a credential as that provider's look.
const ACCOUNTS: [(&str, &str); 3] = [
    ("anthropic", "sk-ant-simulated"),
    ("openai", "sk-simulated"),
    ("gemini", "AIza-simulated"),
];

/// A model that the Anthropic account serves.
const CLAUDE: &str = "claude-sonnet-4-5";
/// A model that the Gemini account serves.
const GEMINI: &str = "gemini-2.5-flash";

/// How long a program may take to answer after it was started.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs until Ctrl-C. Everything lies in a temporary folder and goes with it.
pub(crate) fn run(demo: &cli::Demo) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let arguments: &[&str] = if demo.release { &["--release"] } else { &[] };
    let server = gateway::executable("llm-gateway", "llm-gateway", arguments)?;
    let simulator = gateway::executable("gateway-simulator", "llm-simulator", arguments)?;
    let folder = tempfile::Builder::new().prefix("gateway-demo-").tempdir()?;

    let provider = loopback(free_port()?);
    let mut simulator = start_simulator(&simulator, folder.path(), provider.port())?;
    simulator.wait_until(PATIENCE, &interrupt, || Client::new(provider).answers())?;

    let address = loopback(choose_port(demo.port)?);
    let password = format!("demo-{}", &secret()?[..12]);
    let mut gateway = start_gateway(&server, folder.path(), address, &password)?;
    let mut client = Client::new(address);
    gateway
        .wait_until(PATIENCE, &interrupt, || client.is_ready())
        .map_err(|error| with_log(&error.to_string(), &folder.path().join("gateway.log")))?;

    let key = set_up(&mut client, provider, &password)?;
    println!("{}", welcome(address, &password, &key));
    // The gateway is asked first when this ends, so that it can finish what it is sending.
    let outcome = gateway.wait(&interrupt);
    drop(gateway);
    drop(simulator);
    match outcome {
        Ok(status) => Err(with_log(
            &format!("the gateway ended ({status})"),
            &folder.path().join("gateway.log"),
        )),
        Err(_) if interrupt.requested() => {
            println!("\nStopped. Nothing is left behind.");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Signs in, adds the simulated provider's accounts and creates an API key: what an operator does first.
fn set_up(client: &mut Client, provider: SocketAddr, password: &str) -> Result<String> {
    let session = client.post(
        "/api/auth/login",
        &json!({"username": "admin", "password": password}),
    )?;
    client.authorise(text(&session, "access_token")?);
    for (kind, credential) in ACCOUNTS {
        client.post(
            "/api/upstream-accounts",
            &json!({
                "name": format!("simulated {kind}"),
                "provider": kind,
                "credential": {"type": "api_key", "api_key": credential},
                "base_url": format!("http://{provider}"),
            }),
        )?;
    }
    let key = client.post("/api/keys", &json!({"name": "demo"}))?;
    Ok(text(&key, "key")?.to_owned())
}

fn text<'a>(answer: &'a serde_json::Value, field: &str) -> Result<&'a str> {
    answer[field]
        .as_str()
        .ok_or_else(|| format!("the gateway's answer has no {field}: {answer}").into())
}

fn start_simulator(program: &Path, folder: &Path, port: u16) -> Result<Process> {
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string()]).stdin(Stdio::null());
    // At a provider's pace, so that a stream can be watched.
    command.args(["--first-token-ms", "300", "--tokens-per-second", "40"]);
    quiet(&mut command, &folder.join("simulator.log"))?;
    Process::start("the simulated provider", &mut command, Signal::TERM)
}

fn start_gateway(program: &Path, folder: &Path, address: SocketAddr, password: &str) -> Result<Process> {
    let mut command = Command::new(program);
    command.arg("serve").current_dir(root()).stdin(Stdio::null());
    // Named one by one, so that neither the environment nor .env leads the demo to a real database.
    command
        .env("GATEWAY_PROFILE", "development")
        .env("GATEWAY__SERVER__DATA_DIR", folder)
        .env(
            "DATABASE_URL",
            format!("sqlite://{}", folder.join("gateway.db").display()),
        )
        .env("GATEWAY_ADMIN_PASSWORD", password)
        .env("HOST", address.ip().to_string())
        .env("PORT", address.port().to_string());
    quiet(&mut command, &folder.join("gateway.log"))?;
    Process::start("the gateway", &mut command, Signal::TERM)
}

fn quiet(command: &mut Command, log: &Path) -> Result<()> {
    let log = File::create(log)?;
    command.stdout(log.try_clone()?).stderr(log);
    Ok(())
}

fn with_log(error: &str, log: &Path) -> Box<dyn std::error::Error> {
    let log = fs::read_to_string(log).unwrap_or_default();
    format!("{error}\n{}", log.trim_end()).into()
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// The wished one, which must be free; else 8080, which need not be.
fn choose_port(wished: Option<u16>) -> Result<u16> {
    match wished {
        Some(port) => Ok(port),
        None if TcpListener::bind(loopback(8080)).is_ok() => Ok(8080),
        None => free_port(),
    }
}

fn welcome(address: SocketAddr, password: &str, key: &str) -> String {
    format!(
        "
The gateway answers with simulated accounts of Anthropic, OpenAI and Google: nothing leaves this machine.

  address     http://{address}
  reference   http://{address}/docs
  sign in as  admin, password {password}
  API key     {key}

Ask Claude something:

{plain}

The same as a stream:

{stream}

Gemini, as OpenAI's clients would ask it:

{translated}

Ctrl-C stops it and throws everything away.
",
        plain = message(address, key, "curl", false),
        stream = message(address, key, "curl --no-buffer", true),
        translated = chat(address, key),
    )
}

fn message(address: SocketAddr, key: &str, program: &str, stream: bool) -> String {
    let stream = if stream { r#""stream": true, "# } else { "" };
    let body = format!(r#"{{"model": "{CLAUDE}", "max_tokens": 100, {stream}"messages": {QUESTION}}}"#);
    let headers = [
        format!("x-api-key: {key}"),
        "anthropic-version: 2023-06-01".to_owned(),
    ];
    curl(program, address, "/v1/messages", &headers, &body)
}

fn chat(address: SocketAddr, key: &str) -> String {
    let body = format!(r#"{{"model": "{GEMINI}", "messages": {QUESTION}}}"#);
    let headers = [format!("authorization: Bearer {key}")];
    curl("curl", address, "/v1/chat/completions", &headers, &body)
}

const QUESTION: &str = r#"[{"role": "user", "content": "Hello!"}]"#;

fn curl(program: &str, address: SocketAddr, path: &str, headers: &[String], body: &str) -> String {
    let headers: String = headers
        .iter()
        .map(|header| format!("  -H '{header}' \\\n"))
        .collect();
    format!(
        "{program} http://{address}{path} \\\n{headers}  -H 'content-type: application/json' \\\n  -d '{body}'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_lines_can_be_pasted() {
        let address = loopback(8080);
        let line = message(address, "sk-gw-a-b", "curl", true);
        let first = line.lines().next().unwrap();
        assert_eq!(first, "curl http://127.0.0.1:8080/v1/messages \\");
        assert!(line.contains("-H 'x-api-key: sk-gw-a-b' \\\n"), "{line}");
        assert!(line.contains(r#""stream": true"#), "{line}");
        assert_eq!(line.matches('\'').count() % 2, 0);
        let line = chat(address, "sk-gw-a-b");
        assert!(
            line.contains("-H 'authorization: Bearer sk-gw-a-b' \\\n"),
            "{line}"
        );
        assert_eq!(line.matches('\'').count() % 2, 0);
    }
}
