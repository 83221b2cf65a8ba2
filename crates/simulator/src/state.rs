use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use gateway_domain::{Clock, ProviderKind, Timestamp};
use tokio::sync::watch;

use crate::ask::Ask;
use crate::cache::{CacheUse, PromptCache};
use crate::dialect::{Call, Dialects, Reported};
use crate::draw::{Draw, hash};
use crate::headers::Quota;
use crate::organization::{Book, Organization};
use crate::record::{Billed, Ended, Journal, Received, Tally};
use crate::script::{Endpoint, Pace, Script};
use crate::scripts::Scripts;
use crate::wire::Head;

const REQUESTS_PER_MINUTE: u64 = 4_000;
const INPUT_TOKENS_PER_MINUTE: u64 = 2_000_000;
const OUTPUT_TOKENS_PER_MINUTE: u64 = 400_000;

/// What stays the same while the simulator runs.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    pub(crate) output_tokens: u64,
    pub(crate) delta_tokens: usize,
    pub(crate) events_per_write: usize,
    pub(crate) pace: Pace,
    /// None: those of each provider.
    pub(crate) models: Option<Vec<String>>,
    pub(crate) chances: Vec<(f64, Script)>,
    /// In place of each model's own.
    pub(crate) cache_minimum: Option<u64>,
    /// None: limits are told, not enforced.
    pub(crate) requests_per_minute: Option<u64>,
}

/// Everything that the connections share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) dialects: Dialects,
    pub(crate) clock: Arc<dyn Clock>,
    state: Mutex<State>,
    tally: watch::Sender<Tally>,
}

struct State {
    scripts: Scripts,
    accounts: HashMap<String, Account>,
    journal: Journal,
    requests: u64,
    connections: u64,
    /// None: every credential is good.
    accepted: Option<HashSet<String>>,
    /// None: there are no reports.
    book: Option<Book>,
}

#[derive(Default)]
struct Account {
    cache: PromptCache,
    billed: Billed,
    minute: Minute,
}

/// What an account used of its limits in one minute of the clock.
#[derive(Default)]
struct Minute {
    number: i64,
    requests: u64,
    input_tokens: u64,
    output_tokens: u64,
}

/// A request that has begun.
pub(crate) struct Begun {
    pub(crate) number: u64,
    pub(crate) request_id: String,
    pub(crate) credential: Option<String>,
    pub(crate) is_accepted: bool,
    pub(crate) script: Option<Script>,
    at: Timestamp,
    provider: ProviderKind,
    /// What is billed by, once that is known.
    pub(crate) model: OnceLock<String>,
}

