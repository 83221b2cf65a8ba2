//! Which addresses may be reached, and by whom.

mod class;
mod destination;
mod exception;
mod policy;
mod url;

use gateway_domain::UpstreamAccount;

pub use self::destination::Destination;
pub use self::exception::{Exception, InvalidException};
pub use self::policy::AddressPolicy;
pub use self::url::{InvalidUrl, is_same_server};

/// On whose behalf something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// An admin's: the internet, and what is listed besides.
    Admin,
    /// A member's: the internet, by TLS only.
    Member,
}

impl Reach {
    /// How far requests of this account go.
    #[must_use]
    pub const fn of(account: &UpstreamAccount) -> Self {
        match account.owner_id {
            Some(_) => Self::Member,
            None => Self::Admin,
        }
    }
}

/// Why a server may not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A cloud gives out a machine's credentials there, or it is on the link only.
    #[error("link-local and metadata addresses are never reached")]
    Never,
    /// It is not on the internet.
    #[error(
        "not an address on the internet: only accounts of admins reach others, if upstream.allow_private lists them"
    )]
    Private,
    /// What is sent could be read on the way.
    #[error("plain http is for accounts of admins, to what upstream.allow_private lists: use https")]
    Plain,
}
