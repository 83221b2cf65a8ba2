use std::collections::HashMap;
use std::time::Duration;

use gateway_domain::AccountId;

/// Accounts remembered for one prompt, at the most.
pub(crate) const MAX_HOMES: usize = 4;

/// Which accounts hold which prompts in their provider's cache, as far as answers told.
///
/// Bounded: when a generation is full, what was not used since the one before is forgotten.
#[derive(Debug)]
pub(crate) struct PromptCaches {
    young: HashMap<u64, Homes>,
    old: HashMap<u64, Homes>,
    /// Prompts of one generation.
    generation: usize,
}

/// Where one prompt lies.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Homes {
    homes: [Option<Home>; MAX_HOMES],
    /// How many conversations began with it of late: within about one lifetime of the cache.
    uses: u32,
    counted_from: Duration,
}

/// An account that holds a prompt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    pub(crate) account_id: AccountId,
    /// How much of the prompt it holds.
    pub(crate) tokens: u64,
    /// When its provider forgets it, unless it is used again.
    pub(crate) expires: Duration,
}

impl Homes {
    pub(crate) fn alive(&self, now: Duration) -> impl Iterator<Item = Home> {
        self.homes
            .into_iter()
            .flatten()
            .filter(move |home| now < home.expires)
    }

    /// How many conversations began with it of late.
    pub(crate) fn recent_uses(&self) -> u64 {
        u64::from(self.uses)
    }

    fn count_use(&mut self, lifetime: Duration, now: Duration) {
        if now.saturating_sub(self.counted_from) >= lifetime {
            self.uses /= 2;
            self.counted_from = now;
        }
        self.uses = self.uses.saturating_add(1);
    }

    fn keep(&mut self, home: Home) {
        let is_same = |known: &Option<Home>| known.is_none_or(|known| known.account_id == home.account_id);
        let place = self.homes.iter().position(is_same).unwrap_or_else(|| {
            // The one that is forgotten first makes room.
            let expiry = |place: &usize| self.homes[*place].map(|known| known.expires);
            (0..MAX_HOMES).min_by_key(expiry).unwrap_or(0)
        });
        self.homes[place] = Some(home);
    }
}

impl PromptCaches {
    pub(crate) fn new(remembered: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            generation: remembered.div_ceil(2).max(1),
        }
    }

    /// Where the prompt of this hash lies.
    pub(crate) fn find(&self, hash: u64) -> Homes {
        let found = self.young.get(&hash).or_else(|| self.old.get(&hash));
        found.copied().unwrap_or_default()
    }

    /// Notes that the prompt lies at `account_id`, which has just used it.
    pub(crate) fn keep(
        &mut self,
        hash: u64,
        account_id: AccountId,
        tokens: u64,
        lifetime: Duration,
        now: Duration,
    ) {
        let home = Home {
            account_id,
            tokens,
            expires: now.saturating_add(lifetime),
        };
        let mut homes = self.find(hash);
        if self.young.len() >= self.generation && !self.young.contains_key(&hash) {
            self.old = std::mem::take(&mut self.young);
        }
        homes.keep(home);
        self.young.insert(hash, homes);
    }

    /// Counts one more conversation that begins with the prompt.
    pub(crate) fn count_use(&mut self, hash: u64, lifetime: Duration, now: Duration) {
        if let Some(homes) = self.young.get_mut(&hash).or_else(|| self.old.get_mut(&hash)) {
            homes.count_use(lifetime, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gateway_domain::AccountId;

    use super::{MAX_HOMES, PromptCaches};

    fn keep(caches: &mut PromptCaches, hash: u64, account_id: AccountId, expires: u64) {
        caches.keep(hash, account_id, 10, Duration::from_secs(expires), Duration::ZERO);
    }

    fn count(caches: &PromptCaches, hash: u64, now: u64) -> usize {
        caches.find(hash).alive(Duration::from_secs(now)).count()
    }

    #[test]
    fn a_prompt_has_a_few_homes_until_they_expire() {
        let mut caches = PromptCaches::new(10);
        let first = AccountId::random();
        keep(&mut caches, 1, first, 100);
        keep(&mut caches, 1, first, 300);
        assert_eq!(count(&caches, 1, 299), 1);
        assert_eq!(count(&caches, 1, 300), 0);
        for expires in 301..320 {
            keep(&mut caches, 1, AccountId::random(), expires);
        }
        assert_eq!(count(&caches, 1, 0), MAX_HOMES);
        assert_eq!(count(&caches, 1, 318), 1, "the newest stay");
    }

    #[test]
    fn memory_is_bounded_and_keeps_what_is_used() {
        let mut caches = PromptCaches::new(100);
        for hash in 0..10_000 {
            keep(&mut caches, hash, AccountId::random(), 1_000);
            keep(&mut caches, 7, AccountId::random(), 1_000);
        }
        assert!(caches.young.len() + caches.old.len() <= 101);
        assert!(count(&caches, 7, 0) > 0 && count(&caches, 9_999, 0) > 0 && count(&caches, 5, 0) == 0);
    }
}
