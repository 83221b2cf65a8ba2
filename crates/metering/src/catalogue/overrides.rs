use std::cmp::Reverse;
use std::collections::HashMap;

use gateway_domain::{AccountId, Nanodollars, PriceFactor, PriceId, Timestamp};

use super::listed::ListedTier;
use crate::price::{Meters, Price, Rates, Sheet, Tier};

/// A dated price that was set here, and comes before the price list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorPrice {
    /// Names this price in the rows that are reckoned by it.
    pub id: PriceId,
    /// The account that it counts for; `None` counts for every account.
    pub account_id: Option<AccountId>,
    /// A model's name, the id of a listed model, or for an account [every model](Self::EVERY_MODEL).
    pub model: String,
    /// What is charged.
    pub terms: Terms,
    /// When it begins.
    pub effective_from: Timestamp,
    /// When it was taken back, if it was; another price for the same model ends it anyway.
    pub ended_at: Option<Timestamp>,
}

impl OperatorPrice {
    /// The name that stands for all models of an account that have no price of their own there.
    pub const EVERY_MODEL: &'static str = "*";

    /// Stands in the rows that are reckoned by this price: `operator/0199…`, or `account/0199…` for one account's.
    #[must_use]
    pub fn version(&self) -> String {
        match self.account_id {
            None => format!("operator/{}", self.id),
            Some(_) => format!("account/{}", self.id),
        }
    }
}

/// What an [`OperatorPrice`] says is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Terms {
    /// Rates of its own, whatever the price list says.
    Rates(RateSheet),
    /// A share of what would be charged without it, searches of the web included. For one account only; what counts
    /// for every account is left as it is.
    Factor(PriceFactor),
}

/// Rates by the length of the prompt; a negative one counts as zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateSheet {
    /// The rates of a request with a short prompt.
    pub rates: Rates,
    /// The rates of longer prompts, in any order. A cache rate that one leaves out is that of the next lower one.
    pub tiers: Vec<ListedTier>,
    /// What a thousand searches of the web cost; `None` keeps the listed price.
    pub web_searches_per_1k: Option<Nanodollars>,
}

impl From<Rates> for RateSheet {
    fn from(rates: Rates) -> Self {
        Self {
            rates,
            tiers: Vec::new(),
            web_searches_per_1k: None,
        }
    }
}

/// Every price that was set.
#[derive(Debug, Default)]
pub(super) struct Overrides(HashMap<Option<AccountId>, ByModel>);

/// Dated prices by model, the newest first.
type ByModel = HashMap<String, Vec<Override>>;

/// A price that was set, as it is reckoned by.
#[derive(Debug)]
pub(super) struct Override {
    pub(super) price: OperatorPrice,
    pub(super) version: String,
    /// Empty where the terms are a factor.
    pub(super) sheet: Sheet,
}

impl Overrides {
    pub(super) fn have(&self, account_id: AccountId) -> bool {
        self.0.contains_key(&Some(account_id))
    }

    pub(super) fn new(prices: Vec<OperatorPrice>) -> Self {
        let mut by_account: HashMap<Option<AccountId>, ByModel> = HashMap::new();
        for price in prices {
            let by_model = by_account.entry(price.account_id).or_default();
            by_model
                .entry(price.model.clone())
                .or_default()
                .push(Override::new(price));
        }
        for versions in by_account.values_mut().flat_map(HashMap::values_mut) {
            // Of two that begin at once the one that was made later counts.
            versions.sort_by_key(|set| Reverse((set.price.effective_from, set.price.id)));
        }
        Self(by_account)
    }

    /// What counts for `account_id`, or with `None` for every account, under the first of `names` that has a price.
    pub(super) fn find<'a>(
        &self,
        account_id: Option<AccountId>,
        names: impl IntoIterator<Item = &'a str>,
        at: Timestamp,
    ) -> Option<&Override> {
        let by_model = self.0.get(&account_id)?;
        names
            .into_iter()
            .find_map(|name| in_force(by_model.get(name)?, at))
    }

    /// What is in force for `account_id`, or with `None` for every account, in no order.
    pub(super) fn of(&self, account_id: Option<AccountId>, at: Timestamp) -> impl Iterator<Item = &Override> {
        let by_model = self.0.get(&account_id).into_iter().flat_map(HashMap::values);
        by_model.filter_map(move |versions| in_force(versions, at))
    }
}

/// The latest that has begun counts, and none if that one has ended.
fn in_force(versions: &[Override], at: Timestamp) -> Option<&Override> {
    let latest = versions.iter().find(|set| set.price.effective_from <= at)?;
    latest
        .price
        .ended_at
        .is_none_or(|ended_at| at < ended_at)
        .then_some(latest)
}

impl Override {
    fn new(price: OperatorPrice) -> Self {
        let sheet = match &price.terms {
            Terms::Rates(sheet) => Sheet::from(sheet),
            Terms::Factor(_) => Sheet::default(),
        };
        Self {
            version: price.version(),
            sheet,
            price,
        }
    }

    /// The price, where `general` is the one without it; `listed_search` is what the list says of web searches.
    pub(super) fn price<'a>(
        &'a self,
        general: impl FnOnce() -> Option<Price<'a>>,
        listed_search: Option<Nanodollars>,
        at: Timestamp,
    ) -> Option<Price<'a>> {
        match &self.price.terms {
            Terms::Rates(sheet) => Some(Price {
                version: &self.version,
                sheet: &self.sheet,
                web_searches_per_1k: sheet.web_searches_per_1k.or(listed_search),
                variants: &[],
                premiums: &[],
                at,
                share: None,
            }),
            Terms::Factor(factor) => general().map(|price| Price {
                share: Some((&self.version, *factor)),
                ..price
            }),
        }
    }
}

impl From<&RateSheet> for Sheet {
    fn from(sheet: &RateSheet) -> Self {
        let tiers = sheet.tiers.iter().map(|tier| Tier {
            above_input_tokens: tier.above_input_tokens,
            meters: Meters::from(tier.rates),
        });
        Self::new(Meters::from(sheet.rates), tiers.collect())
    }
}
