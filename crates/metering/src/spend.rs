use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gateway_domain::{ApiKeyId, Budget, Nanodollars, Timestamp};

/// What keys have spent in their budgets' present periods, in memory.
///
/// It knows a key once it has been told what the key had spent before ([`SpendBook::open`]); from then on it keeps
/// count by itself until the period turns. It does not foresee what open requests will cost.
#[derive(Debug, Default)]
pub struct SpendBook {
    keys: Mutex<HashMap<ApiKeyId, Spent>>,
}

#[derive(Debug)]
struct Spent {
    /// `None` for a period that never ends.
    period_start: Option<Timestamp>,
    amount: Nanodollars,
}

impl SpendBook {
    /// What `key` has spent in the period that holds `now`, or `None` if that is not known here.
    #[must_use]
    pub fn spent(&self, key: ApiKeyId, budget: &Budget, now: Timestamp) -> Option<Nanodollars> {
        let keys = self.keys();
        let spent = keys.get(&key)?;
        (spent.period_start == period_start(budget, now)).then_some(spent.amount)
    }

    /// Begins to keep count for `key`, which has spent `amount` so far in the period that holds `now`.
    ///
    /// Nothing happens where that is known already: the count that is kept here is the newer.
    pub fn open(&self, key: ApiKeyId, budget: &Budget, now: Timestamp, amount: Nanodollars) {
        let period_start = period_start(budget, now);
        let mut keys = self.keys();
        if keys
            .get(&key)
            .is_none_or(|spent| spent.period_start != period_start)
        {
            keys.insert(key, Spent { period_start, amount });
        }
    }

    /// Adds the cost of a request that has ended.
    pub fn add(&self, key: ApiKeyId, cost: Nanodollars) {
        if let Some(spent) = self.keys().get_mut(&key) {
            spent.amount += cost;
        }
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<ApiKeyId, Spent>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn period_start(budget: &Budget, now: Timestamp) -> Option<Timestamp> {
    budget.period.around(now).map(|(start, _)| start)
}

#[cfg(test)]
mod tests {
    use gateway_domain::{ApiKeyId, Budget, BudgetPeriod, Nanodollars};

    use super::SpendBook;

    #[test]
    fn counts_from_what_was_spent_before_until_the_period_turns() {
        let (book, key) = (SpendBook::default(), ApiKeyId::random());
        let budget = Budget {
            amount: Some(Nanodollars::from_nanos(100)),
            period: BudgetPeriod::Day,
        };
        let evening = "2026-03-01T23:59:59Z".parse().unwrap();
        let morning = "2026-03-02T00:00:00Z".parse().unwrap();
        book.add(key, Nanodollars::from_nanos(1));
        assert_eq!(book.spent(key, &budget, evening), None);

        book.open(key, &budget, evening, Nanodollars::from_nanos(40));
        book.add(key, Nanodollars::from_nanos(2));

        assert_eq!(
            book.spent(key, &budget, evening),
            Some(Nanodollars::from_nanos(42))
        );
        assert_eq!(book.spent(key, &budget, morning), None);
    }
}
