use gateway_domain::{Budget, BudgetPeriod, Limits, Nanodollars, Spender, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Problem;

/// How fast a key, a user or an account may be used; `null` is without limit.
#[derive(Serialize, ToSchema)]
#[schema(as = Limits)]
pub(crate) struct LimitsView {
    requests_per_minute: Option<u32>,
    /// Tokens of every kind, input and output together.
    tokens_per_minute: Option<u64>,
    /// Input without what a prompt cache holds already.
    input_tokens_per_minute: Option<u64>,
    output_tokens_per_minute: Option<u64>,
    /// Requests open at once.
    concurrent_requests: Option<u32>,
    /// How many more may be open for a while.
    burst_requests: Option<u32>,
}

/// How much a key, a user or an account may cost.
#[derive(Serialize, ToSchema)]
#[schema(as = Budget)]
pub(crate) struct BudgetView {
    /// `null` is without limit.
    #[schema(value_type = Option<f64>)]
    amount_usd: Option<Nanodollars>,
    #[schema(value_type = String, pattern = "^(day|week|month|total)$")]
    period: BudgetPeriod,
    /// What the current period has cost.
    #[schema(value_type = f64)]
    spent_usd: Nanodollars,
    /// When the period ends, at midnight UTC.
    #[schema(value_type = Option<String>, format = DateTime)]
    resets_at: Option<Timestamp>,
}

impl From<Limits> for LimitsView {
    fn from(limits: Limits) -> Self {
        Self {
            requests_per_minute: limits.requests_per_minute,
            tokens_per_minute: limits.tokens_per_minute,
            input_tokens_per_minute: limits.input_tokens_per_minute,
            output_tokens_per_minute: limits.output_tokens_per_minute,
            concurrent_requests: limits.concurrent_requests,
            burst_requests: limits.burst_requests,
        }
    }
}

impl BudgetView {
    /// A budget, with what its current period has cost.
    pub(crate) async fn of(app: &App, spender: Spender, budget: Budget) -> Result<Self, Problem> {
        let (start, resets_at) = current_period(budget.period, app.clock.now());
        let spent = app.store.spent_since(spender, start).await?;
        Ok(Self::new(budget, spent, resets_at))
    }

    /// The same for many, in their order, with one question to the database.
    pub(crate) async fn all_of(app: &App, budgets: Vec<(Spender, Budget)>) -> Result<Vec<Self>, Problem> {
        let now = app.clock.now();
        let since = |(spender, budget): &(Spender, Budget)| (*spender, current_period(budget.period, now).0);
        let spent = app.store.spending(budgets.iter().map(since).collect()).await?;
        let shown = budgets.into_iter().zip(spent).map(|((_, budget), spent)| {
            let (_, resets_at) = current_period(budget.period, now);
            Self::new(budget, spent, resets_at)
        });
        Ok(shown.collect())
    }

    fn new(budget: Budget, spent_usd: Nanodollars, resets_at: Option<Timestamp>) -> Self {
        Self {
            amount_usd: budget.amount,
            period: budget.period,
            spent_usd,
            resets_at,
        }
    }
}

/// When the period that holds `now` began, and when it ends.
pub(crate) fn current_period(period: BudgetPeriod, now: Timestamp) -> (Timestamp, Option<Timestamp>) {
    match period.around(now) {
        Some((start, end)) => (start, Some(end)),
        None => (Timestamp::from_seconds(0), None),
    }
}
