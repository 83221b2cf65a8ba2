use crate::store::query;
use crate::{Store, StoreError};

/// How many of each thing there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Users, active or not.
    pub users: i64,
    /// API keys, active or not.
    pub keys: i64,
    /// Upstream accounts, active or not.
    pub accounts: i64,
}

impl Store {
    /// How many users, API keys and accounts there are.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        query!(self, read, system::counts())
    }
}
