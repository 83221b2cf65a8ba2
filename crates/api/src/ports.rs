use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use gateway_auth::{UnsealError, Vault};
use gateway_domain::{AccountId, Credential, UpstreamAccount};
use gateway_ledger::{Sink, SinkError};
use gateway_metering::RequestRecord;
use gateway_proxy::{AccountSource, SourceError};
use gateway_store::{Store, StoreError};

/// The accounts that the store keeps, with their credentials opened: what the catalogue reads.
///
/// An account whose credential does not open is left out, and logged: the others shall serve. One that was sealed anew with a
/// master key that is not known here goes on with what was opened before.
pub struct StoredAccounts {
    store: Arc<Store>,
    vault: Arc<Vault>,
    opened: Mutex<HashMap<AccountId, Opened>>,
}

impl StoredAccounts {
    /// The accounts of `store`, whose credentials `vault` has sealed.
    #[must_use]
    pub fn new(store: Arc<Store>, vault: Arc<Vault>) -> Self {
        Self {
            store,
            vault,
            opened: Mutex::default(),
        }
    }
}

/// A credential as it was when it opened.
struct Opened {
    credential: Credential,
    /// Tells one from another.
    hint: String,
}

impl Opened {
    fn of(account: &UpstreamAccount, credential: &Credential) -> Self {
        Self {
            credential: credential.clone(),
            hint: account.credential_hint.clone(),
        }
    }
}

#[async_trait]
impl AccountSource for StoredAccounts {
    async fn accounts(&self) -> Result<Vec<(UpstreamAccount, Credential)>, SourceError> {
        let rows = self
            .store
            .all_accounts()
            .await
            .map_err(|error| SourceError(Box::new(error)))?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let mut accounts = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.account.id;
            let credential = match self.vault.open_credential(id, &row.sealed) {
                Ok(credential) => Some(credential),
                Err(error @ UnsealError::UnknownKey { .. }) => {
                    let known = opened
                        .get(&id)
                        .filter(|known| known.hint == row.account.credential_hint);
                    let goes_on = if known.is_some() {
                        "goes on with what was opened before"
                    } else {
                        "is left out"
                    };
                    tracing::error!(account_id = %id, %error, "an account's credential does not open: it {goes_on}");
                    known.map(|known| known.credential.clone())
                }
                Err(error) => {
                    tracing::error!(account_id = %id, %error, "an account is left out: its credential does not open");
                    None
                }
            };
            if let Some(credential) = credential {
                accounts.push((row.account, credential));
            }
        }
        *opened = accounts
            .iter()
            .map(|(account, credential)| (account.id, Opened::of(account, credential)))
            .collect();
        Ok(accounts)
    }
}

/// The usage tables of the store: where the ledger writes.
pub struct StoredUsage(Arc<Store>);

impl StoredUsage {
    /// The usage tables of `store`.
    #[must_use]
    pub fn new(store: Arc<Store>) -> Self {
        Self(store)
    }
}

#[async_trait]
impl Sink for StoredUsage {
    async fn write(&self, batch: Vec<RequestRecord>) -> Result<(), SinkError> {
        match self.0.record_usage(batch).await {
            Ok(_) => Ok(()),
            Err(error @ StoreError::Unavailable(_)) => Err(SinkError::Unavailable(Box::new(error))),
            Err(error) => Err(SinkError::Rejected(Box::new(error))),
        }
    }
}
