use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{AccountId, ApiKeyId, ModelPattern, Nanodollars, Timestamp, UserId};

/// A key that the gateway hands out to its own clients.
///
/// The secret is not here: only its keyed hash is kept, and that beside the key.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiKey {
    /// Never changes, not even when the secret is rotated.
    pub id: ApiKeyId,
    /// Whose key it is.
    pub user_id: UserId,
    /// The part of `sk-gw-<public id>-<secret>` that may be shown.
    pub public_id: String,
    /// What its owner calls it, 1 to 100 characters.
    pub name: String,
    /// Whether it works at all.
    pub is_active: bool,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything but `last_used_at` last changed.
    pub updated_at: Timestamp,
    /// When it last served a request, to about a second.
    pub last_used_at: Option<Timestamp>,
    /// The models it may ask for; empty means all.
    pub allowed_models: Vec<ModelPattern>,
    /// The addresses it may be used from; empty means all.
    pub allowed_ips: Vec<IpNet>,
    /// The accounts that may serve it; empty means all.
    pub allowed_accounts: Vec<AccountId>,
    /// The owner's own labels.
    pub tags: BTreeMap<String, String>,
    /// How fast it may be used.
    pub limits: Limits,
    /// How much it may cost.
    pub budget: Budget,
}

impl ApiKey {
    /// A new key of this user's that may do everything, without a name.
    #[must_use]
    pub fn unrestricted(user_id: UserId, now: Timestamp) -> Self {
        Self {
            id: ApiKeyId::random(),
            user_id,
            public_id: String::new(),
            name: String::new(),
            is_active: true,
            expires_at: None,
            created_at: now,
            updated_at: now,
            last_used_at: None,
            allowed_models: Vec::new(),
            allowed_ips: Vec::new(),
            allowed_accounts: Vec::new(),
            tags: BTreeMap::new(),
            limits: Limits::default(),
            budget: Budget {
                amount: None,
                period: BudgetPeriod::Total,
            },
        }
    }

    /// Whether it works at `now`.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.is_active && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it may ask for `model`.
    #[must_use]
    pub fn allows_model(&self, model: &str) -> bool {
        self.allowed_models.is_empty() || self.allowed_models.iter().any(|pattern| pattern.matches(model))
    }

    /// Whether it may be used from `address`.
    #[must_use]
    pub fn allows_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed_ips.is_empty() || self.allowed_ips.iter().any(|block| block.contains(&address))
    }

    /// Whether `account` may serve it.
    #[must_use]
    pub fn allows_account(&self, account: AccountId) -> bool {
        self.allowed_accounts.is_empty() || self.allowed_accounts.contains(&account)
    }
}

/// How fast a key may be used; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Requests started in a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens, input and output together, in a minute.
    pub tokens_per_minute: Option<u64>,
    /// Requests open at once.
    pub concurrent_requests: Option<u32>,
}

/// How much a key may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The most it may cost in one period; `None` is without limit.
    pub amount: Option<Nanodollars>,
    /// How often the spending starts again from zero.
    pub period: BudgetPeriod,
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
