use std::sync::Arc;
use std::time::Duration;

use gateway_auth::{AuthError, AuthSettings, WeakPassword};
use gateway_domain::{Clock, Role};
use secrecy::ExposeSecret;

use crate::world::{PASSWORD, World, begin, hash_of, settings, typed};

#[tokio::test]
async fn a_user_signs_in_by_name_or_e_mail_whatever_the_case() {
    let world = World::new();
    for login in ["alice", "ALICE", "Alice@Example.com"] {
        let pair = world.sign_in(login, PASSWORD).await.unwrap();
        assert_eq!(pair.user.id, world.alice, "{login}");
        assert_eq!(pair.expires_in, Duration::from_secs(900));
        assert_eq!(pair.user.last_login_at, Some(world.clock.now()));
        assert_eq!(
            world.who(&pair).await.unwrap().user,
            world.directory.user(world.alice).0
        );
    }
}

#[tokio::test]
async fn a_session_is_remembered_with_its_origin_and_its_ends() {
    let world = World::new();
    let mut sign_in = typed("::ffff:192.0.2.7", "alice", PASSWORD);
    sign_in.user_agent = Some(format!("curl/8\n\0{}", "x".repeat(1000)));
    let pair = world.sessions.sign_in(sign_in).await.unwrap();

    let session = world.directory.only_session();
    let now = world.clock.now();
    assert_eq!(session.id, world.who(&pair).await.unwrap().session_id);
    assert_eq!(session.created_at, now);
    assert_eq!(session.expires_at, now + Duration::from_secs(30 * 24 * 3600));
    assert_eq!(
        session.refresh_expires_at,
        now + Duration::from_secs(7 * 24 * 3600)
    );
    assert_eq!(session.address, Some("192.0.2.7".parse().unwrap()));
    assert_eq!(
        session.user_agent.as_deref(),
        Some(&*format!("curl/8{}", "x".repeat(250)))
    );
    assert_eq!(
        pair.refresh_token.expose_secret().len(),
        43,
        "256 bits in base64url"
    );
    assert_ne!(
        session.refresh.as_bytes(),
        pair.refresh_token.expose_secret().as_bytes()
    );
}

#[tokio::test]
async fn nobody_learns_why_a_sign_in_failed() {
    let world = World::new();
    world
        .directory
        .edit_user(world.root, |root| root.is_active = false);
    let too_long = "x".repeat(73);
    for (login, password) in [
        ("nobody", PASSWORD),
        ("alice", "wrong"),
        ("alice", ""),
        ("", PASSWORD),
        ("alice\0", PASSWORD),
        ("root", PASSWORD),
        ("root", "wrong"),
        ("alice", &too_long),
        ("alice", "a long\0walk home"),
    ] {
        let answer = World::sign_in(&world, login, password).await;
        assert!(
            matches!(answer, Err(AuthError::InvalidCredentials)),
            "{login:?} {password:?}: {answer:?}"
        );
        world.advance_seconds(2000);
    }
    assert_eq!(world.directory.session_count(), 0);
}

#[tokio::test]
async fn a_password_longer_than_bcrypt_reads_is_wrong_even_where_bcrypt_would_take_it() {
    let world = World::new();
    let longest = "x".repeat(72);
    world.directory.set_hash(world.alice, hash_of(&longest, 10));
    assert!(world.sign_in("alice", &longest).await.is_ok());
    let answer = world.sign_in("alice", &format!("{longest}x")).await;
    assert!(matches!(answer, Err(AuthError::InvalidCredentials)));
}

#[tokio::test]
async fn an_old_hash_is_replaced_at_sign_in_and_nothing_else_changes() {
    let world = World::new();
    let old = hash_of(PASSWORD, 4);
    world.directory.set_hash(world.alice, old.clone());
    world
        .directory
        .edit_user(world.alice, |alice| alice.must_change_password = true);
    let before = world.directory.user(world.alice).0;
    world.advance_seconds(60);

    let earlier = world.sign_in("alice", "wrong").await;
    assert!(matches!(earlier, Err(AuthError::InvalidCredentials)));
    assert_eq!(
        world.directory.user(world.alice).1,
        old,
        "only the right password is hashed anew"
    );

    let pair = world.alice().await;
    let (after, hash) = world.directory.user(world.alice);
    assert!(hash.as_str().starts_with("$2b$10$"));
    assert!(bcrypt::verify(PASSWORD, hash.as_str()).unwrap());
    assert!(after.must_change_password);
    assert_eq!(after.updated_at, before.updated_at);
    assert!(world.who(&pair).await.is_ok());

    world.alice().await;
    assert_eq!(world.directory.user(world.alice).1, hash, "once is enough");
}

