use std::num::NonZeroU64;
use std::time::Duration;

use gateway_domain::Nanodollars;
use secrecy::SecretString;
use serde::Deserialize;

/// What operators are told, and where.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertSettings {
    /// Where alerts are sent; without it they are logged and listed only. Default: none.
    pub webhook_url: Option<String>,
    /// Signs what is sent: `whsec_` and 24 to 64 bytes in base64. Default: none.
    pub webhook_secret: Option<SecretString>,
    /// The parts of budgets that are told of. Default: 50, 80 and 100.
    pub budget_percents: BudgetPercents,
    /// Seconds that an account must be out before it is told. Default: 30.
    pub account_grace_seconds: u64,
    /// Seconds between two looks at budgets and accounts. Default: 10.
    pub check_interval_seconds: NonZeroU64,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            webhook_url: None,
            webhook_secret: None,
            budget_percents: BudgetPercents::default(),
            account_grace_seconds: 30,
            check_interval_seconds: const { NonZeroU64::new(10).unwrap() },
        }
    }
}

impl AlertSettings {
    /// How long an account must be out before it is told.
    #[must_use]
    pub const fn account_grace(&self) -> Duration {
        Duration::from_secs(self.account_grace_seconds)
    }

    /// Time between two looks at budgets and accounts.
    #[must_use]
    pub const fn check_interval(&self) -> Duration {
        Duration::from_secs(self.check_interval_seconds.get())
    }
}

/// A number is no percentage of a budget, or stands there twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected different whole percents of 1 to 100")]
pub struct InvalidPercents;

/// Parts of a budget in percent of it, each from 1 to 100; none of them is a way to be told nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<u8>")]
pub struct BudgetPercents {
    // Invariant: ascending, each from 1 to 100 and there once.
    ascending: Vec<u8>,
}

impl BudgetPercents {
    /// The highest of them that `spent` has reached of `amount`.
    pub(crate) fn highest_within(&self, spent: Nanodollars, amount: Nanodollars) -> Option<u8> {
        let spent = i128::from(spent.as_nanos()) * 100;
        let amount = i128::from(amount.as_nanos());
        let mut descending = self.ascending.iter().rev().copied();
        descending.find(|percent| spent >= amount * i128::from(*percent))
    }
}

impl Default for BudgetPercents {
    fn default() -> Self {
        Self {
            ascending: vec![50, 80, 100],
        }
    }
}

impl TryFrom<Vec<u8>> for BudgetPercents {
    type Error = InvalidPercents;

    fn try_from(mut percents: Vec<u8>) -> Result<Self, InvalidPercents> {
        percents.sort_unstable();
        let is_percent = percents.iter().all(|percent| (1..=100).contains(percent));
        if is_percent && percents.is_sorted_by(|one, next| one < next) {
            Ok(Self { ascending: percents })
        } else {
            Err(InvalidPercents)
        }
    }
}
