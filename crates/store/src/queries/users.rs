use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use gateway_domain::{Page, Paged, Role, User, UserId};

use super::system::{Kind, bump};
use super::{Conn, Db, audit, sessions};
use crate::StoreError;
use crate::accounts::StoredAccount;
use crate::audit::{AuditAction, NewEntry};
use crate::changes::Signature;
use crate::keys::KeyRow;
use crate::schema::{api_keys, upstream_accounts, users};
use crate::types::StoredId;
use crate::users::{SEEDED, UserChangeset, UserRow};

diesel::define_sql_function! {
    fn lower(text: Text) -> Text;
}

pub(crate) async fn list(
    conn: &mut Conn,
    pattern: Option<String>,
    page: Page,
) -> Result<Paged<User>, StoreError> {
    let matching = || {
        let query = users::table.into_boxed::<Db>();
        match &pattern {
            None => query,
            Some(pattern) => query.filter(
                lower(users::username)
                    .like(lower(pattern.clone()))
                    .escape('\\')
                    .or(lower(users::email).like(lower(pattern.clone())).escape('\\')),
            ),
        }
    };
    let total = matching().select(count_star()).get_result(conn).await?;
    let rows = matching()
        .order(users::id)
        .limit(page.limit())
        .offset(page.offset())
        .select(UserRow::as_select())
        .load(conn)
        .await?;
    Ok(Paged {
        items: rows
            .into_iter()
            .map(UserRow::into_user)
            .collect::<Result<_, _>>()?,
        total,
    })
}

pub(crate) async fn create(conn: &mut Conn, row: UserRow, by: Signature) -> Result<(), StoreError> {
    write_tx!(conn, {
        diesel::insert_into(users::table)
            .values(row.clone())
            .execute(conn)
            .await?;
        let entry = NewEntry::of_change(by, AuditAction::Create, None, Some(&row))?;
        audit::append(conn, entry).await
    })
}

pub(crate) async fn find(conn: &mut Conn, id: UserId) -> Result<Option<UserRow>, StoreError> {
    let row = users::table
        .find(StoredId::from(id))
        .select(UserRow::as_select())
        .get_result(conn)
        .await;
    Ok(row.optional()?)
}

pub(crate) async fn find_by_login(conn: &mut Conn, login: String) -> Result<Option<UserRow>, StoreError> {
    let rows = users::table
        .filter(
            lower(users::username)
                .eq(lower(login.clone()))
                .or(lower(users::email).eq(lower(login.clone()))),
        )
        .select(UserRow::as_select())
        .load::<UserRow>(conn)
        .await?;
    // A username that is another user's e-mail address names the user who has it as the username.
    let by_name = rows
        .iter()
        .position(|row| row.username.eq_ignore_ascii_case(&login))
        .unwrap_or(0);
    Ok(rows.into_iter().nth(by_name))
}

pub(crate) async fn update(
    conn: &mut Conn,
    id: UserId,
    changes: UserChangeset,
    by: Signature,
) -> Result<Option<User>, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Keys).await?;
        let may_demote = changes.role.is_some() || changes.is_active == Some(false);
        let ends_sessions = changes.is_active == Some(false) || changes.password_hash.is_some();
        let Some(before) = find(conn, id).await? else {
            return Ok(None);
        };
        let row = diesel::update(users::table.find(StoredId::from(id)))
            .set(changes)
            .returning(UserRow::as_returning())
            .get_result(conn)
            .await?;
        if may_demote {
            keep_an_admin(conn).await?;
        }
        if ends_sessions {
            sessions::revoke_all(conn, id, None, by.1).await?;
        }
        let entry = NewEntry::of_change(by, AuditAction::Change, Some(&before), Some(&row))?;
        audit::append(conn, entry).await?;
        row.into_user().map(Some)
    })
}

pub(crate) async fn delete(conn: &mut Conn, id: UserId, by: Signature) -> Result<bool, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Accounts).await?;
        bump(conn, Kind::Keys).await?;
        // The user's accounts and keys go too.
        let keys = api_keys::table
            .filter(api_keys::user_id.eq(StoredId::from(id)))
            .order(api_keys::id)
            .select(KeyRow::as_select())
            .load(conn)
            .await?;
        let accounts = upstream_accounts::table
            .filter(upstream_accounts::owner_id.eq(Some(StoredId::from(id))))
            .order(upstream_accounts::id)
            .select(StoredAccount::as_select())
            .load(conn)
            .await?;
        let deleted = diesel::delete(users::table.find(StoredId::from(id)))
            .returning(UserRow::as_returning())
            .get_result(conn)
            .await
            .optional()?;
        let Some(deleted) = deleted else {
            return Ok(false);
        };
        keep_an_admin(conn).await?;
        for key in &keys {
            let entry = NewEntry::of_change(by.clone(), AuditAction::Delete, Some(key), None)?;
            audit::append(conn, entry).await?;
        }
        for account in &accounts {
            let entry = NewEntry::of_change(by.clone(), AuditAction::Delete, Some(account), None)?;
            audit::append(conn, entry).await?;
        }
        let entry = NewEntry::of_change(by, AuditAction::Delete, Some(&deleted), None)?;
        audit::append(conn, entry).await?;
        Ok(true)
    })
}

/// The active users that migration 0002 has made and that never changed their password themselves, with its hash.
pub(crate) async fn seeded(conn: &mut Conn) -> Result<Vec<(String, String)>, StoreError> {
    let seeded = SEEDED.map(StoredId);
    Ok(users::table
        .filter(users::id.eq_any(seeded))
        .filter(users::must_change_password)
        .filter(users::is_active)
        .order(users::id)
        .select((users::username, users::password_hash))
        .load(conn)
        .await?)
}

/// Fails if nobody is left who can administer the gateway.
///
/// Every change that could bring that about has bumped the revision of the keys first, so that of two at once the
/// second sees what the first did.
async fn keep_an_admin(conn: &mut Conn) -> Result<(), StoreError> {
    let admins: i64 = users::table
        .filter(users::role.eq(Role::Admin.as_str()))
        .filter(users::is_active)
        .select(count_star())
        .get_result(conn)
        .await?;
    if admins == 0 {
        Err(StoreError::LastAdmin)
    } else {
        Ok(())
    }
}
