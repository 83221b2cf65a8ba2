use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

const AFTER: &str = "\
Configuration, later wins: the built-in defaults, config/PROFILE.toml, the file of --config, .env, and the
environment: DATABASE_URL, HOST, PORT, JWT_SECRET, JWT_EXPIRY, GATEWAY_MASTER_KEY, GATEWAY_ADMIN_PASSWORD,
ALLOW_DEFAULT_CREDENTIALS, RUST_LOG, and GATEWAY__SECTION__KEY for every other key.
`llm-gateway config` shows what is in force and where it came from.";

/// An LLM gateway: one server with its own API keys, before the provider accounts that your team shares
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER)]
pub(crate) struct Cli {
    /// Which config/PROFILE.toml to read; production is strict about secrets [default: development]
    // Not read from GATEWAY_PROFILE here, since .env may name it too.
    #[arg(long, global = true, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// One more configuration file, read after the profile's
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server (the default)
    Serve,
    /// Print every setting, its value and where it came from; secrets are masked
    Config,
    /// Look after the database that DATABASE_URL names
    Db {
        #[command(subcommand)]
        command: DatabaseCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DatabaseCommand {
    /// Say what is wrong with the database, and how to mend it
    Check,
    /// Bring the tables up to date
    Migrate,
    /// Undo the last migration
    Rollback,
    /// List the migrations, applied and pending
    Status,
    /// Compare the roll-ups of usage, which reports are made of, with the rows, or build them anew
    Rollups(Rollups),
    /// Delete everything and start with empty tables
    Reset {
        /// Confirms that every user, key, account and usage record is to be deleted
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Rollups {
    /// List every number that is not what the rows add up to; the exit code is 1 if there is one
    #[arg(long)]
    pub(crate) check: bool,
    /// Put what the rows add up to in the place of every roll-up whose rows are not deleted
    #[arg(long)]
    pub(crate) rebuild: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn roll_ups_are_either_compared_or_built_anew() {
        let parse = |arguments: &[&str]| Cli::try_parse_from([&["x", "db", "rollups"], arguments].concat());
        assert!(parse(&["--check"]).is_ok() && parse(&["--rebuild"]).is_ok());
        assert!(parse(&[]).is_err() && parse(&["--check", "--rebuild"]).is_err());
    }

    #[test]
    fn options_may_stand_before_and_after_the_command() {
        for line in [
            ["x", "--profile", "p", "config"],
            ["x", "config", "--profile", "p"],
        ] {
            assert_eq!(Cli::parse_from(line).profile.as_deref(), Some("p"));
        }
    }
}
