mod file;
mod model;
mod rule;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use gateway_domain::{Nanodollars, PriceId, ProviderKind, Timestamp};

use self::model::{Model, Models};
use crate::price::{Price, Rates, Sheet};

/// Every price that is known: the shipped list, and an operator's own prices before it.
///
/// Cheap to clone, and never changes but for remembering what model names stand for.
#[derive(Debug, Clone)]
pub struct PriceCatalogue {
    shipped: Arc<Shipped>,
    /// By model, newest first.
    overrides: Arc<HashMap<String, Vec<Override>>>,
}

impl PriceCatalogue {
    /// The list that the gateway ships with.
    #[must_use]
    pub fn embedded() -> Self {
        static EMBEDDED: LazyLock<PriceCatalogue> = LazyLock::new(|| {
            PriceCatalogue::from_json(include_str!("../prices.json")).expect("the tests read the same list")
        });
        EMBEDDED.clone()
    }

    /// Reads a price list in the shape of the shipped one.
    ///
    /// # Errors
    ///
    /// [`InvalidCatalogue`] if it is not one, or says something that this version does not understand.
    pub fn from_json(json: &str) -> Result<Self, InvalidCatalogue> {
        let mut shipped = Shipped::default();
        for model in file::read(json)? {
            shipped.models_mut(model.provider).push(model);
        }
        Ok(Self {
            shipped: Arc::new(shipped),
            overrides: Arc::default(),
        })
    }

    /// The same list with these prices before it, and without those of an earlier call.
    ///
    /// Of several for one model the latest that has begun counts.
    #[must_use]
    pub fn with_overrides(&self, overrides: Vec<OperatorPrice>) -> Self {
        let mut by_model: HashMap<String, Vec<Override>> = HashMap::new();
        for price in overrides {
            by_model.entry(price.model).or_default().push(Override {
                version: format!("operator/{}", price.id),
                effective_from: price.effective_from,
                sheet: Sheet::new(price.rates.into(), Vec::new()),
            });
        }
        for versions in by_model.values_mut() {
            versions.sort_by_key(|price| std::cmp::Reverse(price.effective_from));
        }
        Self {
            shipped: Arc::clone(&self.shipped),
            overrides: Arc::new(by_model),
        }
    }

    /// The price of `provider`'s `model` at a moment; `None` if it is not known, which is not the same as free.
    ///
    /// An operator's price counts for the very name that it was set for, and for every name of the listed model
    /// that it was set for. It is flat: it has no tiers and no variants, and searches of the web keep the listed
    /// price. Models that are charged by the hour or by the character have no price here.
    #[must_use]
    pub fn find(&self, provider: ProviderKind, model: &str, at: Timestamp) -> Option<Price<'_>> {
        let listed = self.shipped.models(provider).find(model);
        let set = self
            .override_of(model, at)
            .or_else(|| self.override_of(&listed?.id, at));
        let listed_price = listed.and_then(|listed| listed.price(at));
        match set {
            None => listed_price,
            Some(set) => Some(Price {
                version: &set.version,
                sheet: &set.sheet,
                web_searches_per_1k: listed_price.and_then(|price| price.web_searches_per_1k),
                variants: &[],
                premiums: &[],
                at,
            }),
        }
    }

    /// How much `provider`'s `model` takes and gives at once, as far as the list says.
    #[must_use]
    pub fn size_of(&self, provider: ProviderKind, model: &str) -> ModelSize {
        let listed = self.shipped.models(provider).find(model);
        listed.map_or_else(ModelSize::default, |listed| ModelSize {
            context_window: listed.context_window,
            max_output_tokens: listed.max_output_tokens,
        })
    }

    /// The standard rates of every model at a moment, by model and provider.
    ///
    /// An operator's price stands in for those that it replaces.
    #[must_use]
    pub fn list(&self, at: Timestamp) -> Vec<ListedPrice> {
        let set = self
            .overrides
            .keys()
            .filter_map(|model| Some(ListedPrice::set(model, self.override_of(model, at)?)));
        let shipped = ProviderKind::ALL
            .into_iter()
            .flat_map(|provider| self.shipped.models(provider).iter())
            .filter(|model| self.override_of(&model.id, at).is_none())
            .filter_map(|model| ListedPrice::shipped(model, at));
        let mut prices: Vec<_> = set.chain(shipped).collect();
        prices.sort_by(|a, b| (&a.model, a.provider).cmp(&(&b.model, b.provider)));
        prices
    }

    /// The ids of `provider`'s own models that still answered when the list was made.
    #[must_use]
    pub fn models_of(&self, provider: ProviderKind) -> Vec<&str> {
        self.shipped
            .models(provider)
            .iter()
            .filter(|model| model.is_current() && provider.serves_family_of(&model.id))
            .map(|model| model.id.as_str())
            .collect()
    }

    /// The id of the listed model that `model` is a name of, such as that of a dated release; `None` if none is known,
    /// or if it could be more than one.
    #[must_use]
    pub fn listed_id(&self, provider: ProviderKind, model: &str) -> Option<&str> {
        let listed = self.shipped.models(provider).find(model)?;
        Some(&listed.id)
    }

    fn override_of(&self, model: &str, at: Timestamp) -> Option<&Override> {
        self.overrides
            .get(model)?
            .iter()
            .find(|price| price.effective_from <= at)
    }
}

