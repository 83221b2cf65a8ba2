use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Budget, Limits, Timestamp, UserId};

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Never changes.
    pub id: UserId,
    /// Unique whatever its case.
    pub username: String,
    /// Unique whatever its case.
    pub email: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the user can sign in and the user's API keys work.
    pub is_active: bool,
    /// Whether the password is one that somebody else knows, such as a seeded one.
    pub must_change_password: bool,
    /// When the user was made.
    pub created_at: Timestamp,
    /// When anything but `last_login_at` last changed.
    pub updated_at: Timestamp,
    /// When the user last signed in.
    pub last_login_at: Option<Timestamp>,
    /// How fast all of the user's keys together may be used.
    pub limits: Limits,
    /// How much they may cost together.
    pub budget: Budget,
}

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub enum Role {
    /// Everything.
    Admin,
    /// What is their own.
    Member,
}

impl Role {
    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a role: expected admin or member")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(word: &str) -> Result<Self, UnknownRole> {
        match word {
            "admin" => Ok(Self::Admin),
            "member" => Ok(Self::Member),
            _ => Err(UnknownRole),
        }
    }
}

/// Read as a word and nothing else: derived code would also take `{"word": null}`.
impl TryFrom<String> for Role {
    type Error = UnknownRole;

    fn try_from(word: String) -> Result<Self, UnknownRole> {
        word.parse()
    }
}
