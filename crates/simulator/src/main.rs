//! The simulator in a process of its own, for the demo and for benchmarks.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clap::Parser;
use gateway_simulator::{Builder, Organization, Pace, Script, Simulator};
use tokio::signal::unix::{SignalKind, signal};

/// A provider that speaks every dialect, with faults on demand.
#[derive(Debug, Parser)]
#[command(name = "llm-simulator", version)]
struct Options {
    /// Listen on this address.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Listen on this port; 0 takes a free one.
    #[arg(long, default_value_t = 8081)]
    port: u16,
    /// Serve with this many threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Let answers, ids and chances follow from this number.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Wait this long before the head of every answer.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    head_ms: u64,
    /// Wait this long between the head of a stream and its first token.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    first_token_ms: u64,
    /// Write this many tokens in a second; 0 writes at full speed.
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    tokens_per_second: f64,
    /// Put this many tokens into one event.
    #[arg(long, value_name = "TOKENS", default_value_t = 4)]
    tokens_per_event: usize,
    /// Send at most this many events with one write; without it, those that are due together go together.
    #[arg(long, value_name = "EVENTS")]
    events_per_write: Option<usize>,
    /// Answer with this many tokens.
    #[arg(long, value_name = "TOKENS", default_value_t = 48)]
    output_tokens: u64,
    /// Send a ping after every such silence.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    ping_every_ms: u64,
    /// Fail like this, always or with @PROBABILITY, as in `529@0.05`, `reset:in-4` or `error:2:api_error@0.1`.
    /// May be repeated.
    #[arg(long, value_name = "FAULT", value_parser = chance)]
    fault: Vec<(f64, Script)>,
    /// Fail like this for one credential, as in `sk-ant-bad=401`. May be repeated.
    #[arg(long, value_name = "KEY=FAULT", value_parser = bad_key)]
    bad_key: Vec<(String, Script)>,
    /// Accept this credential; without any, every one is good. May be repeated.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// Serve this model; without any, those of the provider. May be repeated.
    #[arg(long, value_name = "ID")]
    model: Vec<String>,
    /// Refuse more messages than this from one credential in a minute.
    #[arg(long, value_name = "REQUESTS")]
    requests_per_minute: Option<u64>,
    /// Let this key, and no other, read the organisation's reports of usage.
    #[arg(long, value_name = "KEY")]
    admin_key: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let simulator = options.builder().try_start()?;
    for (credential, script) in options.bad_key {
        simulator.always_for(&credential, script);
    }
    if let Some(key) = options.admin_key {
        simulator.open_organization(Organization::new(key));
    }
    println!("llm-simulator listens on {}", simulator.base_url());
    wait_for_the_end().await?;
    report(&simulator);
    Ok(())
}

impl Options {
    fn builder(&self) -> Builder {
        let mut builder = Simulator::builder()
            .listen(SocketAddr::from((self.host, self.port)))
            .threads(self.threads)
            .seed(self.seed)
            .output_tokens(self.output_tokens)
            .tokens_per_event(self.tokens_per_event)
            .pace(self.pace())
            .keep(0);
        if let Some(events) = self.events_per_write {
            builder = builder.events_per_write(events);
        }
        if let Some(requests) = self.requests_per_minute {
            builder = builder.requests_per_minute(requests);
        }
        if !self.key.is_empty() {
            builder = builder.accept_only(&self.key);
        }
        if !self.model.is_empty() {
            builder = builder.models(&self.model);
        }
        for (probability, script) in &self.fault {
            builder = builder.chance(*probability, script.clone());
        }
        builder
    }

    fn pace(&self) -> Pace {
        let between = if self.tokens_per_second > 0.0 {
            Duration::try_from_secs_f64(self.tokens_per_event as f64 / self.tokens_per_second)
        } else {
            Ok(Duration::ZERO)
        };
        Pace {
            head: Duration::from_millis(self.head_ms),
            first_content: Duration::from_millis(self.first_token_ms),
            between: between.unwrap_or(Duration::MAX),
            ping_every: Duration::from_millis(self.ping_every_ms),
        }
    }
}

fn chance(text: &str) -> Result<(f64, Script), Box<dyn Error + Send + Sync>> {
    match text.split_once('@') {
        None => Ok((1.0, text.parse()?)),
        Some((script, probability)) => {
            let probability: f64 = probability.parse()?;
            if !(0.0..=1.0).contains(&probability) {
                return Err("a probability is from 0 to 1".into());
            }
            Ok((probability, script.parse()?))
        }
    }
}

fn bad_key(text: &str) -> Result<(String, Script), Box<dyn Error + Send + Sync>> {
    let (key, script) = text.split_once('=').ok_or("expected KEY=FAULT")?;
    Ok((key.to_owned(), script.parse()?))
}

async fn wait_for_the_end() -> Result<(), Box<dyn Error>> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminated.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

fn report(simulator: &Simulator) {
    let tally = simulator.tally();
    let billed = simulator.billed_in_all();
    println!(
        "{} requests, {} clients went away, {} messages billed with {} input and {} output tokens",
        tally.received,
        tally.disconnected,
        billed.messages,
        billed.tokens.total_input(),
        billed.tokens.output
    );
}
