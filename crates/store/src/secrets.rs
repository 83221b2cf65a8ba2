//! Everything that is sealed, wherever it is kept.

use gateway_auth::Sealed;
use gateway_domain::AccountId;

use crate::store::{change, query};
use crate::{Changes, Store, StoreError};

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
    /// Puts `new` in the place of `old`, and says whether `old` still was there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn reseal(&self, place: SealedPlace, old: &Sealed, new: &Sealed) -> Result<bool, StoreError> {
        let (old, new) = (old.as_str().to_owned(), new.as_str().to_owned());
        change!(self.store, secrets::reseal(place, old, new))
    }
}

fn parse(sealed: &str) -> Result<Sealed, StoreError> {
    Sealed::parse(sealed).map_err(StoreError::other)
}
