use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use gateway_alerting::AlertKind;
use gateway_domain::{AlertId, Timestamp};

use super::{Conn, Db};
use crate::StoreError;
use crate::alerts::AlertRow;
use crate::schema::alerts;
use crate::types::{StoredId, StoredTime};
use crate::usage::Cursor;

/// Alerts that are looked at to find one that nobody else claims.
const MOST_DUE: i64 = 8;

pub(crate) async fn raise(conn: &mut Conn, row: AlertRow, ends: Option<String>) -> Result<bool, StoreError> {
    write_tx!(conn, {
        if let Some(occasion) = ends
            && !end_occasion(conn, occasion).await?
        {
            return Ok(false);
        }
        let raised = diesel::insert_into(alerts::table)
            .values(row)
            .on_conflict(alerts::occasion)
            .do_nothing()
            .execute(conn)
            .await?;
        Ok(raised > 0)
    })
}

pub(crate) async fn forget(conn: &mut Conn, occasion: String) -> Result<(), StoreError> {
    end_occasion(conn, occasion).await.map(drop)
}

async fn end_occasion(conn: &mut Conn, occasion: String) -> Result<bool, StoreError> {
    let ended = diesel::update(alerts::table.filter(alerts::occasion.eq(occasion)))
        .set(alerts::occasion.eq(None::<String>))
        .execute(conn)
        .await?;
    Ok(ended > 0)
}

pub(crate) async fn open_outages(conn: &mut Conn) -> Result<Vec<StoredId>, StoreError> {
    Ok(alerts::table
        .filter(alerts::kind.eq(AlertKind::AccountOut.as_str()))
        .filter(alerts::occasion.is_not_null())
        .filter(alerts::subject_id.is_not_null())
        .order(alerts::id)
        .select(alerts::subject_id.assume_not_null())
        .load(conn)
        .await?)
}

pub(crate) async fn due(conn: &mut Conn, now: Timestamp) -> Result<Vec<StoredId>, StoreError> {
    Ok(alerts::table
        .filter(alerts::next_attempt_at.le(StoredTime(now)))
        .order((alerts::next_attempt_at, alerts::id))
        .limit(MOST_DUE)
        .select(alerts::id)
        .load(conn)
        .await?)
}

/// The condition is what only one of those who ask at the same time finds met.
pub(crate) async fn claim(
    conn: &mut Conn,
    id: StoredId,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<AlertRow>, StoreError> {
    let claimed = diesel::update(alerts::table.find(id))
        .filter(alerts::next_attempt_at.le(StoredTime(now)))
        .set((
            alerts::next_attempt_at.eq(Some(StoredTime(until))),
            alerts::attempts.eq(alerts::attempts + 1),
        ))
        .returning(AlertRow::as_returning())
        .get_result(conn)
        .await;
    Ok(claimed.optional()?)
}

pub(crate) async fn delivered(conn: &mut Conn, id: AlertId, now: Timestamp) -> Result<(), StoreError> {
    diesel::update(alerts::table.find(StoredId::from(id)))
        .set((
            alerts::next_attempt_at.eq(None::<StoredTime>),
            alerts::delivered_at.eq(Some(StoredTime(now))),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn failed(
    conn: &mut Conn,
    id: AlertId,
    attempts: i32,
    error: String,
    next_attempt_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    // Whoever was slower than the claim has no say in what became of it since.
    diesel::update(alerts::table.find(StoredId::from(id)))
        .filter(alerts::attempts.eq(attempts))
        .filter(alerts::delivered_at.is_null())
        .set((
            alerts::next_attempt_at.eq(next_attempt_at.map(StoredTime)),
            alerts::last_error.eq(Some(error)),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn list(
    conn: &mut Conn,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Vec<AlertRow>, StoreError> {
    let mut query = alerts::table.into_boxed::<Db>();
    if let Some(Cursor { at, id }) = cursor {
        let at = StoredTime(at);
        // The first condition is what the index is entered by.
        query = query
            .filter(alerts::created_at.le(at))
            .filter(alerts::created_at.lt(at).or(alerts::id.lt(StoredId(id))));
    }
    Ok(query
        .order((alerts::created_at.desc(), alerts::id.desc()))
        .limit(limit)
        .select(AlertRow::as_select())
        .load(conn)
        .await?)
}
