use super::{Choice, Strategy};

/// Each in turn, by weight, and never one account's turns in a row when they can be spread.
///
/// Source: nginx's smooth weighted round robin.
#[derive(Debug, Clone, Copy)]
pub struct RoundRobin;

impl Strategy for RoundRobin {
    fn name(&self) -> &'static str {
        "round_robin"
    }

    fn pick(&self, choice: &Choice<'_>) -> usize {
        let mut best = 0;
        for (index, candidate) in choice.candidates.iter().enumerate() {
            if candidate.credit > choice.candidates[best].credit {
                best = index;
            }
        }
        best
    }
}
