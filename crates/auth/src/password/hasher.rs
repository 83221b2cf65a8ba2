use std::fmt;
use std::hint::black_box;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bcrypt::HashParts;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::task;

use super::weakness::MAX_BYTES;
use crate::random;

/// Below this a stolen hash is tried out too fast.
pub(crate) const MIN_COST: u32 = 10;
/// Above this one sign-in takes seconds.
pub(crate) const MAX_COST: u32 = 16;

/// Hashes and checks passwords by bcrypt, away from the threads that serve requests.
///
/// Cheap to clone; clones share one queue.
#[derive(Clone)]
pub struct PasswordHasher {
    // Invariant: within `MIN_COST..=MAX_COST`.
    cost: u32,
    turns: Arc<Semaphore>,
    /// Of those whose turn it is, and of those who wait for it.
    places: Arc<Semaphore>,
    /// Further ones, for those whom a flood must not keep out.
    kept_places: Arc<Semaphore>,
    /// The highest cost of all hashes that were checked: users are told apart by nothing, their hash's age neither.
    highest_cost: Arc<AtomicU32>,
}

impl PasswordHasher {
    /// A hasher with this cost, the base-2 logarithm of the rounds, that works on at most `concurrency`
    /// passwords at once while at most `queue` others wait.
    ///
    /// A cost below 10 becomes 10 and one above 16 becomes 16; no concurrency becomes one.
    #[must_use]
    pub fn new(cost: u32, concurrency: usize, queue: usize) -> Self {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        let places = concurrency.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        let cost = cost.clamp(MIN_COST, MAX_COST);
        Self {
            cost,
            kept_places: Arc::new(Semaphore::new(queue.div_ceil(4).min(Semaphore::MAX_PERMITS))),
            highest_cost: Arc::new(AtomicU32::new(cost)),
            turns: Arc::new(Semaphore::new(concurrency)),
            places: Arc::new(Semaphore::new(places)),
        }
    }

    /// The hash of `password`, with a salt of its own.
    ///
    /// Whether the password is fit to be set is asked before, by
    /// [`check_new_password`](crate::check_new_password); bytes past the 72nd are not read.
    ///
    /// # Errors
    ///
    /// [`NotHashed`] when too many wait already, or while the runtime shuts down.
    pub async fn hash(&self, password: SecretString) -> Result<PasswordHash, NotHashed> {
        let (hash, _) = self.queue()?.turn().await.hash(password).await?;
        Ok(hash)
    }

    /// Whether `password` is the one that `hash` was made from.
    ///
    /// Takes as long without a hash, for users that do not exist, as with one. A password that could never have
    /// been set, being longer than 72 bytes or holding a NUL, is wrong.
    ///
    /// # Errors
    ///
    /// [`NotHashed`] when too many wait already, or while the runtime shuts down.
    pub async fn verify(
        &self,
        password: SecretString,
        hash: Option<&PasswordHash>,
    ) -> Result<Verdict, NotHashed> {
        let (verdict, _) = self.queue()?.turn().await.verify(password, hash.cloned()).await?;
        Ok(verdict)
    }

    /// Takes a place in the queue.
    pub(crate) fn queue(&self) -> Result<Place, NotHashed> {
        self.place(Arc::clone(&self.places).try_acquire_owned())
    }

    /// Takes a place in the queue, and one of those that are kept when all others are taken.
    pub(crate) fn queue_kept(&self) -> Result<Place, NotHashed> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        self.place(place.or_else(|_| Arc::clone(&self.kept_places).try_acquire_owned()))
    }

    fn place(&self, place: Result<OwnedSemaphorePermit, TryAcquireError>) -> Result<Place, NotHashed> {
        Ok(Place {
            hasher: self.clone(),
            place: place.map_err(|_| NotHashed::Busy)?,
        })
    }
}

/// A place in the queue; the queue is one shorter when this is dropped.
pub(crate) struct Place {
    hasher: PasswordHasher,
    place: OwnedSemaphorePermit,
}

