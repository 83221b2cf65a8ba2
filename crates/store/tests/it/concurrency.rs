use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use diesel::Connection;
use diesel::connection::SimpleConnection;
use gateway_auth::{Directory, RefreshOutcome, Scope};
use gateway_domain::{ManualClock, Role};
use gateway_store::{NewUser, Store, StoreError, StoreSettings, UsageFilter, UserChanges};
use tokio_postgres::NoTls;

use crate::fixture::{START, check, check_empty, new_user, someone, time};
use crate::recording::records;
use crate::sessions::{exchange, sign_in};

#[tokio::test]
async fn of_many_parallel_refreshes_one_wins_and_the_session_ends() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let session = sign_in(&fixture, &ada, 100).await;
        let exchanges: Vec<_> = (0..20).map(|number| exchange(&fixture, 100, number)).collect();
        let store = Arc::new(fixture.store);
        let calls: Vec<_> = exchanges
            .into_iter()
            .map(|exchange| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.exchange_refresh_token(exchange).await.unwrap() })
            })
            .collect();
        let (mut won, mut reused) = (0, 0);
        for call in calls {
            match call.await.unwrap() {
                RefreshOutcome::Exchanged { .. } => won += 1,
                RefreshOutcome::Reused { session_id } => {
                    assert_eq!(session_id, session);
                    reused += 1;
                }
                RefreshOutcome::Invalid => {}
            }
        }
        assert_eq!((won, reused), (1, 1), "the session ends once");
        assert!(
            store
                .user_of_session(session, time("2026-06-01T12:00:00Z"))
                .await
                .unwrap()
                .is_none()
        );
    })
    .await;
}

#[tokio::test]
async fn admins_who_demote_each_other_at_once_leave_one() {
    check(async |fixture| {
        let mut admins = vec![fixture.store.user_by_login("admin").await.unwrap().unwrap().0];
        for name in ["b", "c", "d", "e"] {
            let admin = NewUser {
                role: Role::Admin,
                ..new_user(name)
            };
            admins.push(fixture.store.by(someone()).create_user(admin).await.unwrap());
        }
        let store = Arc::new(fixture.store);
        let calls: Vec<_> = admins
            .iter()
            .enumerate()
            .map(|(number, admin)| {
                let (store, id) = (Arc::clone(&store), admin.id);
                tokio::spawn(async move {
                    match number % 3 {
                        0 => store.by(someone()).delete_user(id).await.map(drop),
                        1 => {
                            let changes = UserChanges {
                                role: Some(Role::Member),
                                ..Default::default()
                            };
                            store.by(someone()).update_user(id, changes).await.map(drop)
                        }
                        _ => {
                            let changes = UserChanges {
                                is_active: Some(false),
                                ..Default::default()
                            };
                            store.by(someone()).update_user(id, changes).await.map(drop)
                        }
                    }
                })
            })
            .collect();
        let mut refused = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(()) => {}
                Err(StoreError::LastAdmin) => refused += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(refused, 1);
        let mut left = 0;
        for admin in admins {
            let found = store.find_user(admin.id).await.unwrap();
            left += usize::from(found.is_some_and(|user| user.is_active && user.role == Role::Admin));
        }
        assert_eq!(left, 1);
    })
    .await;
}

#[tokio::test]
async fn nobody_waits_for_a_lock_for_ever() {
    check_empty(async |settings| {
        let settings = StoreSettings {
            statement_timeout_seconds: 1.try_into().unwrap(),
            ..settings
        };
        let clock = Arc::new(ManualClock::at(time(START)));
        let store = Store::open(&settings, clock).await.unwrap();
        store.migrate().await.unwrap();
        if let Some(file) = settings.url.strip_prefix("sqlite://") {
            // Readers of a file do not wait for who writes it.
            let mut writer = diesel::SqliteConnection::establish(file).unwrap();
            writer.batch_execute("BEGIN IMMEDIATE").unwrap();
            assert_eq!(store.counts().await.unwrap().users, 2);
            return;
        }
        let (client, connection) = tokio_postgres::connect(&settings.url, NoTls).await.unwrap();
        let driver = tokio::spawn(connection);
        client.batch_execute("BEGIN; LOCK TABLE users").await.unwrap();
        let given_up = store.counts().await;
        assert!(
            matches!(given_up, Err(StoreError::Unavailable(_))),
            "{given_up:?}"
        );
        drop(client);
        driver.await.unwrap().unwrap();
        assert_eq!(store.counts().await.unwrap().users, 2);
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_goes_away_never_leaves_half_a_batch() {
    check(async |fixture| {
        const BATCH: usize = 700;
        let store = &fixture.store;
        let mut context = Context::from_waker(Waker::noop());
        let mut finished = 0;
        for round in 0..40_usize {
            let mut call = Box::pin(store.record_usage(records(round as u64, BATCH)));
            // Polled a few times and dropped, wherever it is by then.
            for _ in 0..round % 4 {
                if let Poll::Ready(outcome) = call.as_mut().poll(&mut context) {
                    outcome.unwrap();
                    finished += 1;
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // Queued behind all of those that had begun.
        store.close().await;
        let store = Store::open(&fixture.settings, fixture.clock.clone())
            .await
            .unwrap();
        let everything = UsageFilter::between(
            Scope::Everyone,
            time("2000-01-01T00:00:00Z"),
            time("2100-01-01T00:00:00Z"),
        );
        let requests = store.summary(everything, None).await.unwrap().totals.requests;
        let requests = usize::try_from(requests).unwrap();
        assert_eq!(requests % BATCH, 0);
        assert!(requests >= finished.max(1) * BATCH, "{requests}");
    })
    .await;
}
