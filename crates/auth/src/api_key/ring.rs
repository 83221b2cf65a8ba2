use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateway_domain::{ApiKey, Clock, Timestamp, User};
use moka::sync::Cache;
use serde::Deserialize;

use super::flights::Flights;
use super::hash::{KeyHash, KeyHasher};
use super::text::PresentedKey;
use crate::failures::{FailureCount, Policy};
use crate::network::network_of;
use crate::{Directory, DirectoryError};

/// An API key with what is needed to check it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredKey {
    /// The key.
    pub key: ApiKey,
    /// Whose it is.
    pub owner: User,
    /// The hash of its text.
    pub hash: KeyHash,
    /// The hash of its text before the last rotation, and until when that text still works.
    pub previous: Option<(KeyHash, Timestamp)>,
}

impl StoredKey {
    /// Whether the text that hashes to `presented` may be used at `now`.
    ///
    /// # Errors
    ///
    /// The [`KeyError`] to answer with. The text is looked at first: whoever does not know it learns nothing.
    pub fn check(&self, presented: &KeyHash, now: Timestamp) -> Result<(), KeyError> {
        let is_current = self.hash == *presented;
        let is_in_grace = self
            .previous
            .is_some_and(|(hash, end)| hash == *presented && now < end);
        if !is_current && !is_in_grace {
            return Err(KeyError::Invalid);
        }
        if !self.key.is_active {
            return Err(KeyError::Revoked);
        }
        if !self.key.is_usable(now) {
            return Err(KeyError::Expired);
        }
        if !self.owner.is_active {
            return Err(KeyError::OwnerInactive);
        }
        Ok(())
    }

    fn has_hash(&self, presented: &KeyHash) -> bool {
        self.hash == *presented || self.previous.is_some_and(|(hash, _)| hash == *presented)
    }
}

/// Why an API key does not let anybody in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    /// Malformed, unknown, or with the wrong secret: nobody outside may learn which.
    #[error("invalid API key")]
    Invalid,
    /// Switched off or deleted.
    #[error("this API key was revoked")]
    Revoked,
    /// Past its end.
    #[error("this API key has expired")]
    Expired,
    /// Its owner may not use anything any more.
    #[error("this API key's owner is not active")]
    OwnerInactive,
    /// Too many texts from the same address were no keys.
    #[error("too many unknown API keys, the next one is looked at in {} s", retry_after.as_secs_f64().ceil())]
    TooMany {
        /// How long no other text from there is looked at that was no key before.
        retry_after: Duration,
    },
    /// Nothing can be said at the moment; the same key may be good later.
    #[error("API keys cannot be checked at the moment")]
    Unavailable(#[source] DirectoryError),
}

/// How long and how many answers of the directory are remembered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyRingSettings {
    /// Seconds that a key is used without asking the directory again. Default: 60.
    pub fresh_seconds: u64,
    /// Seconds beyond these that a key goes on working while the directory is away; 0 refuses it at once.
    /// Default: 600.
    pub stale_if_error_seconds: u64,
    /// Seconds between two questions about a key while the directory is away. Default: 2.
    pub retry_seconds: u64,
    /// Seconds that a text stays known to be no key. Default: 60.
    pub unknown_seconds: u64,
    /// Keys that are remembered. Default: 100000.
    pub known_keys: u64,
    /// Texts that are remembered to be no keys, apart from the keys so that a flood does not push them out.
    /// Default: 100000.
    pub unknown_keys: u64,
    /// Texts from one address (a /64 of IPv6) that the directory did not know before the next must wait, a second at
    /// first and a minute at the most. Default: 50.
    pub unknown_per_address: u32,
}

impl Default for KeyRingSettings {
    fn default() -> Self {
        Self {
            fresh_seconds: 60,
            stale_if_error_seconds: 600,
            retry_seconds: 2,
            unknown_seconds: 60,
            known_keys: 100_000,
            unknown_keys: 100_000,
            unknown_per_address: 50,
        }
    }
}

/// The longest wait after texts that were no keys: there may be others behind the same address.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Tells whose API key a client presents, mostly from memory.
///
/// What is remembered is found by the digest of the whole text, and checked against the clock at each use.
pub struct KeyRing {
    directory: Arc<dyn Directory>,
    hasher: KeyHasher,
    clock: Arc<dyn Clock>,
    settings: KeyRingSettings,
    /// Counts how often everything was forgotten. What was asked for under an earlier count is not believed.
    generation: AtomicU64,
    known: Cache<Digest, Remembered<Arc<StoredKey>>>,
    unknown: Cache<Digest, Remembered<()>>,
    guesses: FailureCount<IpAddr>,
    flights: Flights<(u64, Digest), Found>,
}

type Digest = [u8; 32];
type Found = Result<Option<Arc<StoredKey>>, DirectoryError>;

/// Times are the clock's monotonic ones.
#[derive(Clone)]
struct Remembered<T> {
    value: T,
    generation: u64,
    asked_at: Duration,
    ask_again_at: Duration,
}

impl KeyRing {
    /// A ring that remembers nothing yet.
    #[must_use]
    pub fn new(
        directory: Arc<dyn Directory>,
        hasher: KeyHasher,
        clock: Arc<dyn Clock>,
        settings: KeyRingSettings,
    ) -> Self {
        let guesses = Policy {
            free: settings.unknown_per_address,
            longest: LONGEST_WAIT,
        };
        Self {
            directory,
            hasher,
            clock,
            generation: AtomicU64::new(0),
            known: Cache::new(settings.known_keys),
            unknown: Cache::new(settings.unknown_keys),
            guesses: FailureCount::new(guesses),
            flights: Flights::new(),
            settings,
        }
    }

