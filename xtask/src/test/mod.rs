mod debian;
pub(crate) mod postgres;
mod sdks;

use std::process::Command;

use rustix::process::Signal;

use crate::Result;
use crate::interrupt::Interrupt;
use crate::process::Process;
use crate::workspace::{cargo, variable};

use self::postgres::Cluster;

/// Which server the tests use. When it is set already, that one.
const DATABASE_VARIABLE: &str = "TEST_DATABASE_URL";

/// Which folder has the SDKs' environments. When it is set already, that one.
const SDKS_VARIABLE: &str = "TEST_PYTHON_SDKS";

/// How often the proofs of the binary's tests repeat what they do.
const ROUNDS_VARIABLE: &str = "SOAK_ROUNDS";

/// Whose tests are clients with the SDKs, and proofs that can be repeated.
const PACKAGE: &str = "llm-gateway";

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let mut command = cargo_test(arguments);
    // Lives until the tests have ended: dropping it stops the server.
    let _cluster = give_database(&mut command, &interrupt)?;
    if let Some(folder) = variable(SDKS_VARIABLE) {
        eprintln!("SDKs: the environments in {}", folder.display());
    } else if uses_sdks(arguments) {
        command.env(SDKS_VARIABLE, sdks::prepare(&interrupt)?);
    }
    finish(&mut command, &interrupt)
}

/// Repeats a proof of the binary's tests so many times, and shows what it counted.
pub(crate) fn repeat(proof: &str, rounds: u32, release: bool) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let mut command = cargo();
    command
        .args(["test", "--package", PACKAGE, "--test", "it"])
        .args(release.then_some("--release"))
        .args(["--", proof])
        .args(["--nocapture", "--test-threads", "1"])
        .env(ROUNDS_VARIABLE, rounds.to_string());
    let _cluster = give_database(&mut command, &interrupt)?;
    finish(&mut command, &interrupt)
}

/// Tells the tests which server to use: one that is started for them unless they were told already.
fn give_database(command: &mut Command, interrupt: &Interrupt) -> Result<Option<Cluster>> {
    if variable(DATABASE_VARIABLE).is_some() {
        eprintln!("PostgreSQL: the server that {DATABASE_VARIABLE} names");
        return Ok(None);
    }
    let cluster = Cluster::start(interrupt)?;
    eprintln!(
        "PostgreSQL: {}, private, in a temporary folder",
        cluster.version()
    );
    command.env(DATABASE_VARIABLE, cluster.url());
    Ok(Some(cluster))
}

fn finish(command: &mut Command, interrupt: &Interrupt) -> Result<()> {
    let status = Process::start("cargo test", command, Signal::TERM)?.wait(interrupt)?;
    if status.success() {
        Ok(())
    } else {
        Err("some tests failed".into())
    }
}

fn cargo_test(arguments: &[String]) -> Command {
    let mut command = cargo();
    command.arg("test");
    if !names_packages(arguments) {
        command.arg("--workspace");
    }
    command.args(arguments);
    command
}

fn names_packages(arguments: &[String]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

/// Whether the SDKs' package is among those whose tests are run.
fn uses_sdks(arguments: &[String]) -> bool {
    if values(arguments, "--exclude", None).any(|package| package == PACKAGE) {
        return false;
    }
    let is_whole = |argument: &String| argument == "--workspace" || argument == "--all";
    if !names_packages(arguments) || arguments.iter().any(is_whole) {
        return true;
    }
    // A pattern may mean it, and so may the longer forms of a package's name.
    values(arguments, "--package", Some("-p"))
        .any(|package| package.contains(PACKAGE) || package.contains(['*', '?', '[']))
}

/// What an option is given, in each of the ways that cargo takes: `--long X`, `--long=X`, `-s X`, `-sX`, `-s=X`.
fn values<'a>(
    arguments: &'a [String],
    long: &'a str,
    short: Option<&'a str>,
) -> impl Iterator<Item = &'a str> {
    let own = || arguments.iter().take_while(|argument| *argument != "--");
    own().enumerate().filter_map(move |(at, argument)| {
        let rest = argument
            .strip_prefix(long)
            .filter(|rest| rest.is_empty() || rest.starts_with('='))
            .or_else(|| short.and_then(|short| argument.strip_prefix(short)))?;
        if rest.is_empty() {
            own().nth(at + 1).map(String::as_str)
        } else {
            Some(rest.strip_prefix('=').unwrap_or(rest))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(test: &[&str]) -> Vec<String> {
        test.iter().map(ToString::to_string).collect()
    }

    fn arguments(test: &[&str]) -> Vec<String> {
        cargo_test(&strings(test))
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn the_whole_workspace_is_tested_unless_packages_are_named() {
        assert_eq!(arguments(&[]), ["test", "--workspace"]);
        assert_eq!(arguments(&["--", "-p"]), ["test", "--workspace", "--", "-p"]);
        assert_eq!(arguments(&["-p", "gateway-auth"]), ["test", "-p", "gateway-auth"]);
    }

    #[test]
    fn the_sdks_are_there_whenever_the_binarys_tests_run() {
        for test in [
            &[][..],
            &["--", "-p", "gateway-auth"],
            &["--workspace"],
            &["-p", "llm-gateway"],
            &["-pllm-gateway", "--", "sdks"],
            &["-p", "gateway-auth", "--package=llm-gateway"],
            &["--package", "llm-*"],
            &["-p", "gateway-auth", "--workspace"],
            &["--exclude", "gateway-auth"],
        ] {
            assert!(uses_sdks(&strings(test)), "{test:?}");
        }
        for test in [
            &["-p", "gateway-auth"][..],
            &["-pgateway-auth", "llm-gateway"],
            &["--package=gateway-auth", "-p", "gateway-api"],
            &["--exclude", "llm-gateway"],
            &["--workspace", "--exclude=llm-gateway"],
        ] {
            assert!(!uses_sdks(&strings(test)), "{test:?}");
        }
    }
}
