use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gateway_domain::{AccountId, ApiKey, ApiKeyId, ProviderKind, UserId};

use crate::fair_queue::Look;
use crate::shared::{Shared, State};
use crate::{Lease, NoAccount, Prompt, Wanted};

/// What is done when a request's turn has come.
type OnTurn = Box<dyn FnOnce(Result<Lease, NoAccount>) + Send>;

/// How often it is looked for places that came free by the passing of time, at the most.
const TICK: Duration = Duration::from_millis(100);

/// Requests that find the same accounts full.
#[derive(PartialEq, Eq)]
struct Busy {
    model: String,
    user_id: UserId,
    /// Of a key that may not use every account.
    key: Option<ApiKeyId>,
    burst_percent: u32,
}

/// A request that waits for a place at an account.
pub(crate) struct Waiter {
    request: Request,
    since: Duration,
    on_turn: OnTurn,
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter")
            .field("model", &self.request.model)
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

/// What [`Wanted`] borrows, owned.
struct Request {
    user_id: UserId,
    key: ApiKey,
    model: String,
    providers: Vec<ProviderKind>,
    tried: Vec<AccountId>,
    prompt: Prompt,
}

impl Request {
    fn of(wanted: &Wanted<'_>) -> Self {
        Self {
            user_id: wanted.user_id,
            key: wanted.key.clone(),
            model: wanted.model.to_owned(),
            providers: wanted.providers.to_vec(),
            tried: wanted.tried.to_vec(),
            prompt: wanted.prompt,
        }
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            user_id: self.user_id,
            key: &self.key,
            model: &self.model,
            providers: &self.providers,
            tried: &self.tried,
            prompt: self.prompt,
        }
    }
}

/// A request's place in the queue; dropping it leaves the queue.
#[must_use = "dropping it leaves the queue"]
pub struct QueuePlace {
    pool: Arc<Shared>,
    number: u64,
}

impl fmt::Debug for QueuePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuePlace")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        // Bound first: what it holds may come back to the pool when it is dropped.
        let left = self.pool.state().queue.remove(self.number);
        drop(left);
    }
}

impl Shared {
    /// Puts a request into the queue.
    pub(crate) fn wait(
        self: &Arc<Self>,
        wanted: &Wanted<'_>,
        on_turn: OnTurn,
    ) -> Result<QueuePlace, NoAccount> {
        let number = {
            let mut state = self.state();
            if state.queue.len() >= self.settings.max_waiting {
                return Err(NoAccount::QueueFull);
            }
            let cost = wanted
                .prompt
                .input_tokens
                .saturating_add(wanted.prompt.output_tokens);
            let waiter = Waiter {
                request: Request::of(wanted),
                since: self.clock.monotonic(),
                on_turn,
            };
            state.queue.push(wanted.key.id, cost, waiter)
        };
        let place = QueuePlace {
            pool: Arc::clone(self),
            number,
        };
        // A place may have come free since the caller looked.
        self.serve_waiting();
        Ok(place)
    }

    /// Whether it is time to look for places that came free by the passing of time.
    pub(crate) fn is_time_to_look(&self) -> bool {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let is_time = state
            .last_tick
            .is_none_or(|last| now.saturating_sub(last) >= TICK);
        if is_time {
            state.last_tick = Some(now);
        }
        is_time
    }

    /// Gives the places that are free to those that wait for them.
    pub(crate) fn serve_waiting(self: &Arc<Self>) {
        loop {
            let served = {
                let mut state = self.state();
                self.next_turn(&mut state)
            };
            // Outside of the lock: a lease that nobody takes any more comes back at once.
            match served {
                Some((waiter, turn)) => (waiter.on_turn)(turn),
                None => return,
            }
        }
    }

    fn next_turn(self: &Arc<Self>, state: &mut State) -> Option<(Waiter, Result<Lease, NoAccount>)> {
        if state.queue.len() == 0 {
            return None;
        }
        let now = self.clock.monotonic();
        let mut queue = std::mem::take(&mut state.queue);
        let mut busy = Vec::new();
        let next = queue.next(|waiter| self.look(state, waiter, &mut busy, now));
        state.queue = queue;
        let (waiter, _) = next?;
        let waited = now.saturating_sub(waiter.since);
        let pick = self.pick(state, &waiter.request.wanted(), Some(waited));
        let turn = pick.map(|pick| Lease::new(Arc::clone(self), pick.account, pick.errand, pick.ticket));
        Some((waiter, turn))
    }

    /// Whether a request can be served now; `busy` are the kinds of request that turned out not to be.
    fn look(&self, state: &mut State, waiter: &Waiter, busy: &mut Vec<Busy>, now: Duration) -> Look {
        let request = &waiter.request;
        let waited = Some(now.saturating_sub(waiter.since));
        let kind = Busy {
            model: request.model.clone(),
            user_id: request.user_id,
            key: (!request.key.allowed_accounts.is_empty()).then_some(request.key.id),
            burst_percent: self.settings.burst_percent_after(waited),
        };
        let is_usual = request.prompt.pin.is_none() && request.tried.is_empty();
        if is_usual && busy.contains(&kind) {
            return Look::Waits;
        }
        match state.choose(self, &request.wanted(), waited, now) {
            Ok(_) => Look::Ready,
            Err(NoAccount::AllBusy) => {
                if is_usual && !state.shortlist.holds_out {
                    busy.push(kind);
                }
                Look::Waits
            }
            Err(_) => Look::Hopeless,
        }
    }
}
