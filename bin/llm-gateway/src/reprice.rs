//! `llm-gateway prices reprice --dry-run`: what usage without a cost would cost by now.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use gateway_domain::{Clock, Nanodollars, SystemClock, Timestamp};
use gateway_metering::{Charge, PriceCatalogue};
use gateway_store::{RecordedAttempt, Store, StoreSettings};

use crate::Result;
use crate::cli::Reprice;

/// Rows read from the database at once, so that millions of them take no memory.
const ROWS_AT_ONCE: u32 = 1000;

/// # Errors
///
/// What is wrong with the database, and what to do about it.
pub(crate) async fn run(reprice: &Reprice, listed: PriceCatalogue, settings: &StoreSettings) -> Result<()> {
    if !reprice.dry_run {
        return Err("what is in the books is not changed: say --dry-run to see what would be added".into());
    }
    let clock = Arc::new(SystemClock::new());
    let now = clock.now();
    let store = Store::open_to_read(settings, clock).await?;
    let catalogue = listed.with_overrides(store.price_versions().await?);
    let from = reprice.from.unwrap_or(Timestamp::from_micros(i64::MIN));
    let to = reprice.to.unwrap_or(Timestamp::from_micros(i64::MAX));
    let mut report = Report::default();
    let mut cursor = None;
    loop {
        let slice = store.unpriced_attempts(from, to, cursor, ROWS_AT_ONCE).await?;
        let wanted = |attempt: &&RecordedAttempt| {
            let model = reprice.model.as_ref();
            model.is_none_or(|model| *model == attempt.upstream_model)
        };
        for attempt in slice.items.iter().filter(wanted) {
            report.add(attempt, &catalogue, now);
        }
        cursor = slice.next;
        if cursor.is_none() {
            break;
        }
    }
    store.close().await;
    print!("{report}");
    Ok(())
}

/// What would be added, by model.
#[derive(Default)]
struct Report(BTreeMap<String, Line>);

#[derive(Default)]
struct Line {
    priced: u64,
    amount: Nanodollars,
    /// Of those, at a price that began after the attempt.
    later: u64,
    still_unpriced: u64,
}

impl Report {
    fn add(&mut self, attempt: &RecordedAttempt, catalogue: &PriceCatalogue, now: Timestamp) {
        let model = format!("{}/{}", attempt.provider, attempt.upstream_model.escape_debug());
        let line = self.0.entry(model).or_default();
        let charge = |at| charge(attempt, catalogue, at);
        if let Some(charge) = charge(attempt.started_at) {
            line.priced += 1;
            line.amount += charge.cost;
        } else if let Some(charge) = charge(now) {
            line.priced += 1;
            line.later += 1;
            line.amount += charge.cost;
        } else {
            line.still_unpriced += 1;
        }
    }
}

/// `None` also for a provider that this version does not know.
fn charge(attempt: &RecordedAttempt, catalogue: &PriceCatalogue, at: Timestamp) -> Option<Charge> {
    let (account_id, provider) = (attempt.account_id, attempt.provider.parse().ok()?);
    let charge = catalogue.charge(account_id, provider, &attempt.upstream_model, at, &attempt.usage);
    charge.ok()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return writeln!(f, "Every attempt whose usage is known has a cost.");
        }
        let width = self.0.keys().map(String::len).fold("model".len(), usize::max);
        writeln!(
            f,
            "{:width$}  {:>9}  {:>18}  {:>17}  {:>13}",
            "model", "attempts", "would add (USD)", "at a later price", "without price"
        )?;
        let mut total = Line::default();
        for (model, line) in &self.0 {
            write_line(f, width, model, line)?;
            total.priced += line.priced;
            total.amount += line.amount;
            total.later += line.later;
            total.still_unpriced += line.still_unpriced;
        }
        write_line(f, width, "total", &total)?;
        writeln!(f, "Nothing was changed.")
    }
}

fn write_line(f: &mut fmt::Formatter<'_>, width: usize, model: &str, line: &Line) -> fmt::Result {
    let amount = line.amount.to_string();
    writeln!(
        f,
        "{model:width$}  {:>9}  {amount:>18}  {:>17}  {:>13}",
        line.priced, line.later, line.still_unpriced
    )
}
