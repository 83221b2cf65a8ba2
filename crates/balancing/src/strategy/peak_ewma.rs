use super::{Candidate, Choice, Looks, Parts, Strategy};

/// Loads closer than this are the same.
const TOLERANCE: f32 = 1.1;

/// The better of two that are drawn by weight: the one with the lower peak-EWMA time to first token, times its queue.
///
/// Two rather than all, so that several gateways do not run to the same account at once.
///
/// Source: Mitzenmacher's power of two choices, with Finagle's peak EWMA.
#[derive(Debug, Clone, Copy)]
pub struct PeakEwma;

impl Strategy for PeakEwma {
    fn name(&self) -> &'static str {
        "peak_ewma"
    }

    fn looks_at(&self) -> Looks {
        Looks::Load
    }

    fn pick(&self, choice: &Choice, candidates: &mut [Candidate]) -> usize {
        let heaviest = heaviest(candidates);
        for candidate in &mut *candidates {
            candidate.score = load(candidate, heaviest);
        }
        if choice.is_sample {
            return better(candidates, 0, 1.min(candidates.len() - 1));
        }
        let first = drawn(candidates, choice.draw, usize::MAX);
        if candidates.len() < 2 {
            return first;
        }
        let second = drawn(candidates, choice.draw.rotate_left(32), first);
        better(candidates, first, second)
    }

    fn parts(&self, candidate: &Candidate) -> Parts {
        let mut parts = Parts::default();
        parts[0] = Some(("ttft_seconds", candidate.ttft_seconds.unwrap_or(0.0)));
        parts[1] = Some(("ttft_seconds_times_queue", candidate.score));
        parts
    }
}

fn heaviest(candidates: &[Candidate]) -> u32 {
    candidates
        .iter()
        .map(|candidate| candidate.weight)
        .max()
        .unwrap_or(1)
}

#[expect(clippy::cast_precision_loss, reason = "compared, not counted")]
fn load(candidate: &Candidate, heaviest: u32) -> f32 {
    let queue = 1.0 + candidate.in_flight as f32 * heaviest as f32 / candidate.weight as f32;
    // One that was never timed is worth finding out about.
    candidate.ttft_seconds.unwrap_or(0.0) * queue
}

/// A candidate other than `not`, by weight.
fn drawn(candidates: &[Candidate], draw: u64, not: usize) -> usize {
    let others = || {
        let all = candidates.iter().enumerate();
        all.filter(|(index, _)| *index != not)
    };
    let sum: u64 = others().map(|(_, candidate)| u64::from(candidate.weight)).sum();
    let mut ticket = draw % sum.max(1);
    for (index, candidate) in others() {
        match ticket.checked_sub(u64::from(candidate.weight)) {
            Some(rest) => ticket = rest,
            None => return index,
        }
    }
    0
}

fn better(candidates: &[Candidate], first: usize, second: usize) -> usize {
    if candidates[second].score * TOLERANCE < candidates[first].score {
        second
    } else {
        first
    }
}
