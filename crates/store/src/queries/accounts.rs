use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use gateway_auth::Scope;
use gateway_domain::{AccountId, Page, Paged, ProviderKind, UpstreamAccount};

use super::system::{Kind, bump};
use super::{Conn, Db, audit};
use crate::StoreError;
use crate::accounts::{AccountChangeset, JudgedRoute, StoredAccount};
use crate::audit::{AuditAction, NewEntry};
use crate::changes::Signature;
use crate::schema::{upstream_accounts, users};
use crate::scope::owner;
use crate::types::StoredId;

pub(crate) async fn create(
    conn: &mut Conn,
    row: StoredAccount,
    by: Signature,
) -> Result<Option<StoredAccount>, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Accounts).await?;
        if let Some(owner_id) = row.owner_id {
            // Deleting a user bumps the same revision, so that the user found here is there until the end.
            let owner = users::table
                .find(owner_id)
                .select(users::id)
                .get_result::<StoredId>(conn)
                .await
                .optional()?;
            if owner.is_none() {
                return Ok(None);
            }
        }
        diesel::insert_into(upstream_accounts::table)
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
    provider: Option<ProviderKind>,
    page: Page,
) -> Result<Paged<UpstreamAccount>, StoreError> {
    let matching = || {
        let query = upstream_accounts::table.into_boxed::<Db>();
        let query = match scope {
            Scope::Everyone => query,
            Scope::Only(user) => query.filter(
                upstream_accounts::owner_id
                    .eq(Some(StoredId::from(user)))
                    .or(upstream_accounts::owner_id.is_null()),
            ),
        };
        match provider {
            None => query,
            Some(provider) => query.filter(upstream_accounts::provider.eq(provider.as_str())),
        }
    };
    let total = matching().select(count_star()).get_result(conn).await?;
    let rows = matching()
        .order(upstream_accounts::id)
        .limit(page.limit())
        .offset(page.offset())
        .select(StoredAccount::as_select())
        .load(conn)
        .await?;
    Ok(Paged {
        items: rows
            .into_iter()
            .map(StoredAccount::into_account)
            .collect::<Result<_, _>>()?,
        total,
    })
}

pub(crate) async fn find(
    conn: &mut Conn,
    scope: Scope,
    id: AccountId,
) -> Result<Option<StoredAccount>, StoreError> {
    let (mine, everyones) = owner(scope);
    let row = upstream_accounts::table
        .find(StoredId::from(id))
        .filter(
            upstream_accounts::owner_id
                .is_null()
                .or(upstream_accounts::owner_id.eq(Some(mine)).assume_not_null())
                .or(everyones.into_sql::<Bool>()),
        )
        .select(StoredAccount::as_select())
        .get_result(conn)
        .await;
    Ok(row.optional()?)
}

pub(crate) async fn update(
    conn: &mut Conn,
    scope: Scope,
    id: AccountId,
    judged: Option<JudgedRoute>,
    changes: AccountChangeset,
    by: Signature,
) -> Result<Option<StoredAccount>, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Accounts).await?;
        let Some(before) = find_own(conn, scope, id).await? else {
            return Ok(None);
        };
        // Else a credential that has come meanwhile would go where another was meant to.
        if judged.is_some_and(|judged| judged != before.route()) {
            return Err(StoreError::Moved);
        }
        let row = diesel::update(upstream_accounts::table.find(StoredId::from(id)))
            .set(changes)
            .returning(StoredAccount::as_returning())
            .get_result(conn)
            .await?;
        let entry = NewEntry::of_change(by, AuditAction::Change, Some(&before), Some(&row))?;
        audit::append(conn, entry).await?;
        Ok(Some(row))
    })
}

pub(crate) async fn delete(
    conn: &mut Conn,
    scope: Scope,
    id: AccountId,
    by: Signature,
) -> Result<bool, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Accounts).await?;
        let Some(account) = find_own(conn, scope, id).await? else {
            return Ok(false);
        };
        diesel::delete(upstream_accounts::table.find(StoredId::from(id)))
            .execute(conn)
            .await?;
        let entry = NewEntry::of_change(by, AuditAction::Delete, Some(&account), None)?;
        audit::append(conn, entry).await?;
        Ok(true)
    })
}

/// The account, if `scope` may change it.
async fn find_own(conn: &mut Conn, scope: Scope, id: AccountId) -> Result<Option<StoredAccount>, StoreError> {
    let (mine, everyones) = owner(scope);
    let row = upstream_accounts::table
        .find(StoredId::from(id))
        .filter(
            upstream_accounts::owner_id
                .eq(Some(mine))
                .assume_not_null()
                .or(everyones.into_sql::<Bool>()),
        )
        .select(StoredAccount::as_select())
        .get_result(conn)
        .await;
    Ok(row.optional()?)
}

pub(crate) async fn all(conn: &mut Conn) -> Result<Vec<StoredAccount>, StoreError> {
    Ok(upstream_accounts::table
        .order(upstream_accounts::id)
        .select(StoredAccount::as_select())
        .load(conn)
        .await?)
}
