use std::sync::Arc;

use async_trait::async_trait;
use gateway_auth::Vault;
use gateway_domain::{Credential, UpstreamAccount};
use gateway_ledger::{Sink, SinkError};
use gateway_metering::RequestRecord;
use gateway_proxy::{AccountSource, SourceError};
use gateway_store::{Store, StoreError};

/// The accounts that the store keeps, with their credentials opened: what the catalogue reads.
///
/// An account whose credential does not open is left out, and logged: the others shall serve.
pub struct StoredAccounts {
    store: Arc<Store>,
    vault: Arc<Vault>,
}

impl StoredAccounts {
    /// The accounts of `store`, whose credentials `vault` has sealed.
    #[must_use]
    pub fn new(store: Arc<Store>, vault: Arc<Vault>) -> Self {
        Self { store, vault }
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
        let opened = rows.into_iter().filter_map(|row| {
            match self.vault.open_credential(row.account.id, &row.sealed) {
                Ok(credential) => Some((row.account, credential)),
                Err(error) => {
                    tracing::error!(account_id = %row.account.id, %error, "account left out: its credential does not open");
                    None
                }
            }
        });
        Ok(opened.collect())
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
