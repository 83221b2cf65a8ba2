use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Nanodollars, Timestamp};

/// How much a key, a user or an account may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The most it may cost in one period; `None` is without limit.
    pub amount: Option<Nanodollars>,
    /// How often the spending starts again from zero.
    pub period: BudgetPeriod,
}

impl Budget {
    /// A budget that is never spent.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            amount: None,
            period: BudgetPeriod::Total,
        }
    }
}

/// How often a budget starts again, always at midnight UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub enum BudgetPeriod {
    /// Every day.
    Day,
    /// Every Monday.
    Week,
    /// Every first of the month.
    Month,
    /// Never.
    Total,
}

impl BudgetPeriod {
    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Total => "total",
        }
    }

    /// When the period that holds `now` began, and when it ends; `None` for a period that never ends.
    #[must_use]
    pub fn around(self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        use chrono::{Datelike, Days, Months, NaiveDate};

        let today = now.to_chrono().date_naive();
        let (first, next): (NaiveDate, Option<NaiveDate>) = match self {
            Self::Day => (today, today.checked_add_days(Days::new(1))),
            Self::Week => {
                let monday = today - Days::new(u64::from(today.weekday().num_days_from_monday()));
                (monday, monday.checked_add_days(Days::new(7)))
            }
            Self::Month => {
                let first = today.with_day(1)?;
                (first, first.checked_add_months(Months::new(1)))
            }
            Self::Total => return None,
        };
        let midnight = |day: NaiveDate| Some(Timestamp::from(day.and_hms_opt(0, 0, 0)?.and_utc()));
        Some((midnight(first)?, midnight(next?)?))
    }
}

impl fmt::Display for BudgetPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no budget period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a budget period: expected day, week, month or total")]
pub struct UnknownBudgetPeriod;

impl FromStr for BudgetPeriod {
    type Err = UnknownBudgetPeriod;

    fn from_str(word: &str) -> Result<Self, UnknownBudgetPeriod> {
        [Self::Day, Self::Week, Self::Month, Self::Total]
            .into_iter()
            .find(|period| period.as_str() == word)
            .ok_or(UnknownBudgetPeriod)
    }
}

/// Read as a word and nothing else: derived code would also take `{"word": null}`.
impl TryFrom<String> for BudgetPeriod {
    type Error = UnknownBudgetPeriod;

    fn try_from(word: String) -> Result<Self, UnknownBudgetPeriod> {
        word.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::BudgetPeriod;
    use crate::Timestamp;

    #[test]
    fn periods_turn_at_midnight_monday_and_the_first() {
        let now: Timestamp = "2026-12-31T23:59:59.5Z".parse().unwrap();
        let around = |period: BudgetPeriod| {
            period
                .around(now)
                .map(|(start, end)| (start.to_string(), end.to_string()))
        };
        let pair = |start: &str, end: &str| Some((start.to_owned(), end.to_owned()));
        assert_eq!(
            around(BudgetPeriod::Day),
            pair("2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z")
        );
        assert_eq!(
            around(BudgetPeriod::Week),
            pair("2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z")
        );
        assert_eq!(
            around(BudgetPeriod::Month),
            pair("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")
        );
        assert_eq!(around(BudgetPeriod::Total), None);
    }
}
