use std::fmt;

use uuid::Uuid;

use crate::{AccountId, ApiKeyId, UserId};

/// Whose limits and budget a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spender {
    /// The API key that it came with.
    Key(ApiKeyId),
    /// The user whose key it is, with all the user's keys together.
    User(UserId),
    /// The upstream account that it is tried at.
    Account(AccountId),
}

impl Spender {
    /// What it is, in one word.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Key(_) => "api_key",
            Self::User(_) => "user",
            Self::Account(_) => "account",
        }
    }

    /// Its id, whatever it is.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::Key(id) => id.as_uuid(),
            Self::User(id) => id.as_uuid(),
            Self::Account(id) => id.as_uuid(),
        }
    }
}

impl fmt::Display for Spender {
    /// Without an id: clients are told whose limit is reached, and know their own keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key(_) => "this API key",
            Self::User(_) => "this user",
            Self::Account(_) => "this account",
        })
    }
}
