use crate::chance::mix;
use crate::choosing::Shortlist;
use crate::prompt_caches::PromptCaches;
use crate::routes::Route;
use crate::view::View;

/// A tier with more accounts than this is sampled.
const MANY: usize = 24;
/// How often an account is drawn; the same one may be drawn again.
const DRAWS: u64 = 16;
/// With fewer accounts drawn that can serve, all are looked at.
const ENOUGH: usize = 6;

impl Shortlist {
    /// Lists accounts that are drawn from a large first tier by their weights, so that a pick among a thousand takes as
    /// long as one among thirty; and those that hold the prompt in their cache. Says whether that is enough to pick from.
    ///
    /// A conversation that will be cached draws the same accounts on every instance. Who was drawn earlier has the
    /// higher credit, so that among equals the first counts, and with it the weights.
    ///
    /// Source: the power of d choices (Mitzenmacher, 2001), drawn by weight.
    pub(crate) fn fill_with_sample(
        &mut self,
        route: &Route,
        view: &View<'_>,
        caches: &PromptCaches,
        draw: u64,
    ) -> bool {
        if route.first_tier().len() <= MANY || !view.is_plain {
            return false;
        }
        let prompt = &view.wanted.prompt;
        let cached = prompt.conversation.filter(|_| prompt.cache_lifetime.is_some());
        let mut lots = cached.unwrap_or(draw);
        for _ in 0..DRAWS {
            lots = lots.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let position = route.drawn(mix(lots));
            if !self.add_drawn(route, view, position, lots) {
                return self.is_useless();
            }
        }
        if self.candidates.len() < ENOUGH {
            return self.is_useless();
        }
        let preamble = prompt.preamble.map(|preamble| preamble.hash);
        for hash in cached.into_iter().chain(preamble.filter(|_| cached.is_some())) {
            for home in caches.find(hash).alive(view.now) {
                let index = view.places.get(&home.account_id);
                if let Some(position) = index.and_then(|index| route.position_of(*index)) {
                    self.add_drawn(route, view, position, lots);
                }
            }
        }
        self.is_sample = true;
        true
    }

    /// Adds an account that was drawn, if it can serve and is not there yet; `false` if a sample would not do.
    fn add_drawn(&mut self, route: &Route, view: &View<'_>, position: usize, lots: u64) -> bool {
        if self.positions.contains(&position) {
            return true;
        }
        let stop = &route[position];
        let Ok(fit) = view.judge(stop) else { return true };
        if view.services[stop.service].is_strained(view.now) {
            return false;
        }
        // One that is to have less than its share is left out as often.
        #[expect(clippy::cast_precision_loss, reason = "16 bits of a hash")]
        let chance = (mix(lots ^ 1) & 0xffff) as f32 / 65_536.0;
        if chance < fit.share {
            self.add(view, position, stop, fit);
            let rank = i64::try_from(self.candidates.len()).unwrap_or(i64::MAX);
            if let Some(candidate) = self.candidates.last_mut() {
                candidate.credit = -rank;
            }
        }
        true
    }

    fn is_useless(&mut self) -> bool {
        self.candidates.clear();
        self.positions.clear();
        false
    }
}
