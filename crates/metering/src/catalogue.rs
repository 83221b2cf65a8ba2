mod file;
mod listed;
mod model;
mod overrides;
mod rule;

use std::sync::{Arc, LazyLock};

use gateway_domain::{AccountId, Nanodollars, ProviderKind, Timestamp};

pub use self::listed::{ListedPrice, ListedTier, PriceSource};
use self::model::{Model, Models};
use self::overrides::Overrides;
pub use self::overrides::{OperatorPrice, RateSheet, Terms};
use crate::price::Price;

/// Every price that is known: a price list, and before it the prices that were set here.
///
/// Cheap to clone, and never changes but for remembering what model names stand for.
#[derive(Debug, Clone)]
pub struct PriceCatalogue {
    list: Arc<PriceList>,
    overrides: Arc<Overrides>,
}

impl PriceCatalogue {
    /// The list that the gateway ships with.
    #[must_use]
    pub fn embedded() -> Self {
        static EMBEDDED: LazyLock<PriceCatalogue> = LazyLock::new(|| {
            let list = PriceList::read(include_str!("../prices.json"), PriceSource::Shipped);
            PriceCatalogue::of(list.expect("the tests read the same list"))
        });
        EMBEDDED.clone()
    }

    /// Reads a price list in the shape of the shipped one, to stand in for it.
    ///
    /// # Errors
    ///
    /// [`InvalidCatalogue`] if it is not one, or says something that this version does not understand.
    pub fn from_json(json: &str) -> Result<Self, InvalidCatalogue> {
        PriceList::read(json, PriceSource::File).map(Self::of)
    }

    fn of(list: PriceList) -> Self {
        Self {
            list: Arc::new(list),
            overrides: Arc::default(),
        }
    }

    /// The same list with these prices before it, and without those of an earlier call.
    ///
    /// Of several for one model the latest that has begun counts, unless it has ended.
    #[must_use]
    pub fn with_overrides(&self, overrides: Vec<OperatorPrice>) -> Self {
        Self {
            list: Arc::clone(&self.list),
            overrides: Arc::new(Overrides::new(overrides)),
        }
    }

    /// The price of `provider`'s `model` at a moment, at an account without prices of its own; `None` if it is not
    /// known, which is not the same as free.
    ///
    /// A price that was set counts for the very name that it was set for, and for every name of the listed model
    /// that it was set for. It has no variants, and unless it says otherwise searches of the web keep the listed
    /// price. Models that are charged by the hour or by the character have no price here.
    #[must_use]
    pub fn find(&self, provider: ProviderKind, model: &str, at: Timestamp) -> Option<Price<'_>> {
        self.general(self.list.models(provider).find(model), model, at)
    }

    /// The price of `provider`'s `model` at a moment, at an account: its own, else the [general one](Self::find).
    ///
    /// The account's price of the model comes before what it has for every model.
    #[must_use]
    pub fn find_at(
        &self,
        account_id: AccountId,
        provider: ProviderKind,
        model: &str,
        at: Timestamp,
    ) -> Option<Price<'_>> {
        let listed = self.list.models(provider).find(model);
        let names = names(listed, model).chain([OperatorPrice::EVERY_MODEL]);
        let general = || self.general(listed, model, at);
        match self.overrides.find(Some(account_id), names, at) {
            None => general(),
            Some(own) => own.price(general, listed_search(listed, at), at),
        }
    }

    /// Whether an account has, or had, prices of its own.
    #[must_use]
    pub fn has_own_prices(&self, account_id: AccountId) -> bool {
        self.overrides.have(account_id)
    }

    /// How much `provider`'s `model` takes and gives at once, as far as the list says.
    #[must_use]
    pub fn size_of(&self, provider: ProviderKind, model: &str) -> ModelSize {
        let listed = self.list.models(provider).find(model);
        listed.map_or_else(ModelSize::default, |listed| ModelSize {
            context_window: listed.context_window,
            max_output_tokens: listed.max_output_tokens,
        })
    }

    fn general<'a>(&'a self, listed: Option<&'a Model>, model: &str, at: Timestamp) -> Option<Price<'a>> {
        let listed_price = || listed?.price(at);
        match self.overrides.find(None, names(listed, model), at) {
            None => listed_price(),
            Some(set) => set.price(listed_price, listed_search(listed, at), at),
        }
    }

    /// The standard rates of every model at a moment, by model and provider, at accounts without prices of their own.
    ///
    /// A price that was set stands in for those that it replaces.
    #[must_use]
    pub fn list(&self, at: Timestamp) -> Vec<ListedPrice> {
        let set = self.overrides.of(None, at).filter_map(ListedPrice::set);
        let listed = ProviderKind::ALL
            .into_iter()
            .flat_map(|provider| self.list.models(provider).iter())
            .filter(|model| self.overrides.find(None, [model.id.as_str()], at).is_none())
            .filter_map(|model| ListedPrice::listed(model, self.list.source, at));
        let mut prices: Vec<_> = set.chain(listed).collect();
        prices.sort_by(|a, b| (&a.model, a.provider).cmp(&(&b.model, b.provider)));
        prices
    }

    /// The prices of its own that an account has at a moment, by model.
    #[must_use]
    pub fn list_of(&self, account_id: AccountId, at: Timestamp) -> Vec<&OperatorPrice> {
        let own = self.overrides.of(Some(account_id), at);
        let mut prices: Vec<_> = own.map(|set| &set.price).collect();
        prices.sort_by(|a, b| a.model.cmp(&b.model));
        prices
    }

    /// The ids of `provider`'s own models that still answered when the list was made.
    #[must_use]
    pub fn models_of(&self, provider: ProviderKind) -> Vec<&str> {
        self.list
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
        let listed = self.list.models(provider).find(model)?;
        Some(&listed.id)
    }

    /// The ids of all entries of `provider` whose rules fit a name, in the list's order.
    ///
    /// Unless one of them is the name itself, more than one leave it without a price.
    #[must_use]
    pub fn fitting(&self, provider: ProviderKind, model: &str) -> Vec<&str> {
        let fitting = self.list.models(provider).fitting(model);
        fitting.map(|model| model.id.as_str()).collect()
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

/// What a price may have been set for so that it counts for `model`.
fn names<'a>(listed: Option<&'a Model>, model: &'a str) -> impl Iterator<Item = &'a str> {
    std::iter::once(model).chain(listed.map(|listed| listed.id.as_str()))
}

fn listed_search(listed: Option<&Model>, at: Timestamp) -> Option<Nanodollars> {
    listed?.price(at)?.web_searches_per_1k
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

#[derive(Debug)]
struct PriceList {
    source: PriceSource,
    anthropic: Models,
    gemini: Models,
    openai: Models,
}

impl PriceList {
    fn read(json: &str, source: PriceSource) -> Result<Self, InvalidCatalogue> {
        let mut list = Self {
            source,
            anthropic: Models::default(),
            gemini: Models::default(),
            openai: Models::default(),
        };
        for model in file::read(json, source)? {
            list.models_mut(model.provider).push(model);
        }
        Ok(list)
    }

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
