use std::sync::Arc;

use gateway_auth::Scope;
use gateway_domain::PicodollarsPerToken;
use gateway_metering::Rates;
use gateway_store::{ApiKeyChanges, Backend, Revisions, Store, UserChanges};

use crate::fixture::{check, new_account, new_key, someone};

#[tokio::test]
async fn a_change_is_noticed_here_before_its_caller_hears_of_it() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let seen = fixture.store.revisions();
        let before = || *seen.borrow();

        let start = before();
        let key = fixture
            .store
            .by(someone())
            .create_key(new_key(ada.id, "ci"))
            .await
            .unwrap()
            .unwrap();
        let created = before();
        assert_eq!(
            created,
            Revisions {
                keys: start.keys + 1,
                ..start
            }
        );
        fixture
            .store
            .by(someone())
            .update_key(Scope::Everyone, key.id, ApiKeyChanges::default())
            .await
            .unwrap();
        fixture
            .store
            .by(someone())
            .update_user(ada.id, UserChanges::default())
            .await
            .unwrap();
        assert_eq!(before().keys, created.keys + 2);

        let start = before();
        fixture
            .store
            .by(someone())
            .create_account(new_account(None, "team"))
            .await
            .unwrap();
        assert_eq!(
            before(),
            Revisions {
                accounts: start.accounts + 1,
                ..start
            }
        );
        let rate = PicodollarsPerToken::from_picos(1);
        let rates = Rates {
            input: rate,
            output: rate,
            cache_read: None,
            cache_write_5m: None,
            cache_write_1h: None,
        };
        fixture
            .store
            .by(someone())
            .put_price("claude", rates.into())
            .await
            .unwrap();
        assert_eq!(before().prices, start.prices + 1);

        // The keys and accounts of a deleted user go with it.
        let start = before();
        fixture.store.by(someone()).delete_user(ada.id).await.unwrap();
        let expected = Revisions {
            keys: start.keys + 1,
            accounts: start.accounts + 1,
            ..start
        };
        assert_eq!(before(), expected);
    })
    .await;
}

#[tokio::test]
async fn a_change_is_noticed_by_other_instances() {
    check(async |fixture| {
        if fixture.store.backend() == Backend::Sqlite {
            let refused = Store::open(&fixture.settings, fixture.clock.clone()).await;
            assert!(refused.is_err_and(|error| error.problem().contains("another process")));
            return;
        }
        let other = Store::open(&fixture.settings, fixture.clock.clone())
            .await
            .unwrap();
        let mut seen = other.revisions();
        let start = *seen
            .wait_for(|revisions| *revisions == *fixture.store.revisions().borrow())
            .await
            .unwrap();
        fixture
            .store
            .by(someone())
            .create_account(new_account(None, "team"))
            .await
            .unwrap();
        seen.wait_for(|revisions| revisions.accounts == start.accounts + 1)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_open_store_may_be_dropped_anywhere() {
    check(async |fixture| {
        let store = Arc::new(fixture.store);
        let asked = Arc::clone(&store);
        let operation = tokio::spawn(async move { asked.counts().await });
        drop(store);
        assert_eq!(operation.await.unwrap().unwrap().users, 2);
    })
    .await;
}
