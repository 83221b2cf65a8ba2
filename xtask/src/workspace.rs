use std::env;
use std::ffi::OsString;
use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::process::Command;

use dialoguer::Confirm;
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::Result;

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace")
}

/// Where everything that is built goes.
pub(crate) fn target_folder() -> PathBuf {
    root().join(variable("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// A shell in the workspace's folder.
pub(crate) fn shell() -> Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    Ok(shell)
}

/// The cargo that runs us, ready for arguments, in the workspace's folder.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// An environment variable that is there and not empty.
#[expect(clippy::disallowed_methods, reason = "xtask reads the environment, here only")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// A package of this workspace, as its manifest describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// From `[package.metadata]`. A package depends on lower floors only.
    pub(crate) floor: Option<u64>,
    pub(crate) has_readme: bool,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) only_for_tests: bool,
}

/// Every package of the workspace but xtask.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let shell = shell()?;
    let text = cmd!(shell, "cargo metadata --format-version 1 --no-deps")
        .quiet()
        .read()?;
    let metadata: Value = serde_json::from_str(&text)?;
    let packages = metadata["packages"]
        .as_array()
        .ok_or("cargo metadata lists no packages")?;
    Ok(packages
        .iter()
        .map(package)
        .filter(|package| package.name != "xtask")
        .collect())
}

fn package(json: &Value) -> Package {
    let manifest = PathBuf::from(json["manifest_path"].as_str().unwrap_or_default());
    let folder = manifest.parent().unwrap_or(root()).to_owned();
    let dependencies = json["dependencies"].as_array().into_iter().flatten();
    Package {
        name: json["name"].as_str().unwrap_or_default().to_owned(),
        has_readme: folder.join("README.md").is_file(),
        floor: json["metadata"]["floor"].as_u64(),
        dependencies: dependencies.map(dependency).collect(),
        folder,
    }
}

fn dependency(json: &Value) -> Dependency {
    Dependency {
        name: json["name"].as_str().unwrap_or_default().to_owned(),
        only_for_tests: json["kind"].as_str() == Some("dev"),
    }
}

/// Removes what was built and, when `data` is set, what the development server wrote.
pub(crate) fn clean(data: bool, yes: bool) -> Result<()> {
    let shell = shell()?;
    if data
        && confirm(
            "Delete data/, with the development database and its secrets?",
            yes,
        )?
    {
        shell.remove_path("data")?;
    }
    cmd!(shell, "cargo clean").run()?;
    Ok(())
}

/// Whether the person agrees.
///
/// # Errors
///
/// When there is nobody to ask: then `--yes` must say it.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<bool> {
    if yes {
        return Ok(true);
    }
    if !stdin().is_terminal() {
        return Err("this deletes data and nobody is there to ask: say --yes".into());
    }
    Ok(Confirm::new().with_prompt(question).default(false).interact()?)
}
