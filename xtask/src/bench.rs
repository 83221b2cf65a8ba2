use std::os::unix::process::CommandExt;

use crate::Result;
use crate::cli::Bench;
use crate::workspace::cargo;

/// Becomes the benchmark, built as the gateway ships.
pub(crate) fn run(bench: Bench, arguments: &[String]) -> Result<()> {
    let (package, target) = match bench {
        Bench::Balancing => ("gateway-balancing", "balancing"),
        Bench::Journal => ("gateway-ledger", "append"),
        Bench::Pick => ("gateway-balancing", "pick"),
    };
    let mut command = cargo();
    command
        .args(["bench", "--quiet", "--package", package, "--bench", target, "--"])
        .args(arguments);
    Err(format!("cannot start cargo: {}", command.exec()).into())
}