impl Place {
    /// Waits until it is the first.
    pub(crate) async fn turn(self) -> Turn {
        let permit = self.hasher.turns.acquire_owned().await;
        Turn {
            cost: self.hasher.cost,
            highest_cost: self.hasher.highest_cost,
            _permits: [self.place, permit.expect("the queue is never closed")],
        }
    }
}

/// The right to keep one core busy; the next in the queue gets it when this is dropped.
pub(crate) struct Turn {
    cost: u32,
    highest_cost: Arc<AtomicU32>,
    _permits: [OwnedSemaphorePermit; 2],
}

impl Turn {
    pub(crate) async fn hash(self, password: SecretString) -> Result<(PasswordHash, Self), NotHashed> {
        let cost = self.cost;
        self.run(move || PasswordHash::of(password.expose_secret(), cost))
            .await
    }

    pub(crate) async fn verify(
        self,
        password: SecretString,
        hash: Option<PasswordHash>,
    ) -> Result<(Verdict, Self), NotHashed> {
        let cost = self.cost;
        let known = hash.as_ref().map_or(cost, |hash| hash.cost);
        let highest = self.highest_cost.fetch_max(known, Ordering::Relaxed).max(known);
        self.run(move || verdict(password.expose_secret(), hash.as_ref(), cost, highest))
            .await
    }

    /// Runs `work` where blocking is allowed.
    ///
    /// The turn goes with it: a caller that gives up must not let the next one in while the core is still busy.
    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(T, Self), NotHashed> {
        task::spawn_blocking(move || (work(), self))
            .await
            .map_err(|_| NotHashed::Stopped)
    }
}

/// Why a password was not hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotHashed {
    /// As many wait already as may.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The runtime is shutting down.
    #[error("passwords are not hashed any more, the server is shutting down")]
    Stopped,
}

/// Whether a password was the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Another password, or no user.
    Wrong,
    /// The right one.
    Right,
    /// The right one, whose hash has another cost than hashes have now and should be replaced.
    RightButOutdated,
}

/// A bcrypt hash, with its cost and its salt.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    // Invariant: `text` is a bcrypt hash, and `cost` is the one that it names.
    text: String,
    cost: u32,
}

impl PasswordHash {
    /// The text to store: 60 characters, beginning with `$2`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn of(password: &str, cost: u32) -> Self {
        let parts = bcrypt::hash_with_salt(password, cost, *random::bytes())
            .expect("bcrypt refuses nothing but a cost out of range, and the hasher's is in it");
        Self {
            text: parts.to_string(),
            cost,
        }
    }
}

impl FromStr for PasswordHash {
    type Err = InvalidPasswordHash;

