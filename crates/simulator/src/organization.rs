//! The organisation that all credentials of a provider belong to, and its own count of what they used.

mod book;
mod page;

use std::collections::HashMap;
use std::time::Duration;

use gateway_domain::{Nanodollars, PicodollarsPerToken, ProviderKind};

use crate::draw::{Draw, hash};

pub(crate) use book::{Book, Entry};
pub(crate) use page::{Names, Page};

/// An organisation whose usage and costs can be read, at every provider with an API for that.
///
/// Its reports count what was billed since [`Simulator::open_organization`](crate::Simulator::open_organization).
#[derive(Debug, Clone)]
pub struct Organization {
    pub(crate) admin_key: String,
    pub(crate) rates: HashMap<String, ModelRates>,
    pub(crate) buckets_per_page: usize,
    pub(crate) delay: Duration,
}

impl Organization {
    /// An organisation whose reports this key reads, and no other: it sends no messages itself.
    #[must_use]
    pub fn new(admin_key: impl Into<String>) -> Self {
        Self {
            admin_key: admin_key.into(),
            rates: HashMap::new(),
            buckets_per_page: usize::MAX,
            delay: Duration::ZERO,
        }
    }

    /// Charges this for a model; without rates it is used and costs nothing.
    #[must_use]
    pub fn rates(mut self, model: impl Into<String>, rates: ModelRates) -> Self {
        self.rates.insert(model.into(), rates);
        self
    }

    /// Puts at most so many days on a page, however many are asked for.
    #[must_use]
    pub fn days_per_page(mut self, days: usize) -> Self {
        self.buckets_per_page = days.max(1);
        self
    }

    /// Reports what was used only so long after the minute in which it was, as real providers do.
    #[must_use]
    pub const fn reported_after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// What the provider calls a key in its reports, which do not tell the key itself.
    #[must_use]
    pub fn api_key_id(provider: ProviderKind, key: &str) -> String {
        let mut draw = Draw::new(hash(2, key.as_bytes()));
        match provider {
            ProviderKind::Anthropic => format!("apikey_01{}", draw.base62(22)),
            ProviderKind::Gemini | ProviderKind::OpenAi => format!("key_{}", draw.base62(16)),
        }
    }

    /// The workspace or project of a key; each key has one of its own.
    #[must_use]
    pub fn group_id(provider: ProviderKind, key: &str) -> String {
        match provider {
            ProviderKind::Anthropic => {
                format!("wrkspc_01{}", Draw::new(hash(3, key.as_bytes())).base62(22))
            }
            ProviderKind::Gemini | ProviderKind::OpenAi => project(key),
        }
    }
}

/// The project of OpenAI's that a key belongs to.
pub(crate) fn project(key: &str) -> String {
    format!("proj_{}", Draw::new(hash(1, key.as_bytes())).base62(24))
}

/// What a model costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelRates {
    /// Input that was neither read from nor written to a prompt cache.
    pub input: PicodollarsPerToken,
    /// Input read from a prompt cache.
    pub cache_read: PicodollarsPerToken,
    /// Input written to a short-lived prompt cache.
    pub cache_write_5m: PicodollarsPerToken,
    /// Input written to a long-lived prompt cache.
    pub cache_write_1h: PicodollarsPerToken,
    /// Output.
    pub output: PicodollarsPerToken,
    /// A search of the web.
    pub web_search: Nanodollars,
}

/// What a line of the costs is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Meter {
    Input,
    CacheRead,
    CacheWriteShort,
    CacheWriteLong,
    Output,
    WebSearch,
}

impl ModelRates {
    /// What an entry costs by meter, in trillionths of a dollar; nothing for what was not used.
    pub(crate) fn charges(&self, entry: &Entry) -> Vec<(Meter, i128)> {
        let tokens = entry.billed.tokens;
        let charge = |rate: PicodollarsPerToken, count: u64| i128::from(rate.as_picos()) * i128::from(count);
        let searches = i128::from(self.web_search.as_nanos()) * 1_000 * i128::from(entry.billed.web_searches);
        [
            (Meter::Input, charge(self.input, tokens.input)),
            (Meter::CacheRead, charge(self.cache_read, tokens.cache_read)),
            (
                Meter::CacheWriteShort,
                charge(self.cache_write_5m, tokens.cache_write_5m),
            ),
            (
                Meter::CacheWriteLong,
                charge(self.cache_write_1h, tokens.cache_write_1h),
            ),
            (Meter::Output, charge(self.output, tokens.output)),
            (Meter::WebSearch, searches),
        ]
        .into_iter()
        .filter(|(_, picodollars)| *picodollars != 0)
        .collect()
    }
}

/// An amount in trillionths as a decimal number of units of `10^decimals` of them.
pub(crate) fn decimal(picodollars: i128, decimals: u32) -> String {
    let unit = 10_i128.pow(decimals);
    let width = decimals as usize;
    format!("{}.{:0width$}", picodollars / unit, picodollars % unit)
}
