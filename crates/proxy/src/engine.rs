use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_balancing::{Lease, NoAccount, Wanted};
use gateway_domain::{AccountId, ApiKey, Dialect, FaultClass, ProviderKind, RequestId};
use gateway_metering::{Admission, Outcome, PassedOver};
use gateway_protocol::{Codec, ErrorKind, Peek, codec};
use gateway_providers::{Operation, PROVIDERS, response_headers};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::attempt::{Attempt, Attempted, ErrorFromProvider, Failure};
use crate::entry::Entry;
use crate::refusal::{Refusal, set_retry_after};
use crate::shared::StreamSlot;
use crate::upstream::Upstream;
use crate::{Answer, AnswerBody, Shared};

/// When a client that found the gateway full may come again.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(1);

/// One client's call, let in and read as far as its dialect needs.
pub struct Call {
    /// Names the call in rows, logs and `x-gateway-request-id`.
    pub id: RequestId,
    /// What is asked for.
    pub operation: Operation,
    /// How it is asked.
    pub dialect: Dialect,
    /// The key that it came with.
    pub key: Arc<ApiKey>,
    /// What was read from the body in passing.
    pub peek: Peek,
    /// The body as the client sent it.
    pub body: Bytes,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The client's query string, without `?`.
    pub query: Option<String>,
}

/// Answers calls by sending them through upstream accounts.
///
/// One decision path serves every route and dialect: pick, send, and move on to the next account while nothing
/// of an answer has reached the client. Made once a worker, since it owns the worker's connections.
pub struct Engine {
    shared: Arc<Shared>,
    upstream: Upstream,
}

