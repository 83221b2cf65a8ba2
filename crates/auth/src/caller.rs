use gateway_domain::{Role, SessionId, User, UserId};

/// A signed-in user, as of the moment that the request was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is, read anew from the [`Directory`](crate::Directory) and not from the token.
    pub user: User,
    /// The sign-in that the access token belongs to.
    pub session_id: SessionId,
}

impl Caller {
    /// Whether the caller may do everything.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.user.role == Role::Admin
    }

    /// Whether the caller may see and change what belongs to `owner`.
    #[must_use]
    pub fn sees(&self, owner: UserId) -> bool {
        self.scope().covers(owner)
    }

    /// Whose things the caller may see and change.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self.user.role {
            Role::Admin => Scope::Everyone,
            Role::Member => Scope::Only(self.user.id),
        }
    }
}

/// Whose things a query may touch; belongs into the query itself, so that foreign and absent look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Anybody's.
    Everyone,
    /// One user's.
    Only(UserId),
}

impl Scope {
    /// Whether things of `owner` are within.
    #[must_use]
    pub fn covers(self, owner: UserId) -> bool {
        match self {
            Self::Everyone => true,
            Self::Only(user) => user == owner,
        }
    }
}
