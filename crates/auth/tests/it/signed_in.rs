use std::sync::Arc;

use gateway_auth::{AuthError, Scope, WeakPassword};
use gateway_domain::{Clock, Role};
use secrecy::ExposeSecret;

use crate::world::{HOME, PASSWORD, World, begin, hash_of};

const DAY: u64 = 24 * 3600;

fn is_invalid<T>(answer: &Result<T, AuthError>) -> bool {
    matches!(answer, Err(AuthError::InvalidToken))
}

#[tokio::test]
async fn refreshing_goes_on_with_the_same_session() {
    let world = World::new();
    let first = world.alice().await;
    let second = world.refresh(&first).await.unwrap();
    assert_ne!(
        first.refresh_token.expose_secret(),
        second.refresh_token.expose_secret()
    );
    assert_ne!(
        first.access_token.expose_secret(),
        second.access_token.expose_secret()
    );
    let callers = (
        world.who(&first).await.unwrap(),
        world.who(&second).await.unwrap(),
    );
    assert_eq!(callers.0, callers.1);
    assert!(world.refresh(&second).await.is_ok());
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_its_session() {
    let world = World::new();
    let first = world.alice().await;
    let bystander = world.alice().await;
    let second = world.refresh(&first).await.unwrap();
    let session_id = world.who(&first).await.unwrap().session_id;
    match world.refresh(&first).await {
        Err(AuthError::RefreshTokenReused { session_id: ended }) => assert_eq!(ended, session_id),
        other => panic!("{other:?}"),
    }
    assert!(is_invalid(&world.who(&second).await));
    assert!(is_invalid(&world.refresh(&second).await));
    assert!(world.who(&bystander).await.is_ok());
}

#[tokio::test]
async fn a_flood_of_tokens_that_nobody_was_given_asks_the_directory_no_more() {
    let world = World::new();
    let pair = world.alice().await;
    let elsewhere = "198.51.100.7".parse().unwrap();
    for number in 0..200 {
        // 32 bytes in base64, as a token has.
        let token = format!("{number:0>42}A");
        match world.sessions.refresh(&token, elsewhere).await {
            Err(AuthError::InvalidToken) => assert!(number < 50, "{number}"),
            Err(AuthError::TooManyAttempts { .. }) => assert!(number >= 50, "{number}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.directory.token_questions(), 50);
    assert!(world.refresh(&pair).await.is_ok(), "from another address");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_refreshes_in_parallel_one_wins() {
    let world = World::new();
    let pair = world.alice().await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let sessions = Arc::clone(&world.sessions);
            let token = pair.refresh_token.clone();
            tokio::spawn(async move { sessions.refresh(token.expose_secret(), HOME).await })
        })
        .collect();
    let mut won = Vec::new();
    let mut reused = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(pair) => won.push(pair),
            Err(AuthError::RefreshTokenReused { .. }) => reused += 1,
            Err(error) => assert!(matches!(error, AuthError::InvalidToken), "{error:?}"),
        }
    }
    assert_eq!((won.len(), reused), (1, 1), "the session ends once");
    assert!(
        is_invalid(&world.who(&won[0]).await),
        "one of the twenty was a thief"
    );
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let world = World::new();
    let pair = world.alice().await;
    for token in [
        "",
        "x",
        pair.access_token.expose_secret(),
        &"A".repeat(43),
        &"A".repeat(1 << 20),
    ] {
        assert!(is_invalid(&world.sessions.refresh(token, HOME).await));
    }
}

#[tokio::test]
async fn a_session_slides_by_a_week_and_ends_after_thirty_days() {
    let world = World::new();
    let mut pair = world.alice().await;
    for _ in 0..4 {
        world.advance_seconds(7 * DAY - 1);
        pair = world.refresh(&pair).await.unwrap();
    }
    world.advance_seconds(2 * DAY + 3);
    assert!(
        world.who(&pair).await.is_err(),
        "the access token has ended long since"
    );
    let last = world.refresh(&pair).await.unwrap();
    assert!(world.who(&last).await.is_ok());
    world.advance_seconds(1);
    assert!(is_invalid(&world.refresh(&last).await), "thirty days are over");
    assert!(is_invalid(&world.who(&last).await), "for the access token too");
}

#[tokio::test]
async fn a_refresh_token_ends_after_a_week() {
    let world = World::new();
    let pair = world.alice().await;
    world.advance_seconds(7 * DAY);
    assert!(is_invalid(&world.refresh(&pair).await));
}

#[tokio::test]
async fn signing_out_ends_access_and_refresh_at_once() {
    let world = World::new();
    let (pair, other) = (world.alice().await, world.alice().await);
    let caller = world.who(&pair).await.unwrap();
    world.sessions.sign_out(&caller, None).await.unwrap();
    assert!(is_invalid(&world.who(&pair).await));
    assert!(is_invalid(&world.refresh(&pair).await));
    assert!(world.who(&other).await.is_ok());
}

#[tokio::test]
async fn signing_out_also_ends_the_session_of_the_refresh_token() {
    let world = World::new();
    let (pair, other, third) = (world.alice().await, world.alice().await, world.alice().await);
    let caller = world.who(&pair).await.unwrap();
    world
        .sessions
        .sign_out(&caller, Some(other.refresh_token.expose_secret()))
        .await
        .unwrap();
    assert!(is_invalid(&world.who(&pair).await));
    assert!(is_invalid(&world.who(&other).await));
    assert!(world.who(&third).await.is_ok());

    let caller = world.who(&third).await.unwrap();
    for token in [
        "nonsense",
        third.refresh_token.expose_secret(),
        other.refresh_token.expose_secret(),
    ] {
        world.sessions.sign_out(&caller, Some(token)).await.unwrap();
    }
    assert!(is_invalid(&world.refresh(&third).await));
}

#[tokio::test]
async fn deactivation_and_a_new_role_bite_at_once() {
    let world = World::new();
    let pair = world.alice().await;
    world
        .directory
        .edit_user(world.alice, |alice| alice.role = Role::Admin);
    assert!(world.who(&pair).await.unwrap().is_admin());
    world
        .directory
        .edit_user(world.alice, |alice| alice.is_active = false);
    assert!(is_invalid(&world.who(&pair).await));
    assert!(is_invalid(&world.refresh(&pair).await));
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let world = World::new();
    world
        .directory
        .edit_user(world.alice, |alice| alice.must_change_password = true);
    let (pair, other, root) = (
        world.alice().await,
        world.alice().await,
        world.sign_in("root", PASSWORD).await.unwrap(),
    );
    let caller = world.who(&pair).await.unwrap();
    world.advance_seconds(60);
    world.change(&caller, PASSWORD, "another password").await.unwrap();

    let (alice, _) = world.directory.user(world.alice);
    assert!(!alice.must_change_password);
    assert_eq!(alice.updated_at, world.clock.now());
    assert!(world.who(&pair).await.is_ok());
    assert!(world.who(&root).await.is_ok());
    assert!(is_invalid(&world.who(&other).await));
    assert!(is_invalid(&world.refresh(&other).await));
    assert!(matches!(
        world.sign_in("alice", PASSWORD).await,
        Err(AuthError::InvalidCredentials)
    ));
    assert!(world.sign_in("alice", "another password").await.is_ok());
}

#[tokio::test]
async fn a_password_changes_only_for_a_better_one_and_who_knows_the_old_one() {
    let world = World::new();
    let pair = world.alice().await;
    let caller = world.who(&pair).await.unwrap();
    let before = world.directory.user(world.alice);

    let answer = world.change(&caller, "wrong", "another password").await;
    assert!(matches!(answer, Err(AuthError::InvalidCredentials)), "{answer:?}");
    for (new, weakness) in [
        ("short", WeakPassword::TooShort { minimum_bytes: 8 }),
        ("qwertyuiop", WeakPassword::Common),
        (&"x".repeat(73), WeakPassword::TooLong),
        ("long enough\0", WeakPassword::ContainsNul),
        (PASSWORD, WeakPassword::Unchanged),
    ] {
        match world.change(&caller, PASSWORD, new).await {
            Err(AuthError::WeakPassword(found)) => assert_eq!(found, weakness),
            other => panic!("{new:?}: {other:?}"),
        }
    }
    assert_eq!(world.directory.user(world.alice), before);
}

#[tokio::test]
async fn of_two_password_changes_at_once_the_later_one_fails() {
    let world = World::new();
    let caller = world.who(&world.alice().await).await.unwrap();
    let mut change = Box::pin(world.change(&caller, PASSWORD, "another password"));
    begin(&mut change);
    let meanwhile = hash_of("a third password", 4);
    world.directory.set_hash(world.alice, meanwhile.clone());
    assert!(matches!(change.await, Err(AuthError::InvalidCredentials)));
    assert_eq!(world.directory.user(world.alice).1, meanwhile);
}

#[tokio::test]
async fn who_stole_an_access_token_cannot_guess_the_password_with_it() {
    let world = World::new();
    let pair = world.alice().await;
    let caller = world.who(&pair).await.unwrap();
    for _ in 0..5 {
        let answer = world.change(&caller, "a guess", "another password").await;
        assert!(matches!(answer, Err(AuthError::InvalidCredentials)));
    }
    let answer = world.change(&caller, PASSWORD, "another password").await;
    assert!(matches!(answer, Err(AuthError::TooManyAttempts { .. })));
    assert!(
        world.sign_in("alice", PASSWORD).await.is_ok(),
        "the user is not locked out by it"
    );
    world.advance_seconds(1);
    assert!(world.change(&caller, PASSWORD, "another password").await.is_ok());
}

#[tokio::test]
async fn a_member_sees_what_is_theirs_and_an_admin_everything() {
    let world = World::new();
    let alice = world.who(&world.alice().await).await.unwrap();
    let root = world
        .who(&world.sign_in("root", PASSWORD).await.unwrap())
        .await
        .unwrap();
    assert_eq!(alice.scope(), Scope::Only(world.alice));
    assert!(alice.sees(world.alice) && !alice.sees(world.root) && !alice.is_admin());
    assert_eq!(root.scope(), Scope::Everyone);
    assert!(root.sees(world.alice) && root.sees(world.root) && root.is_admin());
}
