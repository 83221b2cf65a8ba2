use std::time::Duration;

use super::{Candidate, Choice, Looks, Parts, Strategy, next_in_turn};
use crate::Rates;
use crate::chance::mix;
use crate::extremes::{greater, lesser};

/// Below this nothing is cached by any provider, in tokens.
const SHORTEST_CACHED: u64 = 1_024;
/// Costs are the same when they differ by less than this share of the prompt's money, and by less than this time.
const SAME_MONEY: f32 = 0.05;
const SAME_SECONDS: f32 = 0.1;
/// Accounts are equally full when the used parts of their limits differ by less.
const SAME_FILL: f32 = 0.05;
/// From here on an account counts as ever more likely to refuse.
const NEARLY_FULL: f32 = 0.85;
/// What a refusal costs in time: the way there and back, and a pick.
const REFUSAL_SECONDS: f32 = 1.0;
/// What keeping others waiting counts at the most.
const LONGEST_STALL_SECONDS: f32 = 30.0;

/// The account where serving this request is expected to cost least, in money and in time.
///
/// The money is what the prompt costs there, given what of it lies in the account's prompt cache: staying with a
/// conversation's account is worth (price of writing − price of reading) × the cached part, no more. The time is the
/// peak EWMA of the time to first token, times the queue. Both are raised by the risk that the account fails or
/// refuses: its failures of the last minute, and the limits that its last answer told, less what is under way.
///
/// Among accounts that cost the same, those that hold most of the prompt come first: a conversation that was cached in
/// two would otherwise be written twice from then on. Among these, those with the most room take the request, so that
/// each fills in proportion to its size. Among these a conversation that will be cached goes where rendezvous hashing puts it, the same on every
/// instance; any other goes to the account whose turn it is. Weights count in both.
#[derive(Debug, Clone, Copy)]
pub struct Smart;

impl Strategy for Smart {
    fn name(&self) -> &'static str {
        "smart"
    }

    fn looks_at(&self) -> Looks {
        Looks::Ahead
    }

    fn pick(&self, choice: &Choice, candidates: &mut [Candidate]) -> usize {
        let field = Field::of(choice, candidates);
        let mut least = f32::INFINITY;
        for candidate in &mut *candidates {
            let cost = Cost::of(choice, &field, candidate);
            candidate.score = cost.total();
            candidate.costs = [cost.money_usd, cost.time_usd, cost.risk_usd];
            least = lesser(least, candidate.score);
        }
        let same = least + field.prompt_usd * SAME_MONEY + choice.second_worth_usd * SAME_SECONDS;
        let most_cached = if field.has_home {
            let same = candidates.iter().filter(|candidate| candidate.score <= same);
            same.map(|candidate| candidate.cached_tokens).fold(0, u64::max)
        } else {
            0
        };
        let is_same =
            |candidate: &Candidate| candidate.score <= same && candidate.cached_tokens == most_cached;
        let emptiest = candidates
            .iter()
            .filter(|candidate| is_same(candidate))
            .map(|candidate| field.fill(candidate))
            .fold(f32::INFINITY, lesser);
        let is_equal =
            |candidate: &Candidate| is_same(candidate) && field.fill(candidate) <= emptiest + SAME_FILL;
        let conversation = choice.prompt.conversation;
        match conversation.filter(|_| is_cacheable(choice) && !choice.is_sample) {
            Some(conversation) => rendezvous(conversation, candidates, is_equal),
            None => next_in_turn(candidates, is_equal),
        }
    }

    fn patience(&self, choice: &Choice, rates: &Rates, saved_tokens: u64) -> Duration {
        let saved_usd = tokens(saved_tokens) * (input_rate(choice, rates) - rates.cache_read).max(0.0);
        Duration::try_from_secs_f32(saved_usd / choice.second_worth_usd).unwrap_or_default()
    }

    fn parts(&self, candidate: &Candidate) -> Parts {
        let [money_usd, time_usd, risk_usd] = candidate.costs;
        let cached = candidate.cached_tokens.max(candidate.preamble_tokens);
        [
            Some(("money_usd", money_usd)),
            Some(("time_usd", time_usd)),
            Some(("risk_usd", risk_usd)),
            Some(("cached_tokens", tokens(cached))),
            candidate.used.map(|used| ("limits_used", used)),
            candidate.ttft_seconds.map(|seconds| ("ttft_seconds", seconds)),
        ]
    }
}

fn is_cacheable(choice: &Choice) -> bool {
    choice.prompt.cache_lifetime.is_some() && SHORTEST_CACHED <= choice.prompt.input_tokens
}

/// What must be known of all candidates to weigh one.
struct Field {
    heaviest: u32,
    /// What stands in for the time of an account that was never timed.
    usual_ttft_seconds: f32,
    /// What the prompt costs where nothing of it is cached.
    prompt_usd: f32,
    /// Whether any holds the conversation in its cache.
    has_home: bool,
    /// Whether all tell their limits, and whether all have so many places and no more: one that tells nothing is not
    /// empty for that.
    tell_limits: bool,
    have_places: bool,
}

