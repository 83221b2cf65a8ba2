//! The commands of this workspace, instead of a Makefile: `cargo xtask --help`.

mod bench;
mod check;
mod cli;
mod demo;
mod fuzz;
mod gateway;
mod interrupt;
mod migration;
mod prices;
mod process;
mod release;
mod soak;
mod test;
mod throwaway;
mod tools;
mod workspace;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, Database};

/// An error here is a sentence for the person at the terminal.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve(serve) => gateway::serve(&serve),
        Command::Demo(demo) => demo::run(&demo),
        Command::Test { arguments } => test::run(&arguments),
        Command::Bench { bench, arguments } => bench::run(bench, &arguments),
        Command::Soak {
            soak,
            rounds,
            release,
        } => soak::run(soak, rounds, release),
        Command::Fuzz(fuzz) => fuzz::run(&fuzz),
        Command::Check => check::run(),
        Command::Prices { command } => prices::run(&command),
        Command::Build { debug } => gateway::build(debug),
        Command::Release { out } => release::run(out.as_deref()),
        Command::Clean { data, yes } => workspace::clean(data, yes),
        Command::Db { command } => match command {
            Database::Check => gateway::database(&["check"]),
            Database::Migrate => gateway::database(&["migrate"]),
            Database::Rollback { yes: true } => gateway::database(&["rollback", "--yes"]),
            Database::Rollback { yes: false } => gateway::database(&["rollback"]),
            Database::Status => gateway::database(&["status"]),
            Database::Rollups(task) if task.rebuild => gateway::database(&["rollups", "--rebuild"]),
            Database::Rollups(_) => gateway::database(&["rollups", "--check"]),
            Database::Reset { yes } => gateway::reset_database(yes),
            Database::Create { name } => migration::create(&name),
        },
    }
}
