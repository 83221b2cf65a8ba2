use std::net::IpAddr;

use async_trait::async_trait;
use diesel::prelude::*;
use gateway_auth::{
    Directory, DirectoryError, NewSession, PasswordChange, PasswordHash, RefreshExchange, RefreshHash,
    RefreshOutcome, StoredKey,
};
use gateway_domain::{SessionId, Timestamp, User, UserId};

use crate::keys::KeyRow;
use crate::schema::{refresh_tokens, sessions};
use crate::store::query;
use crate::types::{StoredId, StoredTime, without_nul};
use crate::users::UserRow;
use crate::{Store, StoreError};

impl From<StoreError> for DirectoryError {
    fn from(error: StoreError) -> Self {
        Self::new(error)
    }
}

#[async_trait]
impl Directory for Store {
    async fn user_by_login(&self, login: &str) -> Result<Option<(User, PasswordHash)>, DirectoryError> {
        let login = without_nul(login);
        Ok(query!(self, read, users::find_by_login(login))?
            .map(with_password)
            .transpose()?)
    }

    async fn user_with_password(&self, id: UserId) -> Result<Option<(User, PasswordHash)>, DirectoryError> {
        Ok(query!(self, read, users::find(id))?
            .map(with_password)
            .transpose()?)
    }

    async fn sign_in_addresses(&self, id: UserId, since: Timestamp) -> Result<Vec<IpAddr>, DirectoryError> {
        let addresses = query!(self, read, sessions::addresses(id, since))?;
        Ok(addresses
            .iter()
            .filter_map(|address| address.parse().ok())
            .collect())
    }

    async fn open_session(&self, session: NewSession) -> Result<bool, DirectoryError> {
        let row = SessionRow {
            id: session.id.into(),
            user_id: session.user_id.into(),
            created_at: session.created_at.into(),
            expires_at: session.expires_at.into(),
            revoked_at: None,
            address: session.address.map(|address| address.to_string()),
            user_agent: session.user_agent.as_deref().map(without_nul),
        };
        let token = TokenRow {
            token_hash: session.refresh.as_bytes().to_vec(),
            session_id: session.id.into(),
            created_at: session.created_at.into(),
            expires_at: session.refresh_expires_at.into(),
            used_at: None,
        };
        let password_hash = session.password.as_str().to_owned();
        Ok(query!(self, write, sessions::open(row, token, password_hash))?)
    }

    async fn user_of_session(&self, id: SessionId, now: Timestamp) -> Result<Option<User>, DirectoryError> {
        Ok(query!(self, read, sessions::user_of(id, now))?)
    }

    async fn has_refresh_token(&self, hash: RefreshHash) -> Result<bool, DirectoryError> {
        let hash = hash.as_bytes().to_vec();
        Ok(query!(self, read, sessions::has_token(hash))?)
    }

    async fn exchange_refresh_token(
        &self,
        exchange: RefreshExchange,
    ) -> Result<RefreshOutcome, DirectoryError> {
        Ok(query!(self, write, sessions::exchange(exchange))?)
    }

    async fn revoke_session(&self, id: SessionId, now: Timestamp) -> Result<(), DirectoryError> {
        Ok(query!(self, write, sessions::revoke(id, now))?)
    }

    async fn set_password(&self, change: PasswordChange) -> Result<bool, DirectoryError> {
        Ok(query!(self, write, sessions::set_password(change))?)
    }

    async fn key_by_public_id(&self, public_id: &str) -> Result<Option<StoredKey>, DirectoryError> {
        let public_id = without_nul(public_id);
        let found = query!(self, read, keys::find_by_public_id(public_id))?;
        Ok(found
            .map(|(key, owner)| KeyRow::into_stored_key(key, owner))
            .transpose()?)
    }
}

fn with_password(row: UserRow) -> Result<(User, PasswordHash), StoreError> {
    let hash = row.password_hash.parse().map_err(StoreError::other)?;
    Ok((row.into_user()?, hash))
}

#[derive(Insertable)]
#[diesel(table_name = sessions)]
pub(crate) struct SessionRow {
    pub(crate) id: StoredId,
    pub(crate) user_id: StoredId,
    pub(crate) created_at: StoredTime,
    pub(crate) expires_at: StoredTime,
    pub(crate) revoked_at: Option<StoredTime>,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = refresh_tokens)]
pub(crate) struct TokenRow {
    pub(crate) token_hash: Vec<u8>,
    pub(crate) session_id: StoredId,
    pub(crate) created_at: StoredTime,
    pub(crate) expires_at: StoredTime,
    pub(crate) used_at: Option<StoredTime>,
}
