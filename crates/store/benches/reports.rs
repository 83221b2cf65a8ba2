//! How long reports over a month take, and how fast usage is recorded: `cargo xtask bench reports`.
//!
//! Every report is asked for over and over on a database of its own, SQLite in a temporary folder and the PostgreSQL
//! that `--postgres` names.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use gateway_auth::Scope;
use gateway_domain::{
    AccountId, ApiKeyId, AttemptId, Clock, Dialect, ManualClock, Nanodollars, ProviderKind, RequestId,
    Spender, SystemClock, Timestamp, TokenCounts, Usage, UsageSource, UserId,
};
use gateway_metering::{AttemptRecord, Considered, Decision, Outcome, RequestRecord};
use gateway_store::{Bucket, GroupBy, SpendSpan, Store, StoreSettings, UsageFilter};
use uuid::Uuid;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Reports over a month of usage, on each database
#[derive(Parser)]
struct Arguments {
    /// Requests in the month
    #[arg(long, default_value_t = 1_000_000)]
    requests: u64,
    /// Requests that are recorded at once
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Times that each report is asked for
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    /// A PostgreSQL to measure as well
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Leave SQLite out
    #[arg(long)]
    no_sqlite: bool,
    /// Only record
    #[arg(long)]
    no_reports: bool,
    // Cargo says so to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

const KEYS: u64 = 50;
const USERS: u64 = 20;
const MODELS: u64 = 12;
const DAYS: u64 = 30;
const SECONDS: u64 = DAYS * 86_400;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        if !arguments.no_sqlite {
            let folder = tempfile::tempdir()?;
            let file = folder.path().join("gateway.db");
            measure(&arguments, "SQLite", &format!("sqlite://{}", file.display())).await?;
        }
        if let Some(url) = &arguments.postgres {
            measure(&arguments, "PostgreSQL", url).await?;
        }
        Ok(())
    })
}

/// The moment at which the month ends.
fn end() -> Timestamp {
    // In the middle of an hour and of a day.
    Timestamp::from_seconds(1_782_910_000)
}

async fn measure(arguments: &Arguments, name: &str, url: &str) -> Result<()> {
    let store = Store::open(&StoreSettings::at(url), Arc::new(ManualClock::at(end()))).await?;
    store.migrate().await?;
    println!("{name}");
    record(arguments, &store).await?;
    if !arguments.no_reports {
        reports(arguments, &store).await?;
    }
    store.close().await;
    Ok(())
}

async fn record(arguments: &Arguments, store: &Store) -> Result<()> {
    let (clock, mut dice) = (SystemClock::new(), Dice(7));
    let (mut busy, mut attempts, mut number) = (Duration::ZERO, 0, 0);
    while number < arguments.requests {
        let upto = arguments.requests.min(number + arguments.batch as u64);
        let records: Vec<_> = (number..upto)
            .map(|number| request(&mut dice, number, arguments.requests))
            .collect();
        attempts += records.iter().map(|record| record.attempts.len()).sum::<usize>();
        let began = clock.monotonic();
        store.record_usage(records).await?;
        busy += clock.monotonic() - began;
        number = upto;
    }
    let each_second = arguments.requests as f64 / busy.as_secs_f64();
    println!(
        "  {} requests with {attempts} attempts in {:.1} s: {each_second:.0} requests/s in batches of {}",
        arguments.requests,
        busy.as_secs_f64(),
        arguments.batch
    );
    Ok(())
}

async fn reports(arguments: &Arguments, store: &Store) -> Result<()> {
    let minutes = |count: u64| Duration::from_secs(count * 60);
    let month = UsageFilter::between(
        Scope::Everyone,
        end() - Duration::from_secs(SECONDS) + minutes(17),
        end() - minutes(13),
    );
    let since = |days: u64| UsageFilter {
        from: end() - Duration::from_secs(days * 86_400),
        to: end() + Duration::from_micros(1),
        ..month.clone()
    };
    println!("  summary over 30 days with ragged ends");
    let of_user = UsageFilter {
        user_id: Some(user(3)),
        ..month.clone()
    };
    let of_key = UsageFilter {
        key_id: Some(key(7)),
        ..month.clone()
    };
    for (whose, filter) in [("of all", &month), ("of a user", &of_user), ("of a key", &of_key)] {
        for by in [None].into_iter().chain(GroupBy::ALL.map(Some)) {
            let name = format!("{whose} by {}", by.map_or("nothing", GroupBy::as_str));
            time(arguments, &name, async || {
                Ok(store.summary(filter.clone(), by).await?.groups.len())
            })
            .await?;
        }
    }
    println!("  time series");
    let six_hours = UsageFilter {
        from: end() - minutes(360),
        ..since(1)
    };
    for (name, filter, bucket, by) in [
        ("hours of 30 days", &month, Bucket::Hour, None),
        ("hours of 30 days of a key", &of_key, Bucket::Hour, None),
        ("days of 30 days", &month, Bucket::Day, None),
        (
            "hours of 7 days by model",
            &since(7),
            Bucket::Hour,
            Some(GroupBy::Model),
        ),
        (
            "hours of 7 days by account",
            &since(7),
            Bucket::Hour,
            Some(GroupBy::Account),
        ),
        ("minutes of 6 hours", &six_hours, Bucket::Minute, None),
        ("minutes of 30 days", &month, Bucket::Minute, None),
    ] {
        time(arguments, name, async || {
            Ok(store.timeseries(filter.clone(), bucket, by).await?.len())
        })
        .await?;
    }
    println!("  what keys have spent");
    let always = Timestamp::from_micros(i64::MIN);
    let span = |number| SpendSpan {
        spender: Spender::Key(key(number)),
        period_from: always,
        recent_from: always,
    };
    let keys: Vec<_> = (0..KEYS).map(span).collect();
    time(arguments, "one key, always", async || {
        store.spent_since(Spender::Key(key(7)), always).await?;
        Ok(1)
    })
    .await?;
    time(arguments, "50 keys, always", async || {
        Ok(store.spending(keys.clone()).await?.len())
    })
    .await
}

