use gateway_domain::{AccountId, Nanodollars, ProviderKind, Timestamp, TokenCounts, Usage, UsagePart};

use crate::PriceCatalogue;
use crate::price::Zeptodollars;

/// What an attempt costs, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The sum, rounded once to the nano-dollar.
    pub cost: Nanodollars,
    /// The [versions](crate::Price::version) of the prices that it is reckoned by, joined by `+`.
    pub price_version: String,
}

/// A model has no price, which is not the same as free.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no price is known for the model {model}")]
pub struct UnpricedModel {
    /// The provider's name for it.
    pub model: String,
}

impl PriceCatalogue {
    /// What `usage` costs at an account of `provider` that was asked for `model` at a moment.
    ///
    /// Calls of their own are charged each at the price of its model and the tier of its prompt.
    ///
    /// # Errors
    ///
    /// [`UnpricedModel`] if the price of one of the models is not known.
    pub fn charge(
        &self,
        account_id: AccountId,
        provider: ProviderKind,
        model: &str,
        at: Timestamp,
        usage: &Usage,
    ) -> Result<Charge, UnpricedModel> {
        let mut sum = Sum::default();
        let mut add = |model: &str, usage: &Usage| {
            let price = self.find_at(account_id, provider, model, at);
            let price = price.ok_or_else(|| UnpricedModel {
                model: model.to_owned(),
            })?;
            sum.add(price.exact_cost(usage), price.version().into_owned());
            Ok(())
        };
        if usage.parts.is_empty() {
            add(model, usage)?;
        } else {
            let rest = without_parts(usage);
            if rest.tokens != TokenCounts::default() || rest.web_searches > 0 {
                add(model, &rest)?;
            }
            for part in &usage.parts {
                add(part.model.as_deref().unwrap_or(model), &alone(part, usage))?;
            }
        }
        Ok(Charge {
            cost: sum.cost.rounded(),
            price_version: sum.versions.join("+"),
        })
    }
}

#[derive(Default)]
struct Sum {
    cost: Zeptodollars,
    versions: Vec<String>,
}

impl Sum {
    fn add(&mut self, cost: Zeptodollars, version: String) {
        self.cost = self.cost + cost;
        if !self.versions.contains(&version) {
            self.versions.push(version);
        }
    }
}

fn without_parts(usage: &Usage) -> Usage {
    let tokens = usage
        .parts
        .iter()
        .fold(usage.tokens, |rest, part| rest - part.tokens);
    Usage {
        tokens,
        parts: Vec::new(),
        ..usage.clone()
    }
}

/// A call of its own, served in the way that the answer names.
fn alone(part: &UsagePart, usage: &Usage) -> Usage {
    Usage {
        tokens: part.tokens,
        web_searches: 0,
        service_tier: usage.service_tier.clone(),
        speed: usage.speed.clone(),
        inference_geo: usage.inference_geo.clone(),
        parts: Vec::new(),
    }
}
