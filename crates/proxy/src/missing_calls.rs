use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gateway_domain::{AccountId, Dialect, Timestamp, UpstreamAccount};
use gateway_providers::Operation;

/// The calls that servers turned out not to have, so that they are not asked for them again.
///
/// An account that is edited may be at another server: of it nothing is known any more.
#[derive(Default)]
pub(crate) struct MissingCalls {
    by_account: Mutex<HashMap<AccountId, Missing>>,
}

#[derive(Default)]
struct Missing {
    account_updated_at: Timestamp,
    calls: Vec<(Operation, Dialect)>,
}

impl MissingCalls {
    pub(crate) fn note(&self, account: &UpstreamAccount, operation: Operation, dialect: Dialect) {
        let mut by_account = self.by_account();
        let missing = by_account.entry(account.id).or_default();
        if missing.account_updated_at != account.updated_at {
            *missing = Missing {
                account_updated_at: account.updated_at,
                calls: Vec::new(),
            };
        }
        if !missing.calls.contains(&(operation, dialect)) {
            missing.calls.push((operation, dialect));
        }
    }

    pub(crate) fn has(&self, account: &UpstreamAccount, operation: Operation, dialect: Dialect) -> bool {
        self.by_account().get(&account.id).is_some_and(|missing| {
            missing.account_updated_at == account.updated_at && missing.calls.contains(&(operation, dialect))
        })
    }

    fn by_account(&self) -> MutexGuard<'_, HashMap<AccountId, Missing>> {
        self.by_account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
