use std::sync::Arc;
use std::time::Duration;

use gateway_balancing::{Lease, NoAccount, Wanted};
use gateway_domain::{AccountId, ProviderKind};
use gateway_metering::{Admission, PassedOver};
use gateway_protocol::ErrorKind;
use tokio::time::Instant;

use crate::attempt::{Attempt, Attempted, Failure};
use crate::decided::Decided;
use crate::engine::{Call, Core, providers_of};
use crate::entry::Entry;
use crate::refusal::Refusal;
use crate::shared::StreamSlot;

/// When a client that found the gateway full may come again.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The way of one call to its answer: pick, send, and move on while nothing of an answer has reached the client.
pub(crate) struct Decision {
    pub(crate) core: Arc<Core>,
    pub(crate) call: Call,
    providers: Vec<ProviderKind>,
    deadline: Instant,
    /// The accounts that have had their try.
    tried: Vec<AccountId>,
    pub(crate) failures: Vec<(AccountId, Box<Failure>)>,
}

impl Decision {
    pub(crate) fn new(core: &Arc<Core>, call: Call) -> Self {
        Self {
            core: Arc::clone(core),
            providers: providers_of(call.codec.dialect()),
            deadline: Instant::now() + core.shared.settings.request_timeout(),
            call,
            tried: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Comes to an answer. `admission` is held until its last byte.
    pub(crate) async fn make(mut self, admission: Admission) -> Decided {
        let shared = &self.core.shared;
        let slot = self.call.is_streamed().then(|| StreamSlot::take(shared));
        let is_full = matches!(slot, Some(None));
        let mut entry = Entry::open(shared, &self.call, admission, slot.flatten());
        if is_full {
            let refusal = Refusal::new(ErrorKind::Overloaded, "too many streams are open at the moment");
            return self.refuse(entry, refusal.retry_after(Some(FULL_RETRY_AFTER)), None);
        }
        if !shared.ledger.has_room() {
            entry.leave_unrecorded();
            let refusal = Refusal::new(ErrorKind::Unavailable, "usage cannot be recorded at the moment");
            return self.refuse(entry, refusal, None);
        }
        loop {
            if !self.may_try() {
                return self.give_up(entry, &NoAccount::AllTried);
            }
            let lease = match self.lease(&mut entry) {
                Ok(lease) => lease,
                Err(none) => return self.give_up(entry, &none),
            };
            let account_id = lease.account().id;
            self.tried.push(account_id);
            let Some(attempt) = Attempt::new(&self.core, &self.call, &lease, self.deadline) else {
                continue;
            };
            match attempt.run(lease, entry).await {
                Attempted::Committed(decided) => return decided,
                Attempted::Failed(open, failure) => {
                    entry = *open;
                    let is_final = !failure.fault.class.is_retryable();
                    self.failures.push((account_id, failure));
                    if is_final {
                        return self.give_up(entry, &NoAccount::AllTried);
                    }
                }
            }
        }
    }

    /// Whether time and attempts are left.
    fn may_try(&self) -> bool {
        let most = usize::from(self.core.shared.settings.max_attempts.max(1));
        // Whoever did not answer in time may still charge for it: once more is all that is risked.
        let timeouts = self.failures.iter().filter(|(_, failure)| failure.timed_out);
        self.tried.len() < most && timeouts.count() <= 1 && Instant::now() < self.deadline
    }

    fn lease(&self, entry: &mut Entry) -> Result<Lease, NoAccount> {
        let pool = self.core.shared.catalogue.pool();
        let wanted = Wanted {
            user_id: self.call.key.user_id,
            key: &self.call.key,
            model: &self.call.peek.model,
            providers: &self.providers,
            tried: &self.tried,
        };
        if self.tried.is_empty() {
            let passed_over = pool.passed_over(&wanted).into_iter().filter_map(|considered| {
                Some(PassedOver {
                    account_id: considered.account_id,
                    reason: considered.reason?,
                })
            });
            entry.pass_over(passed_over.collect());
        }
        pool.lease(&wanted)
    }
}
