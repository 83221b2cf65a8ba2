use std::time::Duration;

use gateway_domain::{Fault, RateLimits, TokenCounts};

use super::{Ask, Contender, Pick};
use crate::scenarios::dice::Dice;
use crate::scenarios::plan::AccountPlan;

const COOLDOWN: Duration = Duration::from_secs(5);

/// A lot drawn by weight among the accounts that did not fail within the last five seconds.
///
/// Source: LiteLLM's `simple-shuffle`.
pub(crate) struct Shuffle {
    weights: Vec<u16>,
    cool_until: Vec<Duration>,
    now: Duration,
    dice: Dice,
}

impl Shuffle {
    pub(crate) fn new(accounts: &[AccountPlan], seed: u64) -> Self {
        Self {
            weights: accounts.iter().map(|account| account.weight).collect(),
            cool_until: vec![Duration::ZERO; accounts.len()],
            now: Duration::ZERO,
            dice: Dice::of(seed, 2),
        }
    }
}

impl Contender for Shuffle {
    fn pick(&mut self, ask: &Ask<'_>) -> Pick {
        let is_free = |index: &usize| self.cool_until[*index] <= self.now && !ask.tried.contains(index);
        let free: Vec<usize> = (0..self.weights.len()).filter(is_free).collect();
        let sum: u64 = free.iter().map(|index| u64::from(self.weights[*index])).sum();
        if sum == 0 {
            return Pick::None {
                retry_after: Some(COOLDOWN),
            };
        }
        let mut ticket = self.dice.draw() % sum;
        for index in free {
            match ticket.checked_sub(u64::from(self.weights[index])) {
                Some(rest) => ticket = rest,
                None => return Pick::Account(index),
            }
        }
        unreachable!("the ticket is below the sum")
    }

    fn answering(&mut self, _request: usize, _ttft: Option<Duration>, _limits: RateLimits) {}

    fn succeeded(&mut self, _request: usize, _tokens: &TokenCounts) {}

    fn failed(&mut self, _request: usize, account: usize, _fault: &Fault) {
        self.cool_until[account] = self.now + COOLDOWN;
    }

    fn pass(&mut self, now: Duration) {
        self.now = now;
    }
}