impl Field {
    fn of(choice: &Choice, candidates: &[Candidate]) -> Self {
        let mut field = Self {
            heaviest: 1,
            usual_ttft_seconds: 0.0,
            prompt_usd: 0.0,
            has_home: false,
            tell_limits: true,
            have_places: true,
        };
        let mut dearest = 0.0;
        let (mut sum, mut timed) = (0.0, 0.0);
        for candidate in candidates {
            field.heaviest = field.heaviest.max(candidate.weight);
            field.has_home |= candidate.cached_tokens > 0;
            field.tell_limits &= candidate.used.is_some();
            field.have_places &= candidate.max_concurrency.is_some();
            dearest = greater(dearest, input_rate(choice, &candidate.rates));
            if let Some(ttft) = candidate.ttft_seconds {
                sum += ttft;
                timed += 1.0;
            }
        }
        if timed > 0.0 {
            field.usual_ttft_seconds = sum / timed;
        }
        field.prompt_usd = tokens(choice.prompt.input_tokens) * dearest;
        field
    }

    /// How full the account is for the share that its weight gives it, as a part of its limits and of its places.
    fn fill(&self, candidate: &Candidate) -> f32 {
        let used = candidate.used.filter(|_| self.tell_limits).unwrap_or(0.0);
        let places = match candidate.max_concurrency {
            Some(limit) if self.have_places && candidate.in_flight > 0 => {
                count(candidate.in_flight) / count(limit.max(1))
            }
            _ => 0.0,
        };
        greater(used, places) * share_of_heaviest(candidate, self.heaviest)
    }
}

/// What serving the request at one account is expected to cost.
struct Cost {
    money_usd: f32,
    time_usd: f32,
    risk_usd: f32,
}

impl Cost {
    #[inline(always)]
    fn of(choice: &Choice, field: &Field, candidate: &Candidate) -> Self {
        let prompt = &choice.prompt;
        let cached = candidate
            .cached_tokens
            .max(candidate.preamble_tokens)
            .min(prompt.input_tokens);
        let input_usd = tokens(cached) * candidate.rates.cache_read
            + tokens(prompt.input_tokens - cached) * input_rate(choice, &candidate.rates);
        let money_usd = input_usd + tokens(prompt.output_tokens) * candidate.rates.output;
        let ttft = candidate.ttft_seconds.unwrap_or(field.usual_ttft_seconds);
        let queue = 1.0 + count(candidate.waiting) * share_of_heaviest(candidate, field.heaviest);
        let seconds = lesser(ttft, LONGEST_STALL_SECONDS) * queue;
        // Whoever fails costs the way there, and the prompt is then paid in full elsewhere.
        let lost_usd = greater(field.prompt_usd - input_usd, 0.0)
            + (lesser(seconds, LONGEST_STALL_SECONDS) + REFUSAL_SECONDS) * choice.second_worth_usd;
        let risk = greater(refusal_risk(candidate), candidate.failed_share);
        Self {
            money_usd,
            time_usd: seconds * choice.second_worth_usd,
            // A refusal helps nobody, and provokes harder ones: more than what it costs this once.
            risk_usd: risk * (lost_usd + field.prompt_usd),
        }
    }

    fn total(&self) -> f32 {
        self.money_usd + self.time_usd + self.risk_usd
    }
}

/// How likely the account refuses because of its limits, 0 to 1.
fn refusal_risk(candidate: &Candidate) -> f32 {
    if candidate.is_short {
        return 1.0;
    }
    let used = candidate.used.unwrap_or(0.0);
    let over = greater(used - NEARLY_FULL, 0.0) / (1.0 - NEARLY_FULL);
    over * over * 0.5
}

/// How many times more the heaviest account weighs.
fn share_of_heaviest(candidate: &Candidate, heaviest: u32) -> f32 {
    if candidate.weight == heaviest {
        1.0
    } else {
        count(heaviest) / count(candidate.weight)
    }
}

fn input_rate(choice: &Choice, rates: &Rates) -> f32 {
    match choice.prompt.cache_lifetime {
        Some(lifetime) if is_cacheable(choice) && lifetime.as_secs() >= 3_600 => rates.cache_write_long,
        Some(_) if is_cacheable(choice) => rates.cache_write,
        _ => rates.input,
    }
}

/// Where `key` belongs by weighted rendezvous hashing: whoever asks, and whoever else comes or goes.
///
/// Source: Thaler and Ravishankar, 1998; weights as in Schindler's weighted distributed hash tables.
fn rendezvous(key: u64, candidates: &[Candidate], is_in: impl Fn(&Candidate) -> bool) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (index, candidate) in candidates.iter().enumerate() {
        if is_in(candidate) {
            let height = height(key, candidate);
            if best.1 < height {
                best = (index, height);
            }
        }
    }
    best.0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "24 bits of a hash are what an f32 holds"
)]
fn height(key: u64, candidate: &Candidate) -> f32 {
    let id = candidate.account_id.as_uuid().as_u64_pair();
    let hash = mix(mix(key ^ id.0) ^ id.1);
    let unit = ((hash >> 40) as f32 + 0.5) / (1_u64 << 24) as f32;
    count(candidate.weight) / -unit.ln()
}

#[expect(clippy::cast_precision_loss, reason = "weighed, not counted")]
fn tokens(count: u64) -> f32 {
    count as f32
}

#[expect(clippy::cast_precision_loss, reason = "weighed, not counted")]
fn count(number: u32) -> f32 {
    number as f32
}
