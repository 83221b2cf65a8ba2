use gateway_domain::{Budget, BudgetPeriod, Limits, Nanodollars};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::patch::{Patch, present};
use crate::rules::Check;

/// The budget of whatever is made without one.
pub(crate) const NO_BUDGET: Budget = Budget {
    amount: None,
    period: BudgetPeriod::Month,
};

/// How fast a key, a user or an account may be used; what is left out stays, `null` is without limit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsUpdate {
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    requests_per_minute: Patch<u32>,
    /// Tokens of every kind, input and output together.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1)]
    tokens_per_minute: Patch<u64>,
    /// Input without what a prompt cache holds already.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1)]
    input_tokens_per_minute: Patch<u64>,
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1)]
    output_tokens_per_minute: Patch<u64>,
    /// Requests open at once; an account has `max_concurrency` for that.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    concurrent_requests: Patch<u32>,
    /// How many more may be open for a while; used up, they come back within a minute.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    burst_requests: Patch<u32>,
}

/// How much a key, a user or an account may cost; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetUpdate {
    /// `null` is without limit.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    amount_usd: Patch<Nanodollars>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, value_type = Option<String>, pattern = "^(day|week|month|total)$")]
    period: Option<BudgetPeriod>,
}

impl LimitsUpdate {
    /// The limits that come of it where there are these until now.
    pub(crate) fn checked(self, check: &mut Check, mut limits: Limits) -> Limits {
        self.requests_per_minute.apply(&mut limits.requests_per_minute);
        self.tokens_per_minute.apply(&mut limits.tokens_per_minute);
        self.input_tokens_per_minute
            .apply(&mut limits.input_tokens_per_minute);
        self.output_tokens_per_minute
            .apply(&mut limits.output_tokens_per_minute);
        self.concurrent_requests.apply(&mut limits.concurrent_requests);
        self.burst_requests.apply(&mut limits.burst_requests);
        let wide = |limit: Option<u32>| limit.map(u64::from);
        let numbers = [
            ("limits.requests_per_minute", wide(limits.requests_per_minute)),
            ("limits.tokens_per_minute", limits.tokens_per_minute),
            ("limits.input_tokens_per_minute", limits.input_tokens_per_minute),
            ("limits.output_tokens_per_minute", limits.output_tokens_per_minute),
            ("limits.concurrent_requests", wide(limits.concurrent_requests)),
            ("limits.burst_requests", wide(limits.burst_requests)),
        ];
        for (field, number) in numbers {
            check.within(field, number.unwrap_or(1), 1, 1_000_000_000);
        }
        check.require(
            limits.burst_requests.is_none() || limits.concurrent_requests.is_some(),
            "limits.burst_requests",
            "goes beyond `concurrent_requests`, which is needed for it",
        );
        limits
    }

    /// The same for an account, whose open requests are limited elsewhere.
    pub(crate) fn checked_for_account(self, check: &mut Check, limits: Limits) -> Limits {
        for (field, wish) in [
            ("limits.concurrent_requests", &self.concurrent_requests),
            ("limits.burst_requests", &self.burst_requests),
        ] {
            let message = "an account has `max_concurrency` in its place";
            check.require(!matches!(wish, Patch::Set(_)), field, message);
        }
        self.checked(check, limits)
    }
}

impl BudgetUpdate {
    /// The budget that comes of it where there is this one until now.
    pub(crate) fn checked(self, check: &mut Check, mut budget: Budget) -> Budget {
        self.amount_usd.apply(&mut budget.amount);
        budget.period = self.period.unwrap_or(budget.period);
        let is_amount = budget.amount.is_none_or(|amount| amount >= Nanodollars::ZERO);
        check.require(is_amount, "budget.amount_usd", "expected no less than zero");
        budget
    }
}
