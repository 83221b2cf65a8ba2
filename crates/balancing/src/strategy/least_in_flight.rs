use super::{Candidate, Choice, Looks, Parts, Strategy, next_in_turn};

/// The account with the fewest open requests for its capacity; among equals, each in turn by weight.
///
/// The capacity is the weight, times `max_concurrency` where all candidates have one.
#[derive(Debug, Clone, Copy)]
pub struct LeastInFlight;

impl Strategy for LeastInFlight {
    fn name(&self) -> &'static str {
        "least_in_flight"
    }

    fn looks_at(&self) -> Looks {
        Looks::Load
    }

    fn pick(&self, _choice: &Choice, candidates: &mut [Candidate]) -> usize {
        let are_limited = candidates
            .iter()
            .all(|candidate| candidate.max_concurrency.is_some());
        let mut least = f32::INFINITY;
        for candidate in &mut *candidates {
            let places = candidate.max_concurrency.filter(|_| are_limited).unwrap_or(1);
            candidate.score = load(candidate, places);
            least = least.min(candidate.score);
        }
        next_in_turn(candidates, |candidate| candidate.score <= least)
    }

    fn parts(&self, candidate: &Candidate) -> Parts {
        let mut parts = Parts::default();
        parts[0] = Some(("in_flight_per_capacity", candidate.score));
        parts
    }
}

#[expect(clippy::cast_precision_loss, reason = "compared, not counted")]
fn load(candidate: &Candidate, places: u32) -> f32 {
    candidate.in_flight as f32 / (candidate.weight as f32 * places.max(1) as f32)
}
