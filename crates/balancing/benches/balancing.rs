//! Strategies against each other on simulated clients and accounts: `cargo xtask bench balancing`.

mod scenarios;

use clap::Parser;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

use crate::scenarios::{CONTENDERS, Outcome, SCENARIOS, Scenario, run};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench balancing")]
struct Arguments {
    /// What chance goes by
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Turns in each scenario
    #[arg(long, default_value_t = 5_000)]
    turns: usize,
    /// Play this one only
    #[arg(long, value_parser = scenario)]
    scenario: Option<&'static Scenario>,
    /// Said by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments = Arguments::parse();
    let chosen: Vec<&Scenario> = match arguments.scenario {
        Some(scenario) => vec![scenario],
        None => SCENARIOS.iter().collect(),
    };
    for scenario in chosen {
        println!("{}\n{}\n", scenario.name, table(scenario, &arguments));
    }
}

fn scenario(name: &str) -> Result<&'static Scenario, String> {
    let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        format!("there are: {}", names.join(", "))
    })
}

fn table(scenario: &Scenario, arguments: &Arguments) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "strategy",
        "errors",
        "429s",
        "TTFT p50",
        "TTFT p99",
        "$ per 1,000 turns",
        "read from caches",
    ]);
    for contender in CONTENDERS {
        let outcome = run(scenario, contender, arguments.turns, arguments.seed);
        table.add_row(row(contender.name, &outcome));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(name: &str, outcome: &Outcome) -> [String; 7] {
    let seconds = |percent| format!("{:.2} s", outcome.ttft(percent).as_secs_f64());
    [
        name.to_owned(),
        outcome.errors.to_string(),
        outcome.refusals.to_string(),
        seconds(50),
        seconds(99),
        format!("{:.2}", outcome.usd_per_1000_turns()),
        format!("{:.1} %", outcome.cached_share() * 100.0),
    ]
}
