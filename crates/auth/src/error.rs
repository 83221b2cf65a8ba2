use std::time::Duration;

use gateway_domain::SessionId;

use crate::{DirectoryError, NotHashed, WeakPassword};

/// Why a user was not signed in, let in or given a new password.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthError {
    /// Unknown user, wrong password or inactive user: nobody outside may learn which.
    #[error("the username or the password is wrong")]
    InvalidCredentials,
    /// The token is malformed, forged, ended or revoked, or its user is no longer active.
    #[error("the token is not valid, or no longer")]
    InvalidToken,
    /// A refresh token was presented that had already been used, so that one of two holders stole it.
    ///
    /// The session is revoked by now. Clients are told the same as for `InvalidToken`; the audit log is not.
    #[error("the refresh token was used before, and its session is revoked")]
    RefreshTokenReused {
        /// The sign-in that ended by it.
        session_id: SessionId,
    },
    /// Too many wrong passwords, for the account or from the address, or tokens that nobody was given.
    #[error("too many failed attempts, the next one is allowed in {} s", retry_after.as_secs_f64().ceil())]
    TooManyAttempts {
        /// How long every attempt will be refused without being looked at.
        retry_after: Duration,
    },
    /// The new password is not good enough.
    #[error("the new password is too weak")]
    WeakPassword(#[from] WeakPassword),
    /// So many passwords wait to be checked that no further one is taken; the same call may succeed in a moment.
    #[error("too many passwords are being checked")]
    Busy,
    /// Nothing can be said at the moment; the same call may succeed later.
    #[error("sign-ins cannot be checked at the moment")]
    Unavailable(#[source] DirectoryError),
}

impl From<DirectoryError> for AuthError {
    fn from(source: DirectoryError) -> Self {
        Self::Unavailable(source)
    }
}

impl From<NotHashed> for AuthError {
    fn from(reason: NotHashed) -> Self {
        match reason {
            NotHashed::Busy => Self::Busy,
            NotHashed::Stopped => Self::Unavailable(DirectoryError::new(reason)),
        }
    }
}
