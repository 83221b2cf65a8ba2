use gateway_domain::{
    ApiKey, Budget, BudgetPeriod, Limits, Nanodollars, Spender, Timestamp, UpstreamAccount, User,
};
use gateway_metering::{Pace, exhausts_at, recent_span};
use gateway_store::{Bucket, SpendSpan, Spending};
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
    /// When the budget will be used up at the present rate: now if it is already; `null` without an amount, without
    /// spending of late, and if the period ends first.
    #[schema(value_type = Option<String>, format = DateTime)]
    exhausts_at: Option<Timestamp>,
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

/// A budget, and who spends it.
pub(crate) struct Budgeted {
    spender: Spender,
    budget: Budget,
    /// Since when there has been somebody to spend it.
    began: Timestamp,
}

impl From<&ApiKey> for Budgeted {
    fn from(key: &ApiKey) -> Self {
        Self {
            spender: Spender::Key(key.id),
            budget: key.budget,
            began: key.created_at,
        }
    }
}

impl From<&User> for Budgeted {
    fn from(user: &User) -> Self {
        Self {
            spender: Spender::User(user.id),
            budget: user.budget,
            began: user.created_at,
        }
    }
}

impl From<&UpstreamAccount> for Budgeted {
    fn from(account: &UpstreamAccount) -> Self {
        Self {
            spender: Spender::Account(account.id),
            budget: account.budget,
            began: account.created_at,
        }
    }
}

impl Budgeted {
    /// From when on spending counts as recent: a whole hour, of which the sums are at hand.
    fn recent_from(&self, now: Timestamp) -> Timestamp {
        Bucket::Hour.start(now - recent_span(self.began, now))
    }

    /// The times that the spending is shown and foreseen by.
    fn span(&self, now: Timestamp) -> SpendSpan {
        SpendSpan {
            spender: self.spender,
            period_from: current_period(self.budget.period, now).0,
            recent_from: self.recent_from(now),
        }
    }
}

impl BudgetView {
    /// A budget, with what its current period has cost.
    pub(crate) async fn of(app: &App, budgeted: Budgeted) -> Result<Self, Problem> {
        let now = app.clock.now();
        let spending = app.store.spending(vec![budgeted.span(now)]).await?;
        let spending = spending.first().copied().unwrap_or_default();
        Ok(Self::new(&budgeted, spending, now))
    }

    /// The same for many, in their order, with one question to the database.
    pub(crate) async fn all_of(app: &App, budgets: Vec<Budgeted>) -> Result<Vec<Self>, Problem> {
        let now = app.clock.now();
        let spans = budgets.iter().map(|budgeted| budgeted.span(now)).collect();
        let spending = app.store.spending(spans).await?;
        let shown = budgets.iter().zip(spending);
        Ok(shown
            .map(|(budgeted, spending)| Self::new(budgeted, spending, now))
            .collect())
    }

    fn new(budgeted: &Budgeted, spending: Spending, now: Timestamp) -> Self {
        let Budgeted { budget, .. } = budgeted;
        let (_, resets_at) = current_period(budget.period, now);
        let pace = Pace {
            spent: spending.recent,
            within: now.since(budgeted.recent_from(now)),
        };
        let runs_out = |amount| exhausts_at(amount, spending.period, pace, resets_at, now);
        Self {
            amount_usd: budget.amount,
            period: budget.period,
            spent_usd: spending.period,
            resets_at,
            exhausts_at: budget.amount.and_then(runs_out),
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