impl Shared {
    pub(crate) fn new(
        settings: Settings,
        clock: Arc<dyn Clock>,
        kept: usize,
        accepted: Option<HashSet<String>>,
    ) -> Self {
        Self {
            dialects: Dialects::new(settings.models.as_deref()),
            settings,
            clock,
            state: Mutex::new(State {
                scripts: Scripts::default(),
                accounts: HashMap::new(),
                journal: Journal::new(kept),
                requests: 0,
                connections: 0,
                accepted,
                book: None,
            }),
            tally: watch::Sender::new(Tally::default()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done where a panic could happen, so a poisoned lock is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Tally> {
        self.tally.subscribe()
    }

    pub(crate) fn tally(&self) -> Tally {
        *self.tally.borrow()
    }

    /// A connection is open; its number.
    pub(crate) fn connected(&self) -> u64 {
        self.tally.send_modify(|tally| tally.connections += 1);
        let mut state = self.state();
        state.connections += 1;
        state.connections - 1
    }

    pub(crate) fn disconnected(&self) {
        self.tally.send_modify(|tally| tally.connections -= 1);
    }

    pub(crate) fn begin(&self, head: &Head, connection: u64) -> Begun {
        let dialect = self.dialects.of(head);
        let credential = dialect.credential(head);
        let endpoint = dialect.call(head.path()).map_or(Endpoint::Every, Call::endpoint);
        let mut state = self.state();
        let number = state.requests;
        state.requests += 1;
        let is_accepted = credential.is_some_and(|text| state.accepts(text, endpoint));
        let at = self.clock.now();
        let mut draw = Draw::new(hash(self.settings.seed, &number.to_le_bytes()));
        let request_id = format!("req_011{}", draw.base62(21));
        let script = state
            .scripts
            .take(credential, is_accepted, endpoint)
            .or_else(|| self.chance(&mut draw, endpoint));
        if !state.journal.is_off() {
            state.journal.push(Received {
                number,
                at,
                connection,
                method: head.method.clone(),
                target: head.target.clone(),
                headers: head.headers.clone(),
                body: Bytes::new(),
                credential: credential.map(str::to_owned),
                status: None,
                request_id: request_id.clone(),
                billed: Billed::default(),
                ended: Ended::InProgress,
            });
        }
        drop(state);
        self.tally.send_modify(|tally| tally.received += 1);
        Begun {
            number,
            request_id,
            credential: credential.map(str::to_owned),
            is_accepted,
            script,
            at,
            provider: dialect.provider(),
            model: OnceLock::new(),
        }
    }

    fn chance(&self, draw: &mut Draw, endpoint: Endpoint) -> Option<Script> {
        let chances = self.settings.chances.iter();
        let mut covering = chances.filter(|(_, script)| script.endpoint.covers(endpoint));
        covering
            .find(|(probability, _)| draw.chance(*probability))
            .map(|(_, script)| script.clone())
    }

    pub(crate) fn body_read(&self, number: u64, body: &Bytes) {
        if let Some(request) = self.state().journal.find(number) {
            request.body = body.clone();
        }
    }

    pub(crate) fn answered(&self, number: u64, status: u16) {
        if let Some(request) = self.state().journal.find(number) {
            request.status = Some(status);
        }
    }

    /// Reads and writes the account's prompt cache; what of it is billed.
    pub(crate) fn apply_cache(&self, credential: &str, ask: &Ask) -> CacheUse {
        let minimum = self.settings.cache_minimum.unwrap_or(ask.cache_minimum);
        let now = self.clock.now();
        let mut state = self.state();
        let applied = state
            .account(credential)
            .cache
            .apply(&ask.prompt.prefixes, minimum, now);
        if ask.bills_cache_writes {
            applied
        } else {
            CacheUse {
                read: applied.read,
                ..CacheUse::default()
            }
        }
    }

    /// Counts a request against the account's limits; what is left, or the same as an error when nothing was
    /// left for it.
    pub(crate) fn use_quota(&self, credential: &str) -> Result<Quota, Quota> {
        let limit = self.settings.requests_per_minute;
        let mut state = self.state();
        let minute = state.minute(credential, self.clock.now());
        if limit.is_some_and(|limit| minute.requests >= limit) {
            return Err(minute.quota(limit));
        }
        minute.requests += 1;
        Ok(minute.quota(limit))
    }

    /// Counts tokens against the account's limits; what is left.
    pub(crate) fn use_tokens(&self, credential: &str, input: u64, output: u64) -> Quota {
        let mut state = self.state();
        let minute = state.minute(credential, self.clock.now());
        minute.input_tokens += input;
        minute.output_tokens += output;
        minute.quota(self.settings.requests_per_minute)
    }

    /// The last bytes are about to be sent: whoever has read them finds the request completed and billed.
    /// If the client turns out to be gone, [`went_away_at_last`](Self::went_away_at_last) takes it back.
    pub(crate) fn complete(&self, begun: &Begun, billed: &Billed) {
        let mut state = self.state();
        state.bill(begun, billed);
        if let Some(request) = state.journal.find(begun.number) {
            request.ended = Ended::Completed;
        }
        drop(state);
        self.tally.send_modify(|tally| tally.ended += 1);
    }

    pub(crate) fn went_away_at_last(&self, number: u64, body_bytes: u64) {
        if let Some(request) = self.state().journal.find(number) {
            request.ended = Ended::ClientWentAway { body_bytes };
        }
        self.tally.send_modify(|tally| tally.disconnected += 1);
    }

    /// The answer stopped short of its end; this much of it is billed.
    pub(crate) fn stopped(&self, begun: &Begun, billed: &Billed) {
        self.state().bill(begun, billed);
    }

    /// The request has ended in another way than completed.
    pub(crate) fn end(&self, number: u64, ended: Ended) {
        if let Some(request) = self.state().journal.find(number) {
            request.ended = ended;
        }
        self.tally.send_modify(|tally| {
            tally.ended += 1;
            tally.disconnected += u64::from(matches!(ended, Ended::ClientWentAway { .. }));
        });
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state().journal.all()
    }

    pub(crate) fn forget_received(&self) {
        self.state().journal.clear();
    }

    pub(crate) fn billed(&self, credential: &str) -> Billed {
        self.state()
            .accounts
            .get(credential)
            .map_or_else(Billed::default, |account| account.billed)
    }

    pub(crate) fn billed_in_all(&self) -> Billed {
        let mut sum = Billed::default();
        for account in self.state().accounts.values() {
            sum.add(&account.billed);
        }
        sum
    }

    pub(crate) fn accept(&self, accepted: Option<HashSet<String>>) {
        self.state().accepted = accepted;
    }

    pub(crate) fn open_organization(&self, organization: Organization) {
        let mut state = self.state();
        match &mut state.book {
            Some(book) => book.organization = organization,
            none => *none = Some(Book::new(organization)),
        }
    }

    /// What `write` makes of the organisation's reports; `None` if there is no organisation.
    pub(crate) fn report<T>(
        &self,
        provider: ProviderKind,
        write: impl FnOnce(&Reported<'_>) -> T,
    ) -> Option<T> {
        let now = self.clock.now();
        let state = self.state();
        let book = state.book.as_ref()?;
        Some(write(&Reported {
            organization: &book.organization,
            entries: &book.reported(provider, now),
            now,
        }))
    }

    pub(crate) fn change_scripts(&self, change: impl FnOnce(&mut Scripts)) {
        change(&mut self.state().scripts);
    }
}

impl Minute {
    fn quota(&self, requests_limit: Option<u64>) -> Quota {
        let requests_limit = requests_limit.unwrap_or(REQUESTS_PER_MINUTE);
        Quota {
            requests_limit,
            requests_left: requests_limit.saturating_sub(self.requests),
            input_tokens_limit: INPUT_TOKENS_PER_MINUTE,
            input_tokens_left: INPUT_TOKENS_PER_MINUTE.saturating_sub(self.input_tokens),
            output_tokens_limit: OUTPUT_TOKENS_PER_MINUTE,
            output_tokens_left: OUTPUT_TOKENS_PER_MINUTE.saturating_sub(self.output_tokens),
            reset_at: Timestamp::from_seconds((self.number + 1) * 60),
        }
    }
}

impl State {
    /// An admin's key reads reports and does nothing else; no other key reads them.
    fn accepts(&self, credential: &str, endpoint: Endpoint) -> bool {
        let is_admin = self
            .book
            .as_ref()
            .is_some_and(|book| book.organization.admin_key == credential);
        if is_admin || endpoint == Endpoint::Reports {
            return is_admin && endpoint == Endpoint::Reports;
        }
        self.accepted
            .as_ref()
            .is_none_or(|accepted| accepted.contains(credential))
    }

    fn account(&mut self, credential: &str) -> &mut Account {
        // Not `entry`, which would copy the credential for every request.
        if !self.accounts.contains_key(credential) {
            self.accounts.insert(credential.to_owned(), Account::default());
        }
        self.accounts
            .get_mut(credential)
            .expect("it was put there, if it was not there")
    }

    fn minute(&mut self, credential: &str, now: Timestamp) -> &mut Minute {
        let minute = &mut self.account(credential).minute;
        let number = now.as_seconds().div_euclid(60);
        if minute.number != number {
            *minute = Minute {
                number,
                ..Minute::default()
            };
        }
        minute
    }

    fn bill(&mut self, begun: &Begun, billed: &Billed) {
        if let Some(credential) = &begun.credential
            && *billed != Billed::default()
        {
            self.account(credential).billed.add(billed);
            if let (Some(book), Some(model)) = (&mut self.book, begun.model.get()) {
                book.add(begun.at, begun.provider, model, credential, billed);
            }
        }
        if let Some(request) = self.journal.find(begun.number) {
            request.billed = *billed;
        }
    }
}
