use std::sync::Arc;

use gateway_domain::SystemClock;
use gateway_store::{RollupDifference, Store, StoreSettings};

use crate::Result;

/// The most differences that are listed.
const MOST_LISTED: usize = 100;

/// The columns of the list, as wide as what is usual in them.
const HEADINGS: [&str; 6] = ["begins", "covers", "column", "roll-up", "rows", "of"];
const WIDTHS: [usize; 6] = [20, 6, 21, 16, 16, 0];

/// # Errors
///
/// How many roll-ups are wrong, if any is, after they were listed.
pub(super) async fn check(settings: &StoreSettings) -> Result<()> {
    super::expect_usable(settings).await?;
    let store = Store::open_to_read(settings, Arc::new(SystemClock::new())).await?;
    let mut listed = 0;
    let found = store
        .check_rollups(|difference| {
            if listed == 0 {
                println!("{}", line(&HEADINGS));
            }
            if listed < MOST_LISTED {
                println!("{}", row(&difference));
            }
            listed += 1;
        })
        .await;
    store.close().await;
    let found = found?;
    if listed > MOST_LISTED {
        println!("and {} more", listed - MOST_LISTED);
    }
    if let Some(rows_from) = found.rows_from {
        println!("Rows from before {rows_from} are deleted; roll-ups from before cannot be compared.");
    }
    if found.wrong > 0 {
        return Err(format!(
            "{} of {} roll-ups are not what the rows add up to; `llm-gateway db rollups --rebuild` mends them",
            found.wrong, found.cells
        )
        .into());
    }
    println!("{} roll-ups are what the rows add up to.", found.cells);
    Ok(())
}

/// # Errors
///
/// What is wrong with the database.
pub(super) async fn rebuild(settings: &StoreSettings) -> Result<()> {
    super::expect_usable(settings).await?;
    let store = Store::open(settings, Arc::new(SystemClock::new())).await?;
    let rebuilt = store.rebuild_rollups().await;
    store.close().await;
    println!("{} roll-ups are built anew.", rebuilt?);
    Ok(())
}

fn row(difference: &RollupDifference) -> String {
    line(&[
        &difference.starts_at.to_string(),
        difference.bucket.as_str(),
        difference.column,
        &difference.stored.to_string(),
        &difference.expected.to_string(),
        &format!("{}: {}", difference.kind, difference.about),
    ])
}

fn line(cells: &[&str; 6]) -> String {
    let padded = cells
        .iter()
        .zip(WIDTHS)
        .map(|(cell, width)| format!("{cell:<width$}"));
    padded.collect::<Vec<_>>().join("  ")
}
