//! `llm-gateway audit …`: the log of who did what.

use std::fmt::Write as _;
use std::sync::Arc;

use gateway_domain::SystemClock;
use gateway_store::{Store, StoreSettings};

use crate::Result;
use crate::database;

/// # Errors
///
/// What is wrong with the log, or with the database.
pub(crate) async fn verify(expected: Option<[u8; 32]>, settings: &StoreSettings) -> Result<()> {
    database::expect_usable(settings).await?;
    let store = Store::open_to_read(settings, Arc::new(SystemClock::new())).await?;
    let seen = store.verify_audit(expected).await;
    store.close().await;
    let seen = seen?;
    if let Some((entry, broken)) = seen.broken {
        return Err(format!("entry {entry} of the audit log is not to be trusted: {broken}").into());
    }
    if expected.is_some() && seen.found.is_none() {
        return Err("no entry of the audit log has the expected hash: it was written anew".into());
    }
    match seen.head {
        None => println!("The audit log is empty."),
        Some(head) => println!(
            "{} entries are as they were written. The last one's hash is {}.",
            seen.entries,
            hexadecimal(&head)
        ),
    }
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
