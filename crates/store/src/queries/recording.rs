use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Conn, rollups, write_rows};
use crate::StoreError;
use crate::recording::Batch;
use crate::schema::{api_keys, upstream_accounts};
use crate::types::StoredTime;

/// How old a `last_used_at` must be before it is written again.
const LAST_USED_STEP: Duration = Duration::from_secs(1);

pub(crate) async fn record(conn: &mut Conn, batch: Batch) -> Result<usize, StoreError> {
    write_tx!(conn, {
        let requests = write_rows!(conn, batch.requests.clone())?;
        let attempts = write_rows!(conn, batch.attempts.clone())?;
        rollups::add(conn, batch.cells(&requests, &attempts)).await?;
        // Last, so that these rows stay locked as briefly as can be.
        for (id, at) in batch.keys {
            let due = StoredTime(at.0 - LAST_USED_STEP);
            diesel::update(api_keys::table.find(id))
                .filter(
                    api_keys::last_used_at
                        .is_null()
                        .or(api_keys::last_used_at.lt(due).assume_not_null()),
                )
                .set(api_keys::last_used_at.eq(Some(at)))
                .execute(conn)
                .await?;
        }
        for (id, at) in batch.accounts {
            let due = StoredTime(at.0 - LAST_USED_STEP);
            let last = upstream_accounts::last_used_at;
            diesel::update(upstream_accounts::table.find(id))
                .filter(last.is_null().or(last.lt(due).assume_not_null()))
                .set(last.eq(Some(at)))
                .execute(conn)
                .await?;
        }
        Ok(requests.len())
    })
}