    /// The key that `presented` is the text of, by whoever is at `address`.
    ///
    /// Those who ask for one key at the same time ask the directory once. Where many texts come from that are no keys, the
    /// directory is not asked for further ones until a wait is over, but for those that were keys when it was last asked.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub async fn authenticate(&self, presented: &str, address: IpAddr) -> Result<Arc<StoredKey>, KeyError> {
        let presented = PresentedKey::parse(presented).ok_or(KeyError::Invalid)?;
        let hash = self.hasher.hash(&presented);
        let generation = self.generation.load(Ordering::SeqCst);
        if let Some(found) = self.remembered(&hash, generation) {
            return self.checked(found, &hash);
        }
        let network = network_of(address);
        self.let_guess(&hash, network)?;
        let question = (generation, *hash.as_bytes());
        let ask = || self.ask(presented.public_id(), &hash, generation, network);
        let found = self
            .flights
            .join(question, ask)
            .await
            .map_err(KeyError::Unavailable)?;
        self.checked(found, &hash)
    }

    /// Refuses a text from where too many came that were no keys, unless it was one itself.
    fn let_guess(&self, hash: &KeyHash, network: IpAddr) -> Result<(), KeyError> {
        let retry_after = self.guesses.wait(&network, self.clock.monotonic());
        if retry_after.is_zero() || self.known.contains_key(hash.as_bytes()) {
            return Ok(());
        }
        Err(KeyError::TooMany { retry_after })
    }

    /// What [`authenticate`](Self::authenticate) would answer from memory; `None` if it had to ask.
    #[must_use]
    pub fn cached(&self, presented: &str) -> Option<Result<Arc<StoredKey>, KeyError>> {
        let Some(presented) = PresentedKey::parse(presented) else {
            return Some(Err(KeyError::Invalid));
        };
        let hash = self.hasher.hash(&presented);
        let found = self.remembered(&hash, self.generation.load(Ordering::SeqCst))?;
        Some(self.checked(found, &hash))
    }

    /// Believes nothing any more that was asked before, also what is being asked for at the moment.
    ///
    /// To be called whenever a key or a user has changed, here or elsewhere. Cheap.
    pub fn clear(&self) {
        // Those of an earlier generation are not believed, but for having been keys.
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.unknown.invalidate_all();
    }

    fn checked(&self, found: Option<Arc<StoredKey>>, hash: &KeyHash) -> Result<Arc<StoredKey>, KeyError> {
        let stored = found.ok_or(KeyError::Invalid)?;
        stored.check(hash, self.clock.now())?;
        Ok(stored)
    }

    /// What need not be asked: a key, or that there is none.
    fn remembered(&self, hash: &KeyHash, generation: u64) -> Option<Option<Arc<StoredKey>>> {
        let now = self.clock.monotonic();
        let digest = hash.as_bytes();
        if let Some(known) = self.known.get(digest)
            && known.is_fresh(generation, now)
        {
            return Some(Some(known.value));
        }
        self.unknown
            .get(digest)
            .filter(|unknown| unknown.is_fresh(generation, now))
            .map(|_| None)
    }

    async fn ask(&self, public_id: &str, hash: &KeyHash, generation: u64, network: IpAddr) -> Found {
        // Somebody else's answer may have come in since this was looked for.
        if let Some(found) = self.remembered(hash, generation) {
            return Ok(found);
        }
        let asked_at = self.clock.monotonic();
        let remember_for = |seconds| asked_at.saturating_add(Duration::from_secs(seconds));
        match self.directory.key_by_public_id(public_id).await {
            Ok(Some(stored)) if stored.has_hash(hash) => {
                let remembered = Remembered {
                    value: Arc::new(stored),
                    generation,
                    asked_at,
                    ask_again_at: remember_for(self.settings.fresh_seconds),
                };
                self.known.insert(*hash.as_bytes(), remembered.clone());
                Ok(Some(remembered.value))
            }
            Ok(_) => {
                let remembered = Remembered {
                    value: (),
                    generation,
                    asked_at,
                    ask_again_at: remember_for(self.settings.unknown_seconds),
                };
                // A client that goes on with a key that is gone is no guesser.
                if !self.unknown.contains_key(hash.as_bytes()) {
                    self.guesses.add(network, asked_at);
                }
                self.unknown.insert(*hash.as_bytes(), remembered);
                self.known.invalidate(hash.as_bytes());
                Ok(None)
            }
            Err(error) => self.stale(hash, generation).map(Some).ok_or(error),
        }
    }

    /// What the directory said before it went away, as long as that may still be used.
    fn stale(&self, hash: &KeyHash, generation: u64) -> Option<Arc<StoredKey>> {
        let now = self.clock.monotonic();
        let usable_for = self
            .settings
            .fresh_seconds
            .saturating_add(self.settings.stale_if_error_seconds);
        let mut known = self.known.get(hash.as_bytes())?;
        let end = known.asked_at.saturating_add(Duration::from_secs(usable_for));
        if known.generation != generation || now >= end {
            return None;
        }
        // Else every request would wait for a database that does not answer.
        known.ask_again_at = end.min(now.saturating_add(Duration::from_secs(self.settings.retry_seconds)));
        self.known.insert(*hash.as_bytes(), known.clone());
        Some(known.value)
    }
}

impl<T> Remembered<T> {
    fn is_fresh(&self, generation: u64, now: Duration) -> bool {
        self.generation == generation && now < self.ask_again_at
    }
}
