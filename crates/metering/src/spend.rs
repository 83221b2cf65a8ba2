use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway_domain::{Budget, BudgetPeriod, Nanodollars, Spender, Timestamp};

/// What has been spent of budgets in their present periods, and what open requests may still cost, in memory.
///
/// It knows a spender once it has been told what was spent before ([`SpendBook::open`]); from then on it keeps count by
/// itself until the period turns.
#[derive(Debug, Default)]
pub struct SpendBook {
    pages: Mutex<Pages>,
}

/// What counts against a budget now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spending {
    /// What ended requests of the period have cost.
    pub spent: Nanodollars,
    /// What open requests may cost at the most.
    pub held: Nanodollars,
}

impl SpendBook {
    /// What counts against `budget` in the period that holds `now`, or `None` if that is not known here.
    #[must_use]
    pub fn spending(&self, spender: Spender, budget: &Budget, now: Timestamp) -> Option<Spending> {
        let pages = self.pages();
        let page = pages.by_spender.get(&spender)?;
        (page.period_start == period_start(budget, now)).then_some(page.spending)
    }

    /// From now on takes note of costs of `spender` that [`open`](Self::open) would not know of: to be called before it is
    /// looked up what was spent.
    pub fn prepare(&self, spender: Spender) {
        self.pages().missed.insert(spender, false);
    }

    /// Begins to keep count for `spender`, who has spent `amount` so far in the period that holds `now`.
    ///
    /// Nothing happens where that is known already: the count that is kept here is the newer. `false` if something was
    /// added since it was [prepared](Self::prepare), so that `amount` may lack it and is to be looked up again.
    #[must_use]
    pub fn open(&self, spender: Spender, budget: &Budget, now: Timestamp, amount: Nanodollars) -> bool {
        let period = budget.period.around(now);
        let period_start = period.map(|(start, _)| start);
        let mut pages = self.pages();
        if pages.missed.remove(&spender).unwrap_or_default() {
            return false;
        }
        pages.forget_idle(now);
        let known = pages.by_spender.get(&spender);
        if known.is_some_and(|page| page.period_start == period_start) {
            return true;
        }
        // A period that was set meanwhile, not one that has turned: what is open costs this one, too.
        let edited = known.filter(|page| page.period_end.is_none_or(|end| now < end));
        let kept = edited.map(|page| (page.id, page.spending.held));
        let (id, held) = kept.unwrap_or_else(|| {
            pages.last_id += 1;
            (pages.last_id, Nanodollars::ZERO)
        });
        let page = Page {
            id,
            period_start,
            period_end: period.map(|(_, end)| end),
            spending: Spending { spent: amount, held },
            used_at: now,
        };
        pages.by_spender.insert(spender, page);
        true
    }

    /// Reserves `amount` of every budget, until the hold is dropped; budgets without an amount are passed over.
    ///
    /// # Errors
    ///
    /// [`NoHold`] if one of the budgets does not have it left, or is not known here. Then nothing is held.
    pub fn hold(
        self: &Arc<Self>,
        budgets: &[(Spender, Budget)],
        amount: Nanodollars,
        now: Timestamp,
    ) -> Result<Hold, NoHold> {
        let mut pages = self.pages();
        let limited = budgets.iter().filter(|(_, budget)| budget.amount.is_some());
        for (spender, budget) in limited.clone() {
            let known = pages.by_spender.get(spender);
            let page = known.filter(|page| page.period_start == period_start(budget, now));
            let Spending { spent, held } = page.ok_or(NoHold::Unknown(*spender))?.spending;
            let allowed = budget.amount.unwrap_or_default();
            if spent >= allowed || spent + held + amount > allowed {
                return Err(NoHold::OverBudget(OverBudget {
                    spender: *spender,
                    budget: *budget,
                    spending: Spending { spent, held },
                    needed: amount,
                }));
            }
        }
        let mut hold = Hold {
            book: Arc::clone(self),
            amount,
            pages: Vec::new(),
        };
        for (spender, _) in limited {
            if let Some(page) = pages.by_spender.get_mut(spender) {
                page.spending.held += amount;
                page.used_at = now;
                hold.pages.push((*spender, page.id));
            }
        }
        Ok(hold)
    }

