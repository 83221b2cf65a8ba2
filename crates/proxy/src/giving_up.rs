use std::time::Duration;

use gateway_balancing::NoAccount;
use gateway_domain::{AccountId, Fault, FaultClass, QuotaWindow};
use gateway_protocol::ErrorKind;
use gateway_providers::response_headers;
use http::StatusCode;
use http::header::RETRY_AFTER;

use crate::budgets::OwnLimit;
use crate::decided::{Decided, Refused, Whole};
use crate::engine::sign;
use crate::entry::Entry;
use crate::failure::{ErrorFromProvider, Words};
use crate::refusal::Refusal;
use crate::routing::Routing;

/// When a client may come again where it is not known what an account has spent.
const UNKNOWN_RETRY_AFTER: Duration = Duration::from_secs(5);

impl Routing {
    /// Tells the client the most useful of what went wrong.
    pub(crate) fn give_up(mut self, entry: Entry, none: &NoAccount) -> Decided {
        let resting = match none {
            NoAccount::AllDown { retry_after, .. } => *retry_after,
            _ => None,
        };
        let asked_for = self.failures.iter().filter_map(|(id, failure)| {
            failure
                .fault
                .retry_after
                .or_else(|| self.burst_rest(*id, &failure.fault))
        });
        let earliest_retry = asked_for.chain(resting).min();
        let Some((account_id, failure)) = std::mem::take(&mut self.failures)
            .into_iter()
            .max_by_key(|(_, failure)| telling(&failure.fault))
        else {
            let refusal = match &self.unspeakable {
                Some(error) if self.limited.is_empty() => Refusal::unspeakable(error),
                Some(_) => self.own_limits(none, resting).unwrap_or_else(Refusal::spent),
                None => self
                    .own_limits(none, resting)
                    .unwrap_or_else(|| Refusal::no_account(none, &self.call.peek.model)),
            };
            return self.refuse(entry, refusal, None);
        };
        let class = failure.fault.class;
        let earliest_retry = earliest_retry.filter(|_| class.is_retryable());
        if failure.fault.window == QuotaWindow::Spending {
            let refusal = if may_recover(none) {
                Refusal::no_account(none, &self.call.peek.model)
            } else {
                Refusal::spent()
            };
            return self.refuse(entry, refusal, Some((account_id, class)));
        }
        let refusal = Refusal::failure(&failure, &self.call.peek.model).retry_after(earliest_retry);
        match failure.answer {
            Some(answer) if is_for_clients(class, answer.status) => match &answer.words {
                Words::AsTheyAre => self.show(answer, entry, account_id, class),
                Words::Told(said) => self.refuse(entry, refusal.in_words(said), Some((account_id, class))),
                Words::Hidden => self.refuse(entry, refusal, Some((account_id, class))),
            },
            _ => self.refuse(entry, refusal, Some((account_id, class))),
        }
    }

    /// What a client is told when nothing but the limits that accounts have here stood in the way.
    fn own_limits(&self, none: &NoAccount, resting: Option<Duration>) -> Option<Refusal> {
        let waits = self.limited.iter().filter_map(|(_, limit)| match limit {
            OwnLimit::Rate(exceeded) => Some(exceeded.retry_after),
            OwnLimit::Unknown => Some(UNKNOWN_RETRY_AFTER),
            OwnLimit::Budget(_) => None,
        });
        let soonest = waits.min();
        match soonest.into_iter().chain(resting).min() {
            _ if self.limited.is_empty() => None,
            // Another account may serve, and says better when.
            _ if soonest.is_none() && may_recover(none) => None,
            None => Some(Refusal::spent()),
            soonest => Some(
                Refusal::new(
                    ErrorKind::RateLimit,
                    "every upstream account has reached its rate limit",
                )
                .retry_after(soonest),
            ),
        }
    }

    /// How long an account rests whose provider refused and did not say for how long.
    fn burst_rest(&self, id: AccountId, fault: &Fault) -> Option<Duration> {
        let shared = &self.core.shared;
        let is_burst = fault.class == FaultClass::Burst;
        let health = is_burst.then(|| shared.catalogue.pool().health(id))??;
        Some(health.until?.since(shared.clock.now()))
    }

    /// Gives the client a provider's error answer as it is.
    fn show(
        &self,
        answer: ErrorFromProvider,
        entry: Entry,
        account_id: AccountId,
        class: FaultClass,
    ) -> Decided {
        let mut headers = response_headers(&answer.headers);
        // A wrong request is as wrong later.
        headers.remove(RETRY_AFTER);
        sign(&mut headers, Some(account_id), &entry);
        let answer = Whole {
            status: answer.status,
            headers,
            body: answer.body,
        };
        Decided::Refused(Box::new(Refused::new(answer, entry, Some(class))))
    }

    pub(crate) fn refuse(
        &self,
        entry: Entry,
        refusal: Refusal,
        last: Option<(AccountId, FaultClass)>,
    ) -> Decided {
        let mut answer = refusal.into_answer(
            self.call.codec,
            &self.call.id.to_string(),
            self.core.shared.settings.max_retry_after(),
        );
        let account_id = last.map(|(account_id, _)| account_id);
        sign(&mut answer.headers, account_id, &entry);
        Decided::Refused(Box::new(Refused::new(
            answer,
            entry,
            last.map(|(_, class)| class),
        )))
    }
}

/// Whether an account that could not be tried may serve the client when it comes again.
const fn may_recover(none: &NoAccount) -> bool {
    match none {
        NoAccount::AllBusy | NoAccount::QueueFull => true,
        NoAccount::AllDown { class, .. } => {
            !matches!(class, FaultClass::Credential | FaultClass::ModelMissing)
        }
        NoAccount::NotServed | NoAccount::NotAllowed | NoAccount::AllTried => false,
    }
}

/// Whether a provider's own words on such a fault concern the client, and not whose account it was or how the provider is.
pub(crate) fn is_for_clients(class: FaultClass, status: StatusCode) -> bool {
    class == FaultClass::Client && status.is_client_error() && !matches!(status.as_u16(), 401..=403)
}

/// How much a fault tells the client about what to do; the higher is shown.
const fn telling(fault: &Fault) -> u8 {
    match (fault.class, fault.window) {
        (FaultClass::Client, _) => 8,
        // Whatever else failed gives more hope.
        (_, QuotaWindow::Spending) => 3,
        (FaultClass::Quota | FaultClass::Burst, _) => 7,
        (FaultClass::Overload, _) => 6,
        (FaultClass::Server, _) => 5,
        (FaultClass::Transport, _) => 4,
        (FaultClass::ModelMissing, _) => 2,
        (FaultClass::Credential, _) => 1,
    }
}
