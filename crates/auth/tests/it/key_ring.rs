use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gateway_auth::{
    Directory, IssuedKey, KeyError, KeyHash, KeyHasher, KeyRing, KeyRingSettings, MasterKey, StoredKey,
};
use gateway_domain::{ApiKey, Clock, ManualClock, Role};
use secrecy::ExposeSecret;

use crate::directory::{MemoryDirectory, user};
use crate::world::HOME;

/// A key ring and one key that it may find.
pub(crate) struct Ring {
    pub(crate) stored: StoredKey,
    clock: Arc<ManualClock>,
    directory: Arc<MemoryDirectory>,
    hasher: KeyHasher,
    keys: Arc<KeyRing>,
    text: String,
}

type Answer = Result<Arc<StoredKey>, KeyError>;

impl Ring {
    pub(crate) fn new() -> Self {
        Self::with(KeyRingSettings::default())
    }

    fn with(settings: KeyRingSettings) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-31T12:00:00Z".parse().unwrap()));
        let directory = Arc::new(MemoryDirectory::default());
        let hasher = KeyHasher::new(&MasterKey::from_bytes(&[1; 32]).unwrap());
        let issued = hasher.issue();
        let stored = stored(&issued, &clock);
        directory.put_key(stored.clone());
        let port: Arc<dyn Directory> = Arc::<MemoryDirectory>::clone(&directory);
        let time: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        Self {
            keys: Arc::new(KeyRing::new(port, hasher.clone(), time, settings)),
            text: issued.key.expose_secret().to_owned(),
            stored,
            clock,
            directory,
            hasher,
        }
    }

    async fn ask(&self) -> Answer {
        self.keys.authenticate(&self.text, HOME).await
    }

    /// Asks in a task of its own, and comes back when that waits for the directory.
    async fn ask_aside(&self) -> tokio::task::JoinHandle<Answer> {
        let (keys, text) = (Arc::clone(&self.keys), self.text.clone());
        let task = tokio::spawn(async move { keys.authenticate(&text, HOME).await });
        tokio::task::yield_now().await;
        task
    }

    fn edit(&self, edit: impl FnOnce(&mut StoredKey)) {
        let mut stored = self.stored.clone();
        edit(&mut stored);
        self.directory.put_key(stored);
    }

    fn questions(&self) -> usize {
        self.directory.key_questions()
    }

    fn advance_seconds(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The key's text with another secret.
    fn wrong_text(&self) -> String {
        self.hasher
            .reissue(&self.stored.key.public_id)
            .key
            .expose_secret()
            .to_owned()
    }
}

fn stored(issued: &IssuedKey, clock: &ManualClock) -> StoredKey {
    let owner = user("alice", Role::Member, clock.now());
    StoredKey {
        key: ApiKey {
            public_id: issued.public_id.clone(),
            ..ApiKey::unrestricted(owner.id, clock.now())
        },
        owner,
        hash: issued.hash,
        previous: None,
    }
}

#[tokio::test]
async fn a_key_is_asked_for_once_a_minute() {
    let ring = Ring::new();
    assert!(ring.keys.cached(&ring.text).is_none());
    assert_eq!(*ring.ask().await.unwrap(), ring.stored);
    assert_eq!(*ring.keys.cached(&ring.text).unwrap().unwrap(), ring.stored);
    ring.advance_seconds(59);
    ring.ask().await.unwrap();
    assert_eq!(ring.questions(), 1);
    ring.advance_seconds(1);
    assert!(ring.keys.cached(&ring.text).is_none());
    ring.ask().await.unwrap();
    assert_eq!(ring.questions(), 2);
}

#[tokio::test]
async fn malformed_unknown_and_wrong_are_all_invalid() {
    let ring = Ring::new();
    let is_invalid = |answer: Answer| assert!(matches!(answer, Err(KeyError::Invalid)), "{answer:?}");
    for text in ["", "sk-gw-", "Bearer x", &ring.text[..61]] {
        is_invalid(ring.keys.authenticate(text, HOME).await);
        is_invalid(ring.keys.cached(text).unwrap());
    }
    assert_eq!(ring.questions(), 0, "what is no key is not asked for");
    is_invalid(
        ring.keys
            .authenticate(ring.hasher.issue().key.expose_secret(), HOME)
            .await,
    );
    is_invalid(ring.keys.authenticate(&ring.wrong_text(), HOME).await);
    ring.ask().await.unwrap();
    is_invalid(ring.keys.authenticate(&ring.wrong_text(), HOME).await);
}

