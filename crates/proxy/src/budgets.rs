use std::sync::Arc;

use gateway_balancing::Lease;
use gateway_domain::{Budget, Nanodollars, Spender};
use gateway_metering::{Hold, LimitExceeded, NoHold, OverBudget};
use tokio::time::{Instant, timeout_at};

use crate::admitted::Admitted;
use crate::ceiling::CallCeiling;
use crate::{Call, Shared};

/// Why an account may not take a request, though its provider might.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum OwnLimit {
    #[error(transparent)]
    Rate(#[from] LimitExceeded),
    #[error(transparent)]
    Budget(OverBudget),
    /// The database has not told what was spent.
    #[error("what this account has spent of its budget is not known")]
    Unknown,
}

impl Shared {
    /// Holds the most that `call` can cost in each of these budgets, and nothing where none has an amount.
    ///
    /// Where it would fit but for what open requests may still cost, it waits for them, for
    /// [`budget_wait_seconds`](crate::ProxySettings::budget_wait_seconds).
    ///
    /// # Errors
    ///
    /// [`NoHold`] if one of the budgets does not have it left, or is to be opened first.
    pub async fn hold(&self, call: &Call, budgets: &[(Spender, Budget)]) -> Result<Option<Hold>, NoHold> {
        if is_free(budgets) {
            return Ok(None);
        }
        let amount = CallCeiling::of(self, call).anywhere();
        let until = Instant::now() + self.settings.budget_wait();
        loop {
            // Listened to from before the look, or what is freed in between would be missed.
            let freed = self.budgets_freed.notified();
            match self.spend.hold(budgets, amount, self.clock.now()) {
                Ok(hold) => return Ok(Some(hold)),
                Err(NoHold::OverBudget(over)) if over.may_fit_later() => {
                    if Instant::now() >= until {
                        return Err(NoHold::OverBudget(over));
                    }
                    // Freed or not, it looks once more: a period may have turned.
                    let _ = timeout_at(until, freed).await;
                }
                Err(refusal) => return Err(refusal),
            }
        }
    }

    /// Whether anything is left of each of these budgets.
    ///
    /// # Errors
    ///
    /// [`NoHold`] as in [`Shared::hold`].
    pub fn has_budget_left(&self, budgets: &[(Spender, Budget)]) -> Result<(), NoHold> {
        if is_free(budgets) {
            return Ok(());
        }
        match self.spend.hold(budgets, Nanodollars::ZERO, self.clock.now()) {
            // What is held may be given back before this request wants anything.
            Err(NoHold::OverBudget(over)) if over.may_fit_later() => Ok(()),
            held => held.map(drop),
        }
    }

    /// Takes a try of `call` at the leased account from the account's own limits and budget.
    pub(crate) fn admit_at(&self, call: &Call, lease: &Lease) -> Result<Admitted, OwnLimit> {
        let account = lease.account();
        let spender = Spender::Account(account.id);
        let hold = match account.budget.amount {
            None => None,
            Some(_) => {
                let amount =
                    CallCeiling::of(self, call).at(account.id, account.provider, lease.upstream_model());
                match self
                    .spend
                    .hold(&[(spender, account.budget)], amount, self.clock.now())
                {
                    Ok(hold) => Some(hold),
                    Err(NoHold::OverBudget(over)) => return Err(OwnLimit::Budget(over)),
                    Err(NoHold::Unknown(_)) => return Err(OwnLimit::Unknown),
                }
            }
        };
        let admission = self.limiter.admit(&[(spender, &account.limits)])?;
        Ok(Admitted::new(admission, hold))
    }

    /// Wakes the requests that wait for what others hold.
    pub(crate) fn budget_is_freed(&self) {
        self.budgets_freed.notify_waiters();
    }

    /// The limits of keys, users and accounts.
    #[must_use]
    pub fn limiter(&self) -> &Arc<gateway_metering::Limiter> {
        &self.limiter
    }
}

fn is_free(budgets: &[(Spender, Budget)]) -> bool {
    budgets.iter().all(|(_, budget)| budget.amount.is_none())
}
