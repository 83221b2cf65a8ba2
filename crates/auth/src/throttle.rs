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
pub(crate) const ACQUAINTED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long it is believed that an address is not one of these.
const RECALLED_FOR: Duration = Duration::from_secs(60);

/// How often that is looked up for one address within this time: nobody has so many names.
const MOST_RECALLS: u32 = 20;

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
    /// When it was last looked up whether an address is acquainted.
    recalled: Cache<(Account, IpAddr), Duration>,
    /// How often that was done for each address, and since when that is counted.
    recalls: Cache<IpAddr, (Duration, u32)>,
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
            recalled: bounded(),
            recalls: bounded(),
        }
    }

    /// Refuses at once while a wait lasts.
    pub(crate) fn check(&self, who: &Who) -> Result<(), AuthError> {
        let now = self.clock.monotonic();
        let acquainted = who
            .accounts()
            .filter_map(|account| self.acquaintance(account, who.address, now))
            .map(|acquaintance| acquaintance.failures.wait(now))
            .max();
        let wait = acquainted.unwrap_or_else(|| {
            let address = who.address.map(|address| self.addresses.wait(&address, now));
            self.accounts
                .wait(&who.login, now)
                .max(address.unwrap_or_default())
        });
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
        if let Some(address) = who.address
            && self.is_acquainted(who)
        {
            for account in who.accounts() {
                self.acquaintances
                    .entry((account, address))
                    .and_upsert_with(|entry| {
                        // Forgotten since the line above: then it counts from here on.
                        let acquaintance = entry.map_or(Acquaintance::since(now), moka::Entry::into_value);
                        Acquaintance {
                            failures: acquaintance.failures.and_one(&self.account_policy, now),
                            ..acquaintance
                        }
                    });
            }
            return;
        }
        // By the name that was typed and not by who has it: else a wait would tell which two names are one user's.
        self.accounts.add(who.login, now);
        if let Some(address) = who.address {
            self.addresses.add(address, now);
        }
    }

    /// The address's own failures stay: else somebody with an account could wipe them out between guesses.
    fn record_success(&self, who: &Who) {
        self.accounts.forget(&who.login);
        let Some(address) = who.address else { return };
        for account in who.accounts() {
            self.acquaintances
                .insert((account, address), Acquaintance::since(self.clock.monotonic()));
        }
    }

    /// Lets the address count for itself from now on. What it has failed already stays.
    pub(crate) fn acquaint(&self, who: &Who) {
        let Some(address) = who.address else { return };
        let now = self.clock.monotonic();
        let known = who
            .accounts()
            .find_map(|account| self.acquaintance(account, who.address, now));
        for account in who.accounts() {
            let known = known.unwrap_or(Acquaintance::since(now));
            self.acquaintances.entry((account, address)).or_insert(known);
        }
    }

    /// Whether the address has signed in to the account of late, as far as this process knows.
    pub(crate) fn is_acquainted(&self, who: &Who) -> bool {
        let now = self.clock.monotonic();
        who.accounts()
            .any(|account| self.acquaintance(account, who.address, now).is_some())
    }

    /// Whether it should be looked up if the address is acquainted: once in a while, for a flood must not become one of
    /// questions.
    pub(crate) fn may_recall(&self, who: &Who) -> bool {
        let Some(address) = who.address else { return false };
        let now = self.clock.monotonic();
        let is_over = |since: Duration| now.saturating_sub(since) >= RECALLED_FOR;
        if self
            .recalled
            .get(&(who.login, address))
            .is_some_and(|at| !is_over(at))
        {
            return false;
        }
        let (since, asked) = self
            .recalls
            .get(&address)
            .filter(|(since, _)| !is_over(*since))
            .unwrap_or((now, 0));
        if asked >= MOST_RECALLS {
            return false;
        }
        self.recalls.insert(address, (since, asked + 1));
        self.recalled.insert((who.login, address), now);
        true
    }

    /// Takes back that it was looked up: nobody could say.
    pub(crate) fn forget_recall(&self, who: &Who) {
        if let Some(address) = who.address {
            self.recalled.invalidate(&(who.login, address));
        }
    }

    fn acquaintance(&self, account: Account, address: Option<IpAddr>, now: Duration) -> Option<Acquaintance> {
        let acquaintance = self.acquaintances.get(&(account, address?))?;
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
    /// What was typed.
    login: Account,
    /// Who has that name, once it is known: people have two of them.
    user: Option<Account>,
    address: Option<IpAddr>,
}

impl Who {
    /// Somebody who gives a name, whether anybody has it or not; else the answer would tell.
    pub(crate) fn signing_in(login: &str, address: IpAddr) -> Self {
        Self {
            login: account("login", &login.to_lowercase()),
            user: None,
            address: Some(network_of(address)),
        }
    }

    /// The same, now that it is known who has the name.
    pub(crate) fn found(self, user: Option<UserId>) -> Self {
        Self {
            user: user.map(|user| account("account", &user.to_string())),
            ..self
        }
    }

    /// Somebody who is signed in and gives the password once more.
    pub(crate) fn signed_in(user: UserId) -> Self {
        Self {
            login: account("user", &user.to_string()),
            user: None,
            address: None,
        }
    }

    fn accounts(&self) -> impl Iterator<Item = Account> + use<> {
        [Some(self.login), self.user].into_iter().flatten()
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
