use std::collections::{HashMap, HashSet};

use gateway_domain::{Budget, BudgetPeriod, Nanodollars, Spender, Timestamp};

use crate::{BudgetPercents, BudgetThreshold};

/// What is spent of a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetStanding {
    /// Whose budget it is.
    pub subject: Spender,
    /// What the subject is called.
    pub name: String,
    /// How much the subject may cost.
    pub budget: Budget,
    /// What the present period has cost.
    pub spent: Nanodollars,
}

/// Notices which parts of budgets are spent, and remembers which of them have been told of.
///
/// It forgets all when the process ends; that nothing is told twice is the [occasion](crate::Alert::occasion)'s to see to.
#[derive(Debug)]
pub struct BudgetWatch {
    percents: BudgetPercents,
    /// The last that was told of each budget.
    told: HashMap<Spender, Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    period: BudgetPeriod,
    period_start: Option<Timestamp>,
    amount: Nanodollars,
    percent: u8,
}

impl BudgetWatch {
    /// A watch that has told of nothing yet.
    #[must_use]
    pub fn new(percents: BudgetPercents) -> Self {
        Self {
            percents,
            told: HashMap::new(),
        }
    }

    /// What is to be told, at most one of each budget: the highest of the percents that it has passed.
    ///
    /// `standings` are those of all budgets. What is due stays so until it is [noted](Self::note).
    pub fn due(&mut self, standings: &[BudgetStanding], now: Timestamp) -> Vec<BudgetThreshold> {
        let present: HashSet<Spender> = standings.iter().map(|standing| standing.subject).collect();
        self.told.retain(|subject, _| present.contains(subject));
        let passed = standings
            .iter()
            .filter_map(|standing| self.highest_passed(standing, now));
        passed.filter(|threshold| !self.is_told(threshold)).collect()
    }

    /// Takes note that this was told, or kept to be told.
    pub fn note(&mut self, threshold: &BudgetThreshold) {
        self.told.insert(threshold.subject, Told::of(threshold));
    }

    fn highest_passed(&self, standing: &BudgetStanding, now: Timestamp) -> Option<BudgetThreshold> {
        // A budget of nothing is a way to say no, and needs no alarm.
        let amount = standing
            .budget
            .amount
            .filter(|amount| *amount > Nanodollars::ZERO)?;
        let percent = self.percents.highest_within(standing.spent, amount)?;
        let (period_start, period_end) = standing.budget.period.around(now).unzip();
        Some(BudgetThreshold {
            subject: standing.subject,
            name: standing.name.clone(),
            percent,
            spent: standing.spent,
            amount,
            period: standing.budget.period,
            period_start,
            period_end,
        })
    }

    /// Whether this or more of the same budget was told.
    fn is_told(&self, threshold: &BudgetThreshold) -> bool {
        let this = Told::of(threshold);
        self.told.get(&threshold.subject).is_some_and(|told| {
            (told.period, told.period_start, told.amount) == (this.period, this.period_start, this.amount)
                && told.percent >= this.percent
        })
    }
}

impl Told {
    fn of(threshold: &BudgetThreshold) -> Self {
        Self {
            period: threshold.period,
            period_start: threshold.period_start,
            amount: threshold.amount,
            percent: threshold.percent,
        }
    }
}
