use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{self, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::Result;
use crate::cli::Serve;
use crate::workspace::{cargo, confirm, root};

/// Becomes the gateway: this process is replaced, so that signals reach the server itself.
pub(crate) fn serve(serve: &Serve) -> Result<()> {
    let mut command = cargo();
    command.args(["run", "--package", "llm-gateway"]);
    if serve.release {
        command.arg("--release");
    }
    command.args(["--", "serve"]);
    if let Some(profile) = &serve.profile {
        command.args(["--profile", profile]);
    }
    if let Some(file) = &serve.config {
        // Cargo runs the server in the workspace's folder, wherever we were called.
        command.arg("--config").arg(path::absolute(file)?);
    }
    if let Some(host) = serve.host {
        command.env("HOST", host.to_string());
    }
    if let Some(port) = serve.port {
        command.env("PORT", port.to_string());
    }
    Err(format!("cannot start cargo: {}", command.exec()).into())
}

/// Runs `llm-gateway db …` and becomes it.
pub(crate) fn database(arguments: &[&str]) -> Result<()> {
    become_gateway(&["db"], arguments)
}

/// Runs `llm-gateway prices reprice …` and becomes it.
pub(crate) fn reprice(arguments: &[String]) -> Result<()> {
    become_gateway(&["prices", "reprice"], arguments)
}

fn become_gateway(command_line: &[&str], arguments: &[impl AsRef<OsStr>]) -> Result<()> {
    let mut command = cargo();
    command
        .args(["run", "--quiet", "--package", "llm-gateway", "--"])
        .args(command_line)
        .args(arguments);
    Err(format!("cannot start cargo: {}", command.exec()).into())
}

pub(crate) fn reset_database(yes: bool) -> Result<()> {
    if confirm(
        "Delete every user, key, account and usage record of this database?",
        yes,
    )? {
        return database(&["reset", "--yes"]);
    }
    println!("Nothing was deleted.");
    Ok(())
}

pub(crate) fn build(debug: bool) -> Result<()> {
    let mut arguments = vec!["--locked"];
    if !debug {
        arguments.push("--release");
    }
    let server = executable("llm-gateway", "llm-gateway", &arguments)?;
    let shown = server.strip_prefix(root()).unwrap_or(&server);
    println!("{}", shown.display());
    Ok(())
}

/// Builds a program and says where it is.
///
/// One package at a time, as `serve` does: together they would be built once more, with each other's features.
pub(crate) fn executable(package: &str, name: &str, arguments: &[&str]) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--package", package, "--bin", name]);
    command
        .args(["--message-format", "json-render-diagnostics"])
        .args(arguments);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the build failed".into());
    }
    let messages = String::from_utf8(output.stdout)?;
    find_executable(&messages, name).ok_or_else(|| format!("cargo built no {name}").into())
}

pub(crate) fn find_executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_read_from_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"llm-gateway"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"llm-gateway"},"executable":"/t/llm-gateway"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(
            find_executable(messages, "llm-gateway"),
            Some(PathBuf::from("/t/llm-gateway"))
        );
        assert_eq!(find_executable(messages, "llm-simulator"), None);
    }
}
