use std::sync::Arc;
use std::time::Duration;

use gateway_auth::{AuthError, AuthSettings};

use crate::world::{PASSWORD, World, settings, typed};

const HOME: &str = "192.0.2.1";

/// Fails `times` times from `address`, and then says how long the next attempt must wait.
async fn wait_after(world: &World, times: usize, address: &str, login: &str) -> Duration {
    for _ in 0..times {
        let answer = world.sign_in_from(address, login, "a guess").await;
        assert!(matches!(answer, Err(AuthError::InvalidCredentials)), "{answer:?}");
    }
    wait(world, address, login).await
}

async fn wait(world: &World, address: &str, login: &str) -> Duration {
    match world.sign_in_from(address, login, PASSWORD).await {
        Err(AuthError::TooManyAttempts { retry_after }) => retry_after,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn after_five_failures_the_right_password_must_wait_too() {
    let world = World::new();
    assert_eq!(wait_after(&world, 5, HOME, "alice").await, Duration::from_secs(1));
    assert_eq!(
        wait(&world, HOME, "Alice").await,
        Duration::from_secs(1),
        "whatever the case"
    );
    let asked = world.directory.login_questions();
    wait(&world, HOME, "alice").await;
    assert_eq!(
        world.directory.login_questions(),
        asked,
        "nothing is looked at meanwhile"
    );

    world.advance_seconds(1);
    assert_eq!(wait_after(&world, 1, HOME, "alice").await, Duration::from_secs(2));
    world.advance_seconds(2);
    assert!(world.sign_in_from(HOME, "alice", PASSWORD).await.is_ok());
    assert_eq!(
        wait_after(&world, 5, HOME, "alice").await,
        Duration::from_secs(1),
        "it begins anew"
    );
}

#[tokio::test]
async fn an_account_that_does_not_exist_is_throttled_alike() {
    let world = World::new();
    assert_eq!(
        wait_after(&world, 5, HOME, "nobody").await,
        Duration::from_secs(1)
    );
    assert!(
        world.sign_in_from(HOME, "alice", PASSWORD).await.is_ok(),
        "others are not"
    );
}

#[tokio::test]
async fn an_account_is_throttled_wherever_the_guesses_come_from() {
    let world = World::new();
    for host in 1..=5 {
        let answer = world
            .sign_in_from(&format!("198.51.100.{host}"), "alice", "a guess")
            .await;
        assert!(matches!(answer, Err(AuthError::InvalidCredentials)));
    }
    assert_eq!(wait(&world, "203.0.113.9", "alice").await, Duration::from_secs(1));
}

#[tokio::test]
async fn a_flood_does_not_lock_out_an_address_that_signed_in_before() {
    let world = World::new();
    world
        .sign_in_from("2001:db8:0:7::1", "alice", PASSWORD)
        .await
        .unwrap();
    wait_after(&world, 5, "198.51.100.1", "alice").await;
    assert!(
        world
            .sign_in_from("2001:db8:0:7:1234::2", "alice", PASSWORD)
            .await
            .is_ok(),
        "of the same /64"
    );

    wait_after(&world, 5, "198.51.100.1", "alice").await;
    let wait = wait_after(&world, 5, "2001:db8:0:7::1", "alice").await;
    assert_eq!(wait, Duration::from_secs(1), "its own failures count");
}

#[tokio::test]
async fn an_address_is_forgotten_after_a_month() {
    let world = World::new();
    world.sign_in_from(HOME, "alice", PASSWORD).await.unwrap();
    world.advance_seconds(30 * 24 * 3600 + 1);
    wait_after(&world, 5, "198.51.100.1", "alice").await;
    assert_eq!(wait(&world, HOME, "alice").await, Duration::from_secs(1));
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_is_throttled() {
    let world = World::with(&AuthSettings {
        failures_per_address: 8,
        ..settings()
    });
    world.sign_in_from("2001:db8::1", "root", PASSWORD).await.unwrap();
    let (before, after) = ("2001:db8::2", "2001:db8::ffff");
    for number in 0..8 {
        let answer = world
            .sign_in_from(before, &format!("user{number}"), "a guess")
            .await;
        assert!(
            matches!(answer, Err(AuthError::InvalidCredentials)),
            "{number}: {answer:?}"
        );
    }
    assert_eq!(wait(&world, after, "alice").await, Duration::from_secs(1));
    assert!(
        world
            .sign_in_from("2001:db8:0:1::1", "alice", PASSWORD)
            .await
            .is_ok(),
        "another /64"
    );
    assert!(
        world.sign_in_from(after, "root", PASSWORD).await.is_ok(),
        "who signed in here before"
    );
    assert_eq!(
        wait(&world, after, "user77").await,
        Duration::from_secs(1),
        "and that wipes nothing out"
    );
}

/// Each guess is checked before any of them has failed; the queue must not let all of them through.
#[tokio::test]
async fn guesses_in_parallel_are_counted_before_they_are_answered() {
    let world = World::new();
    let guesses: Vec<_> = (0..30)
        .map(|_| {
            let sessions = Arc::clone(&world.sessions);
            tokio::spawn(async move { sessions.sign_in(typed(HOME, "alice", "a guess")).await })
        })
        .collect();
    let mut checked = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            Err(AuthError::InvalidCredentials) => checked += 1,
            Err(AuthError::TooManyAttempts { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(
        (5..=6).contains(&checked),
        "{checked}: five, and one that had begun beside the fifth"
    );
}

#[tokio::test]
async fn hanging_up_before_the_answer_counts_as_a_failure() {
    let world = World::new();
    for _ in 0..5 {
        let mut guess = Box::pin(world.sign_in_from(HOME, "alice", "a guess"));
        // Until a turn is free there is nothing to hang up on.
        tokio::select! {
            biased;
            answer = &mut guess => panic!("{answer:?}"),
            () = tokio::task::yield_now() => {}
        }
        drop(guess);
        world
            .sessions
            .hash_new_password("wait for the turn".into(), gateway_domain::Role::Member)
            .await
            .unwrap();
    }
    assert_eq!(wait(&world, HOME, "alice").await, Duration::from_secs(1));
}

#[tokio::test]
async fn a_wait_does_not_tell_which_two_names_are_one_users() {
    let world = World::new();
    wait_after(&world, 5, HOME, "alice@example.com").await;
    for login in ["alice", "nobody"] {
        let guess = world.sign_in_from("198.51.100.1", login, "a guess").await;
        assert!(
            matches!(guess, Err(AuthError::InvalidCredentials)),
            "{login}: {guess:?}"
        );
    }
    // Where a user has signed in from, both names are known.
    world.advance_seconds(1000);
    world.sign_in_from(HOME, "alice", PASSWORD).await.unwrap();
    wait_after(&world, 5, "198.51.100.1", "alice@example.com").await;
    assert!(
        world
            .sign_in_from(HOME, "alice@example.com", PASSWORD)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn one_address_asks_for_few_names_where_they_sign_in_from() {
    let world = World::with(&AuthSettings {
        failures_per_address: 1,
        ..settings()
    });
    wait_after(&world, 1, HOME, "nobody").await;
    let asked = world.directory.login_questions();
    for number in 0..100 {
        wait(&world, HOME, &format!("user{number}")).await;
    }
    assert!(world.directory.login_questions() < asked + 20);
}

#[tokio::test]
async fn a_process_that_has_just_begun_knows_from_where_users_have_signed_in() {
    let world = World::new();
    world
        .sign_in_from("2001:db8:0:7::1", "alice", PASSWORD)
        .await
        .unwrap();
    let after_a_restart = world.another(&settings());
    for _ in 0..5 {
        let guess = typed("198.51.100.1", "alice", "a guess");
        assert!(matches!(
            after_a_restart.sign_in(guess).await,
            Err(AuthError::InvalidCredentials)
        ));
    }
    for login in ["alice", "alice@example.com"] {
        let at_home = typed("2001:db8:0:7:1234::2", login, PASSWORD);
        assert!(after_a_restart.sign_in(at_home).await.is_ok(), "{login}");
    }
}

#[tokio::test]
async fn a_flood_of_guesses_is_not_one_of_questions_where_users_have_signed_in_from() {
    let world = World::new();
    wait_after(&world, 5, HOME, "alice").await;
    let asked = world.directory.address_questions();
    for _ in 0..20 {
        wait(&world, HOME, "alice").await;
    }
    assert_eq!(world.directory.address_questions(), asked);
    world.advance_seconds(60);
    wait_after(&world, 1, HOME, "alice").await;
    assert!(world.directory.address_questions() <= asked + 1);
}
