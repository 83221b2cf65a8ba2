use std::sync::Arc;

use gateway_balancing::{RateSource, Rates};
use gateway_domain::{AccountId, Clock, PicodollarsPerToken, ProviderKind};

use crate::Prices;

/// Tells the pool what models cost at each account, by the price catalogue in force.
pub struct CatalogueRates {
    prices: Arc<Prices>,
    clock: Arc<dyn Clock>,
}

impl CatalogueRates {
    /// Reads from `prices`, at the time that `clock` tells.
    #[must_use]
    pub fn new(prices: Arc<Prices>, clock: Arc<dyn Clock>) -> Self {
        Self { prices, clock }
    }
}

impl RateSource for CatalogueRates {
    fn rates(&self, account_id: AccountId, provider: ProviderKind, upstream_model: &str) -> Option<Rates> {
        let catalogue = self.prices.current();
        let rates = catalogue
            .find_at(account_id, provider, upstream_model, self.clock.now())?
            .rates();
        let cache_write = rates.cache_write_5m.unwrap_or(rates.input);
        Some(Rates {
            input: dollars(rates.input),
            output: dollars(rates.output),
            cache_read: dollars(rates.cache_read.unwrap_or(rates.input)),
            cache_write: dollars(cache_write),
            cache_write_long: dollars(rates.cache_write_1h.unwrap_or(cache_write)),
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "for weighing accounts, never for money"
)]
fn dollars(rate: PicodollarsPerToken) -> f32 {
    (rate.as_picos() as f64 / 1e12) as f32
}
