use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use gateway_domain::Timestamp;

use super::{Conn, lock_rollups, rollups};
use crate::StoreError;
use crate::schema::{attempts, requests, usage_rollup_state};
use crate::types::{StoredId, StoredTime};

/// Rows that go in one transaction.
const AT_ONCE: i64 = 500;

/// Notes that rows from before `until`, a midnight, may be deleted. Whether there are roll-ups of them all.
pub(crate) async fn leave_to_rollups(conn: &mut Conn, until: Timestamp) -> Result<bool, StoreError> {
    write_tx!(conn, {
        lock_rollups(conn).await?;
        if !rollups::is_built(conn).await? {
            return Ok(false);
        }
        let until = StoredTime(until);
        let rows_from = usage_rollup_state::rows_from;
        diesel::update(usage_rollup_state::table)
            .filter(rows_from.is_null().or(rows_from.lt(until).assume_not_null()))
            .set(rows_from.eq(Some(until)))
            .execute(conn)
            .await?;
        Ok(true)
    })
}

/// Deletes some requests from before `until`, with their attempts, and returns how many.
///
/// One whose last attempt began later stays with it: reports still count that attempt's row.
pub(crate) async fn delete_requests(conn: &mut Conn, until: Timestamp) -> Result<usize, StoreError> {
    write_tx!(conn, {
        let until = StoredTime(until);
        let later = attempts::table
            .filter(attempts::request_id.eq(requests::id))
            .filter(attempts::started_at.ge(until));
        let over: Vec<StoredId> = requests::table
            .filter(requests::started_at.lt(until))
            .filter(not(exists(later)))
            .order((requests::started_at, requests::id))
            .limit(AT_ONCE)
            .select(requests::id)
            .load(conn)
            .await?;
        diesel::delete(requests::table.filter(requests::id.eq_any(&over)))
            .execute(conn)
            .await?;
        Ok(over.len())
    })
}
