use super::{Candidate, Choice, Looks, Strategy, next_in_turn};

/// Each in turn, by weight, and never one account's turns in a row when they can be spread.
///
/// Source: nginx's smooth weighted round robin.
#[derive(Debug, Clone, Copy)]
pub struct RoundRobin;

impl Strategy for RoundRobin {
    fn name(&self) -> &'static str {
        "round_robin"
    }

    fn looks_at(&self) -> Looks {
        Looks::Turns
    }

    fn pick(&self, _choice: &Choice, candidates: &mut [Candidate]) -> usize {
        next_in_turn(candidates, |_| true)
    }
}