#[tokio::test]
async fn a_password_changed_while_the_old_one_is_checked_signs_nobody_in() {
    let world = World::new();
    let mut sign_in = Box::pin(world.sign_in("alice", PASSWORD));
    begin(&mut sign_in);
    world
        .directory
        .set_hash(world.alice, hash_of("another password", 4));
    assert!(matches!(sign_in.await, Err(AuthError::InvalidCredentials)));
    assert_eq!(world.directory.session_count(), 0);
}

#[tokio::test]
async fn a_right_password_that_could_not_be_used_is_no_failed_guess() {
    let world = World::new();
    for _ in 0..6 {
        let mut sign_in = Box::pin(world.sign_in("alice", PASSWORD));
        begin(&mut sign_in);
        world.directory.go_away();
        assert!(matches!(sign_in.await, Err(AuthError::Unavailable(_))));
        world.directory.come_back();
    }
    assert!(world.sign_in("alice", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn without_the_directory_nobody_is_judged() {
    let world = World::new();
    let pair = world.alice().await;
    world.directory.go_away();
    for _ in 0..10 {
        let answer = world.sign_in("alice", PASSWORD).await;
        assert!(matches!(answer, Err(AuthError::Unavailable(_))), "{answer:?}");
    }
    assert!(matches!(world.who(&pair).await, Err(AuthError::Unavailable(_))));
    assert!(matches!(
        world.refresh(&pair).await,
        Err(AuthError::Unavailable(_))
    ));
    world.directory.come_back();
    assert!(world.refresh(&pair).await.is_ok(), "the token was not used up");
    assert!(world.sign_in("alice", PASSWORD).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sign_ins_at_once_all_come_through() {
    let world = World::with(&AuthSettings {
        bcrypt_concurrency: 4,
        ..settings()
    });
    let sign_ins: Vec<_> = (0..20)
        .map(|_| {
            let sessions = Arc::clone(&world.sessions);
            tokio::spawn(async move { sessions.sign_in(typed("192.0.2.1", "alice", PASSWORD)).await })
        })
        .collect();
    for sign_in in sign_ins {
        assert!(sign_in.await.unwrap().is_ok());
    }
    assert_eq!(world.directory.session_count(), 20);
}

#[tokio::test]
async fn an_admin_sets_no_weak_password() {
    let world = World::new();
    let hash = async |password: &str, role| world.sessions.hash_new_password(password.into(), role).await;
    assert!(hash("eleven byte", Role::Member).await.is_ok());
    let weak = hash("eleven byte", Role::Admin).await;
    assert!(matches!(
        weak,
        Err(AuthError::WeakPassword(WeakPassword::TooShort {
            minimum_bytes: 12
        }))
    ));
    let common = hash("Password123", Role::Member).await;
    assert!(matches!(
        common,
        Err(AuthError::WeakPassword(WeakPassword::Common))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_sign_ins_than_may_wait_are_refused_at_once() {
    let world = World::with(&AuthSettings {
        bcrypt_concurrency: 1,
        bcrypt_queue: 2,
        ..settings()
    });
    let mut calls: Vec<_> = (0..3)
        .map(|_| Box::pin(world.sign_in("alice", PASSWORD)))
        .collect();
    calls.iter_mut().for_each(begin);
    let asked = world.directory.login_questions();
    for _ in 0..10 {
        let refused = world.sign_in("alice", PASSWORD).await;
        assert!(matches!(refused, Err(AuthError::Busy)), "{refused:?}");
    }
    let looked_up = world.directory.login_questions() - asked;
    assert_eq!(looked_up, 1, "whether she has signed in from there, once");
    for call in calls {
        assert!(call.await.is_ok());
    }
    assert!(world.sign_in("alice", PASSWORD).await.is_ok());
}
