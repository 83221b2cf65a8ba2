use std::collections::HashSet;

use gateway_domain::{AccountId, Nanodollars, ProviderKind};
use gateway_protocol::ceiling;
use memchr::memmem;

use crate::{Call, Shared};

/// Tokens of output where neither the request nor the price list names a limit: no model writes more at once.
const MOST_OUTPUT_TOKENS: u64 = 128_000;
/// Tokens of input where the request refers to more than it holds and the price list does not know the model.
const MOST_INPUT_TOKENS: u64 = 1_000_000;

/// The most that a call can cost, told before it goes out.
pub(crate) struct CallCeiling<'a> {
    shared: &'a Shared,
    call: &'a Call,
    asked: gateway_protocol::Ceiling,
}

impl<'a> CallCeiling<'a> {
    pub(crate) fn of(shared: &'a Shared, call: &'a Call) -> Self {
        Self {
            shared,
            call,
            asked: ceiling(&call.body),
        }
    }

    /// At whichever account serves it; zero if none has a price.
    pub(crate) fn anywhere(&self) -> Nanodollars {
        let serving = self
            .shared
            .catalogue
            .pool()
            .serving(&self.call.key, &self.call.peek.model);
        let prices = self.shared.prices.current();
        let mut seen: HashSet<(ProviderKind, &str)> = HashSet::new();
        let ceilings = serving.iter().filter_map(|(account, provider, model)| {
            // Those without prices of their own pay the same.
            let is_news = prices.has_own_prices(*account) || seen.insert((*provider, model));
            is_news.then(|| self.at(*account, *provider, model))
        });
        ceilings.max().unwrap_or_default()
    }

    /// At this account, whose provider answers with its `model`; zero if that has no price.
    pub(crate) fn at(&self, account: AccountId, provider: ProviderKind, model: &str) -> Nanodollars {
        let prices = self.shared.prices.current();
        let Some(price) = prices.find_at(account, provider, model, self.shared.clock.now()) else {
            return Nanodollars::ZERO;
        };
        let size = prices.size_of(provider, model);
        let window = size.context_window.unwrap_or(MOST_INPUT_TOKENS);
        let most_output = size.max_output_tokens;
        let input = self.asked.input_tokens.unwrap_or(window).min(window);
        let asked_output = self
            .call
            .peek
            .max_tokens
            .or(most_output)
            .unwrap_or(MOST_OUTPUT_TOKENS);
        let output = asked_output.min(most_output.unwrap_or(asked_output));
        price.ceiling(input, output.saturating_mul(self.asked.answers), |word| {
            memmem::find(&self.call.body, format!("\"{word}\"").as_bytes()).is_some()
        })
    }
}
