use gateway_domain::{AccountId, Nanodollars, Timestamp, TokenCounts};

use crate::store::query;
use crate::{Store, StoreError};

/// What went through one account in one day to one of the provider's models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyUsage {
    /// When the day begins, in UTC.
    pub day: Timestamp,
    /// The provider's name for the model, by which it bills.
    pub model: String,
    /// Attempts that the provider answered with a success.
    pub requests: u64,
    /// Of these, those for which it did not tell its final numbers: broken streams and estimates.
    pub unreported_requests: u64,
    /// Attempts that used something whose price was not known.
    pub unpriced_requests: u64,
    /// Tokens by rate, of attempts with any outcome.
    pub tokens: TokenCounts,
    /// Searches of the web.
    pub web_searches: u64,
    /// What it cost, as far as prices were known.
    pub cost: Nanodollars,
}

impl Store {
    /// What went through `account` by day and model, of attempts that began at `from` or later and before `to`; in
    /// the order of days and names.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer or needs longer than reports may.
    pub async fn daily_usage(
        &self,
        account: AccountId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<DailyUsage>, StoreError> {
        query!(self, report, reconciliation::daily_usage(account, from, to))
    }
}
