//! Every query, compiled once for each database: `super` says for which.

/// BEGIN, the body, and COMMIT or, if the body fails, ROLLBACK. The body may use `?`; its value is the whole's.
///
/// No async closure: rustc 1.95 fails incremental builds on those whose future must be `Send`.
macro_rules! write_tx {
    ($conn:ident, $body:block) => {{
        super::begin($conn).await?;
        let outcome: Result<_, crate::StoreError> = async { $body }.await;
        super::end($conn, outcome).await
    }};
}

/// The same for a body that reads, and sees the same state from beginning to end.
macro_rules! read_tx {
    ($conn:ident, $body:block) => {{
        super::begin_reading($conn).await?;
        let outcome: Result<_, crate::StoreError> = async { $body }.await;
        super::end($conn, outcome).await
    }};
}

pub(crate) mod accounts;
pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod history;
pub(crate) mod keys;
pub(crate) mod prices;
pub(crate) mod reconciliation;
pub(crate) mod recording;
pub(crate) mod reports;
pub(crate) mod rests;
pub(crate) mod retention;
pub(crate) mod rollups;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod spending;
pub(crate) mod system;
pub(crate) mod unpriced;
pub(crate) mod users;

use super::{
    Conn, Db, begin, begin_reading, bucket_sql, end, joined_bytes_sql, list_sql, lock_rollups, sum_sql,
    wait_longer, write_rows,
};
