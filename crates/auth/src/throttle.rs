use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use gateway_domain::{Clock, UserId};
use moka::sync::Cache;

use crate::AuthError;
use crate::failures::{FailureCount, Failures, Policy, bounded};
use crate::network::network_of;
use crate::settings::AuthSettings;

/// How long an address counts as one that its account signs in from.
const ACQUAINTED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Slows down the guessing of passwords.
///
/// Failures count against the account and against the address. An address that has signed in to the account
/// before counts for itself only, so that a flood from elsewhere does not lock the user out.
pub(crate) struct Throttle {
    clock: Arc<dyn Clock>,
    account_policy: Policy,
    accounts: FailureCount<Account>,
    addresses: FailureCount<IpAddr>,
    acquaintances: Cache<(Account, IpAddr), Acquaintance>,
}

impl Throttle {
    pub(crate) fn new(settings: &AuthSettings, clock: Arc<dyn Clock>) -> Self {
        let longest = Duration::from_secs(settings.throttle_max_seconds);
        let policy = |free| Policy { free, longest };
        Self {
            clock,
            account_policy: policy(settings.failures_per_account),
            accounts: FailureCount::new(policy(settings.failures_per_account)),
            addresses: FailureCount::new(policy(settings.failures_per_address)),
            acquaintances: bounded(),
        }
    }

    /// Refuses at once while a wait lasts.
    pub(crate) fn check(&self, who: &Who) -> Result<(), AuthError> {
        let now = self.clock.monotonic();
        let wait = match self.acquaintance(who, now) {
            Some(acquaintance) => acquaintance.failures.wait(now),
            None => {
                let address = who.address.map(|address| self.addresses.wait(&address, now));
                self.accounts
                    .wait(&who.account, now)
                    .max(address.unwrap_or_default())
            }
        };
        if wait.is_zero() {
            return Ok(());
        }
        Err(AuthError::TooManyAttempts { retry_after: wait })
    }

    /// Begins an attempt that counts as failed unless it says otherwise.
    pub(crate) fn begin(&self, who: Who) -> Result<Attempt<'_>, AuthError> {
        self.check(&who)?;
        Ok(Attempt {
            throttle: self,
            who: Some(who),
        })
    }

    fn record_failure(&self, who: &Who) {
        let now = self.clock.monotonic();
        if let (Some(address), Some(_)) = (who.address, self.acquaintance(who, now)) {
            self.acquaintances
                .entry((who.account, address))
                .and_upsert_with(|entry| {
                    // Forgotten since the line above: then it counts from here on.
                    let acquaintance = entry.map_or(Acquaintance::since(now), moka::Entry::into_value);
                    Acquaintance {
                        failures: acquaintance.failures.and_one(&self.account_policy, now),
                        ..acquaintance
                    }
                });
            return;
        }
        self.accounts.add(who.account, now);
        if let Some(address) = who.address {
            self.addresses.add(address, now);
        }
    }

    /// The address's own failures stay: else somebody with an account could wipe them out between guesses.
    fn record_success(&self, who: &Who) {
        self.accounts.forget(&who.account);
        if let Some(address) = who.address {
            self.acquaintances.insert(
                (who.account, address),
                Acquaintance::since(self.clock.monotonic()),
            );
        }
    }

    fn acquaintance(&self, who: &Who, now: Duration) -> Option<Acquaintance> {
        let acquaintance = self.acquaintances.get(&(who.account, who.address?))?;
        (now.saturating_sub(acquaintance.since) <= ACQUAINTED_FOR).then_some(acquaintance)
    }
}

/// An attempt at a password that is under way.
///
/// Dropped without a word it counts as a failure, so that hanging up early does not help.
#[must_use]
pub(crate) struct Attempt<'a> {
    throttle: &'a Throttle,
    who: Option<Who>,
}

impl Attempt<'_> {
    pub(crate) fn succeeded(mut self) {
        if let Some(who) = self.who.take() {
            self.throttle.record_success(&who);
        }
    }

    /// Nobody could say whether the password was right.
    pub(crate) fn came_to_nothing(mut self) {
        self.who = None;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(who) = &self.who {
            self.throttle.record_failure(who);
        }
    }
}

/// Who tries, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who {
    account: Account,
    address: Option<IpAddr>,
}

impl Who {
    /// Somebody who gives a name, whether anybody has it or not; else the answer would tell.
    pub(crate) fn signing_in(login: &str, address: IpAddr) -> Self {
        Self {
            account: account("login", &login.to_lowercase()),
            address: Some(network_of(address)),
        }
    }

    /// Somebody who is signed in and gives the password once more.
    pub(crate) fn signed_in(user: UserId) -> Self {
        Self {
            account: account("user", &user.to_string()),
            address: None,
        }
    }
}

/// A digest, so that long names take no more memory than short ones.
type Account = [u8; 32];

fn account(kind: &str, name: &str) -> Account {
    let mut account = [0; 32];
    account.copy_from_slice(digest(&SHA256, format!("{kind}/{name}").as_bytes()).as_ref());
    account
}

#[derive(Debug, Clone, Copy)]
struct Acquaintance {
    since: Duration,
    failures: Failures,
}

impl Acquaintance {
    fn since(now: Duration) -> Self {
        Self {
            since: now,
            failures: Failures::default(),
        }
    }
}
