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

pub(crate) mod accounts;
pub(crate) mod alerts;
pub(crate) mod history;
pub(crate) mod keys;
pub(crate) mod prices;
pub(crate) mod reconciliation;
pub(crate) mod recording;
pub(crate) mod reports;
pub(crate) mod rests;
pub(crate) mod sessions;
pub(crate) mod spending;
pub(crate) mod system;
pub(crate) mod unpriced;
pub(crate) mod users;

use super::{Conn, Db, begin, bucket_sql, end, insert_new};
