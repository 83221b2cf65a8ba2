use gateway_auth::Scope;
use gateway_domain::{ApiKey, Nanodollars, Spender, Timestamp, User};

use crate::keys::KeyRow;
use crate::store::query;
use crate::users::UserRow;
use crate::{Store, StoreError};

/// A spender and the two times that the spending is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpendSpan {
    /// Whose requests; of an account, the attempts there.
    pub spender: Spender,
    /// When its budget's period began.
    pub period_from: Timestamp,
    /// From when on its spending counts as recent.
    pub recent_from: Timestamp,
}

/// What a spender's requests cost, as far as prices were known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spending {
    /// Those that began in the period.
    pub period: Nanodollars,
    /// Those that began of late.
    pub recent: Nanodollars,
}

/// Spenders in one statement, at the most.
const SPENDERS_AT_ONCE: usize = 200;

impl Store {
    /// What the spender's requests that began at `from` or later cost, as far as prices were known; of an account, what
    /// the attempts there did.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn spent_since(&self, spender: Spender, from: Timestamp) -> Result<Nanodollars, StoreError> {
        let span = SpendSpan {
            spender,
            period_from: from,
            recent_from: from,
        };
        let spending = self.spending(vec![span]).await?;
        Ok(spending.into_iter().map(|spending| spending.period).sum())
    }

    /// What many spenders have spent in their periods and of late, in the order of `spans`; a page of one kind takes one
    /// statement.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn spending(&self, spans: Vec<SpendSpan>) -> Result<Vec<Spending>, StoreError> {
        let (mut all, now) = (Vec::with_capacity(spans.len()), self.now());
        for spans in spans.chunks(SPENDERS_AT_ONCE) {
            let spans = spans.to_vec();
            all.append(&mut query!(self, report, spending::spending(spans, now))?);
        }
        Ok(all)
    }

    /// The active users that have a budget, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn budgeted_users(&self) -> Result<Vec<User>, StoreError> {
        let rows = query!(self, read, spending::budgeted_users())?;
        rows.into_iter().map(UserRow::into_user).collect()
    }

    /// The API keys in `scope` that have a budget and can be used, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn budgeted_keys(&self, scope: Scope) -> Result<Vec<ApiKey>, StoreError> {
        let rows = query!(self, read, spending::budgeted_keys(scope))?;
        rows.into_iter().map(KeyRow::into_key).collect()
    }
}
