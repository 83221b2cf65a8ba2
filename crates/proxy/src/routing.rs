use std::sync::Arc;
use std::time::Duration;

use gateway_balancing::{Lease, NoAccount, Prompt, Wanted};
use gateway_domain::{AccountId, FaultClass, ProviderKind};
use gateway_protocol::ErrorKind;
use gateway_protocol::translation::Untranslatable;
use gateway_providers::provider;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::Admitted;
use crate::attempt::{Attempt, Attempted, Prepared, estimated};
use crate::budgets::OwnLimit;
use crate::decided::Decided;
use crate::engine::{Call, Core, every_provider};
use crate::entry::{EarlyHead, Entry};
use crate::failure::Failure;
use crate::overload::{LONGEST_PAUSE, Pauses};
use crate::prompt::prompt;
use crate::refusal::Refusal;
use crate::shared::StreamSlot;

/// When a client that found the gateway full may come again.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(1);
/// When it may be seen again whether usage can be recorded: the ledger looks for its database as often.
const UNRECORDABLE_RETRY_AFTER: Duration = Duration::from_secs(5);
/// How often those that wait for a place look whether one has come free by the passing of time.
const QUEUE_TICK: Duration = Duration::from_millis(250);

/// The way of one call to its answer: pick, send, and move on while nothing of an answer has reached the client.
pub(crate) struct Routing {
    pub(crate) core: Arc<Core>,
    pub(crate) call: Call,
    providers: Vec<ProviderKind>,
    prompt: Prompt,
    deadline: Instant,
    /// The accounts that have had their try.
    tried: Vec<AccountId>,
    pauses: Pauses,
    pub(crate) failures: Vec<(AccountId, Box<Failure>)>,
    /// Whether an account was asked once more because its model had answered nonsense.
    has_repeated: bool,
    /// The accounts that were passed over for limits of their own.
    pub(crate) limited: Vec<(AccountId, OwnLimit)>,
    /// Why a provider was passed over that has no words for the call.
    pub(crate) unspeakable: Option<Untranslatable>,
}

impl Routing {
    pub(crate) fn new(core: &Arc<Core>, call: Call) -> Self {
        Self {
            core: Arc::clone(core),
            providers: every_provider(),
            deadline: Instant::now() + core.shared.settings.request_timeout(),
            pauses: Pauses::new(
                core.shared.settings.overload_pause(),
                call.id.as_uuid().as_u64_pair().1,
            ),
            prompt: prompt(&call),
            call,
            tried: Vec::new(),
            failures: Vec::new(),
            has_repeated: false,
            limited: Vec::new(),
            unspeakable: None,
        }
    }

    /// Comes to an answer. `admitted` is held until its last byte.
    pub(crate) async fn make(mut self, admitted: Admitted, early_head: Option<EarlyHead>) -> Decided {
        let shared = &self.core.shared;
        let slot = self.call.is_streamed().then(|| StreamSlot::take(shared));
        let is_full = matches!(slot, Some(None));
        let mut entry = Entry::open(shared, &self.call, admitted, early_head, slot.flatten());
        if is_full {
            let refusal = Refusal::new(ErrorKind::Overloaded, "too many streams are open at the moment");
            return self.refuse(entry, refusal.retry_after(Some(FULL_RETRY_AFTER)), None);
        }
        if !shared.ledger.has_room() {
            return self.refuse_unrecorded(entry);
        }
        while self.may_try() {
            let lease = match self.lease(&mut entry).await {
                Ok(lease) => lease,
                Err(none) => {
                    if self.wait_out_overload(&mut entry).await {
                        continue;
                    }
                    return self.give_up(entry, &none);
                }
            };
            let account_id = lease.account().id;
            self.tried.push(account_id);
            if !self.may_try_at(&lease) {
                // One that is well may be left.
                continue;
            }
            let attempt = match Attempt::prepare(&self.core, &self.call, &lease, self.deadline).await {
                Prepared::Ready(attempt) => attempt,
                Prepared::Gone => continue,
                Prepared::Estimated(estimate) => return estimated(*estimate, &lease, entry),
                Prepared::Unspeakable(error) => {
                    let provider = lease.account().provider;
                    self.providers.retain(|kind| *kind != provider);
                    self.unspeakable = Some(error);
                    continue;
                }
            };
            let admitted = match self.core.shared.admit_at(&self.call, &lease) {
                Ok(admitted) => admitted,
                Err(limit) => {
                    self.limited.push((account_id, limit));
                    continue;
                }
            };
            if let Err(error) = entry.begin_attempt(&lease, admitted, &attempt.target) {
                tracing::warn!(%error, "a request is refused that could not be noted");
                return self.refuse_unrecorded(entry);
            }
            match attempt.run(lease, entry).await {
                Attempted::Committed(decided) => return decided,
                Attempted::Failed(open, failure) => {
                    entry = *open;
                    let is_final = !failure.fault.class.is_retryable();
                    if failure.is_nonsense && !std::mem::replace(&mut self.has_repeated, true) {
                        self.tried.retain(|tried| *tried != account_id);
                    }
                    self.failures.push((account_id, failure));
                    if is_final {
                        break;
                    }
                }
            }
        }
        self.give_up(entry, &NoAccount::AllTried)
    }

