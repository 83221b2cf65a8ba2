use gateway_domain::{ApiKey, BudgetPeriod, Nanodollars};

use crate::app::App;
use crate::error::{Code, Problem};
use crate::keys::current_period;

/// Lets a key through that has something left of its budget.
///
/// The database is asked once a period; from then on the spending is counted in memory.
pub(super) async fn check(app: &App, key: &ApiKey) -> Result<(), Problem> {
    let Some(amount) = key.budget.amount else {
        return Ok(());
    };
    let now = app.clock.now();
    let spent = match app.proxy.spend().spent(key.id, &key.budget, now) {
        Some(spent) => spent,
        None => {
            let (start, _) = current_period(key.budget.period, now);
            let spent = app.store.spent_since(key.id, start).await?;
            app.proxy.spend().open(key.id, &key.budget, now, spent);
            spent
        }
    };
    if spent < amount {
        Ok(())
    } else {
        Err(spent_up(amount, key.budget.period))
    }
}

fn spent_up(amount: Nanodollars, period: BudgetPeriod) -> Problem {
    let span = match period {
        BudgetPeriod::Total => String::new(),
        period => format!(" for this {period}"),
    };
    Problem::new(
        Code::BudgetSpent,
        format!("this API key has spent its budget of ${amount}{span}"),
    )
}
