use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use gateway_auth::{KeyHash, Scope};
use gateway_domain::{ApiKey, ApiKeyId, Page, Paged, Timestamp, UserId};

use super::system::{Kind, bump};
use super::{Conn, audit};
use crate::StoreError;
use crate::audit::{AuditAction, NewEntry};
use crate::changes::Signature;
use crate::keys::{KeyChangeset, KeyRow};
use crate::schema::{api_keys, users};
use crate::scope::owner;
use crate::types::{StoredId, StoredTime};
use crate::users::UserRow;

pub(crate) async fn create(
    conn: &mut Conn,
    row: KeyRow,
    by: Signature,
) -> Result<Option<KeyRow>, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Keys).await?;
        // Deleting a user bumps the same revision, so that the user found here is there until the end.
        let owner = users::table
            .find(row.user_id)
            .select(users::id)
            .get_result::<StoredId>(conn)
            .await
            .optional()?;
        if owner.is_none() {
            return Ok(None);
        }
        diesel::insert_into(api_keys::table)
            .values(row.clone())
            .execute(conn)
            .await?;
        let entry = NewEntry::of_change(by, AuditAction::Create, None, Some(&row))?;
        audit::append(conn, entry).await?;
        Ok(Some(row))
    })
}

pub(crate) async fn list(
    conn: &mut Conn,
    scope: Scope,
    user_id: Option<UserId>,
    page: Page,
) -> Result<Paged<ApiKey>, StoreError> {
    let (mine, everyones) = owner(scope);
    // Without a user to filter by, the filter is the scope's own user, or nobody's.
    let (wanted, anyones) = user_id.map_or((mine, true), |id| (StoredId::from(id), false));
    let matching = || {
        api_keys::table
            .filter(api_keys::user_id.eq(mine).or(everyones.into_sql::<Bool>()))
            .filter(api_keys::user_id.eq(wanted).or(anyones.into_sql::<Bool>()))
    };
    let total = matching().select(count_star()).get_result(conn).await?;
    let rows = matching()
        .order(api_keys::id)
        .limit(page.limit())
        .offset(page.offset())
        .select(KeyRow::as_select())
        .load(conn)
        .await?;
    Ok(Paged {
        items: rows.into_iter().map(KeyRow::into_key).collect::<Result<_, _>>()?,
        total,
    })
}

pub(crate) async fn find(conn: &mut Conn, scope: Scope, id: ApiKeyId) -> Result<Option<KeyRow>, StoreError> {
    let (mine, everyones) = owner(scope);
    let row = api_keys::table
        .find(StoredId::from(id))
        .filter(api_keys::user_id.eq(mine).or(everyones.into_sql::<Bool>()))
        .select(KeyRow::as_select())
        .get_result(conn)
        .await;
    Ok(row.optional()?)
}

pub(crate) async fn find_by_public_id(
    conn: &mut Conn,
    public_id: String,
) -> Result<Option<(KeyRow, UserRow)>, StoreError> {
    let row = api_keys::table
        .inner_join(users::table)
        .filter(api_keys::public_id.eq(public_id))
        .select((KeyRow::as_select(), UserRow::as_select()))
        .get_result(conn)
        .await;
    Ok(row.optional()?)
}

pub(crate) async fn update(
    conn: &mut Conn,
    scope: Scope,
    id: ApiKeyId,
    changes: KeyChangeset,
    by: Signature,
) -> Result<Option<KeyRow>, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Keys).await?;
        let Some(before) = find(conn, scope, id).await? else {
            return Ok(None);
        };
        let row = diesel::update(api_keys::table.find(StoredId::from(id)))
            .set(changes)
            .returning(KeyRow::as_returning())
            .get_result(conn)
            .await?;
        let entry = NewEntry::of_change(by, AuditAction::Change, Some(&before), Some(&row))?;
        audit::append(conn, entry).await?;
        Ok(Some(row))
    })
}

pub(crate) async fn rotate(
    conn: &mut Conn,
    scope: Scope,
    id: ApiKeyId,
    hash: KeyHash,
    previous_ends_at: Option<Timestamp>,
    by: Signature,
) -> Result<Option<KeyRow>, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Keys).await?;
        let Some(before) = find(conn, scope, id).await? else {
            return Ok(None);
        };
        let current = previous_ends_at.map(|_| before.secret_hash.clone());
        let row = diesel::update(api_keys::table.find(StoredId::from(id)))
            .set((
                api_keys::secret_hash.eq(hash.as_bytes().to_vec()),
                api_keys::previous_secret_hash.eq(current),
                api_keys::previous_secret_ends_at.eq(previous_ends_at.map(StoredTime)),
                api_keys::updated_at.eq(StoredTime(by.1)),
            ))
            .returning(KeyRow::as_returning())
            .get_result(conn)
            .await?;
        let entry = NewEntry::of_change(by, AuditAction::Rotate, Some(&before), Some(&row))?;
        audit::append(conn, entry).await?;
        Ok(Some(row))
    })
}

pub(crate) async fn delete(
    conn: &mut Conn,
    scope: Scope,
    id: ApiKeyId,
    by: Signature,
) -> Result<bool, StoreError> {
    let (mine, everyones) = owner(scope);
    write_tx!(conn, {
        bump(conn, Kind::Keys).await?;
        let deleted = diesel::delete(api_keys::table.find(StoredId::from(id)))
            .filter(api_keys::user_id.eq(mine).or(everyones.into_sql::<Bool>()))
            .returning(KeyRow::as_returning())
            .get_result(conn)
            .await
            .optional()?;
        let Some(deleted) = deleted else {
            return Ok(false);
        };
        let entry = NewEntry::of_change(by, AuditAction::Delete, Some(&deleted), None)?;
        audit::append(conn, entry).await?;
        Ok(true)
    })
}
