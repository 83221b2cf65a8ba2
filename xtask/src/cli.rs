use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The commands of this workspace.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    arg_required_else_help = true,
    after_help = "New here? `cargo xtask demo` shows the gateway at work without any provider account."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build and run the gateway for development, with the database under data/
    Serve(Serve),
    /// Show the gateway at work on a simulated provider: prints a curl line to paste
    Demo(Demo),
    /// Run every test, on SQLite and on a PostgreSQL that is started just for it, with the providers' own SDKs
    #[command(
        long_about = "Run every test, on SQLite and on PostgreSQL, with the providers' own SDKs.\n\n\
            Unless TEST_DATABASE_URL names a server, a private PostgreSQL is started in a temporary folder, \
            reachable from this machine only, and removed at the end. Where PostgreSQL is not installed, \
            Debian's package is (as root), or you are told what to install.\n\n\
            Unless TEST_PYTHON_SDKS names a folder that has them, pip installs the official Python SDKs into virtual \
            environments under target/sdks, once. Where Python is not installed, the same is done about it.",
        after_help = "Examples:\n  \
            cargo xtask test\n  \
            cargo xtask test -p gateway-store\n  \
            cargo xtask test -p gateway-store -- migrations --nocapture"
    )]
    Test {
        /// Passed on to `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<String>,
    },
    /// Measure a part of the gateway, built as it ships
    #[command(after_help = "Examples:\n  \
            cargo xtask bench balancing\n  \
            cargo xtask bench balancing --scenario bursty --seed 7 --turns 10000")]
    Bench {
        /// What to measure
        bench: Bench,
        /// Passed on to the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<String>,
    },
    /// Prove for longer than the tests do that no usage is lost or doubled, on SQLite and PostgreSQL
    #[command(after_help = "Examples:\n  \
            cargo xtask soak crash\n  \
            cargo xtask soak database --rounds 100")]
    Soak {
        /// What happens to the gateway
        soak: Soak,
        /// How often it happens
        #[arg(long)]
        rounds: Option<u32>,
        /// Build it as it ships: slower to build, and under more load
        #[arg(long)]
        release: bool,
    },
    /// Throw bytes at every parser of foreign bytes, for longer than the tests do
    #[command(
        after_help = "Needs cargo-fuzz (cargo install --locked cargo-fuzz) and a C++ compiler.\n\nExamples:\n  \
            cargo xtask fuzz --list\n  \
            cargo xtask fuzz --seconds 600\n  \
            cargo xtask fuzz providers protocol/stream --keep"
    )]
    Fuzz(Fuzz),
    /// Everything that must hold before a commit: format, lints, floors, documentation, tidiness, dependencies
    #[command(
        long_about = "Everything that must hold before a commit: format, lints, floors, documentation, tidiness, \
            dependencies.\n\n\
            Where cargo-deny is not installed, it is built under target/tools, once. Known holes of dependencies are \
            looked for when ADVISORY_DB names a folder with RustSec's advisory-db; nothing is fetched."
    )]
    Check,
    /// Look after config/prices.json, and what usage costs
    Prices {
        #[command(subcommand)]
        command: Prices,
    },
    /// Build the server as it ships and say where it is
    Build {
        /// Faster to build, slower to run
        #[arg(long)]
        debug: bool,
    },
    /// Build what is handed to others: the archive, its bill of materials and their sums
    #[command(
        long_about = "Build what is handed to others: the archive, its bill of materials and their sums.\n\n\
            The binary names no folder of this machine and has the list of what it is made of in itself \
            (`cargo audit bin` reads it). The same commit, compilers and linker are meant to give the same bytes. Where cargo-auditable \
            is not installed, it is built under target/tools, once."
    )]
    Release {
        /// Where to put them [default: target/dist]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Remove what was built
    Clean {
        /// Also remove data/: the development database, its secrets and its journal
        #[arg(long)]
        data: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Look after the database that DATABASE_URL names (by default the one under data/)
    Db {
        #[command(subcommand)]
        command: Database,
    },
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bench {
    /// The strategies against each other, on simulated clients and accounts
    Balancing,
    /// How long a request waits for its journal
    Journal,
    /// How long it takes to pick an account
    Pick,
    /// Usage: how fast it is recorded and how long reports over a month take, on SQLite and PostgreSQL
    Reports,
}

/// What can happen again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Soak {
    /// It is killed under load
    Crash,
    /// Its database goes away under load
    Database,
    /// Its disk fills up under load, and it is killed on the full disk
    Disk,
    /// Its journal is cut and changed, byte for byte
    Damage,
}

#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// Which ones: a crate, or a crate and a target such as protocol/stream [default: all]
    pub(crate) targets: Vec<String>,
    /// How long each is thrown bytes at
    #[arg(long, default_value_t = 60)]
    pub(crate) seconds: u64,
    /// Add to the corpus in the repository what was found to reach more code
    #[arg(long)]
    pub(crate) keep: bool,
    /// Only say which ones there are
    #[arg(long)]
    pub(crate) list: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen [default: server.port, 8080 as shipped]
    #[arg(long, short)]
    pub(crate) port: Option<u16>,
    /// The address to listen on [default: server.host, 127.0.0.1 as shipped]
    #[arg(long)]
    pub(crate) host: Option<IpAddr>,
    /// Which config/PROFILE.toml to read [default: development]
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// One more configuration file, read after the profile's
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Build it as it ships: slower to build, faster to run
    #[arg(long)]
    pub(crate) release: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where the gateway listens [default: 8080, or another when that is taken]
    #[arg(long, short)]
    pub(crate) port: Option<u16>,
    /// Build it as it ships: slower to build, faster to run
    #[arg(long)]
    pub(crate) release: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Prices {
    /// Say what is wrong with the list, and what looks odd
    Check {
        /// Another list than config/prices.json
        file: Option<PathBuf>,
    },
    /// Compare the list with published data, and take it over
    #[command(after_help = "Examples:\n  \
            pip install --no-deps --target /tmp/published genai-prices\n  \
            cargo xtask prices sync --from /tmp/published\n  \
            cargo xtask prices sync --from /tmp/published --effective-from 2026-12-01 --write")]
    Sync(Sync),
    /// Say what usage without a cost would cost at the prices that are known by now
    #[command(after_help = "Examples:\n  \
            cargo xtask prices reprice --dry-run\n  \
            cargo xtask prices reprice --dry-run --from 2026-11-01 --model claude-haiku-5-5")]
    Reprice {
        /// Passed on to `llm-gateway prices reprice`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// The folder that genai-prices was installed into, or its data.py or JSON
    #[arg(long, value_name = "PATH")]
    pub(crate) from: PathBuf,
    /// litellm's model_prices_and_context_window_backup.json, to be told where it says otherwise
    #[arg(long, value_name = "FILE")]
    pub(crate) cross_check: Option<PathBuf>,
    /// The day from which changed rates are in force [default: the day of the published file]
    #[arg(long, value_name = "DAY", value_parser = crate::prices::parse_day)]
    pub(crate) effective_from: Option<String>,
    /// Change config/prices.json
    #[arg(long)]
    pub(crate) write: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Database {
    /// Say what is wrong with the database, and how to mend it
    Check,
    /// Bring the tables up to date
    Migrate,
    /// Write the four files of a new migration, for both databases
    Create {
        /// What it does, such as add_budgets
        #[arg(value_parser = crate::migration::parse_name)]
        name: String,
    },
    /// Undo the last migration
    Rollback {
        /// Also if it deletes what cannot be made again
        #[arg(long, short)]
        yes: bool,
    },
    /// Delete everything and start with empty tables
    Reset {
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// List the migrations, applied and pending
    Status,
    /// Compare the roll-ups of usage with the rows, or build them anew
    Rollups(Rollups),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Rollups {
    /// List every number that is not what the rows add up to
    #[arg(long)]
    pub(crate) check: bool,
    /// Put what the rows add up to in the place of every roll-up
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
    fn test_arguments_pass_through() {
        let cli = Cli::parse_from(["xtask", "test", "-p", "gateway-store", "--", "--nocapture"]);
        let Command::Test { arguments } = cli.command else {
            panic!("{cli:?}")
        };
        assert_eq!(arguments, ["-p", "gateway-store", "--", "--nocapture"]);
    }

    #[test]
    fn bench_arguments_pass_through() {
        let cli = Cli::parse_from(["xtask", "bench", "balancing", "--seed", "7"]);
        let Command::Bench { bench, arguments } = cli.command else {
            panic!("{cli:?}")
        };
        assert_eq!(bench, Bench::Balancing);
        assert_eq!(arguments, ["--seed", "7"]);
    }
}
