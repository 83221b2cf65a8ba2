use std::sync::Arc;
use std::time::Duration;

use gateway_balancing::{Lease, NoAccount, Wanted};
use gateway_domain::{AccountId, FaultClass, ProviderKind};
use gateway_metering::{Admission, Outcome, PassedOver};
use gateway_protocol::ErrorKind;
use gateway_providers::response_headers;
use http::StatusCode;
use http::header::RETRY_AFTER;
use tokio::time::Instant;

use crate::attempt::{Attempt, Attempted, ErrorFromProvider, Failure};
use crate::engine::{Call, Core, providers_of, sign};
use crate::entry::Entry;
use crate::refusal::{Refusal, set_retry_after};
use crate::shared::StreamSlot;
use crate::{Answer, AnswerBody};

/// When a client that found the gateway full may come again.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The way of one call to its answer: pick, send, and move on while nothing of an answer has reached the client.
pub(crate) struct Decision {
    core: Arc<Core>,
    call: Call,
    providers: Vec<ProviderKind>,
    deadline: Instant,
    /// The accounts that have had their try.
    tried: Vec<AccountId>,
    failures: Vec<(AccountId, Box<Failure>)>,
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
    pub(crate) async fn make(mut self, admission: Admission) -> Answer {
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
                Attempted::Committed(answer) => return answer,
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

    /// Tells the client the most useful of what went wrong.
    fn give_up(mut self, entry: Entry, none: &NoAccount) -> Answer {
        let resting = match none {
            NoAccount::AllDown { retry_after, .. } => *retry_after,
            _ => None,
        };
        let asked_for = self
            .failures
            .iter()
            .filter_map(|(_, failure)| failure.fault.retry_after);
        let earliest_retry = asked_for.chain(resting).min();
        let Some((account_id, failure)) = std::mem::take(&mut self.failures)
            .into_iter()
            .max_by_key(|(_, failure)| telling(failure.fault.class))
        else {
            return self.refuse(entry, Refusal::no_account(none, &self.call.peek.model), None);
        };
        let class = failure.fault.class;
        let refusal = Refusal::failure(&failure, &self.call.peek.model).retry_after(earliest_retry);
        match failure.answer {
            Some(answer) if answer.is_presentable && is_for_clients(class, answer.status) => {
                self.show(answer, entry, account_id, class, earliest_retry)
            }
            _ => self.refuse(entry, refusal, Some((account_id, class))),
        }
    }

    /// Gives the client a provider's error answer as it is.
    fn show(
        &self,
        answer: ErrorFromProvider,
        mut entry: Entry,
        account_id: AccountId,
        class: FaultClass,
        earliest_retry: Option<Duration>,
    ) -> Answer {
        let mut headers = response_headers(&answer.headers);
        headers.remove(RETRY_AFTER);
        if let Some(wait) = earliest_retry {
            set_retry_after(
                &mut headers,
                wait.min(self.core.shared.settings.max_retry_after()),
            );
        }
        sign(&mut headers, Some(account_id), &entry);
        entry.settle(Outcome::Error, Some(answer.status), Some(class), None);
        Answer {
            status: answer.status,
            headers,
            body: AnswerBody::Whole(answer.body),
        }
    }

    fn refuse(&self, mut entry: Entry, refusal: Refusal, last: Option<(AccountId, FaultClass)>) -> Answer {
        let mut answer = refusal.into_answer(
            self.call.codec,
            &self.call.id.to_string(),
            self.core.shared.settings.max_retry_after(),
        );
        sign(
            &mut answer.headers,
            last.map(|(account_id, _)| account_id),
            &entry,
        );
        let class = last.map(|(_, class)| class);
        entry.settle(Outcome::Error, Some(answer.status), class, None);
        answer
    }
}

/// Whether a provider's own words on such a fault concern the client, and not whose account it was.
fn is_for_clients(class: FaultClass, status: StatusCode) -> bool {
    !matches!(class, FaultClass::Credential | FaultClass::Transport) && !matches!(status.as_u16(), 401..=403)
}

/// How much a fault tells the client about what to do; the higher is shown.
const fn telling(class: FaultClass) -> u8 {
    match class {
        FaultClass::Client => 7,
        FaultClass::Quota | FaultClass::Burst => 6,
        FaultClass::Overload => 5,
        FaultClass::Server => 4,
        FaultClass::Transport => 3,
        FaultClass::ModelMissing => 2,
        FaultClass::Credential => 1,
    }
}
