use gateway_domain::{AccountId, BudgetPeriod, Nanodollars, ProviderKind, Spender, Timestamp};

use crate::payload;

/// Something that an operator wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    /// A part of a budget is spent.
    BudgetThreshold(BudgetThreshold),
    /// An account takes no requests any more.
    AccountOut(AccountState),
    /// An account that was out takes requests again.
    AccountBack(AccountState),
    /// Somebody wants to see whether alerts arrive.
    Test,
}

/// What kind of alert it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertKind {
    /// A part of a budget is spent.
    BudgetThreshold,
    /// An account takes no requests any more.
    AccountOut,
    /// An account that was out takes requests again.
    AccountBack,
    /// Somebody wants to see whether alerts arrive.
    Test,
}

impl AlertKind {
    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BudgetThreshold => "budget_threshold",
            Self::AccountOut => "account_out",
            Self::AccountBack => "account_back",
            Self::Test => "test",
        }
    }
}

/// A part of a budget that is spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetThreshold {
    /// Whose budget it is.
    pub subject: Spender,
    /// What the subject is called.
    pub name: String,
    /// The part that was passed, in percent of the amount.
    pub percent: u8,
    /// What the period has cost so far.
    pub spent: Nanodollars,
    /// What it may cost.
    pub amount: Nanodollars,
    /// How often the spending starts again from zero.
    pub period: BudgetPeriod,
    /// When the period began; `None` for one that never ends.
    pub period_start: Option<Timestamp>,
    /// When the period ends; `None` for one that never does.
    pub period_end: Option<Timestamp>,
}

/// How an account is doing when it goes out or comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    /// Which account.
    pub account_id: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// Who runs it.
    pub provider: ProviderKind,
    /// Its health in one word.
    pub status: String,
    /// Why it is not healthy.
    pub reason: Option<String>,
    /// When it is tried again, as far as that is known.
    pub until: Option<Timestamp>,
}

impl Alert {
    /// What kind of alert it is.
    #[must_use]
    pub const fn kind(&self) -> AlertKind {
        match self {
            Self::BudgetThreshold(_) => AlertKind::BudgetThreshold,
            Self::AccountOut(_) => AlertKind::AccountOut,
            Self::AccountBack(_) => AlertKind::AccountBack,
            Self::Test => AlertKind::Test,
        }
    }

    /// Whom or what it is about; `None` for a test.
    #[must_use]
    pub const fn subject(&self) -> Option<Spender> {
        match self {
            Self::BudgetThreshold(threshold) => Some(threshold.subject),
            Self::AccountOut(state) | Self::AccountBack(state) => Some(Spender::Account(state.account_id)),
            Self::Test => None,
        }
    }

    /// What is alerted of only once for as long as it lasts; `None` where each alert stands for itself.
    #[must_use]
    pub fn occasion(&self) -> Option<String> {
        match self {
            Self::BudgetThreshold(threshold) => Some(threshold.occasion()),
            Self::AccountOut(state) => Some(outage(state.account_id)),
            Self::AccountBack(_) | Self::Test => None,
        }
    }

    /// The occasion that is over with this alert; where it is over already, the alert is not raised.
    #[must_use]
    pub fn ends(&self) -> Option<String> {
        match self {
            Self::AccountBack(state) => Some(outage(state.account_id)),
            Self::BudgetThreshold(_) | Self::AccountOut(_) | Self::Test => None,
        }
    }

    /// The JSON that is sent, on one line; `at` is when the alert was raised.
    #[must_use]
    pub fn payload(&self, at: Timestamp) -> String {
        payload::write(self, at)
    }
}

impl BudgetThreshold {
    /// The period and the amount belong to it: a budget that was raised runs out anew.
    fn occasion(&self) -> String {
        let (kind, id) = (self.subject.kind(), self.subject.id());
        let (period, start) = (
            self.period.as_str(),
            self.period_start.map_or(0, Timestamp::as_seconds),
        );
        let (amount, percent) = (self.amount.as_nanos(), self.percent);
        format!("budget/{kind}/{id}/{period}/{start}/{amount}/{percent}")
    }
}

/// The occasion of an account's being out.
#[must_use]
pub fn outage(account_id: AccountId) -> String {
    format!("outage/{account_id}")
}
