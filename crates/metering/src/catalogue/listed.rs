use gateway_domain::{Nanodollars, ProviderKind, Timestamp};

use super::model::Model;
use super::overrides::{Override, Terms};
use crate::price::{Rates, Sheet};

/// One row of a price list to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPrice {
    /// The model's name.
    pub model: String,
    /// Who provides it; `None` for an operator's price, which counts for every provider.
    pub provider: Option<ProviderKind>,
    /// The standard rates of a request with a short prompt.
    pub rates: Rates,
    /// The rates of longer prompts, the lowest threshold first.
    pub tiers: Vec<ListedTier>,
    /// What a thousand searches of the web cost.
    pub web_searches_per_1k: Option<Nanodollars>,
    /// The most tokens that a request and its answer may have together.
    pub context_window: Option<u64>,
    /// The most tokens that an answer may have.
    pub max_output_tokens: Option<u64>,
    /// As in [`Price::version`](crate::Price::version).
    pub version: String,
    /// When it began, if it has not always been so.
    pub effective_from: Option<Timestamp>,
    /// Who says so.
    pub source: PriceSource,
}

/// The rates of requests with a long prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedTier {
    /// A request with more input than this, caches included, is charged at these rates throughout.
    pub above_input_tokens: u64,
    /// The rates.
    pub rates: Rates,
}

/// Who says what a model costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PriceSource {
    /// The list that the gateway ships with.
    Shipped,
    /// A file that stands in for that list.
    File,
    /// The gateway's operator.
    Operator,
}

impl PriceSource {
    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::File => "file",
            Self::Operator => "operator",
        }
    }
}

impl ListedPrice {
    pub(super) fn listed(model: &Model, source: PriceSource, at: Timestamp) -> Option<Self> {
        let dated = model.sheet(at)?;
        Some(Self {
            model: model.id.clone(),
            provider: Some(model.provider),
            rates: dated.sheet.rates(),
            tiers: tiers(&dated.sheet),
            web_searches_per_1k: dated.web_searches_per_1k,
            context_window: model.context_window,
            max_output_tokens: model.max_output_tokens,
            version: model.version.clone(),
            effective_from: dated.from,
            source,
        })
    }

    /// `None` for a factor, which has no rates of its own.
    pub(super) fn set(set: &Override) -> Option<Self> {
        let Terms::Rates(sheet) = &set.price.terms else {
            return None;
        };
        Some(Self {
            model: set.price.model.clone(),
            provider: None,
            rates: sheet.rates,
            tiers: tiers(&set.sheet),
            web_searches_per_1k: sheet.web_searches_per_1k,
            context_window: None,
            max_output_tokens: None,
            version: set.version.clone(),
            effective_from: Some(set.price.effective_from),
            source: PriceSource::Operator,
        })
    }
}

fn tiers(sheet: &Sheet) -> Vec<ListedTier> {
    sheet.tier_rates().into_iter().map(ListedTier::from).collect()
}

impl From<(u64, Rates)> for ListedTier {
    fn from((above_input_tokens, rates): (u64, Rates)) -> Self {
        Self {
            above_input_tokens,
            rates,
        }
    }
}
