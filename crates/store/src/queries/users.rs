use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use gateway_domain::{Page, Paged, Role, Timestamp, User, UserId};

use super::system::{Kind, bump};
use super::{Conn, Db, sessions};
use crate::StoreError;
use crate::schema::users;
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

pub(crate) async fn create(conn: &mut Conn, row: UserRow) -> Result<(), StoreError> {
    diesel::insert_into(users::table)
        .values(row)
        .execute(conn)
        .await?;
    Ok(())
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
    now: Timestamp,
) -> Result<Option<User>, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Keys).await?;
        let may_demote = changes.role.is_some() || changes.is_active == Some(false);
        let ends_sessions = changes.is_active == Some(false) || changes.password_hash.is_some();
        let row = diesel::update(users::table.find(StoredId::from(id)))
            .set(changes)
            .returning(UserRow::as_returning())
            .get_result(conn)
            .await
            .optional()?;
        let Some(row) = row else {
            return Ok(None);
        };
        if may_demote {
            keep_an_admin(conn).await?;
        }
        if ends_sessions {
            sessions::revoke_all(conn, id, None, now).await?;
        }
        row.into_user().map(Some)
    })
}

pub(crate) async fn delete(conn: &mut Conn, id: UserId) -> Result<bool, StoreError> {
    write_tx!(conn, {
        // The user's accounts and keys go too.
        bump(conn, Kind::Accounts).await?;
        bump(conn, Kind::Keys).await?;
        let deleted = diesel::delete(users::table.find(StoredId::from(id)))
            .execute(conn)
            .await?;
        if deleted > 0 {
            keep_an_admin(conn).await?;
        }
        Ok(deleted > 0)
    })
}

pub(crate) async fn with_default_passwords(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    let seeded = SEEDED.map(StoredId);
    Ok(users::table
        .filter(users::id.eq_any(seeded))
        .filter(users::must_change_password)
        .filter(users::is_active)
        .order(users::id)
        .select(users::username)
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
