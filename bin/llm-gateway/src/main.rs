//! The server: reads the configuration, opens the rooms, wires them, serves.

mod alerts;
mod audit;
mod changes;
mod cli;
mod config;
mod database;
mod inspect;
mod journal;
mod listen;
mod logging;
mod master_keys;
mod prices;
mod reprice;
mod rests;
mod retention;
mod secrets;
mod server;
mod tls;
mod users;
mod welcome;
mod wiring;

use std::error::Error;
use std::process::ExitCode;

use actix_web::rt::System;
use clap::Parser;
use rustix::fs::Mode;
use rustix::process::umask;

use crate::cli::{AuditCommand, Cli, Command, JournalCommand, PricesCommand, SecretsCommand};
use crate::config::{Config, Layers};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An error here is a sentence for the operator: what happened, why, and what to do next.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    logging::tell_panics_without_payload();
    // What is written here is nobody else's to read: journal, database, secrets, locks.
    umask(Mode::RWXG | Mode::RWXO);
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in in_one_line(&*error).lines() {
                eprintln!("error: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let layers = Layers::read(cli.profile.as_deref(), cli.config.as_deref())?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(layers),
        Command::Config => {
            config::check(&layers)?;
            print!("{}", config::print(&secrets::find(layers)?));
            Ok(())
        }
        Command::Db { command } => {
            let config = Config::of(&layers)?;
            let settings = wiring::store_settings(config.store, &config.server)?;
            System::new().block_on(database::run(command, &settings))
        }
        Command::Journal {
            command: JournalCommand::Inspect { folder, format },
        } => {
            let folder = match folder {
                Some(folder) => folder,
                None => journal::folder(&Config::of(&layers)?.server.data_dir, 1),
            };
            inspect::run(&folder, format)
        }
        Command::Audit {
            command: AuditCommand::Verify { expect },
        } => {
            let config = Config::of(&layers)?;
            let settings = wiring::store_settings(config.store, &config.server)?;
            System::new().block_on(audit::verify(expect, &settings))
        }
        Command::Secrets {
            command: SecretsCommand::Rotate,
        } => {
            let config = Config::of(&secrets::resolve_given(layers)?)?;
            let settings = wiring::store_settings(config.store, &config.server)?;
            System::new().block_on(master_keys::rotate(&config.secrets, &settings))
        }
        Command::Prices {
            command: PricesCommand::Reprice(reprice),
        } => {
            let config = Config::of(&layers)?;
            let listed = prices::listed(&config.prices)?;
            let settings = wiring::store_settings(config.store, &config.server)?;
            System::new().block_on(reprice::run(&reprice, listed, &settings))
        }
    }
}

fn serve(layers: Layers) -> Result<()> {
    config::check(&layers)?;
    let layers = secrets::resolve(layers)?;
    let config = Config::of(&layers)?;
    logging::start(&config.log);
    System::new().block_on(server::run(config, &layers.profile, layers.files.clone()))
}

/// An error with its causes.
fn in_one_line(error: &dyn Error) -> String {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    if causes.is_empty() {
        error.to_string()
    } else {
        format!("{error} ({})", causes.join(": "))
    }
}
