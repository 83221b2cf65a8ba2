//! Who did what: a log that is only ever appended to, each entry chained to the one before.

mod entry;
mod shown;

use std::net::IpAddr;

use gateway_domain::{Timestamp, UserId};
use serde_json::{Map, Value};

use crate::store::query;
use crate::{Store, StoreError};

pub(crate) use entry::{AuditRow, NewEntry};
pub(crate) use shown::{Shown, difference, document};

/// What there is to say of something, by name.
pub(crate) type Document = Map<String, Value>;

/// Who does something, and where from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user; `None` for whoever is not signed in, and for the gateway itself.
    pub user_id: Option<UserId>,
    /// What the user was called at the time, or what stands in the place of a name.
    pub name: String,
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// The request with which it was done.
    pub request_id: Option<String>,
}

impl Actor {
    /// A part of the gateway itself, such as its start.
    #[must_use]
    pub fn gateway(part: &str) -> Self {
        Self {
            user_id: None,
            name: format!("gateway: {part}"),
            address: None,
            request_id: None,
        }
    }

    /// Somebody who is not signed in.
    #[must_use]
    pub fn stranger(address: IpAddr, request_id: String) -> Self {
        Self {
            user_id: None,
            name: "nobody".to_owned(),
            address: Some(address),
            request_id: Some(request_id),
        }
    }
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$meaning])* $variant,)+
        }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word that stands for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

words! {
    /// What was done.
    AuditAction {
        /// Somebody signed in, or tried to.
        SignIn = "sign_in",
        /// Somebody signed out.
        SignOut = "sign_out",
        /// Somebody asked for the next tokens of a sign-in too often.
        Refresh = "refresh",
        /// A refresh token came a second time: its session is ended.
        RefreshTokenReused = "refresh_token_reused",
        /// Somebody changed the own password, or tried to.
        PasswordChange = "password_change",
        /// Something was asked for that the caller may not have.
        Denial = "denial",
        /// Something was made.
        Create = "create",
        /// Something was changed.
        Change = "change",
        /// Something was deleted.
        Delete = "delete",
        /// An API key got another secret.
        Rotate = "rotate",
        /// An account's cooldowns and failures were cleared.
        Reset = "reset",
    }
}

words! {
    /// What it was done to.
    AuditTarget {
        /// A person who can sign in.
        User = "user",
        /// An API key of the gateway.
        ApiKey = "api_key",
        /// An account at a provider.
        Account = "account",
        /// What a model costs, by its name.
        Price = "price",
        /// A sign-in.
        Session = "session",
        /// What everything sealed is sealed with, by its id.
        MasterKey = "master_key",
        /// A call of the API, by its method and path.
        Route = "route",
    }
}

words! {
    /// How it ended.
    AuditResult {
        /// It was done.
        Done = "done",
        /// The caller is not who is needed.
        Refused = "refused",
        /// The caller tries too often.
        Throttled = "throttled",
    }
}

/// Something that was done, or refused, and changed nothing that is kept.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// Who did it.
    pub actor: Actor,
    /// What it was.
    pub action: AuditAction,
    /// What kind of thing it was done to.
    pub target: AuditTarget,
    /// Which one.
    pub target_id: Option<String>,
    /// How it ended.
    pub result: AuditResult,
    /// What else there is to say of it.
    pub details: Map<String, Value>,
}

/// An entry of the log. What are words here may be such that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// The user who did it.
    pub actor_id: Option<UserId>,
    /// What the user was called.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// What kind of thing it was done to.
    pub target: String,
    /// Which one.
    pub target_id: Option<String>,
    /// Where it was done from.
    pub address: Option<String>,
    /// How it ended.
    pub result: String,
    /// The request with which it was done.
    pub request_id: Option<String>,
    /// What was changed as it was before, in JSON and without secrets.
    pub before: Option<String>,
    /// What was changed as it is since, in JSON and without secrets.
    pub after: Option<String>,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only what this user did.
    pub actor_id: Option<UserId>,
    /// Only this action.
    pub action: Option<String>,
    /// Only what was done to this thing.
    pub target_id: Option<String>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// Before this entry, itself left out.
    pub before: Option<i64>,
}

/// What became of looking at every entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditVerification {
    /// How many entries there are.
    pub entries: i64,
    /// The hash of the last one; kept elsewhere, it proves later that nothing before it was changed.
    pub head: Option<[u8; 32]>,
    /// What is wrong first, and with which entry.
    pub broken: Option<(i64, BrokenChain)>,
    /// The entry with the hash that was asked for.
    pub found: Option<i64>,
}

/// How an entry of the log is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// Its hash is not that of what it says.
    #[error("it does not say what was written")]
    Changed,
    /// The entry before is not the one that it was written after.
    #[error("the entry before it is not the one that it was written after")]
    Unlinked,
    /// It is not there.
    #[error("it is missing")]
    Missing,
    /// There are more entries than were ever written.
    #[error("it was added by somebody else: there are more entries than were written")]
    Added,
}

/// Entries that are looked at at once.
const AT_ONCE: i64 = 1_000;

impl Store {
    /// Writes down what was done. What changes something that is kept is written down [with the change](Self::by).
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn record_audit(&self, event: AuditEvent) -> Result<(), StoreError> {
        let entry = NewEntry::of_event(event, self.now());
        query!(self, write, audit::record(entry))
    }

    /// Entries of the log, newest first, `limit` of them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn list_audit(
        &self,
        filter: AuditFilter,
        limit: u32,
    ) -> Result<(Vec<AuditEntry>, Option<i64>), StoreError> {
        let rows = query!(self, read, audit::list(filter, i64::from(limit) + 1))?;
        let is_more = rows.len() > limit as usize;
        let entries: Vec<_> = rows
            .into_iter()
            .take(limit as usize)
            .map(AuditRow::into_entry)
            .collect();
        let next = entries.last().filter(|_| is_more).map(|entry| entry.seq);
        Ok((entries, next))
    }

    /// Looks at every entry of the log: whether it says what was written, and whether none is missing; and which has the
    /// hash `wanted`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn verify_audit(&self, wanted: Option<[u8; 32]>) -> Result<AuditVerification, StoreError> {
        let mut seen = AuditVerification {
            entries: 0,
            head: None,
            broken: None,
            found: None,
        };
        // Read first: what is appended meanwhile is not missing.
        let count = query!(self, read, audit::count())?;
        loop {
            let rows = query!(self, read, audit::after(seen.entries, AT_ONCE))?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                if let Err(broken) = row.follows(seen.entries, seen.head) {
                    seen.broken = Some((seen.entries + 1, broken));
                    return Ok(seen);
                }
                seen.entries += 1;
                seen.head = row.hash();
                if seen.head == wanted {
                    seen.found = Some(seen.entries);
                }
            }
        }
        if seen.entries < count {
            seen.broken = Some((seen.entries + 1, BrokenChain::Missing));
        } else if seen.entries > query!(self, read, audit::count())? {
            seen.broken = Some((seen.entries, BrokenChain::Added));
        }
        Ok(seen)
    }
}
