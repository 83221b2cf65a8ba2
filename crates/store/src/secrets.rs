//! Everything that is sealed, wherever it is kept.

use std::fmt;

use gateway_auth::Sealed;
use gateway_domain::AccountId;
use serde_json::Map;

use crate::store::{change, query};
use crate::{AuditAction, AuditEvent, AuditResult, AuditTarget, Changes, Store, StoreError};

/// Where something sealed is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealedPlace {
    /// An upstream account's credential.
    Credential(AccountId),
    /// The credential that reads the reports of an upstream account's organisation.
    AdminCredential(AccountId),
    /// A secret of the installation itself, by its name.
    Instance(String),
}

impl fmt::Display for SealedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(account) => write!(f, "the credential of account {account}"),
            Self::AdminCredential(account) => write!(f, "the admin credential of account {account}"),
            Self::Instance(name) => write!(f, "the key for the {name}"),
        }
    }
}

impl Store {
    /// A secret of the installation itself; `None` if none of that name is kept.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn instance_secret(&self, name: &'static str) -> Result<Option<Sealed>, StoreError> {
        query!(self, read, secrets::instance(name))?
            .map(|sealed| parse(&sealed))
            .transpose()
    }

    /// Keeps a secret of the installation itself, unless one of that name is kept already, and returns the one that is.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn keep_instance_secret(
        &self,
        name: &'static str,
        sealed: &Sealed,
    ) -> Result<Sealed, StoreError> {
        let text = sealed.as_str().to_owned();
        parse(&query!(self, write, secrets::keep(name, text))?)
    }

    /// Everything that is sealed, in the order of its places.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn sealed(&self) -> Result<Vec<(SealedPlace, Sealed)>, StoreError> {
        let mut all = Vec::new();
        for row in self.all_accounts().await? {
            let id = row.account.id;
            all.push((SealedPlace::Credential(id), row.sealed));
            all.extend(
                row.admin_sealed
                    .map(|sealed| (SealedPlace::AdminCredential(id), sealed)),
            );
        }
        for (name, sealed) in query!(self, read, secrets::instances())? {
            all.push((SealedPlace::Instance(name), parse(&sealed)?));
        }
        Ok(all)
    }
}

impl Changes<'_> {
    /// Puts `new`, which is sealed with the master key `key_id`, in the place of `old`, and says whether `old` still was
    /// there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn reseal(
        &self,
        place: SealedPlace,
        old: &Sealed,
        new: &Sealed,
        key_id: &str,
    ) -> Result<bool, StoreError> {
        let (old, new) = (old.as_str().to_owned(), new.as_str().to_owned());
        let (actor, at) = self.signature();
        let event = AuditEvent {
            actor,
            action: AuditAction::Rotate,
            target: AuditTarget::MasterKey,
            target_id: Some(key_id.to_owned()),
            result: AuditResult::Done,
            details: Map::from_iter([("secret".to_owned(), place.to_string().into())]),
        };
        change!(self.store, secrets::reseal(place, old, new, event, at))
    }
}

fn parse(sealed: &str) -> Result<Sealed, StoreError> {
    Sealed::parse(sealed).map_err(StoreError::other)
}
