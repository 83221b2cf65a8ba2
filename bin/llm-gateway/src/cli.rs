use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use gateway_domain::{InvalidTimestamp, Timestamp};

const AFTER: &str = "\
Configuration, later wins: the built-in defaults, config/PROFILE.toml, the file of --config, .env, and the
environment: DATABASE_URL, HOST, PORT, JWT_SECRET, JWT_EXPIRY, GATEWAY_MASTER_KEY, GATEWAY_OTHER_MASTER_KEY,
GATEWAY_ADMIN_PASSWORD, ALLOW_DEFAULT_CREDENTIALS, RUST_LOG, and GATEWAY__SECTION__KEY for every other key.
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
    /// Look into the journal, in which requests wait to be written to the database
    Journal {
        #[command(subcommand)]
        command: JournalCommand,
    },
    /// Look after the log of who did what
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Look after what everything in the database is sealed with
    Secrets {
        #[command(subcommand)]
        command: SecretsCommand,
    },
    /// Look after what usage costs
    Prices {
        #[command(subcommand)]
        command: PricesCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// List what is in it and what is damaged; nothing is changed, and a gateway may have it open
    Inspect {
        /// Where it is [default: the folder journal in server.data_dir]
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Lines for people, or an object a line with all that an entry says
        #[arg(long, value_enum, default_value = "text")]
        format: InspectFormat,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InspectFormat {
    Text,
    Jsonl,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Say whether every entry is as it was written and none is missing; the exit code is 1 if not. A gateway may be
    /// running
    Verify {
        /// The last hash that an earlier verification printed: an entry has to have it
        #[arg(long, value_name = "HASH", value_parser = parse_hash)]
        expect: Option<[u8; 32]>,
    },
}

fn parse_hash(text: &str) -> Result<[u8; 32], &'static str> {
    let expected = "expected 64 hexadecimal digits";
    let byte = |pair: &str| u8::from_str_radix(pair, 16).map_err(|_| expected);
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(expected);
    }
    let mut hash = [0; 32];
    for (place, slot) in hash.iter_mut().enumerate() {
        *slot = byte(&text[2 * place..2 * place + 2])?;
    }
    Ok(hash)
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Seal with GATEWAY_MASTER_KEY what GATEWAY_OTHER_MASTER_KEY opens; a gateway may be running, and it may be cut short
    /// and done again
    Rotate,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PricesCommand {
    /// Say what usage without a cost would cost at the prices that are known by now
    Reprice(Reprice),
}

#[derive(Debug, Args)]
pub(crate) struct Reprice {
    /// Only say it: nothing that is in the books is ever changed
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The first day, or moment in UTC, such as 2026-11-01 or 2026-11-01T12:00:00Z [default: the beginning]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) from: Option<Timestamp>,
    /// The first day or moment after [default: the end]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) to: Option<Timestamp>,
    /// One model only, by the provider's name for it
    #[arg(long)]
    pub(crate) model: Option<String>,
}

fn parse_time(text: &str) -> Result<Timestamp, InvalidTimestamp> {
    text.parse().or_else(|_| format!("{text}T00:00:00Z").parse())
}

#[derive(Debug, Subcommand)]
pub(crate) enum DatabaseCommand {
    /// Say what is wrong with the database, and how to mend it
    Check,
    /// Bring the tables up to date
    Migrate,
    /// Undo the last migration
    Rollback {
        /// Also if it deletes what cannot be made again
        #[arg(long, short)]
        yes: bool,
    },
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
    fn no_secret_is_given_on_the_command_line() {
        fn options(command: &clap::Command) -> Vec<String> {
            let own = command
                .get_arguments()
                .map(|argument| argument.get_id().to_string());
            own.chain(command.get_subcommands().flat_map(options)).collect()
        }
        for option in options(&Cli::command()) {
            let words = ["secret", "password", "token", "credential", "key"];
            assert!(!words.iter().any(|word| option.contains(word)), "{option}");
        }
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
