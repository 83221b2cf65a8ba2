use std::sync::Arc;
use std::time::Duration;

use gateway_balancing::{HealthStatus, Lease, NoAccount, Pool, Wanted};
use gateway_domain::{AccountId, FaultClass, ProviderKind};
use gateway_metering::{Admission, PassedOver};
use gateway_protocol::ErrorKind;
use tokio::time::Instant;

use crate::attempt::{Attempt, Attempted, Failure};
use crate::decided::Decided;
use crate::engine::{Call, Core, providers_of};
use crate::entry::{EarlyHead, Entry};
use crate::overload::{LONGEST_PAUSE, Pauses};
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
    pauses: Pauses,
    pub(crate) failures: Vec<(AccountId, Box<Failure>)>,
}

impl Decision {
    pub(crate) fn new(core: &Arc<Core>, call: Call) -> Self {
        Self {
            core: Arc::clone(core),
            providers: providers_of(call.codec.dialect()),
            deadline: Instant::now() + core.shared.settings.request_timeout(),
            pauses: Pauses::new(
                core.shared.settings.overload_pause(),
                call.id.as_uuid().as_u64_pair().1,
            ),
            call,
            tried: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Comes to an answer. `admission` is held until its last byte.
    pub(crate) async fn make(mut self, admission: Admission, early_head: Option<EarlyHead>) -> Decided {
        let shared = &self.core.shared;
        let slot = self.call.is_streamed().then(|| StreamSlot::take(shared));
        let is_full = matches!(slot, Some(None));
        let mut entry = Entry::open(shared, &self.call, admission, early_head, slot.flatten());
        if is_full {
            let refusal = Refusal::new(ErrorKind::Overloaded, "too many streams are open at the moment");
            return self.refuse(entry, refusal.retry_after(Some(FULL_RETRY_AFTER)), None);
        }
        if !shared.ledger.has_room() {
            entry.leave_unrecorded();
            let refusal = Refusal::new(ErrorKind::Unavailable, "usage cannot be recorded at the moment");
            return self.refuse(entry, refusal, None);
        }
        while self.may_try() {
            let lease = match self.lease(&mut entry) {
                Ok(lease) => lease,
                Err(none) => {
                    if self.wait_out_overload(&mut entry).await {
                        continue;
                    }
                    return self.give_up(entry, &none);
                }
            };
            if !self.may_try_at(&lease) {
                break;
            }
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
                        break;
                    }
                }
            }
        }
        self.give_up(entry, &NoAccount::AllTried)
    }

    /// Whether time and attempts are left.
    fn may_try(&self) -> bool {
        let most = usize::from(self.core.shared.settings.max_attempts.max(1));
        // Whoever did not answer in time may still charge for it: once more is all that is risked.
        let timeouts = self.failures.iter().filter(|(_, failure)| failure.timed_out);
        self.failures.len() < most && timeouts.count() <= 1 && Instant::now() < self.deadline
    }

    /// Whether one more try there is no part of a storm. Moving on to an account that is well is none.
    fn may_try_at(&self, lease: &Lease) -> bool {
        let shared = &self.core.shared;
        if self.failures.is_empty() || is_well(shared.catalogue.pool(), lease) {
            return true;
        }
        let is_paid = shared.retries().spend(shared.clock.monotonic());
        if !is_paid {
            shared.metrics.retry_refused();
        }
        is_paid
    }

    /// Waits until an overloaded account may be tried once more; `false` when that is not worth it.
    async fn wait_out_overload(&mut self, entry: &mut Entry) -> bool {
        let overloaded = self.overloaded();
        let waits = overloaded
            .iter()
            .map(|(_, asked_for)| self.pauses.next(*asked_for));
        let Some(pause) = waits.min() else {
            return false;
        };
        if !self.may_try() || Instant::now() + pause >= self.deadline {
            return false;
        }
        let shared = &self.core.shared;
        // Nobody shall wait for a try that will not be made.
        if !shared.retries().has_left(shared.clock.monotonic()) {
            shared.metrics.retry_refused();
            return false;
        }
        let waiting_since = entry.elapsed();
        tokio::time::sleep(pause).await;
        entry.waited_upstream(entry.elapsed().saturating_sub(waiting_since));
        self.pauses.take();
        self.tried.retain(|tried| {
            let is_due = |(id, asked_for): &(AccountId, Option<Duration>)| {
                id == tried && asked_for.unwrap_or_default() <= pause
            };
            !overloaded.iter().any(is_due)
        });
        true
    }

    /// The tried accounts whose provider was overloaded, and for how long each wants to be left alone.
    fn overloaded(&self) -> Vec<(AccountId, Option<Duration>)> {
        let latest = |id: &AccountId| {
            let (_, failure) = self.failures.iter().rev().find(|(failed, _)| failed == id)?;
            Some((*id, &failure.fault))
        };
        let overloaded = self.tried.iter().filter_map(latest).filter(|(_, fault)| {
            fault.class == FaultClass::Overload && fault.retry_after.is_none_or(|wait| wait <= LONGEST_PAUSE)
        });
        overloaded.map(|(id, fault)| (id, fault.retry_after)).collect()
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
        if self.failures.is_empty() {
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

/// Whether the account answers as usual.
fn is_well(pool: &Pool, lease: &Lease) -> bool {
    let health = pool.health(lease.account().id);
    health.is_some_and(|health| matches!(health.status, HealthStatus::Healthy | HealthStatus::Unknown))
}