    /// For want of room for its books.
    fn refuse_unrecorded(&self, mut entry: Entry) -> Decided {
        entry.leave_unrecorded();
        let refusal = Refusal::new(ErrorKind::Unavailable, "usage cannot be recorded at the moment");
        self.refuse(entry, refusal.retry_after(Some(UNRECORDABLE_RETRY_AFTER)), None)
    }

    /// Whether time and attempts are left.
    fn may_try(&self) -> bool {
        let most = usize::from(self.core.shared.settings.max_attempts.get());
        // Whoever did not answer in time may still charge for it: once more is all that is risked.
        let timeouts = self.failures.iter().filter(|(_, failure)| failure.timed_out);
        // What only one account holds can be had from no other.
        let is_stuck = self.prompt.pin.is_some() && !self.failures.is_empty();
        !is_stuck && self.failures.len() < most && timeouts.count() <= 1 && Instant::now() < self.deadline
    }

    /// Whether one more try there is no part of a storm. Moving on to an account that is well is none.
    fn may_try_at(&self, lease: &Lease) -> bool {
        let shared = &self.core.shared;
        if self.failures.is_empty() || lease.is_well() {
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

    /// Leases an account, and waits for a place where all are full.
    async fn lease(&self, entry: &mut Entry) -> Result<Lease, NoAccount> {
        let pool = self.core.shared.catalogue.pool();
        let lease = if self.failures.is_empty() {
            let (lease, decision) = pool.lease_explained(&self.wanted());
            entry.decided(&decision);
            for (account, limit) in &self.limited {
                entry.passed_over(*account, limit);
            }
            lease
        } else {
            pool.lease(&self.wanted())
        };
        match lease {
            Err(NoAccount::NotServed) if self.prompt.pin.is_some() => self.lease_elsewhere(),
            Err(NoAccount::AllBusy) => {
                let waiting_since = entry.elapsed();
                let lease = self.wait_for_place().await;
                entry.queued(entry.elapsed().saturating_sub(waiting_since));
                if let Ok(lease) = &lease {
                    entry.served_after_all(lease.account().id);
                }
                lease
            }
            lease => lease,
        }
    }

    /// An account at a provider that cannot have what the request refers to, and that will say so by name; none where
    /// the provider could have it, but for another account.
    fn lease_elsewhere(&self) -> Result<Lease, NoAccount> {
        let mut wanted = self.wanted();
        wanted.prompt.pin = None;
        let lease = self.core.shared.catalogue.pool().lease(&wanted)?;
        let is_spoken = provider(lease.account().provider)
            .is_some_and(|provider| provider.answers(self.call.operation, self.call.codec.dialect()));
        if is_spoken {
            Err(NoAccount::NotServed)
        } else {
            Ok(lease)
        }
    }

    async fn wait_for_place(&self) -> Result<Lease, NoAccount> {
        let pool = self.core.shared.catalogue.pool();
        let (sender, mut turn) = oneshot::channel();
        // Whoever has gone away meanwhile gives the lease back by not taking it.
        let _place = pool.wait(&self.wanted(), move |lease| drop(sender.send(lease)))?;
        let until = (Instant::now() + pool.settings().max_wait()).min(self.deadline);
        while Instant::now() < until {
            match timeout(QUEUE_TICK, &mut turn).await {
                Ok(lease) => return lease.unwrap_or(Err(NoAccount::AllBusy)),
                Err(_) => pool.serve_waiting(),
            }
        }
        Err(NoAccount::AllBusy)
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            user_id: self.call.key.user_id,
            key: &self.call.key,
            model: &self.call.peek.model,
            providers: &self.providers,
            tried: &self.tried,
            prompt: self.prompt,
        }
    }
}
