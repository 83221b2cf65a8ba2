use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use gateway_balancing::{HealthStatus, Pool};
use gateway_domain::{AccountId, Budget, Credential, Timestamp, UpstreamAccount};
use gateway_providers::Target;

/// The accounts cannot be read now.
#[derive(Debug, thiserror::Error)]
#[error("the upstream accounts cannot be read")]
pub struct SourceError(#[source] pub Box<dyn Error + Send + Sync>);

/// Where the accounts and their opened credentials come from.
#[async_trait]
pub trait AccountSource: Send + Sync + 'static {
    /// Every account that exists.
    ///
    /// # Errors
    ///
    /// [`SourceError`] when they cannot be read; the catalogue then keeps what it has.
    async fn accounts(&self) -> Result<Vec<(UpstreamAccount, Credential)>, SourceError>;
}

/// The upstream accounts as requests see them: a snapshot in memory, and the pool that picks from it.
pub struct Catalogue {
    source: Arc<dyn AccountSource>,
    pool: Arc<Pool>,
    entries: ArcSwap<HashMap<AccountId, Entry>>,
    budgets: ArcSwap<Vec<(AccountId, Budget)>>,
    reloading: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Entry {
    updated_at: Timestamp,
    target: Arc<Target>,
}

impl Catalogue {
    /// An empty catalogue over `source`; [`Catalogue::reload`] fills it.
    #[must_use]
    pub fn new(source: Arc<dyn AccountSource>, pool: Arc<Pool>) -> Self {
        Self {
            source,
            pool,
            entries: ArcSwap::default(),
            budgets: ArcSwap::default(),
            reloading: tokio::sync::Mutex::default(),
        }
    }

    /// Takes the accounts as they are now; whoever asks after this sees them.
    ///
    /// An account that was edited while its credential counted as refused gets another chance.
    ///
    /// # Errors
    ///
    /// [`SourceError`] when they cannot be read; nothing changes then.
    pub async fn reload(&self) -> Result<(), SourceError> {
        // One at a time, or an older list could replace a newer one.
        let _reloading = self.reloading.lock().await;
        let accounts = self.source.accounts().await?;
        let before = self.entries.load();
        let mut entries = HashMap::with_capacity(accounts.len());
        let mut usable = Vec::with_capacity(accounts.len());
        let mut edited = Vec::new();
        let mut budgets = Vec::new();
        for (account, credential) in accounts {
            let target = match Target::parse(&account.base_url, credential) {
                Ok(target) => Arc::new(target),
                Err(error) => {
                    tracing::error!(account_id = %account.id, %error, "account left out: its base_url is unusable");
                    continue;
                }
            };
            if before
                .get(&account.id)
                .is_some_and(|known| known.updated_at != account.updated_at)
            {
                edited.push(account.id);
            }
            entries.insert(
                account.id,
                Entry {
                    updated_at: account.updated_at,
                    target,
                },
            );
            if account.budget.amount.is_some() {
                budgets.push((account.id, account.budget));
            }
            usable.push(Arc::new(account));
        }
        self.entries.store(Arc::new(entries));
        self.budgets.store(Arc::new(budgets));
        self.pool.replace(usable);
        for id in edited {
            if self
                .pool
                .health(id)
                .is_some_and(|health| health.status == HealthStatus::Unhealthy)
            {
                self.pool.reset(id);
            }
        }
        Ok(())
    }

    /// The pool that picks among these accounts.
    #[must_use]
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// The accounts that have a budget, each with it.
    #[must_use]
    pub fn budgets(&self) -> Arc<Vec<(AccountId, Budget)>> {
        self.budgets.load_full()
    }

    pub(crate) fn target(&self, id: AccountId) -> Option<Arc<Target>> {
        self.entries
            .load()
            .get(&id)
            .map(|entry| Arc::clone(&entry.target))
    }
}
