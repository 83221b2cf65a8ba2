mod least_in_flight;
mod peak_ewma;
mod round_robin;
mod smart;

use std::time::Duration;

use gateway_domain::AccountId;

pub use self::least_in_flight::LeastInFlight;
pub use self::peak_ewma::PeakEwma;
pub use self::round_robin::RoundRobin;
pub use self::smart::Smart;
use crate::{Prompt, Rates};

/// Every strategy there is.
pub static STRATEGIES: &[&dyn Strategy] = &[&Smart, &RoundRobin, &LeastInFlight, &PeakEwma];

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
/// A pure function: what it needs to remember from one pick to the next is in the candidates. Weights are honoured
/// by all. A half-open account gets its trial before a strategy is asked, unless the request has an account of its own.
pub trait Strategy: Sync {
    /// The word that stands for it in configuration.
    fn name(&self) -> &'static str;

    /// What it has to know of the candidates; what it does not look at is not found out.
    fn looks_at(&self) -> Looks;

    /// The index of the candidate that serves; what lies beyond the last counts as the last.
    ///
    /// It may leave in each candidate's [`score`](Candidate::score) the number that it compared, lower being better.
    fn pick(&self, choice: &Choice, candidates: &mut [Candidate]) -> usize;

    /// How long a request should rather wait for an account that holds `saved_tokens` more of its prompt in its cache
    /// than any candidate.
    fn patience(&self, choice: &Choice, rates: &Rates, saved_tokens: u64) -> Duration {
        let _ = (choice, rates, saved_tokens);
        Duration::ZERO
    }

    /// What the score of a candidate is made of, by name, after a pick; for people who ask why.
    fn parts(&self, candidate: &Candidate) -> Parts {
        let _ = candidate;
        Parts::default()
    }
}

/// What a strategy looks at, each more than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Looks {
    /// Weights and credits.
    Turns,
    /// Open requests, times and failures as well. Of many accounts a sample is enough.
    Load,
    /// Caches, limits and prices as well. Of many accounts a sample is enough.
    Ahead,
}

/// Numbers that a decision was made of, by name.
pub type Parts = [Option<(&'static str, f32)>; 6];

/// What a strategy decides on, besides the candidates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// What is to be served.
    pub prompt: Prompt,
    /// A random number, for strategies that draw lots.
    pub draw: u64,
    /// Whether the candidates were drawn from many by their weights already: whoever was drawn earlier has the higher
    /// [`credit`](Candidate::credit), and among equals that is all that counts.
    pub is_sample: bool,
    /// What a second of waiting is worth in US dollars.
    pub second_worth_usd: f32,
}

/// An account that could serve, as a strategy sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// Those of them that are answered in the same way as this one will be, and have no content yet.
    pub waiting: u32,
    /// Requests that may be open at once; `None` is without limit.
    pub max_concurrency: Option<u32>,
    /// Peak EWMA of the time to the first content (the first token of a stream, all of any other answer), or how long
    /// it has kept others waiting if that is more; `None` while nothing is known.
    pub ttft_seconds: Option<f32>,
    /// How likely the next request fails, by the last minute's, 0 to 1.
    pub failed_share: f32,
    /// How much of the prompt lies in its prompt cache because the conversation was there.
    pub cached_tokens: u64,
    /// How much lies there because others with the same preamble were, for each of those that use it.
    pub preamble_tokens: u64,
    /// The part of its fullest limit that is used once the request is served, 0 to 1; `None` if it tells no limits.
    pub used: Option<f32>,
    /// Whether its limits have less left than the request needs.
    pub is_short: bool,
    /// Whether this would be the trial that ends its rest.
    pub is_trial: bool,
    /// What the model costs there.
    pub rates: Rates,
    /// What the strategy compares, lower being better; 0 where it has no use for it.
    pub score: f32,
    /// What the strategy found on the way to the score, in an order of its own.
    pub costs: [f32; 3],
}

/// The candidate whose turn it is among those that `is_in`, by weight.
fn next_in_turn(candidates: &[Candidate], is_in: impl Fn(&Candidate) -> bool) -> usize {
    let mut best: Option<usize> = None;
    for (index, candidate) in candidates.iter().enumerate() {
        if is_in(candidate) && best.is_none_or(|best| candidates[best].credit < candidate.credit) {
            best = Some(index);
        }
    }
    best.unwrap_or(0)
}
