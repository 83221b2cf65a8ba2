use std::net::{IpAddr, Ipv4Addr};

use gateway_auth::{
    Directory, NewSession, PasswordChange, PasswordChangeCause, RefreshExchange, RefreshHash, RefreshOutcome,
};
use gateway_domain::{SessionId, User};
use gateway_store::UserChanges;

use crate::fixture::{Fixture, check, password_hash, seconds, someone};

const WEEK: u64 = 604_800;
const MONTH: u64 = 2_592_000;

fn token(byte: u8) -> RefreshHash {
    RefreshHash::from_bytes([byte; 32])
}

pub(crate) fn new_session(fixture: &Fixture, user: &User, refresh: u8) -> NewSession {
    let now = fixture.now();
    NewSession {
        id: SessionId::random(),
        user_id: user.id,
        password: password_hash(0),
        created_at: now,
        expires_at: now + seconds(MONTH),
        refresh: token(refresh),
        refresh_expires_at: now + seconds(WEEK),
        address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        user_agent: Some("curl\0/8".to_owned()),
    }
}

pub(crate) async fn sign_in(fixture: &Fixture, user: &User, refresh: u8) -> SessionId {
    let session = new_session(fixture, user, refresh);
    let id = session.id;
    assert!(fixture.store.open_session(session).await.unwrap());
    id
}

pub(crate) fn exchange(fixture: &Fixture, presented: u8, replacement: u8) -> RefreshExchange {
    RefreshExchange {
        presented: token(presented),
        replacement: token(replacement),
        now: fixture.now(),
        replacement_expires_at: fixture.now() + seconds(WEEK),
    }
}

async fn is_signed_in(fixture: &Fixture, session: SessionId) -> bool {
    fixture
        .store
        .user_of_session(session, fixture.now())
        .await
        .unwrap()
        .is_some()
}

#[tokio::test]
async fn a_session_lasts_until_its_end() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let session = sign_in(&fixture, &ada, 1).await;
        let found = fixture
            .store
            .user_of_session(session, fixture.now())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            found,
            User {
                last_login_at: Some(fixture.now()),
                ..ada
            }
        );
        fixture.clock.advance(seconds(MONTH - 1));
        assert!(is_signed_in(&fixture, session).await);
        fixture.clock.advance(seconds(1));
        assert!(!is_signed_in(&fixture, session).await);
        assert!(!is_signed_in(&fixture, SessionId::random()).await);
    })
    .await;
}

#[tokio::test]
async fn no_session_opens_with_a_password_that_was_changed_meanwhile() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let session = NewSession {
            password: password_hash(1),
            ..new_session(&fixture, &ada, 1)
        };
        let id = session.id;
        assert!(!fixture.store.open_session(session).await.unwrap());
        assert!(!is_signed_in(&fixture, id).await);
        let changes = UserChanges {
            is_active: Some(false),
            ..Default::default()
        };
        fixture
            .store
            .by(someone())
            .update_user(ada.id, changes)
            .await
            .unwrap();
        assert!(
            !fixture
                .store
                .open_session(new_session(&fixture, &ada, 1))
                .await
                .unwrap()
        );
        assert_eq!(
            fixture
                .store
                .find_user(ada.id)
                .await
                .unwrap()
                .unwrap()
                .last_login_at,
            None
        );
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_works_once_and_using_it_again_ends_the_session() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let session_id = sign_in(&fixture, &ada, 1).await;
        let other = sign_in(&fixture, &ada, 9).await;
        let exchanged = fixture
            .store
            .exchange_refresh_token(exchange(&fixture, 1, 2))
            .await
            .unwrap();
        assert!(
            matches!(exchanged, RefreshOutcome::Exchanged { session_id: id, user } if
            id == session_id && user.id == ada.id)
        );
        assert!(is_signed_in(&fixture, session_id).await);

        let reused = fixture
            .store
            .exchange_refresh_token(exchange(&fixture, 1, 3))
            .await
            .unwrap();
        assert_eq!(reused, RefreshOutcome::Reused { session_id });
        assert!(!is_signed_in(&fixture, session_id).await);
        // The token that the first exchange gave is dead too, and the user's other session is not.
        let dead = fixture
            .store
            .exchange_refresh_token(exchange(&fixture, 2, 4))
            .await
            .unwrap();
        assert_eq!(dead, RefreshOutcome::Invalid);
        assert!(is_signed_in(&fixture, other).await);
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_that_is_unknown_late_or_of_an_ended_session_is_invalid() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let invalid = async |presented| {
            let outcome = fixture
                .store
                .exchange_refresh_token(exchange(&fixture, presented, 99))
                .await;
            outcome.unwrap() == RefreshOutcome::Invalid
        };
        assert!(invalid(1).await);

        let session = sign_in(&fixture, &ada, 2).await;
        fixture
            .store
            .revoke_session(session, fixture.now())
            .await
            .unwrap();
        assert!(invalid(2).await);

        sign_in(&fixture, &ada, 3).await;
        fixture.clock.advance(seconds(WEEK));
        assert!(invalid(3).await);

        sign_in(&fixture, &ada, 4).await;
        let changes = UserChanges {
            is_active: Some(false),
            ..Default::default()
        };
        fixture
            .store
            .by(someone())
            .update_user(ada.id, changes)
            .await
            .unwrap();
        assert!(invalid(4).await);
    })
    .await;
}