    fn from_str(text: &str) -> Result<Self, InvalidPasswordHash> {
        let parts: HashParts = text.parse().map_err(|_| InvalidPasswordHash)?;
        if !(4..=31).contains(&parts.get_cost()) {
            return Err(InvalidPasswordHash);
        }
        Ok(Self {
            text: text.to_owned(),
            cost: parts.get_cost(),
        })
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// The text is not a bcrypt hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a bcrypt hash")]
pub struct InvalidPasswordHash;

/// Compares a password with a hash where hashes have this `cost`, and some had the `highest`.
fn verdict(password: &str, hash: Option<&PasswordHash>, cost: u32, highest: u32) -> Verdict {
    if password.len() > MAX_BYTES || password.contains('\0') {
        return Verdict::Wrong;
    }
    if let Some(hash) = hash
        && bcrypt::verify(password, &hash.text).is_ok_and(|is_right| is_right)
    {
        return if hash.cost == cost {
            Verdict::Right
        } else {
            Verdict::RightButOutdated
        };
    }
    for cost in costs_to_waste(hash.map(|hash| hash.cost), highest) {
        // The answer is thrown away; only the time counts, and the optimizer must not save it.
        let _ = black_box(bcrypt::hash_with_salt(black_box(password), cost, [0; 16]));
    }
    Verdict::Wrong
}

/// The costs of the hashes that make a wrong password take `2^cost` rounds, whatever was spent already.
///
/// An old hash was cheaper to check, which would give away that its user exists: 2^10 + (2^10 + 2^11) = 2^12.
fn costs_to_waste(spent: Option<u32>, cost: u32) -> std::ops::Range<u32> {
    match spent {
        Some(spent) => spent..cost,
        None => cost..cost + 1,
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use super::{NotHashed, PasswordHash, PasswordHasher, costs_to_waste};

    #[test]
    fn a_wrong_password_takes_as_many_rounds_for_every_user() {
        let rounds = |spent: Option<u32>| -> u64 {
            let wasted: u64 = costs_to_waste(spent, 12).map(|cost| 1 << cost).sum();
            spent.map_or(0, |cost| 1 << cost) + wasted
        };
        assert_eq!(rounds(None), 1 << 12);
        for spent in 4..=12 {
            assert_eq!(rounds(Some(spent)), 1 << 12, "{spent}");
        }
    }

    #[tokio::test]
    async fn no_more_cores_are_busy_than_allowed() {
        let hasher = PasswordHasher::new(10, 2, 10);
        let turn = || hasher.queue().unwrap().turn();
        let (first, _second) = (turn().await, turn().await);
        let mut third = pin!(turn());
        let mut waiting = Context::from_waker(Waker::noop());
        assert!(third.as_mut().poll(&mut waiting).is_pending());
        drop(first);
        third.await;
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_keeps_its_turn_until_the_work_is_done() {
        let hasher = PasswordHasher::new(10, 1, 10);
        let turn = || hasher.queue().unwrap().turn();
        let (finish, finished) = mpsc::channel::<()>();
        let mut waiting = Context::from_waker(Waker::noop());
        {
            let mut work = pin!(turn().await.run(move || finished.recv()));
            assert!(work.as_mut().poll(&mut waiting).is_pending());
        }
        let mut next = pin!(turn());
        assert!(next.as_mut().poll(&mut waiting).is_pending());
        finish.send(()).unwrap();
        next.await;
    }

    #[tokio::test]
    async fn no_more_wait_than_allowed() {
        let hasher = PasswordHasher::new(10, 1, 2);
        let first = hasher.queue().unwrap().turn().await;
        let waiting = [hasher.queue().unwrap(), hasher.queue().unwrap()];
        assert_eq!(hasher.queue().err(), Some(NotHashed::Busy));
        drop(first);
        let [second, _third] = waiting;
        let second = second.turn().await;
        let _fourth = hasher.queue().unwrap();
        assert_eq!(hasher.queue().err(), Some(NotHashed::Busy));
        drop(second);
    }

    #[tokio::test]
    async fn places_are_kept_for_some() {
        let hasher = PasswordHasher::new(10, 1, 4);
        let taken: Vec<_> = (0..5).map(|_| hasher.queue().unwrap()).collect();
        assert_eq!(hasher.queue().err(), Some(NotHashed::Busy));
        let kept = hasher.queue_kept().unwrap();
        assert_eq!(hasher.queue_kept().err(), Some(NotHashed::Busy));
        drop((taken, kept));
        let _: Vec<_> = (0..5).map(|_| hasher.queue_kept().unwrap()).collect();
    }

    #[tokio::test]
    async fn a_lower_cost_does_not_tell_users_apart() {
        let dear = PasswordHasher::new(11, 1, 1).hash("right".into()).await.unwrap();
        let hasher = PasswordHasher::new(10, 1, 1);
        let verdict = hasher.verify("right".into(), Some(&dear)).await.unwrap();
        assert_eq!(verdict, super::Verdict::RightButOutdated);
        assert_eq!(hasher.highest_cost.load(std::sync::atomic::Ordering::Relaxed), 11);
    }

    #[test]
    fn only_bcrypt_hashes_are_password_hashes() {
        let good = "$2b$12$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u";
        let hash: PasswordHash = good.parse().unwrap();
        assert_eq!((hash.as_str(), hash.cost), (good, 12));
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
        for text in [
            "",
            "hunter2",
            &good[1..],
            &good.replace("$12$", "$99$"),
            &good.replace("$12$", "$00$"),
        ] {
            assert!(text.parse::<PasswordHash>().is_err(), "{text}");
        }
    }
}
