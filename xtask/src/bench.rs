use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::Signal;

use crate::Result;
use crate::cli::Bench;
use crate::interrupt::Interrupt;
use crate::process::Process;
use crate::test::postgres::Cluster;
use crate::workspace::cargo;

/// Runs the benchmark, built as the gateway ships.
pub(crate) fn run(bench: Bench, arguments: &[String]) -> Result<()> {
    let (package, target) = match bench {
        Bench::Balancing => ("gateway-balancing", "balancing"),
        Bench::Journal => ("gateway-ledger", "append"),
        Bench::Pick => ("gateway-balancing", "pick"),
        Bench::Reports => ("gateway-store", "reports"),
    };
    let mut command = cargo();
    command
        .args(["bench", "--quiet", "--package", package, "--bench", target, "--"])
        .args(arguments);
    match bench {
        Bench::Reports => run_with_postgres(command),
        Bench::Balancing | Bench::Journal | Bench::Pick => {
            Err(format!("cannot start cargo: {}", command.exec()).into())
        }
    }
}

/// Gives the benchmark a PostgreSQL of its own.
fn run_with_postgres(mut command: Command) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let cluster = Cluster::start(&interrupt)?;
    eprintln!("PostgreSQL: {}, private, without fsync", cluster.version());
    command.args(["--postgres", cluster.url()]);
    let status = Process::start("cargo bench", &mut command, Signal::TERM)?.wait(&interrupt)?;
    if status.success() {
        Ok(())
    } else {
        Err("the benchmark failed".into())
    }
}