#[tokio::test]
async fn an_unknown_key_costs_no_second_question_for_a_while() {
    let ring = Ring::new();
    let unknown = ring.hasher.issue();
    let text = unknown.key.expose_secret();
    for _ in 0..100 {
        assert!(matches!(
            ring.keys.authenticate(text, HOME).await,
            Err(KeyError::Invalid)
        ));
    }
    assert_eq!(ring.questions(), 1);
    assert!(ring.keys.cached(text).is_some());
    ring.advance_seconds(60);
    assert!(ring.keys.cached(text).is_none());

    ring.directory.put_key(stored(&unknown, &ring.clock));
    assert!(ring.keys.authenticate(text, HOME).await.is_ok());
}

#[tokio::test]
async fn a_flood_of_unknown_keys_pushes_no_key_out() {
    let ring = Ring::with(KeyRingSettings {
        known_keys: 10,
        unknown_keys: 10,
        ..KeyRingSettings::default()
    });
    ring.ask().await.unwrap();
    for number in 0..500_u32 {
        let address = IpAddr::from(number.to_be_bytes());
        let unknown = ring.hasher.issue();
        let answer = ring.keys.authenticate(unknown.key.expose_secret(), address).await;
        assert!(answer.is_err());
        let answer = ring.keys.authenticate(&ring.wrong_text(), address).await;
        assert!(answer.is_err(), "of a public id that there is");
    }
    assert_eq!(ring.questions(), 1001);
    ring.ask().await.unwrap();
    assert_eq!(ring.questions(), 1001);
}

/// Presents so many keys that there are not, one after the other.
async fn guess(ring: &Ring, times: usize, address: IpAddr) -> Vec<KeyError> {
    let mut answers = Vec::new();
    for _ in 0..times {
        let unknown = ring.hasher.issue();
        let answer = ring.keys.authenticate(unknown.key.expose_secret(), address).await;
        answers.push(answer.unwrap_err());
    }
    answers
}

