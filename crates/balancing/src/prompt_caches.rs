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
pub(crate) struct Homes([Option<Home>; MAX_HOMES]);

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
        self.0
            .into_iter()
            .flatten()
            .filter(move |home| now < home.expires)
    }

    fn keep(&mut self, home: Home) {
        let is_same = |known: &Option<Home>| known.is_none_or(|known| known.account_id == home.account_id);
        let place = self.0.iter().position(is_same).unwrap_or_else(|| {
            // The one that is forgotten first makes room.
            let expiry = |place: &usize| self.0[*place].map(|known| known.expires);
            (0..MAX_HOMES).min_by_key(expiry).unwrap_or(0)
        });
        self.0[place] = Some(home);
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

    pub(crate) fn keep(&mut self, hash: u64, home: Home) {
        if self.young.len() >= self.generation && !self.young.contains_key(&hash) {
            self.old = std::mem::take(&mut self.young);
        }
        let known = self.find(hash);
        self.young.entry(hash).or_insert(known).keep(home);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gateway_domain::AccountId;

    use super::{Home, MAX_HOMES, PromptCaches};

    fn home(account_id: AccountId, expires: u64) -> Home {
        Home {
            account_id,
            tokens: 10,
            expires: Duration::from_secs(expires),
        }
    }

    fn count(caches: &PromptCaches, hash: u64, now: u64) -> usize {
        caches.find(hash).alive(Duration::from_secs(now)).count()
    }

    #[test]
    fn a_prompt_has_a_few_homes_until_they_expire() {
        let mut caches = PromptCaches::new(10);
        let first = AccountId::random();
        caches.keep(1, home(first, 100));
        caches.keep(1, home(first, 300));
        assert_eq!(count(&caches, 1, 299), 1);
        assert_eq!(count(&caches, 1, 300), 0);
        for expires in 301..320 {
            caches.keep(1, home(AccountId::random(), expires));
        }
        assert_eq!(count(&caches, 1, 0), MAX_HOMES);
        assert_eq!(count(&caches, 1, 318), 1, "the newest stay");
    }

    #[test]
    fn memory_is_bounded_and_keeps_what_is_used() {
        let mut caches = PromptCaches::new(100);
        for hash in 0..10_000 {
            caches.keep(hash, home(AccountId::random(), 1_000));
            caches.keep(7, home(AccountId::random(), 1_000));
        }
        assert!(caches.young.len() + caches.old.len() <= 101);
        assert!(count(&caches, 7, 0) > 0 && count(&caches, 9_999, 0) > 0 && count(&caches, 5, 0) == 0);
    }
}
