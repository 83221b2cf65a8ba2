use std::collections::HashMap;
use std::time::Duration;

use gateway_domain::{Fault, FaultClass, RateLimits, TokenCounts};

use super::{Ask, Contender, Pick};
use crate::scenarios::plan::AccountPlan;

const SESSION: Duration = Duration::from_secs(3_600);

/// A session's account for an hour after its last use, otherwise the account that was not used for the longest.
///
/// An account with a 429 rests until its reset. It is given failover, as everybody here is.
///
/// Source: claude-relay-service.
pub(crate) struct Sticky {
    homes: HashMap<u64, (usize, Duration)>,
    last_used: Vec<u64>,
    rests_until: Vec<Duration>,
    picks: u64,
    now: Duration,
}

impl Sticky {
    pub(crate) fn new(accounts: &[AccountPlan]) -> Self {
        Self {
            homes: HashMap::new(),
            last_used: vec![0; accounts.len()],
            rests_until: vec![Duration::ZERO; accounts.len()],
            picks: 0,
            now: Duration::ZERO,
        }
    }

    fn is_free(&self, account: usize, ask: &Ask<'_>) -> bool {
        self.rests_until[account] <= self.now && !ask.tried.contains(&account)
    }
}

impl Contender for Sticky {
    fn pick(&mut self, ask: &Ask<'_>) -> Pick {
        let home = self.homes.get(&ask.session);
        let home = home.filter(|(account, until)| self.now < *until && self.is_free(*account, ask));
        let free = (0..self.last_used.len()).filter(|account| self.is_free(*account, ask));
        let oldest = free.min_by_key(|account| self.last_used[*account]);
        let Some(account) = home.map(|(account, _)| *account).or(oldest) else {
            let first = self.rests_until.iter().min();
            return Pick::None {
                retry_after: first.map(|until| until.saturating_sub(self.now)),
            };
        };
        self.picks += 1;
        self.last_used[account] = self.picks;
        self.homes.insert(ask.session, (account, self.now + SESSION));
        Pick::Account(account)
    }

    fn answering(&mut self, _request: usize, _ttft: Option<Duration>, _limits: RateLimits) {}

    fn succeeded(&mut self, _request: usize, _tokens: &TokenCounts) {}

    fn failed(&mut self, _request: usize, account: usize, fault: &Fault) {
        if fault.class == FaultClass::Quota {
            self.rests_until[account] = self.now + fault.retry_after.unwrap_or_default();
        }
    }

    fn pass(&mut self, now: Duration) {
        self.now = now;
    }
}