async fn time(arguments: &Arguments, name: &str, ask: impl AsyncFn() -> Result<usize>) -> Result<()> {
    let (clock, mut taken) = (SystemClock::new(), Vec::new());
    let mut rows = ask().await?;
    for _ in 0..arguments.rounds {
        let began = clock.monotonic();
        rows = ask().await?;
        taken.push(clock.monotonic() - began);
        // What takes seconds need not be asked so often.
        if taken.iter().sum::<Duration>() > Duration::from_secs(20) {
            break;
        }
    }
    taken.sort_unstable();
    let at =
        |percent: usize| taken[(taken.len() * percent).div_ceil(100).saturating_sub(1)].as_secs_f64() * 1e3;
    println!(
        "    {name:<28} {:>8.1} ms, 95 in 100 {:>8.1} ms, {rows} rows",
        at(50),
        at(95)
    );
    Ok(())
}

fn user(number: u64) -> UserId {
    UserId::from_uuid(Uuid::from_u64_pair(1, number))
}

fn key(number: u64) -> ApiKeyId {
    ApiKeyId::from_uuid(Uuid::from_u64_pair(2, number))
}

/// One of the month's requests: they are spread evenly over it, and four fifths of a key's are for three models.
fn request(dice: &mut Dice, number: u64, of: u64) -> RequestRecord {
    let micros = u128::from(SECONDS) * 1_000_000 * u128::from(number) / u128::from(of);
    let micros = u64::try_from(micros).unwrap_or(u64::MAX);
    let started_at = end() - Duration::from_secs(SECONDS) + Duration::from_micros(micros);
    let key_number = dice.below(KEYS);
    let model = match dice.below(5) {
        0 => dice.below(MODELS),
        _ => (key_number * 5 + dice.below(3)) % MODELS,
    };
    // Two in a hundred are refused, six are tried at a second account.
    let tries = match dice.below(100) {
        0 | 1 => 0,
        2..8 => 2,
        _ => 1,
    };
    let first = dice.below(2);
    let attempts: Vec<_> = (0..tries)
        .map(|place| {
            let account = model % 3 * 2 + (first + place) % 2;
            attempt(
                dice,
                number * 2 + place,
                (place, tries),
                account,
                model,
                started_at,
            )
        })
        .collect();
    let latency = attempts.iter().map(|attempt| attempt.latency).sum();
    RequestRecord {
        id: RequestId::from_uuid(in_order(started_at, 3, number)),
        started_at,
        user_id: user(key_number % USERS),
        key_id: key(key_number),
        dialect: Dialect::Anthropic,
        model: format!("model-{model}-2026"),
        stream: true,
        status: if tries == 0 { Outcome::Error } else { Outcome::Ok },
        http_status: Some(200),
        fault: None,
        latency,
        ttft: attempts.last().and_then(|attempt| attempt.ttft),
        queued: Duration::ZERO,
        decision: Some(Decision {
            strategy: "smart".into(),
            considered: vec![Considered {
                account_id: AccountId::from_uuid(Uuid::from_u64_pair(4, 1)),
                is_picked: true,
                reason: None,
                score: Some(0.062_5),
                parts: vec![("cost".into(), 0.062_5), ("wait".into(), 0.0)],
            }],
        }),
        attempts,
    }
}

fn attempt(
    dice: &mut Dice,
    number: u64,
    (place, tries): (u64, u64),
    account: u64,
    model: u64,
    started_at: Timestamp,
) -> AttemptRecord {
    let output = dice.below(2_000);
    // From a tenth of a second to about a minute, most of them short.
    let latency =
        Duration::from_micros(100_000 << dice.below(9)) + Duration::from_micros(dice.below(200_000));
    let failed = place + 1 < tries;
    AttemptRecord {
        id: AttemptId::from_uuid(in_order(started_at, 5, number)),
        number: u16::try_from(place + 1).unwrap_or(u16::MAX),
        started_at,
        account_id: AccountId::from_uuid(Uuid::from_u64_pair(4, account)),
        provider: ProviderKind::ALL[usize::try_from(model % 3).unwrap_or(0)],
        upstream_model: format!("model-{model}-2026"),
        status: if failed { Outcome::Error } else { Outcome::Ok },
        http_status: Some(if failed { 529 } else { 200 }),
        fault: None,
        fault_reason: None,
        usage: Usage {
            tokens: TokenCounts {
                input: dice.below(5_000),
                cache_read: dice.below(50_000),
                output,
                reasoning: output / 3,
                ..TokenCounts::default()
            },
            ..Usage::default()
        },
        usage_source: UsageSource::Reported,
        cost: (model > 0)
            .then(|| Nanodollars::from_nanos(i64::try_from(dice.below(90_000_000)).unwrap_or(0))),
        price_version: Some("2026-11-22/model".to_owned()),
        latency,
        ttft: (!failed).then(|| latency / 5),
        upstream_request_id: Some(format!("req_{number:024}")),
        upstream_message_id: None,
    }
}

/// An id that sorts by time, as those of the gateway do.
fn in_order(at: Timestamp, kind: u16, number: u64) -> Uuid {
    let millis = at.as_micros().cast_unsigned() / 1_000;
    Uuid::from_u64_pair(millis << 16 | u64::from(kind), number)
}

/// Numbers that look random and are the same in every run: Knuth's MMIX.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