#[tokio::test]
async fn a_flood_of_unknown_keys_from_one_address_asks_the_directory_no_more() {
    let ring = Ring::new();
    let answers = guess(&ring, 1000, HOME).await;
    for (number, answer) in answers.iter().enumerate() {
        match answer {
            KeyError::Invalid => assert!(number < 50, "{number}"),
            KeyError::TooMany { retry_after } => {
                assert!(number >= 50, "{number}");
                assert_eq!(*retry_after, Duration::from_secs(1));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ring.questions(), 50);

    // One more after each wait, which doubles up to a minute.
    for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
        ring.advance_seconds(wait);
        let answers = guess(&ring, 2, HOME).await;
        assert!(
            matches!(answers[..], [KeyError::Invalid, KeyError::TooMany { .. }]),
            "{answers:?}"
        );
    }
    assert_eq!(ring.questions(), 58);
    guess(&ring, 1, "192.0.2.2".parse().unwrap()).await;
    assert_eq!(ring.questions(), 59, "others are asked for");
}

#[tokio::test]
async fn a_subscriber_of_ipv6_floods_from_one_address_however_many_are_taken() {
    let ring = Ring::new();
    for number in 0..100_u128 {
        let address = 0x2001_0db8_0000_0000_0000_0000_0000_0000 + number;
        guess(&ring, 1, IpAddr::V6(address.into())).await;
    }
    assert_eq!(ring.questions(), 50);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_locks_out_no_key_that_is_known() {
    let ring = Ring::new();
    ring.ask().await.unwrap();
    guess(&ring, 100, HOME).await;
    ring.ask().await.unwrap();
    // Neither when it has to be asked for anew.
    ring.advance_seconds(60);
    guess(&ring, 100, HOME).await;
    ring.keys.clear();
    ring.ask().await.unwrap();
    ring.directory.delete_key(&ring.stored.key.public_id);
    ring.keys.clear();
    assert!(matches!(ring.ask().await, Err(KeyError::Invalid)));
}

#[tokio::test]
async fn a_directory_that_is_away_is_no_guess() {
    let ring = Ring::new();
    ring.directory.go_away();
    for answer in guess(&ring, 100, HOME).await {
        assert!(matches!(answer, KeyError::Unavailable(_)), "{answer:?}");
    }
    ring.directory.come_back();
    ring.ask().await.unwrap();
}

#[tokio::test]
async fn many_who_ask_for_one_key_ask_the_directory_once() {
    let ring = Ring::new();
    let gate = ring.directory.hold_back();
    let mut tasks = Vec::new();
    for _ in 0..50 {
        tasks.push(ring.ask_aside().await);
    }
    assert_eq!(ring.questions(), 1);
    gate.add_permits(1);
    for task in tasks {
        assert_eq!(*task.await.unwrap().unwrap(), ring.stored);
    }
    assert_eq!(ring.questions(), 1);
}

#[tokio::test]
async fn whoever_hangs_up_leaves_the_others_an_answer() {
    let ring = Ring::new();
    let gate = ring.directory.hold_back();
    let (first, second) = (ring.ask_aside().await, ring.ask_aside().await);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    assert!(second.await.unwrap().is_ok());
    assert_eq!(ring.questions(), 2);
}

#[tokio::test]
async fn clearing_makes_a_revocation_bite_at_once() {
    let ring = Ring::new();
    ring.ask().await.unwrap();
    ring.edit(|stored| stored.key.is_active = false);
    ring.ask().await.unwrap();
    ring.keys.clear();
    assert!(ring.keys.cached(&ring.text).is_none());
    assert!(matches!(ring.ask().await, Err(KeyError::Revoked)));
    ring.directory.delete_key(&ring.stored.key.public_id);
    ring.keys.clear();
    assert!(matches!(ring.ask().await, Err(KeyError::Invalid)));
}

#[tokio::test]
async fn clearing_forgets_unknown_keys_too() {
    let ring = Ring::new();
    ring.directory.delete_key(&ring.stored.key.public_id);
    assert!(matches!(ring.ask().await, Err(KeyError::Invalid)));
    ring.directory.put_key(ring.stored.clone());
    assert!(matches!(ring.ask().await, Err(KeyError::Invalid)));
    ring.keys.clear();
    assert!(ring.ask().await.is_ok());
}

#[tokio::test]
async fn what_was_asked_for_before_clearing_is_not_believed_after_it() {
    let ring = Ring::new();
    let gate = ring.directory.hold_back();
    let before = ring.ask_aside().await;
    ring.edit(|stored| stored.key.is_active = false);
    ring.keys.clear();
    let after = ring.ask_aside().await;
    assert_eq!(
        ring.questions(),
        2,
        "the later one does not wait for the earlier answer"
    );
    gate.add_permits(2);
    assert!(
        before.await.unwrap().is_ok(),
        "its question was asked before the change"
    );
    assert!(matches!(after.await.unwrap(), Err(KeyError::Revoked)));
    assert!(matches!(
        ring.keys.cached(&ring.text),
        Some(Err(KeyError::Revoked))
    ));
}

#[tokio::test]
async fn an_earlier_answer_that_comes_last_is_dropped() {
    let ring = Ring::new();
    let gate = ring.directory.hold_back();
    let before = ring.ask_aside().await;
    ring.edit(|stored| stored.key.is_active = false);
    ring.keys.clear();
    gate.add_permits(1);
    assert!(before.await.unwrap().is_ok());
    assert!(ring.keys.cached(&ring.text).is_none());
    gate.add_permits(1);
    assert!(matches!(ring.ask().await, Err(KeyError::Revoked)));
}

#[tokio::test]
async fn an_earlier_answer_does_not_stand_in_for_a_directory_that_is_away() {
    let ring = Ring::new();
    let gate = ring.directory.hold_back();
    let before = ring.ask_aside().await;
    ring.keys.clear();
    gate.add_permits(2);
    assert!(before.await.unwrap().is_ok());
    ring.directory.go_away();
    assert!(matches!(ring.ask().await, Err(KeyError::Unavailable(_))));
}

#[tokio::test]
async fn a_key_is_refused_for_the_right_reason() {
    let ring = Ring::new();
    let refused = |edit: fn(&mut StoredKey), reason: &'static str| (edit, reason);
    for (edit, reason) in [
        refused(|stored| stored.key.is_active = false, "this API key was revoked"),
        refused(
            |stored| stored.key.expires_at = Some(stored.key.created_at),
            "this API key has expired",
        ),
        refused(
            |stored| stored.owner.is_active = false,
            "this API key's owner is not active",
        ),
        refused(
            |stored| stored.hash = KeyHash::from_bytes([0; 32]),
            "invalid API key",
        ),
    ] {
        ring.edit(edit);
        ring.keys.clear();
        for _ in 0..2 {
            assert_eq!(ring.ask().await.unwrap_err().to_string(), reason);
        }
        let wrong = ring.keys.authenticate(&ring.wrong_text(), HOME).await;
        assert!(
            matches!(wrong, Err(KeyError::Invalid)),
            "who does not know the secret learns nothing"
        );
    }
}

#[tokio::test]
async fn a_remembered_key_expires_to_the_second() {
    let ring = Ring::new();
    ring.edit(|stored| stored.key.expires_at = Some(ring.clock.now() + Duration::from_secs(10)));
    ring.ask().await.unwrap();
    ring.advance_seconds(9);
    ring.ask().await.unwrap();
    ring.advance_seconds(1);
    assert!(matches!(ring.ask().await, Err(KeyError::Expired)));
    assert_eq!(ring.questions(), 1);
}

#[tokio::test]
async fn after_a_rotation_the_old_text_works_until_its_grace_ends() {
    let ring = Ring::new();
    let rotated = ring.hasher.reissue(&ring.stored.key.public_id);
    let end = ring.clock.now() + Duration::from_secs(30);
    ring.edit(|stored| {
        stored.previous = Some((stored.hash, end));
        stored.hash = rotated.hash;
    });
    assert!(ring.ask().await.is_ok());
    assert!(
        ring.keys
            .authenticate(rotated.key.expose_secret(), HOME)
            .await
            .is_ok()
    );
    ring.advance_seconds(30);
    assert!(matches!(ring.ask().await, Err(KeyError::Invalid)));
    assert!(
        ring.keys
            .authenticate(rotated.key.expose_secret(), HOME)
            .await
            .is_ok()
    );
    assert_eq!(ring.questions(), 2);
}

#[tokio::test]
async fn without_the_directory_a_known_key_works_for_ten_more_minutes() {
    let ring = Ring::new();
    ring.ask().await.unwrap();
    ring.directory.go_away();
    ring.advance_seconds(60);
    for _ in 0..100 {
        ring.ask().await.unwrap();
    }
    assert_eq!(
        ring.questions(),
        2,
        "not every request waits for a database that is away"
    );
    ring.advance_seconds(2);
    ring.ask().await.unwrap();
    assert_eq!(ring.questions(), 3);
    ring.advance_seconds(597);
    ring.ask().await.unwrap();
    ring.advance_seconds(1);
    assert!(matches!(ring.ask().await, Err(KeyError::Unavailable(_))));
    ring.directory.come_back();
    assert!(ring.ask().await.is_ok());
}

#[tokio::test]
async fn a_key_that_works_while_the_directory_is_away_still_expires() {
    let ring = Ring::new();
    ring.edit(|stored| stored.key.expires_at = Some(ring.clock.now() + Duration::from_secs(90)));
    ring.ask().await.unwrap();
    ring.directory.go_away();
    ring.advance_seconds(89);
    ring.ask().await.unwrap();
    ring.advance_seconds(1);
    assert!(matches!(ring.ask().await, Err(KeyError::Expired)));
}

#[tokio::test]
async fn with_a_grace_of_zero_nothing_works_without_the_directory() {
    let ring = Ring::with(KeyRingSettings {
        stale_if_error_seconds: 0,
        ..KeyRingSettings::default()
    });
    ring.ask().await.unwrap();
    ring.directory.go_away();
    ring.advance_seconds(59);
    ring.ask().await.unwrap();
    ring.advance_seconds(1);
    assert!(matches!(ring.ask().await, Err(KeyError::Unavailable(_))));
}

#[tokio::test]
async fn nothing_is_known_of_a_key_that_was_never_asked_for() {
    let ring = Ring::new();
    ring.directory.go_away();
    assert!(matches!(ring.ask().await, Err(KeyError::Unavailable(_))));
    ring.directory.come_back();
    assert!(ring.ask().await.is_ok(), "the failure itself is not remembered");
    ring.directory.go_away();
    ring.keys.clear();
    assert!(
        matches!(ring.ask().await, Err(KeyError::Unavailable(_))),
        "nor anything from before clearing"
    );
}
