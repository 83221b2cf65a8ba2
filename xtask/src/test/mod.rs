mod postgres;

use std::process::Command;

use rustix::process::Signal;

use crate::Result;
use crate::interrupt::Interrupt;
use crate::process::Process;
use crate::workspace::{cargo, variable};

use self::postgres::Cluster;

/// Which server the tests use. When it is set already, that one.
const DATABASE_VARIABLE: &str = "TEST_DATABASE_URL";

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let mut command = cargo_test(arguments);
    // Lives until the tests have ended: dropping it stops the server.
    let _cluster = if variable(DATABASE_VARIABLE).is_some() {
        eprintln!("PostgreSQL: the server that {DATABASE_VARIABLE} names");
        None
    } else {
        let cluster = Cluster::start(&interrupt)?;
        eprintln!(
            "PostgreSQL: {}, private, in a temporary folder",
            cluster.version()
        );
        command.env(DATABASE_VARIABLE, cluster.url());
        Some(cluster)
    };
    let status = Process::start("cargo test", &mut command, Signal::TERM)?.wait(&interrupt)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(test: &[&str]) -> Vec<String> {
        let test: Vec<String> = test.iter().map(ToString::to_string).collect();
        cargo_test(&test)
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
}
