use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gateway_domain::Clock;
use gateway_ledger::Ledger;
use gateway_metering::{Limiter, SpendBook};
use tokio::sync::Notify;

use crate::missing_calls::MissingCalls;
use crate::models::ModelDirectory;
use crate::retry_budget::RetryBudget;
use crate::unpriced_models::UnpricedModels;
use crate::{Catalogue, Metrics, Network, Prices, ProxySettings};

/// What all workers' engines have in common.
pub struct Shared {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) prices: Arc<Prices>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) spend: Arc<SpendBook>,
    /// Told whenever something that was held is free.
    pub(crate) budgets_freed: Notify,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: ProxySettings,
    pub(crate) network: Network,
    pub(crate) models: ModelDirectory,
    pub(crate) missing_calls: MissingCalls,
    pub(crate) unpriced_models: UnpricedModels,
    pub(crate) open_streams: AtomicUsize,
    retries: Mutex<RetryBudget>,
}

impl Shared {
    /// Joins the parts.
    #[must_use]
    pub fn new(
        catalogue: Arc<Catalogue>,
        prices: Arc<Prices>,
        ledger: Arc<Ledger>,
        clock: Arc<dyn Clock>,
        settings: ProxySettings,
        network: Network,
    ) -> Self {
        let retries = RetryBudget::new(settings.retry_budget_percent, settings.min_retry_budget);
        Self {
            catalogue,
            prices,
            ledger,
            limiter: Arc::new(Limiter::new(Arc::clone(&clock))),
            spend: Arc::default(),
            budgets_freed: Notify::new(),
            metrics: Arc::new(Metrics::new()),
            clock,
            settings,
            network,
            models: ModelDirectory::default(),
            missing_calls: MissingCalls::default(),
            unpriced_models: UnpricedModels::default(),
            open_streams: AtomicUsize::new(0),
            retries: Mutex::new(retries),
        }
    }

    /// The upstream accounts.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The price catalogue in force.
    #[must_use]
    pub fn prices(&self) -> &Arc<Prices> {
        &self.prices
    }

    /// Where finished requests go.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// What keys, users and accounts have spent in their budgets' periods.
    #[must_use]
    pub fn spend(&self) -> &Arc<SpendBook> {
        &self.spend
    }

    /// Who may be reached, and how.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// What has been counted since the start.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What is left for further tries, of all workers together.
    pub(crate) fn retries(&self) -> MutexGuard<'_, RetryBudget> {
        self.retries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The metrics in OpenMetrics text without its closing `# EOF`, so that more can follow, with the state of accounts and ledger as of now.
    #[must_use]
    pub fn scrape(&self) -> String {
        self.metrics.encode(self)
    }
}

/// One of the streams that may be open at once; free again when dropped.
pub(crate) struct StreamSlot(Arc<Shared>);

impl StreamSlot {
    pub(crate) fn take(shared: &Arc<Shared>) -> Option<Self> {
        let taken = shared.open_streams.fetch_add(1, Ordering::Relaxed);
        // Constructed first, so that a refusal gives the place back as well.
        let slot = Self(Arc::clone(shared));
        (taken < shared.settings.max_open_streams).then_some(slot)
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        self.0.open_streams.fetch_sub(1, Ordering::Relaxed);
    }
}