impl Engine {
    /// An engine with connections of its own.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        let upstream = Upstream::new(Arc::clone(&shared.tls), &shared.settings);
        Self { shared, upstream }
    }

    /// What this engine has in common with the other workers'.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Answers `call`. What goes wrong is an answer too, in the call's own dialect.
    ///
    /// `admission` is held until the answer's last byte.
    pub async fn call(&self, call: Call, admission: Admission) -> Answer {
        let Some(codec) = codec(call.dialect) else {
            return unsupported(call.dialect);
        };
        let slot = call.peek.stream.then(|| StreamSlot::take(&self.shared));
        let is_full = matches!(slot, Some(None));
        let mut entry = Entry::open(&self.shared, &call, admission, slot.flatten());
        if is_full {
            let refusal = Refusal::new(ErrorKind::Overloaded, "too many streams are open at the moment");
            return self.refuse(
                codec,
                &call,
                entry,
                refusal.retry_after(Some(FULL_RETRY_AFTER)),
                None,
            );
        }
        if !self.shared.ledger.has_room() {
            entry.leave_unrecorded();
            let refusal = Refusal::new(ErrorKind::Unavailable, "usage cannot be recorded at the moment");
            return self.refuse(codec, &call, entry, refusal, None);
        }
        let providers = providers_of(call.dialect);
        let deadline = Instant::now() + self.shared.settings.request_timeout();
        let mut tried = Vec::new();
        let mut failures: Vec<(AccountId, Box<Failure>)> = Vec::new();
        let none = loop {
            let is_enough = tried.len() >= usize::from(self.shared.settings.max_attempts.max(1));
            // Whoever did not answer in time may still charge for it: once more is all that is risked.
            let timeouts = failures.iter().filter(|(_, failure)| failure.timed_out).count();
            if is_enough || timeouts > 1 || Instant::now() >= deadline {
                break NoAccount::AllTried;
            }
            let lease = match self.lease(&call, &providers, &tried, &mut entry) {
                Ok(lease) => lease,
                Err(none) => break none,
            };
            let account_id = lease.account().id;
            tried.push(account_id);
            let Some(attempt) = Attempt::new(self, &call, codec, &lease, deadline) else {
                continue;
            };
            match attempt.run(lease, entry).await {
                Attempted::Committed(answer) => return answer,
                Attempted::Failed(open, failure) => {
                    entry = *open;
                    let is_final = !failure.fault.class.is_retryable();
                    failures.push((account_id, failure));
                    if is_final {
                        break NoAccount::AllTried;
                    }
                }
            }
        };
        self.give_up(codec, &call, entry, &none, failures)
    }

    fn lease(
        &self,
        call: &Call,
        providers: &[ProviderKind],
        tried: &[AccountId],
        entry: &mut Entry,
    ) -> Result<Lease, NoAccount> {
        let pool = self.shared.catalogue.pool();
        let wanted = Wanted {
            user_id: call.key.user_id,
            key: &call.key,
            model: &call.peek.model,
            providers,
            tried,
        };
        if tried.is_empty() {
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
    fn give_up(
        &self,
        codec: &'static dyn Codec,
        call: &Call,
        entry: Entry,
        none: &NoAccount,
        failures: Vec<(AccountId, Box<Failure>)>,
    ) -> Answer {
        let resting = match none {
            NoAccount::AllDown { retry_after, .. } => *retry_after,
            _ => None,
        };
        let asked_for = failures
            .iter()
            .filter_map(|(_, failure)| failure.fault.retry_after);
        let earliest_retry = asked_for.chain(resting).min();
        let Some((account_id, failure)) = failures
            .into_iter()
            .max_by_key(|(_, failure)| telling(failure.fault.class))
        else {
            let refusal = Refusal::no_account(none, &call.peek.model);
            return self.refuse(codec, call, entry, refusal, None);
        };
        let class = failure.fault.class;
        let refusal = Refusal::failure(&failure, &call.peek.model).retry_after(earliest_retry);
        match failure.answer {
            Some(answer) if answer.is_presentable && is_for_clients(class, answer.status) => {
                self.show(answer, entry, account_id, class, earliest_retry)
            }
            _ => self.refuse(codec, call, entry, refusal, Some((account_id, class))),
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
            set_retry_after(&mut headers, wait.min(self.shared.settings.max_retry_after()));
        }
        self.sign(&mut headers, Some(account_id), &entry);
        entry.settle(Outcome::Error, Some(answer.status), Some(class), None);
        Answer {
            status: answer.status,
            headers,
            body: AnswerBody::Whole(answer.body),
        }
    }

    fn refuse(
        &self,
        codec: &'static dyn Codec,
        call: &Call,
        mut entry: Entry,
        refusal: Refusal,
        last: Option<(AccountId, FaultClass)>,
    ) -> Answer {
        let mut answer = refusal.into_answer(
            codec,
            &call.id.to_string(),
            self.shared.settings.max_retry_after(),
        );
        self.sign(
            &mut answer.headers,
            last.map(|(account_id, _)| account_id),
            &entry,
        );
        entry.settle(
            Outcome::Error,
            Some(answer.status),
            last.map(|(_, class)| class),
            None,
        );
        answer
    }

    /// Adds the gateway's own headers.
    pub(crate) fn sign(&self, headers: &mut HeaderMap, account_id: Option<AccountId>, entry: &Entry) {
        if let Some(value) = account_id.and_then(|id| HeaderValue::try_from(id.to_string()).ok()) {
            headers.insert("x-gateway-account", value);
        }
        headers.insert("x-gateway-attempts", HeaderValue::from(entry.attempts()));
        let overhead_ms = entry.overhead().as_secs_f64() * 1000.0;
        if let Ok(value) = HeaderValue::try_from(format!("{overhead_ms:.3}")) {
            headers.insert("x-gateway-overhead-ms", value);
        }
    }
}

/// The providers that can answer a call in `dialect`.
pub(crate) fn providers_of(dialect: Dialect) -> Vec<ProviderKind> {
    PROVIDERS
        .iter()
        .filter(|provider| provider.dialect() == dialect)
        .map(|provider| provider.kind())
        .collect()
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

fn unsupported(dialect: Dialect) -> Answer {
    let body = format!(r#"{{"error":{{"message":"the {dialect} dialect is not served"}}}}"#);
    Answer {
        status: StatusCode::NOT_FOUND,
        headers: HeaderMap::new(),
        body: AnswerBody::Whole(body.into()),
    }
}
