mod round_robin;

use std::time::Duration;

use gateway_domain::AccountId;

pub use self::round_robin::RoundRobin;
use crate::Wanted;

/// Every strategy there is.
pub static STRATEGIES: &[&dyn Strategy] = &[&RoundRobin];

/// The strategy of this name.
#[must_use]
pub fn strategy(name: &str) -> Option<&'static dyn Strategy> {
    STRATEGIES
        .iter()
        .copied()
        .find(|strategy| strategy.name() == name)
}

/// How one account is picked among equals.
///
/// A pure function: what it needs to remember from one pick to the next is in the candidates.
pub trait Strategy: Sync {
    /// The word that stands for it in configuration.
    fn name(&self) -> &'static str;

    /// The index of the candidate that serves; what lies beyond the last counts as the last.
    fn pick(&self, choice: &Choice<'_>) -> usize;
}

/// What a strategy decides on.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// Who could serve; never empty, all of the same priority.
    pub candidates: &'a [Candidate],
    /// What is to be served.
    pub wanted: &'a Wanted<'a>,
    /// A random number, for strategies that draw lots.
    pub draw: u64,
}

/// An account that could serve, as a strategy sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The account.
    pub account_id: AccountId,
    /// Its share of the requests against the other candidates' weights; never zero.
    pub weight: u32,
    /// How far it is behind its share, this pick included.
    ///
    /// The pool keeps these accounts for every strategy: before a pick each candidate gains its weight, and whoever
    /// is picked pays the sum. So the candidate with the most is the one whose turn it is.
    pub credit: i64,
    /// Its open requests.
    pub in_flight: u32,
    /// Requests that may be open at once; `None` is without limit.
    pub max_concurrency: Option<u32>,
    /// Moving average of the time to the first token, if it is known.
    pub ttft: Option<Duration>,
}
