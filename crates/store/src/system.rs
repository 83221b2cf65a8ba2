use deadpool::Status;

use crate::store::{Pools, query};
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

/// One pool of database connections at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// What it is for: `writer`, `readers`, `main` or `reports`.
    pub name: &'static str,
    /// Connections that may be open.
    pub max_size: usize,
    /// Connections that are open.
    pub open: usize,
    /// Open connections that nobody uses.
    pub idle: usize,
    /// Callers that wait for a connection.
    pub waiting: usize,
}

impl Store {
    /// How busy the pools of connections are.
    #[must_use]
    pub fn pools(&self) -> Vec<PoolStatus> {
        let pools = match &self.shared.pools {
            Pools::Sqlite(pools) => pools.status(),
            Pools::Postgres(pools) => pools.status(),
        };
        let named = |(name, status): (_, Status)| PoolStatus {
            name,
            max_size: status.max_size,
            open: status.size,
            idle: status.available,
            waiting: status.waiting,
        };
        pools.into_iter().map(named).collect()
    }

    /// How many users, API keys and accounts there are.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        query!(self, read, system::counts())
    }
}
