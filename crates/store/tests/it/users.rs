use gateway_auth::{Directory, PasswordHasher};
use gateway_domain::{Page, Role};
use gateway_store::{NewUser, StoreError, UserChanges};

use crate::fixture::{FIRST, Fixture, check, new_user, password_hash, seconds, someone, time};

fn taken<T>(outcome: &Result<T, StoreError>) -> Option<&'static str> {
    match outcome {
        Err(StoreError::Taken { what }) => Some(what),
        _ => None,
    }
}

async fn admin(fixture: &Fixture) -> gateway_domain::User {
    fixture
        .store
        .user_by_login("admin")
        .await
        .unwrap()
        .expect("migrations make one")
        .0
}

#[tokio::test]
async fn a_user_that_was_made_is_found() {
    check(async |fixture| {
        let made = fixture.user("Ada").await;
        assert_eq!(made.created_at, fixture.now());
        assert_eq!(
            fixture.store.find_user(made.id).await.unwrap().as_ref(),
            Some(&made)
        );
        for login in ["ada", "ADA", "Ada@Example.com"] {
            let (found, hash) = fixture.store.user_by_login(login).await.unwrap().unwrap();
            assert_eq!((found, hash.as_str()), (made.clone(), password_hash(0).as_str()));
        }
        for login in ["", "ad", "ad%", "a\0da", "ada\0"] {
            assert!(
                fixture.store.user_by_login(login).await.unwrap().is_none(),
                "{login:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_username_and_an_address_are_unique_whatever_their_case() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let other = NewUser {
            email: "else@example.com".to_owned(),
            ..new_user("ADA")
        };
        assert_eq!(
            taken(&fixture.store.by(someone()).create_user(other).await),
            Some("username")
        );
        let other = NewUser {
            username: "else".to_owned(),
            ..new_user("ADA")
        };
        assert_eq!(
            taken(&fixture.store.by(someone()).create_user(other).await),
            Some("email")
        );
        let bob = fixture.user("bob").await;
        let changes = UserChanges {
            email: Some("Ada@example.com".to_owned()),
            ..Default::default()
        };
        assert_eq!(
            taken(&fixture.store.by(someone()).update_user(bob.id, changes).await),
            Some("email")
        );
        assert_eq!(fixture.store.find_user(ada.id).await.unwrap(), Some(ada));
    })
    .await;
}

#[tokio::test]
async fn a_login_that_is_a_name_and_an_address_means_the_name() {
    check(async |fixture| {
        fixture.user("victim").await;
        let odd = NewUser {
            username: "victim@example.com".to_owned(),
            ..new_user("odd")
        };
        let odd = fixture.store.by(someone()).create_user(odd).await.unwrap();
        let (found, _) = fixture
            .store
            .user_by_login("Victim@example.com")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.id, odd.id);
    })
    .await;
}

#[tokio::test]
async fn users_are_listed_by_pages_and_wildcards_are_plain_characters() {
    check(async |fixture| {
        for name in ["per%cent", "under_score", "back\\slash", "underXscore"] {
            fixture.user(name).await;
        }
        let found = async |q: &str| -> Vec<String> {
            let users = fixture.store.list_users(Some(q), FIRST).await.unwrap();
            assert_eq!(users.total, i64::try_from(users.items.len()).unwrap());
            users.items.into_iter().map(|user| user.username).collect()
        };
        assert_eq!(found("%").await, ["per%cent"]);
        assert_eq!(found("R_S").await, ["under_score"]);
        assert_eq!(found("\\").await, ["back\\slash"]);
        assert_eq!(found("UNDER").await, ["under_score", "underXscore"]);
        assert_eq!(found("\0").await, [""; 0]);
        assert_eq!(found("'; DROP TABLE users; --").await, [""; 0]);

        let page = async |page| {
            fixture
                .store
                .list_users(None, Page { page, page_size: 4 })
                .await
                .unwrap()
        };
        let (first, second, third) = (page(1).await, page(2).await, page(3).await);
        assert_eq!(
            (
                first.total,
                first.items.len(),
                second.items.len(),
                third.items.len()
            ),
            (6, 4, 2, 0)
        );
        assert_eq!(first.items[0].username, "admin");
        assert_eq!(second.items[1].username, "underXscore");
    })
    .await;
}

