use std::time::Duration;

use gateway_auth::StoredKey;
use gateway_domain::{Budget, Spender};
use gateway_metering::{Hold, NoHold};
use gateway_proxy::Call;
use tokio::time::timeout;

use crate::allowance_view::current_period;
use crate::app::App;
use crate::error::Problem;

/// How long it may take to find out what was spent, until all that has ended is written.
const LONGEST_OPENING: Duration = Duration::from_secs(5);

/// The budgets that the requests of one key count against.
pub(super) struct Budgets([(Spender, Budget); 2]);

impl Budgets {
    pub(super) const fn of(stored: &StoredKey) -> Self {
        Self([
            (Spender::Key(stored.key.id), stored.key.budget),
            (Spender::User(stored.owner.id), stored.owner.budget),
        ])
    }

    /// Refuses whoever has nothing left, before anything is read of the request.
    pub(super) async fn require_any_left(&self, app: &App) -> Result<(), Problem> {
        loop {
            match app.proxy.has_budget_left(&self.0) {
                Ok(()) => return Ok(()),
                Err(refusal) => self.open_or_refuse(app, refusal).await?,
            }
        }
    }

    /// Holds what `call` may cost at the most.
    pub(super) async fn hold(&self, app: &App, call: &Call) -> Result<Option<Hold>, Problem> {
        loop {
            match app.proxy.hold(call, &self.0).await {
                Ok(hold) => return Ok(hold),
                Err(refusal) => self.open_or_refuse(app, refusal).await?,
            }
        }
    }

    async fn open_or_refuse(&self, app: &App, refusal: NoHold) -> Result<(), Problem> {
        match refusal {
            NoHold::OverBudget(over) => Err(over.into()),
            NoHold::Unknown(unknown) => {
                let known = self.0.iter().find(|(spender, _)| *spender == unknown);
                let (spender, budget) = known.ok_or_else(Problem::not_found)?;
                open(app, *spender, budget).await
            }
        }
    }
}

/// Asks the database, once a period, for what was spent; from then on it is counted in memory.
async fn open(app: &App, spender: Spender, budget: &Budget) -> Result<(), Problem> {
    let opened = timeout(LONGEST_OPENING, look_up(app, spender, budget)).await;
    opened.unwrap_or_else(|_| {
        Err(Problem::unavailable(
            "what was spent is not in the database yet, so that the budget is not known",
        ))
    })
}

async fn look_up(app: &App, spender: Spender, budget: &Budget) -> Result<(), Problem> {
    let _opening = app.opening_budget.lock().await;
    while !is_open(app, spender, budget) {
        app.proxy.spend().prepare(spender);
        // What has ended but is not written yet would be missed.
        app.proxy.ledger().flush().await;
        let now = app.clock.now();
        let (start, _) = current_period(budget.period, now);
        let spent = app.store.spent_since(spender, start).await?;
        if app.proxy.spend().open(spender, budget, now, spent) {
            break;
        }
    }
    Ok(())
}

fn is_open(app: &App, spender: Spender, budget: &Budget) -> bool {
    let known = app.proxy.spend().spending(spender, budget, app.clock.now());
    known.is_some()
}

/// Has the spending of the accounts with budgets known, which the engine looks at where it picks one of them.
///
/// An account of which it is not known is passed over, and the others serve.
pub(super) async fn open_accounts(app: &App) {
    for (account, budget) in app.proxy.catalogue().budgets().iter() {
        let spender = Spender::Account(*account);
        if !is_open(app, spender, budget)
            && let Err(problem) = open(app, spender, budget).await
        {
            tracing::warn!(account_id = %account, %problem, "an account with a budget serves nobody");
            return;
        }
    }
}
