use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use gateway_domain::{SessionId, Timestamp, User, UserId};

use crate::{PasswordHash, RefreshHash, StoredKey};

/// Where users, sessions and API keys are kept: the port of this crate, implemented by a store.
///
/// Every call is one transaction. What is not there is `None` or `false`; an error always means that the store
/// could not be asked.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The user whose username or e-mail is `login`, whatever its case, active or not.
    async fn user_by_login(&self, login: &str) -> Result<Option<(User, PasswordHash)>, DirectoryError>;

    /// The user with this id, active or not.
    async fn user_with_password(&self, id: UserId) -> Result<Option<(User, PasswordHash)>, DirectoryError>;

    /// Where the user has signed in from since then: the latest few that are still on record.
    async fn sign_in_addresses(&self, id: UserId, since: Timestamp) -> Result<Vec<IpAddr>, DirectoryError>;

    /// Adds a session and its first refresh token, and sets the user's `last_login_at`.
    ///
    /// `false`, and nothing is written, unless the user is active and still has the password that was
    /// checked: checking takes long enough for either to change in between.
    async fn open_session(&self, session: NewSession) -> Result<bool, DirectoryError>;

    /// The active user of a session that is neither revoked nor past its end at `now`.
    async fn user_of_session(&self, id: SessionId, now: Timestamp) -> Result<Option<User>, DirectoryError>;

    /// Whether there is or was a refresh token with this hash, used, ended or not. Reads, and writes nothing.
    async fn has_refresh_token(&self, hash: RefreshHash) -> Result<bool, DirectoryError>;

    /// Uses up one refresh token and adds the next, in one conditional update, so that of many calls with one
    /// token at most one wins.
    ///
    /// The replacement ends at `replacement_expires_at` or with its session, whichever comes first. A token
    /// that was used before revokes its session, if that has not ended.
    async fn exchange_refresh_token(
        &self,
        exchange: RefreshExchange,
    ) -> Result<RefreshOutcome, DirectoryError>;

    /// Ends a session at once; nothing happens to one that has ended or never was.
    async fn revoke_session(&self, id: SessionId, now: Timestamp) -> Result<(), DirectoryError>;

    /// Replaces a user's password hash; `false`, and nothing is written, unless it still is the one named.
    async fn set_password(&self, change: PasswordChange) -> Result<bool, DirectoryError>;

    /// The API key with this public id and its owner, whether either is active or not.
    async fn key_by_public_id(&self, public_id: &str) -> Result<Option<StoredKey>, DirectoryError>;
}

/// The store could not be asked: it is away, too slow or broken.
#[derive(Clone)]
pub struct DirectoryError(Arc<dyn Error + Send + Sync>);

impl DirectoryError {
    /// What kept the store from answering.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(source.into()))
    }
}

impl fmt::Debug for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the directory of users and keys is away")
    }
}

impl Error for DirectoryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// A sign-in to be remembered.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Names it, also in every access token made from it.
    pub id: SessionId,
    /// Who signed in.
    pub user_id: UserId,
    /// The hash that the password was checked against.
    pub password: PasswordHash,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends, however often it is refreshed.
    pub expires_at: Timestamp,
    /// Its first refresh token.
    pub refresh: RefreshHash,
    /// When that token ends, never after `expires_at`.
    pub refresh_expires_at: Timestamp,
    /// Where the sign-in came from.
    pub address: Option<IpAddr>,
    /// What program it came from, as it says itself: at most 256 characters, none of them a control character.
    pub user_agent: Option<String>,
}

/// One refresh token for the next.
#[derive(Debug, Clone, Copy)]
pub struct RefreshExchange {
    /// The token that a client presents.
    pub presented: RefreshHash,
    /// The token that the client gets for it.
    pub replacement: RefreshHash,
    /// When this happens.
    pub now: Timestamp,
    /// When the replacement ends, unless its session ends first.
    pub replacement_expires_at: Timestamp,
}

/// What became of a [`RefreshExchange`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// The replacement is valid now.
    Exchanged {
        /// The session that goes on.
        session_id: SessionId,
        /// Whose it is, active.
        user: User,
    },
    /// The token was used before, and its session is revoked now.
    Reused {
        /// The session that ended.
        session_id: SessionId,
    },
    /// No such token, or it, its session or its user is no longer valid, or it was used before and its session has ended.
    Invalid,
}

/// One password hash for another.
#[derive(Debug, Clone)]
pub struct PasswordChange {
    /// Whose password it is.
    pub user_id: UserId,
    /// The hash that must still be there.
    pub replaced: PasswordHash,
    /// The hash that takes its place.
    pub replacement: PasswordHash,
    /// What else changes with it.
    pub cause: PasswordChangeCause,
    /// When this happens.
    pub now: Timestamp,
}

/// Why a password hash is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordChangeCause {
    /// The same password, hashed at a higher cost: nothing but the hash changes, `updated_at` and
    /// `must_change_password` neither.
    Rehash,
    /// A new password that its user chose: `must_change_password` is cleared, `updated_at` set, and every
    /// session of the user is revoked but one.
    Chosen {
        /// The session that the new password was set in.
        keep: SessionId,
    },
}
