use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gateway_domain::{Fault, RateLimits, UpstreamAccount};

use crate::health::Ticket;
use crate::pool::Shared;

/// The right to send one request through an account, and a place among its open requests until it is dropped.
///
/// Keep it as long as the answer's body. Dropped without a verdict, as when the client goes away, it says nothing
/// about the account.
#[must_use = "dropping the lease gives the place back"]
pub struct Lease {
    pool: Arc<Shared>,
    account: Arc<UpstreamAccount>,
    upstream_model: Arc<str>,
    ticket: Ticket,
}

impl Lease {
    pub(crate) fn new(
        pool: Arc<Shared>,
        account: Arc<UpstreamAccount>,
        upstream_model: Arc<str>,
        ticket: Ticket,
    ) -> Self {
        Self {
            pool,
            account,
            upstream_model,
            ticket,
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
        &self.upstream_model
    }

    /// The first content has arrived, and the rest of a stream is still to come.
    ///
    /// That is enough to end a rest, so that the account need not wait for the stream's end. The verdict follows.
    pub fn answering(&self) {
        self.pool.answering(self.account.id, self.ticket);
    }

    /// The account answered: after `ttft` came the first token, if the answer was streamed.
    pub fn succeeded(&self, ttft: Option<Duration>, rate_limits: RateLimits) {
        self.pool
            .succeeded(self.account.id, self.ticket, ttft, rate_limits);
    }

    /// The attempt failed, before its answer or in the middle of it.
    pub fn failed(&self, fault: &Fault) {
        self.pool
            .failed(self.account.id, self.ticket, &self.upstream_model, fault);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.ended(self.account.id, self.ticket);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("account_id", &self.account.id)
            .field("upstream_model", &self.upstream_model)
            .finish_non_exhaustive()
    }
}