#[tokio::test]
async fn refreshing_does_not_prolong_a_session_beyond_its_end() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        sign_in(&fixture, &ada, 1).await;
        let mut current = 1;
        for _ in 0..4 {
            fixture.clock.advance(seconds(WEEK - 1));
            let next = current + 1;
            let outcome = fixture
                .store
                .exchange_refresh_token(exchange(&fixture, current, next))
                .await
                .unwrap();
            assert!(matches!(outcome, RefreshOutcome::Exchanged { .. }));
            current = next;
        }
        // Two days are left of the thirty, and so of the token.
        fixture.clock.advance(seconds(2 * 86_400 + 4));
        let outcome = fixture
            .store
            .exchange_refresh_token(exchange(&fixture, current, 50))
            .await
            .unwrap();
        assert_eq!(outcome, RefreshOutcome::Invalid);
    })
    .await;
}

#[tokio::test]
async fn deactivation_and_a_password_from_an_admin_end_every_session() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let password = || UserChanges {
            password_hash: Some(password_hash(0)),
            ..Default::default()
        };
        let off = || UserChanges {
            is_active: Some(false),
            ..Default::default()
        };
        let on = || UserChanges {
            is_active: Some(true),
            ..Default::default()
        };
        let first = sign_in(&fixture, &ada, 1).await;
        fixture
            .store
            .by(someone())
            .update_user(ada.id, password())
            .await
            .unwrap();
        assert!(!is_signed_in(&fixture, first).await);

        let second = sign_in(&fixture, &ada, 2).await;
        fixture
            .store
            .by(someone())
            .update_user(ada.id, off())
            .await
            .unwrap();
        fixture
            .store
            .by(someone())
            .update_user(ada.id, on())
            .await
            .unwrap();
        assert!(!is_signed_in(&fixture, second).await);
    })
    .await;
}

#[tokio::test]
async fn a_chosen_password_ends_every_other_session_and_a_rehash_none() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let (kept, other) = (sign_in(&fixture, &ada, 1).await, sign_in(&fixture, &ada, 2).await);
        fixture.clock.advance(seconds(1));
        let change = |replaced, replacement, cause| PasswordChange {
            user_id: ada.id,
            replaced: password_hash(replaced),
            replacement: password_hash(replacement),
            cause,
            now: fixture.now(),
        };
        let chosen = PasswordChangeCause::Chosen { keep: kept };
        assert!(!fixture.store.set_password(change(1, 0, chosen)).await.unwrap());
        assert!(is_signed_in(&fixture, other).await);

        assert!(
            fixture
                .store
                .set_password(change(0, 1, PasswordChangeCause::Rehash))
                .await
                .unwrap()
        );
        assert!(is_signed_in(&fixture, other).await);
        let (user, hash) = fixture.store.user_with_password(ada.id).await.unwrap().unwrap();
        assert_eq!(
            (user.updated_at, hash.as_str()),
            (ada.updated_at, password_hash(1).as_str())
        );

        assert!(fixture.store.set_password(change(1, 0, chosen)).await.unwrap());
        assert!(is_signed_in(&fixture, kept).await);
        assert!(!is_signed_in(&fixture, other).await);
        let user = fixture.store.find_user(ada.id).await.unwrap().unwrap();
        assert_eq!(
            (user.updated_at, user.must_change_password),
            (fixture.now(), false)
        );
    })
    .await;
}
