use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::system::{Kind, bump, revision};
use super::{Conn, Db};
use crate::StoreError;
use crate::audit::{AuditFilter, AuditRow, NewEntry};
use crate::schema::audit_log;
use crate::types::{StoredId, StoredTime};

/// Writes an entry, as the last thing that a transaction does: whoever appends keeps all others from it until the end.
pub(crate) async fn append(conn: &mut Conn, entry: NewEntry) -> Result<(), StoreError> {
    bump(conn, Kind::Audit).await?;
    let last = audit_log::table
        .order(audit_log::seq.desc())
        .select((audit_log::seq, audit_log::hash))
        .first::<(i64, Vec<u8>)>(conn)
        .await
        .optional()?;
    diesel::insert_into(audit_log::table)
        .values(AuditRow::after(last, entry))
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn record(conn: &mut Conn, entry: NewEntry) -> Result<(), StoreError> {
    write_tx!(conn, { append(conn, entry).await })
}

/// How many entries were ever written.
pub(crate) async fn count(conn: &mut Conn) -> Result<i64, StoreError> {
    revision(conn, Kind::Audit).await
}

/// Some entries after the one with this number, oldest first.
pub(crate) async fn after(conn: &mut Conn, seq: i64, most: i64) -> Result<Vec<AuditRow>, StoreError> {
    Ok(audit_log::table
        .filter(audit_log::seq.gt(seq))
        .order(audit_log::seq)
        .limit(most)
        .select(AuditRow::as_select())
        .load(conn)
        .await?)
}

pub(crate) async fn list(
    conn: &mut Conn,
    filter: AuditFilter,
    limit: i64,
) -> Result<Vec<AuditRow>, StoreError> {
    let mut query = audit_log::table.into_boxed::<Db>();
    if let Some(actor_id) = filter.actor_id {
        query = query.filter(audit_log::actor_id.eq(Some(StoredId::from(actor_id))));
    }
    if let Some(action) = filter.action {
        query = query.filter(audit_log::action.eq(action));
    }
    if let Some(target_id) = filter.target_id {
        query = query.filter(audit_log::target_id.eq(Some(target_id)));
    }
    if let Some(from) = filter.from {
        query = query.filter(audit_log::at.ge(StoredTime(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(audit_log::at.lt(StoredTime(to)));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit_log::seq.lt(before));
    }
    Ok(query
        .order(audit_log::seq.desc())
        .limit(limit)
        .select(AuditRow::as_select())
        .load(conn)
        .await?)
}