/// How much a model takes and gives at once; `None` is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelSize {
    /// The most tokens that a request and its answer may have together.
    pub context_window: Option<u64>,
    /// The most tokens that an answer may have.
    pub max_output_tokens: Option<u64>,
}

/// The text is not a price list.
#[derive(Debug, thiserror::Error)]
#[error("not a price list: {message}")]
pub struct InvalidCatalogue {
    message: String,
}

impl InvalidCatalogue {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl From<serde_json::Error> for InvalidCatalogue {
    fn from(error: serde_json::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// A dated price that an operator has set for a model, whoever provides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorPrice {
    /// Names this price in the rows that are reckoned by it.
    pub id: PriceId,
    /// A model's name, or the id of a listed model.
    pub model: String,
    /// What it costs; a negative rate counts as zero.
    pub rates: Rates,
    /// When it begins.
    pub effective_from: Timestamp,
}

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
    /// As in [`Price::version`].
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
    /// The gateway's operator.
    Operator,
}

impl PriceSource {
    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Operator => "operator",
        }
    }
}

impl ListedPrice {
    fn shipped(model: &Model, at: Timestamp) -> Option<Self> {
        let dated = model.sheet(at)?;
        Some(Self {
            model: model.id.clone(),
            provider: Some(model.provider),
            rates: dated.sheet.rates(),
            tiers: dated
                .sheet
                .tier_rates()
                .into_iter()
                .map(ListedTier::from)
                .collect(),
            web_searches_per_1k: dated.web_searches_per_1k,
            context_window: model.context_window,
            max_output_tokens: model.max_output_tokens,
            version: model.version.clone(),
            effective_from: dated.from,
            source: PriceSource::Shipped,
        })
    }

    fn set(model: &str, price: &Override) -> Self {
        Self {
            model: model.to_owned(),
            provider: None,
            rates: price.sheet.rates(),
            tiers: Vec::new(),
            web_searches_per_1k: None,
            context_window: None,
            max_output_tokens: None,
            version: price.version.clone(),
            effective_from: Some(price.effective_from),
            source: PriceSource::Operator,
        }
    }
}

impl From<(u64, Rates)> for ListedTier {
    fn from((above_input_tokens, rates): (u64, Rates)) -> Self {
        Self {
            above_input_tokens,
            rates,
        }
    }
}

#[derive(Debug)]
struct Override {
    version: String,
    effective_from: Timestamp,
    sheet: Sheet,
}

#[derive(Debug, Default)]
struct Shipped {
    anthropic: Models,
    gemini: Models,
    openai: Models,
}

impl Shipped {
    const fn models(&self, provider: ProviderKind) -> &Models {
        match provider {
            ProviderKind::Anthropic => &self.anthropic,
            ProviderKind::Gemini => &self.gemini,
            ProviderKind::OpenAi => &self.openai,
        }
    }

    const fn models_mut(&mut self, provider: ProviderKind) -> &mut Models {
        match provider {
            ProviderKind::Anthropic => &mut self.anthropic,
            ProviderKind::Gemini => &mut self.gemini,
            ProviderKind::OpenAi => &mut self.openai,
        }
    }
}
