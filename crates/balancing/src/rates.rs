use gateway_domain::{AccountId, ProviderKind};

/// What a model costs, in US dollars per token; for weighing, never for billing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Input that no prompt cache has to do with.
    pub input: f32,
    /// Output.
    pub output: f32,
    /// Input read from a prompt cache.
    pub cache_read: f32,
    /// Input written to a prompt cache that is kept for minutes.
    pub cache_write: f32,
    /// Input written to a prompt cache that is kept for an hour or more.
    pub cache_write_long: f32,
}

impl Rates {
    /// What stands in for a model whose price is not known: that of a middling one.
    pub(crate) const NOMINAL: Self = Self {
        input: 3e-6,
        output: 15e-6,
        cache_read: 0.3e-6,
        cache_write: 3.75e-6,
        cache_write_long: 6e-6,
    };
}

/// Knows what models cost.
pub trait RateSource: Send + Sync + 'static {
    /// The rates of `upstream_model` at an account of `provider` now, if they are known.
    fn rates(&self, account_id: AccountId, provider: ProviderKind, upstream_model: &str) -> Option<Rates>;
}

/// Knows no prices: money is then weighed as if every model cost the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRates;

impl RateSource for NoRates {
    fn rates(&self, _account_id: AccountId, _provider: ProviderKind, _upstream_model: &str) -> Option<Rates> {
        None
    }
}
