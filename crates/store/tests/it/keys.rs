use gateway_auth::{Directory, Scope};
use gateway_domain::{AccountId, ApiKey, ApiKeyId, Budget, BudgetPeriod, Limits, Nanodollars, UserId};
use gateway_store::{ApiKeyChanges, NewApiKey};

use crate::fixture::{FIRST, check, key_hash, new_key, seconds, someone, time};

#[tokio::test]
async fn a_key_keeps_all_that_it_was_given() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let new = NewApiKey {
            expires_at: Some(time("2027-01-01T00:00:00.000001Z")),
            allowed_models: vec!["claude-*".parse().unwrap()],
            allowed_ips: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            allowed_accounts: vec![AccountId::random()],
            tags: [("a\"b".to_owned(), "ü\\'".to_owned())].into(),
            limits: Limits {
                requests_per_minute: Some(u32::MAX),
                tokens_per_minute: Some(1 << 40),
                input_tokens_per_minute: Some(u64::MAX),
                output_tokens_per_minute: None,
                concurrent_requests: Some(0),
                burst_requests: Some(3),
            },
            budget: Budget {
                amount: Some(Nanodollars::from_nanos(12_345)),
                period: BudgetPeriod::Week,
            },
            ..new_key(ada.id, "full")
        };
        let made = fixture
            .store
            .by(someone())
            .create_key(new.clone())
            .await
            .unwrap()
            .unwrap();
        let expected = ApiKey {
            id: made.id,
            user_id: ada.id,
            public_id: new.public_id,
            name: new.name,
            is_active: true,
            expires_at: new.expires_at,
            created_at: fixture.now(),
            updated_at: fixture.now(),
            last_used_at: None,
            allowed_models: new.allowed_models,
            allowed_ips: new.allowed_ips,
            allowed_accounts: new.allowed_accounts,
            tags: new.tags,
            limits: new.limits,
            budget: new.budget,
        };
        assert_eq!(made, expected);
        let found = fixture.store.find_key(Scope::Everyone, made.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&expected));
        let stored = fixture
            .store
            .key_by_public_id(&made.public_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (stored.key, stored.owner, stored.hash == key_hash(1)),
            (expected, ada, true)
        );
        assert!(stored.previous.is_none());
        assert!(
            fixture
                .store
                .key_by_public_id("pub\0lic")
                .await
                .unwrap()
                .is_none()
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_for_nobody_is_not_made() {
    check(async |fixture| {
        let nobody = new_key(UserId::random(), "x");
        assert_eq!(
            fixture.store.by(someone()).create_key(nobody).await.unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test]
async fn a_foreign_key_is_as_absent_as_one_that_never_was() {
    check(async |fixture| {
        let (ada, bob) = (fixture.user("ada").await, fixture.user("bob").await);
        let key = fixture.key(ada.id, "ci").await;
        let bobs = Scope::Only(bob.id);
        let rename = || ApiKeyChanges {
            name: Some("stolen".to_owned()),
            ..Default::default()
        };
        let store = &fixture.store;
        for id in [key.id, ApiKeyId::random()] {
            assert_eq!(store.find_key(bobs, id).await.unwrap(), None);
            assert_eq!(
                store.by(someone()).update_key(bobs, id, rename()).await.unwrap(),
                None
            );
            assert_eq!(
                store
                    .by(someone())
                    .rotate_key(bobs, id, key_hash(9), None)
                    .await
                    .unwrap(),
                None
            );
            assert!(!store.by(someone()).delete_key(bobs, id).await.unwrap());
        }
        let stored = store.key_by_public_id(&key.public_id).await.unwrap().unwrap();
        assert_eq!((&stored.key, stored.hash == key_hash(1)), (&key, true));

        let names = async |scope, user| -> Vec<String> {
            let keys = store.list_keys(scope, user, FIRST).await.unwrap();
            assert_eq!(keys.total, i64::try_from(keys.items.len()).unwrap());
            keys.items.into_iter().map(|key| key.name).collect()
        };
        fixture.key(bob.id, "bobs").await;
        assert_eq!(names(Scope::Everyone, None).await, ["ci", "bobs"]);
        assert_eq!(names(Scope::Everyone, Some(bob.id)).await, ["bobs"]);
        assert_eq!(names(bobs, None).await, ["bobs"]);
        assert_eq!(names(bobs, Some(ada.id)).await, [""; 0]);
        assert!(
            store
                .by(someone())
                .delete_key(Scope::Only(ada.id), key.id)
                .await
                .unwrap()
        );
        assert_eq!(names(Scope::Everyone, None).await, ["bobs"]);
    })
    .await;
}

#[tokio::test]
async fn only_what_is_named_changes_and_what_can_be_absent_can_be_taken_away() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let new = NewApiKey {
            expires_at: Some(time("2027-01-01T00:00:00Z")),
            ..new_key(ada.id, "ci")
        };
        let made = fixture
            .store
            .by(someone())
            .create_key(new)
            .await
            .unwrap()
            .unwrap();
        fixture.clock.advance(seconds(1));
        let update = async |changes| {
            fixture
                .store
                .by(someone())
                .update_key(Scope::Only(ada.id), made.id, changes)
                .await
                .unwrap()
                .unwrap()
        };
        let changed = update(ApiKeyChanges {
            is_active: Some(false),
            ..Default::default()
        })
        .await;
        let mut expected = ApiKey {
            is_active: false,
            updated_at: fixture.now(),
            ..made.clone()
        };
        assert_eq!(changed, expected);

        let limits = Limits {
            requests_per_minute: Some(5),
            ..Limits::default()
        };
        let budget = Budget {
            amount: Some(Nanodollars::from_nanos(7)),
            period: BudgetPeriod::Total,
        };
        let changes = ApiKeyChanges {
            expires_at: Some(None),
            allowed_models: Some(vec!["gpt-*".parse().unwrap()]),
            tags: Some(Default::default()),
            limits: Some(limits),
            budget: Some(budget),
            ..Default::default()
        };
        expected.expires_at = None;
        expected.allowed_models = vec!["gpt-*".parse().unwrap()];
        expected.tags.clear();
        (expected.limits, expected.budget) = (limits, budget);
        assert_eq!(update(changes).await, expected);
        let found = fixture.store.find_key(Scope::Everyone, made.id).await.unwrap();
        assert_eq!(found, Some(expected));
    })
    .await;
}

#[tokio::test]
async fn a_rotated_key_has_its_old_secret_for_as_long_as_was_granted() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let key = fixture.key(ada.id, "ci").await;
        let ends_at = fixture.now() + seconds(60);
        let rotate = async |byte, ends_at| {
            let rotated = fixture
                .store
                .by(someone())
                .rotate_key(Scope::Only(ada.id), key.id, key_hash(byte), ends_at)
                .await;
            assert_eq!(rotated.unwrap().unwrap().id, key.id);
            fixture
                .store
                .key_by_public_id(&key.public_id)
                .await
                .unwrap()
                .unwrap()
        };
        let stored = rotate(2, Some(ends_at)).await;
        assert!(stored.hash == key_hash(2));
        assert!(stored.previous == Some((key_hash(1), ends_at)));
        let stored = rotate(3, Some(ends_at)).await;
        assert!(stored.previous == Some((key_hash(2), ends_at)));
        let stored = rotate(4, None).await;
        assert!(stored.hash == key_hash(4) && stored.previous.is_none());
    })
    .await;
}