#[tokio::test]
async fn only_what_is_named_changes() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        fixture.clock.advance(seconds(5));
        let changes = UserChanges {
            role: Some(Role::Admin),
            ..Default::default()
        };
        let changed = fixture
            .store
            .by(someone())
            .update_user(ada.id, changes)
            .await
            .unwrap()
            .unwrap();
        let expected = gateway_domain::User {
            role: Role::Admin,
            updated_at: time("2026-06-01T12:00:05Z"),
            ..ada
        };
        assert_eq!(changed, expected);
        assert_eq!(fixture.store.find_user(changed.id).await.unwrap(), Some(expected));

        let nobody = gateway_domain::UserId::random();
        assert_eq!(
            fixture
                .store
                .by(someone())
                .update_user(nobody, UserChanges::default())
                .await
                .unwrap(),
            None
        );
        assert!(!fixture.store.by(someone()).delete_user(nobody).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn the_last_active_admin_stays_one() {
    check(async |fixture| {
        let admin = admin(&fixture).await;
        let demote = || UserChanges {
            role: Some(Role::Member),
            ..Default::default()
        };
        let deactivate = || UserChanges {
            is_active: Some(false),
            ..Default::default()
        };
        for changes in [demote(), deactivate()] {
            let refused = fixture.store.by(someone()).update_user(admin.id, changes).await;
            assert!(matches!(refused, Err(StoreError::LastAdmin)));
        }
        assert!(matches!(
            fixture.store.by(someone()).delete_user(admin.id).await,
            Err(StoreError::LastAdmin)
        ));
        assert_eq!(
            fixture.store.find_user(admin.id).await.unwrap().as_ref(),
            Some(&admin)
        );

        // An inactive one does not count, an active one does.
        let second = NewUser {
            role: Role::Admin,
            ..new_user("second")
        };
        let second = fixture.store.by(someone()).create_user(second).await.unwrap();
        fixture
            .store
            .by(someone())
            .update_user(second.id, deactivate())
            .await
            .unwrap();
        assert!(matches!(
            fixture.store.by(someone()).update_user(admin.id, demote()).await,
            Err(StoreError::LastAdmin)
        ));
        let activate = UserChanges {
            is_active: Some(true),
            ..Default::default()
        };
        fixture
            .store
            .by(someone())
            .update_user(second.id, activate)
            .await
            .unwrap();
        assert!(fixture.store.by(someone()).delete_user(admin.id).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_deleted_user_leaves_nothing_behind_but_history() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let key = fixture.key(ada.id, "ci").await;
        fixture.account(Some(ada.id), "own").await;
        fixture.account(None, "shared").await;
        assert!(fixture.store.by(someone()).delete_user(ada.id).await.unwrap());
        let counts = fixture.store.counts().await.unwrap();
        assert_eq!((counts.users, counts.keys, counts.accounts), (2, 0, 1));
        assert!(
            fixture
                .store
                .key_by_public_id(&key.public_id)
                .await
                .unwrap()
                .is_none()
        );
    })
    .await;
}

#[tokio::test]
async fn a_published_password_stands_until_it_is_changed_or_its_user_switched_off() {
    check(async |fixture| {
        let store = &fixture.store;
        let hasher = PasswordHasher::new(10, 1, 10);
        assert_eq!(
            store.has_default_passwords(&hasher).await.unwrap(),
            ["admin", "testuser"]
        );
        let admin = admin(&fixture).await;
        let changes = UserChanges {
            password_hash: Some(hasher.hash("another one".into()).await.unwrap()),
            // As one that somebody else has chosen must.
            must_change_password: Some(true),
            ..Default::default()
        };
        store.by(someone()).update_user(admin.id, changes).await.unwrap();
        assert_eq!(store.has_default_passwords(&hasher).await.unwrap(), ["testuser"]);
        let (test_user, _) = store.user_by_login("testuser").await.unwrap().unwrap();
        let changes = UserChanges {
            is_active: Some(false),
            ..Default::default()
        };
        store
            .by(someone())
            .update_user(test_user.id, changes)
            .await
            .unwrap();
        assert_eq!(store.has_default_passwords(&hasher).await.unwrap(), [""; 0]);
    })
    .await;
}
