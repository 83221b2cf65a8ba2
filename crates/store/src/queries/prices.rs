use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use gateway_auth::Scope;
use gateway_domain::AccountId;

use super::system::{Kind, bump};
use super::{Conn, Db, audit};
use crate::StoreError;
use crate::audit::{AuditAction, NewEntry};
use crate::changes::Signature;
use crate::prices::PriceRow;
use crate::schema::{price_versions, upstream_accounts};
use crate::scope::owner;
use crate::types::StoredId;

/// Every version, each model's oldest first.
pub(crate) async fn all(conn: &mut Conn) -> Result<Vec<PriceRow>, StoreError> {
    Ok(price_versions::table
        .order((
            price_versions::model,
            price_versions::effective_from,
            price_versions::id,
        ))
        .select(PriceRow::as_select())
        .load(conn)
        .await?)
}

pub(crate) async fn put(conn: &mut Conn, row: PriceRow, by: Signature) -> Result<(), StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Prices).await?;
        set(conn, row, by).await
    })
}

pub(crate) async fn put_for_account(
    conn: &mut Conn,
    scope: Scope,
    account_id: AccountId,
    row: PriceRow,
    by: Signature,
) -> Result<bool, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Prices).await?;
        if !owns(conn, scope, account_id).await? {
            return Ok(false);
        }
        set(conn, row, by).await?;
        Ok(true)
    })
}

pub(crate) async fn delete(conn: &mut Conn, row: PriceRow, by: Signature) -> Result<bool, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Prices).await?;
        end(conn, row, by).await
    })
}

pub(crate) async fn delete_for_account(
    conn: &mut Conn,
    scope: Scope,
    account_id: AccountId,
    row: PriceRow,
    by: Signature,
) -> Result<bool, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Prices).await?;
        Ok(owns(conn, scope, account_id).await? && end(conn, row, by).await?)
    })
}

async fn set(conn: &mut Conn, row: PriceRow, by: Signature) -> Result<(), StoreError> {
    let before = in_force(conn, &row).await?;
    let action = match before {
        None => AuditAction::Create,
        Some(_) => AuditAction::Change,
    };
    let entry = NewEntry::of_change(by, action, before.as_ref(), Some(&row))?;
    insert(conn, row).await?;
    audit::append(conn, entry).await
}

/// Writes the end of a price, and says whether there was one to end.
async fn end(conn: &mut Conn, row: PriceRow, by: Signature) -> Result<bool, StoreError> {
    let Some(before) = in_force(conn, &row).await? else {
        return Ok(false);
    };
    insert(conn, row).await?;
    let entry = NewEntry::of_change(by, AuditAction::Delete, Some(&before), None)?;
    audit::append(conn, entry).await?;
    Ok(true)
}

async fn insert(conn: &mut Conn, row: PriceRow) -> Result<(), StoreError> {
    diesel::insert_into(price_versions::table)
        .values(row)
        .execute(conn)
        .await?;
    Ok(())
}

/// The latest version of what `row` is a version of, unless that has ended.
async fn in_force(conn: &mut Conn, row: &PriceRow) -> Result<Option<PriceRow>, StoreError> {
    let of_subject = price_versions::table
        .filter(price_versions::model.eq(row.model.clone()))
        .into_boxed::<Db>();
    let of_subject = match row.account_id {
        None => of_subject.filter(price_versions::account_id.is_null()),
        Some(id) => of_subject.filter(price_versions::account_id.eq(Some(id))),
    };
    let latest = of_subject
        .order((price_versions::effective_from.desc(), price_versions::id.desc()))
        .select(PriceRow::as_select())
        .first(conn)
        .await
        .optional()?;
    Ok(latest.filter(|latest: &PriceRow| !latest.is_end()))
}

async fn owns(conn: &mut Conn, scope: Scope, account_id: AccountId) -> Result<bool, StoreError> {
    let (mine, everyones) = owner(scope);
    let account = upstream_accounts::table
        .find(StoredId::from(account_id))
        .filter(
            upstream_accounts::owner_id
                .eq(Some(mine))
                .or(everyones.into_sql::<Bool>()),
        )
        .select(upstream_accounts::id)
        .get_result::<StoredId>(conn)
        .await
        .optional()?;
    Ok(account.is_some())
}
