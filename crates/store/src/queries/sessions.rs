use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use gateway_auth::{PasswordChange, PasswordChangeCause, RefreshExchange, RefreshOutcome};
use gateway_domain::{SessionId, Timestamp, User, UserId};

use super::Conn;
use crate::StoreError;
use crate::schema::{refresh_tokens, sessions, users};
use crate::sessions::{SessionRow, TokenRow};
use crate::types::{StoredId, StoredTime};
use crate::users::UserRow;

pub(crate) async fn open(
    conn: &mut Conn,
    session: SessionRow,
    token: TokenRow,
    password_hash: String,
) -> Result<bool, StoreError> {
    write_tx!(conn, {
        let user = users::table
            .find(session.user_id)
            .filter(users::is_active)
            .filter(users::password_hash.eq(password_hash));
        let found = diesel::update(user)
            .set(users::last_login_at.eq(Some(session.created_at)))
            .execute(conn)
            .await?;
        if found == 0 {
            return Ok(false);
        }
        // Those of the user that have run out are of no use to anybody.
        diesel::delete(sessions::table)
            .filter(sessions::user_id.eq(session.user_id))
            .filter(sessions::expires_at.le(session.created_at))
            .execute(conn)
            .await?;
        diesel::insert_into(sessions::table)
            .values(session)
            .execute(conn)
            .await?;
        diesel::insert_into(refresh_tokens::table)
            .values(token)
            .execute(conn)
            .await?;
        Ok(true)
    })
}

pub(crate) async fn user_of(
    conn: &mut Conn,
    id: SessionId,
    now: Timestamp,
) -> Result<Option<User>, StoreError> {
    let row = sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(StoredId::from(id)))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(StoredTime(now)))
        .filter(users::is_active)
        .select(UserRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    row.map(UserRow::into_user).transpose()
}

/// Where the user has signed in from since then, the latest first.
pub(crate) async fn addresses(
    conn: &mut Conn,
    user: UserId,
    since: Timestamp,
) -> Result<Vec<String>, StoreError> {
    const MOST: i64 = 100;
    let addresses = sessions::table
        .filter(sessions::user_id.eq(StoredId::from(user)))
        .filter(sessions::created_at.ge(StoredTime(since)))
        .order(sessions::created_at.desc())
        .limit(MOST)
        .select(sessions::address)
        .load::<Option<String>>(conn)
        .await?;
    Ok(addresses.into_iter().flatten().collect())
}

pub(crate) async fn has_token(conn: &mut Conn, hash: Vec<u8>) -> Result<bool, StoreError> {
    let token = refresh_tokens::table
        .find(hash)
        .select(refresh_tokens::session_id);
    Ok(token.get_result::<StoredId>(conn).await.optional()?.is_some())
}

pub(crate) async fn exchange(
    conn: &mut Conn,
    exchange: RefreshExchange,
) -> Result<RefreshOutcome, StoreError> {
    let now = StoredTime(exchange.now);
    let presented = exchange.presented.as_bytes().to_vec();
    write_tx!(conn, {
        let living = sessions::table
            .inner_join(users::table)
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(now))
            .filter(users::is_active)
            .select(sessions::id);
        // The one statement that decides: of many with one token, one finds it unused.
        let used = diesel::update(refresh_tokens::table.find(presented.clone()))
            .filter(refresh_tokens::used_at.is_null())
            .filter(refresh_tokens::expires_at.gt(now))
            .filter(refresh_tokens::session_id.eq_any(living))
            .set(refresh_tokens::used_at.eq(Some(now)))
            .returning(refresh_tokens::session_id)
            .get_result::<StoredId>(conn)
            .await
            .optional()?;
        let Some(session_id) = used else {
            return refuse(conn, presented, exchange.now).await;
        };
        let (ends_at, user) = sessions::table
            .inner_join(users::table)
            .filter(sessions::id.eq(session_id))
            .select((sessions::expires_at, UserRow::as_select()))
            .first::<(StoredTime, UserRow)>(conn)
            .await?;
        let replacement = TokenRow {
            token_hash: exchange.replacement.as_bytes().to_vec(),
            session_id,
            created_at: now,
            expires_at: ends_at.min(StoredTime(exchange.replacement_expires_at)),
            used_at: None,
        };
        diesel::insert_into(refresh_tokens::table)
            .values(replacement)
            .execute(conn)
            .await?;
        Ok(RefreshOutcome::Exchanged {
            session_id: session_id.into(),
            user: user.into_user()?,
        })
    })
}

/// Says why a token was not exchanged, and ends the session of one that was used before, if that has not ended.
async fn refuse(conn: &mut Conn, presented: Vec<u8>, now: Timestamp) -> Result<RefreshOutcome, StoreError> {
    let reused = refresh_tokens::table
        .find(presented)
        .filter(refresh_tokens::used_at.is_not_null())
        .select(refresh_tokens::session_id)
        .get_result::<StoredId>(conn)
        .await
        .optional()?;
    let Some(session_id) = reused else {
        return Ok(RefreshOutcome::Invalid);
    };
    let ended = diesel::update(sessions::table.find(session_id))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(StoredTime(now)))
        .set(sessions::revoked_at.eq(Some(StoredTime(now))))
        .execute(conn)
        .await?;
    Ok(if ended == 0 {
        RefreshOutcome::Invalid
    } else {
        RefreshOutcome::Reused {
            session_id: session_id.into(),
        }
    })
}

pub(crate) async fn revoke(conn: &mut Conn, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
    diesel::update(sessions::table.find(StoredId::from(id)))
        .filter(sessions::revoked_at.is_null())
        .set(sessions::revoked_at.eq(Some(StoredTime(now))))
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn revoke_all(
    conn: &mut Conn,
    user: UserId,
    keep: Option<SessionId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    // No session has the nil id, so that one statement serves both cases.
    let keep = keep.map_or(StoredId(uuid::Uuid::nil()), StoredId::from);
    diesel::update(sessions::table)
        .filter(sessions::user_id.eq(StoredId::from(user)))
        .filter(sessions::id.ne(keep))
        .filter(sessions::revoked_at.is_null())
        .set(sessions::revoked_at.eq(Some(StoredTime(now))))
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn set_password(conn: &mut Conn, change: PasswordChange) -> Result<bool, StoreError> {
    write_tx!(conn, {
        let user = users::table
            .find(StoredId::from(change.user_id))
            .filter(users::password_hash.eq(change.replaced.as_str()));
        let replacement = users::password_hash.eq(change.replacement.as_str());
        let changed = match change.cause {
            PasswordChangeCause::Rehash => diesel::update(user).set(replacement).execute(conn).await?,
            PasswordChangeCause::Chosen { keep } => {
                let set = (
                    replacement,
                    users::must_change_password.eq(false),
                    users::updated_at.eq(StoredTime(change.now)),
                );
                let changed = diesel::update(user).set(set).execute(conn).await?;
                if changed > 0 {
                    revoke_all(conn, change.user_id, Some(keep), change.now).await?;
                }
                changed
            }
        };
        Ok(changed > 0)
    })
}
