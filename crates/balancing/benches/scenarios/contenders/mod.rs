mod gateway;
mod shuffle;
mod sticky;

use std::time::Duration;

use gateway_balancing::Prompt;
use gateway_domain::{Fault, RateLimits, TokenCounts};

use self::gateway::Gateway;
use self::shuffle::Shuffle;
use self::sticky::Sticky;
use super::plan::AccountPlan;

/// Someone who says which account serves the next request.
///
/// Requests are told by number; of each at most one attempt is open.
pub(crate) trait Contender {
    fn pick(&mut self, ask: &Ask<'_>) -> Pick;
    /// The first content has come.
    fn answering(&mut self, request: usize, ttft: Option<Duration>, limits: RateLimits);
    fn succeeded(&mut self, request: usize, tokens: &TokenCounts);
    fn failed(&mut self, request: usize, account: usize, fault: &Fault);

    /// Time has passed. Comes before everything that happens at `now`.
    fn pass(&mut self, now: Duration);
    /// Requests that waited, and whose turn has come.
    fn turns(&mut self) -> Vec<(usize, Pick)> {
        Vec::new()
    }
    /// A request that waits does so no longer.
    fn stop_waiting(&mut self, _request: usize) {}
    /// The accounts that it wants probed now.
    fn due_for_probe(&self) -> Vec<usize> {
        Vec::new()
    }
    fn probed(&mut self, _account: usize, _outcome: Result<(), Fault>) {}
}

/// A request as its balancer sees it.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) request: usize,
    pub(crate) key: u64,
    pub(crate) session: u64,
    pub(crate) prompt: Prompt,
    pub(crate) tried: &'a [usize],
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Pick {
    Account(usize),
    Waits,
    None { retry_after: Option<Duration> },
}

/// How a contender is called and made, from a seed.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) enter: fn(&'static str, &[AccountPlan], u64) -> Box<dyn Contender>,
}

const fn of_ours(name: &'static str) -> Entry {
    Entry {
        name,
        enter: |name, accounts, seed| Box::new(Gateway::new(name, accounts, seed)),
    }
}

/// Every contender: our strategies, and what people use today.
pub(crate) static CONTENDERS: &[Entry] = &[
    of_ours("smart"),
    of_ours("round_robin"),
    of_ours("least_in_flight"),
    of_ours("peak_ewma"),
    Entry {
        name: "weighted shuffle",
        enter: |_, accounts, seed| Box::new(Shuffle::new(accounts, seed)),
    },
    Entry {
        name: "sticky, then LRU",
        enter: |_, accounts, _| Box::new(Sticky::new(accounts)),
    },
];
