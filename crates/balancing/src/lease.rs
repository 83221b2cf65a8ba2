use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gateway_domain::{Fault, RateLimits, TokenCounts, UpstreamAccount};

use crate::errand::Errand;
use crate::health::Ticket;
use crate::member::Answered;
use crate::shared::Shared;

/// The right to send one request through an account, and a place among its open requests until it is dropped.
///
/// Keep it as long as the answer's body. Dropped without a verdict, as when the client goes away, it says nothing
/// about the account.
#[must_use = "dropping the lease gives the place back"]
pub struct Lease {
    pool: Arc<Shared>,
    account: Arc<UpstreamAccount>,
    errand: Errand,
    ticket: Ticket,
    has_answered: AtomicBool,
}

impl Lease {
    pub(crate) fn new(
        pool: Arc<Shared>,
        account: Arc<UpstreamAccount>,
        errand: Errand,
        ticket: Ticket,
    ) -> Self {
        Self {
            pool,
            account,
            errand,
            ticket,
            has_answered: AtomicBool::new(false),
        }
    }

    /// The account to send it through, as it was when it was picked.
    #[must_use]
    pub const fn account(&self) -> &Arc<UpstreamAccount> {
        &self.account
    }

    /// The provider's name for the model.
    #[must_use]
    pub fn upstream_model(&self) -> &str {
        &self.errand.upstream_model
    }

    /// Whether the account answers as usual, so that sending a request there that failed elsewhere is no storm.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.pool.is_well(self.account.id)
    }

    /// The first content has arrived, after `ttft` if it is streamed, and the rest is still to come.
    ///
    /// That is enough to end a rest, so that the account need not wait for the stream's end. `limits` is what the
    /// answer's head told. The verdict follows. Only the first call counts.
    pub fn answering(&self, ttft: Option<Duration>, limits: RateLimits) {
        if !self.has_answered.swap(true, Ordering::Relaxed) {
            self.pool
                .answering(self.account.id, self.ticket, &self.errand, ttft, limits);
        }
    }

    /// The answer left something at the account that later requests may refer to by this pin.
    pub fn holds(&self, pin: u64) {
        self.pool.holds(self.account.id, pin);
    }

    /// The answer came to its good end. `tokens` is what it says was used; its caches are remembered.
    pub fn succeeded(&self, tokens: &TokenCounts) {
        self.answering(None, RateLimits::default());
        self.pool
            .succeeded(self.account.id, self.ticket, &self.errand, tokens);
    }

    /// The attempt failed, before its answer or in the middle of it.
    pub fn failed(&self, fault: &Fault) {
        self.pool
            .failed(self.account.id, self.ticket, &self.errand, fault);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let answered = if *self.has_answered.get_mut() {
            Answered::Yes
        } else {
            Answered::No
        };
        self.pool
            .ended(self.account.id, self.ticket, &self.errand, answered);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("account_id", &self.account.id)
            .field("upstream_model", &self.upstream_model())
            .finish_non_exhaustive()
    }
}
