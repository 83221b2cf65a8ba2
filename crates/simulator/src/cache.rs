use std::collections::HashMap;
use std::time::Duration;

use gateway_domain::Timestamp;

/// How far before a breakpoint the provider looks for an earlier prefix, in blocks.
const LOOK_BACK: usize = 20;
const ENTRIES_LIMIT: usize = 10_000;

/// How long a prefix is kept after its last use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ttl {
    FiveMinutes,
    OneHour,
}

impl Ttl {
    const fn duration(self) -> Duration {
        match self {
            Self::FiveMinutes => Duration::from_secs(5 * 60),
            Self::OneHour => Duration::from_secs(60 * 60),
        }
    }
}

/// The prompt up to the end of one block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prefix {
    /// Of everything up to here, the model included.
    pub(crate) hash: u64,
    /// Of everything up to here.
    pub(crate) tokens: u64,
    /// Set where the block has `cache_control`.
    pub(crate) breakpoint: Option<Ttl>,
}

/// What a request reads from the cache and writes to it, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CacheUse {
    pub(crate) read: u64,
    pub(crate) write_5m: u64,
    pub(crate) write_1h: u64,
}

/// One account's prompt cache.
#[derive(Debug, Default)]
pub(crate) struct PromptCache {
    entries: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    ttl: Ttl,
    expires_at: Timestamp,
}

impl PromptCache {
    /// Reads the longest prefix that is there and writes what follows it, up to each breakpoint.
    ///
    /// Prefixes below `minimum` tokens are not kept, silently, as at the provider.
    pub(crate) fn apply(&mut self, prefixes: &[Prefix], minimum: u64, now: Timestamp) -> CacheUse {
        let mut applied = CacheUse::default();
        let hit = self.longest(prefixes, now);
        if let Some(hit) = hit {
            applied.read = prefixes[hit].tokens;
            if let Some(entry) = self.entries.get_mut(&prefixes[hit].hash) {
                entry.expires_at = now + entry.ttl.duration();
            }
        }
        let mut cached = applied.read;
        for prefix in prefixes.iter().skip(hit.map_or(0, |hit| hit + 1)) {
            let Some(ttl) = prefix.breakpoint.filter(|_| prefix.tokens >= minimum) else {
                continue;
            };
            match ttl {
                Ttl::FiveMinutes => applied.write_5m += prefix.tokens - cached,
                Ttl::OneHour => applied.write_1h += prefix.tokens - cached,
            }
            cached = prefix.tokens;
            self.insert(prefix.hash, ttl, now);
        }
        applied
    }

    fn longest(&self, prefixes: &[Prefix], now: Timestamp) -> Option<usize> {
        let is_live = |prefix: &Prefix| {
            self.entries
                .get(&prefix.hash)
                .is_some_and(|entry| entry.expires_at > now)
        };
        let breakpoints = (0..prefixes.len())
            .rev()
            .filter(|at| prefixes[*at].breakpoint.is_some());
        breakpoints
            .filter_map(|end| {
                let start = (end + 1).saturating_sub(LOOK_BACK);
                (start..=end).rev().find(|at| is_live(&prefixes[*at]))
            })
            .max()
    }

    fn insert(&mut self, hash: u64, ttl: Ttl, now: Timestamp) {
        if self.entries.len() >= ENTRIES_LIMIT {
            self.entries.retain(|_, entry| entry.expires_at > now);
        }
        if self.entries.len() >= ENTRIES_LIMIT {
            self.entries.clear();
        }
        let expires_at = now + ttl.duration();
        self.entries.insert(hash, Entry { ttl, expires_at });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gateway_domain::Timestamp;

    use super::{CacheUse, Prefix, PromptCache, Ttl};

    fn prefix(hash: u64, tokens: u64, breakpoint: Option<Ttl>) -> Prefix {
        Prefix {
            hash,
            tokens,
            breakpoint,
        }
    }

    fn used(read: u64, write_5m: u64, write_1h: u64) -> CacheUse {
        CacheUse {
            read,
            write_5m,
            write_1h,
        }
    }

    #[test]
    fn a_prefix_is_written_once_and_then_read_until_it_ends() {
        let mut cache = PromptCache::default();
        let now = Timestamp::from_seconds(1_000);
        let first = [
            prefix(1, 2_000, Some(Ttl::OneHour)),
            prefix(2, 3_000, Some(Ttl::FiveMinutes)),
        ];
        assert_eq!(cache.apply(&first, 1_024, now), used(0, 1_000, 2_000));
        let longer = [
            prefix(1, 2_000, Some(Ttl::OneHour)),
            prefix(2, 3_000, None),
            prefix(3, 3_500, Some(Ttl::FiveMinutes)),
        ];
        assert_eq!(cache.apply(&longer, 1_024, now), used(3_000, 500, 0));
        let later = now + Duration::from_secs(301);
        assert_eq!(cache.apply(&first, 1_024, later), used(2_000, 1_000, 0));
    }

    #[test]
    fn a_short_prefix_is_not_kept() {
        let mut cache = PromptCache::default();
        let now = Timestamp::from_seconds(1_000);
        let short = [prefix(1, 1_000, Some(Ttl::FiveMinutes))];
        assert_eq!(cache.apply(&short, 1_024, now), CacheUse::default());
        assert_eq!(cache.apply(&short, 1_024, now), CacheUse::default());
    }

    #[test]
    fn a_prefix_too_far_back_is_not_found() {
        let mut cache = PromptCache::default();
        let now = Timestamp::from_seconds(1_000);
        cache.apply(&[prefix(1, 2_000, Some(Ttl::FiveMinutes))], 1_024, now);
        let mut long: Vec<_> = (1..=30).map(|at| prefix(at, 2_000 + at, None)).collect();
        long[29].breakpoint = Some(Ttl::FiveMinutes);
        assert_eq!(cache.apply(&long, 1_024, now).read, 0);
    }
}