    /// Adds the cost of a request that has ended: it belongs to the period in which it began.
    pub fn add(&self, spender: Spender, began_at: Timestamp, cost: Nanodollars) {
        let mut pages = self.pages();
        if let Some(page) = pages.by_spender.get_mut(&spender)
            && page.period_start.is_none_or(|start| start <= began_at)
        {
            page.spending.spent += cost;
        }
        if let Some(missed) = pages.missed.get_mut(&spender) {
            *missed = true;
        }
    }

    fn release(&self, spender: Spender, page_id: u64, amount: Nanodollars) {
        if let Some(page) = self.pages().by_spender.get_mut(&spender)
            && page.id == page_id
        {
            page.spending.held = page.spending.held - amount;
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Money that is reserved in one or more budgets, free again when this is dropped.
#[must_use = "money is reserved only while its hold is kept"]
#[derive(Debug)]
pub struct Hold {
    book: Arc<SpendBook>,
    amount: Nanodollars,
    /// Whose budgets, and on which pages.
    pages: Vec<(Spender, u64)>,
}

impl Hold {
    /// What is reserved in each of the budgets.
    #[must_use]
    pub const fn amount(&self) -> Nanodollars {
        self.amount
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        for (spender, page_id) in self.pages.drain(..) {
            self.book.release(spender, page_id, self.amount);
        }
    }
}

/// Why money is not reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoHold {
    /// What the spender has spent is to be [told](SpendBook::open) first.
    #[error("what {0:?} has spent in this period is not known")]
    Unknown(Spender),
    /// A budget does not have it left.
    #[error(transparent)]
    OverBudget(OverBudget),
}

/// A budget that does not have left what a request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverBudget {
    /// Whose it is.
    pub spender: Spender,
    /// The budget.
    pub budget: Budget,
    /// What counts against it.
    pub spending: Spending,
    /// What the request may cost at the most.
    pub needed: Nanodollars,
}

impl OverBudget {
    /// Whether the request would fit if the open ones cost nothing, so that it may be worth waiting for them.
    #[must_use]
    pub fn may_fit_later(&self) -> bool {
        let allowed = self.budget.amount.unwrap_or_default();
        self.spending.spent < allowed && self.spending.spent + self.needed <= allowed
    }
}

impl std::error::Error for OverBudget {}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = self.spender;
        let allowed = self.budget.amount.unwrap_or_default();
        let Spending { spent, held } = self.spending;
        if spent >= allowed {
            write!(f, "{whose} has spent its budget of ${allowed}")?;
        } else {
            let left = allowed - spent;
            write!(f, "{whose} has ${left} left of its budget of ${allowed}")?;
        }
        match self.budget.period {
            BudgetPeriod::Total => {}
            period => write!(f, " for this {period}")?,
        }
        if spent < allowed {
            write!(f, ", and this request may cost ${}", self.needed)?;
            if held > Nanodollars::ZERO {
                write!(f, " beside the ${held} that open requests may cost")?;
            }
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Pages {
    by_spender: HashMap<Spender, Page>,
    /// Those that are being looked up, and whether something was added meanwhile.
    missed: HashMap<Spender, bool>,
    last_id: u64,
    /// How many there may be before idle ones are looked for.
    patience: usize,
}

/// One spender's present period.
#[derive(Debug)]
struct Page {
    /// What holds know it by.
    id: u64,
    /// `None` for a period that never ends.
    period_start: Option<Timestamp>,
    period_end: Option<Timestamp>,
    spending: Spending,
    used_at: Timestamp,
}

const LEAST_PATIENCE: usize = 1024;
/// How long a page without holds is kept at least.
const IDLE: Duration = Duration::from_secs(3600);

impl Pages {
    /// What is forgotten can be told again. Doubling the patience keeps the cost of looking constant per spender.
    fn forget_idle(&mut self, now: Timestamp) {
        if self.by_spender.len() >= self.patience.max(LEAST_PATIENCE) {
            self.by_spender
                .retain(|_, page| page.spending.held > Nanodollars::ZERO || now.since(page.used_at) < IDLE);
            self.patience = self.by_spender.len() * 2;
        }
    }
}

fn period_start(budget: &Budget, now: Timestamp) -> Option<Timestamp> {
    budget.period.around(now).map(|(start, _)| start)
}
