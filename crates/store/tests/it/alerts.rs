use std::collections::BTreeSet;
use std::sync::Arc;

use gateway_alerting::{AccountState, Alert, BudgetThreshold};
use gateway_domain::{AccountId, AlertId, ApiKeyId, BudgetPeriod, Nanodollars, ProviderKind, Spender};
use gateway_store::{Backend, Store};
use uuid::Uuid;

use crate::fixture::{Fixture, check, read_sql, run_sql, seconds, time};

fn account(number: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(number))
}

fn state(number: u128) -> AccountState {
    AccountState {
        account_id: account(number),
        name: "team \0".to_owned(),
        provider: ProviderKind::Anthropic,
        status: "unhealthy".to_owned(),
        reason: Some("credential: 401".to_owned()),
        until: None,
    }
}

fn threshold(key: ApiKeyId, percent: u8) -> Alert {
    Alert::BudgetThreshold(BudgetThreshold {
        subject: Spender::Key(key),
        name: "ci".to_owned(),
        percent,
        spent: Nanodollars::from_nanos(5),
        amount: Nanodollars::from_nanos(10),
        period: BudgetPeriod::Day,
        period_start: Some(time("2026-06-01T00:00:00Z")),
        period_end: Some(time("2026-06-02T00:00:00Z")),
    })
}

async fn raise(store: &Store, alert: &Alert) -> Option<AlertId> {
    store.raise_alert(alert, None).await.unwrap()
}

/// Two handles as two instances have them; only one process at a time has a SQLite file.
async fn instances(fixture: Fixture) -> [Arc<Store>; 2] {
    let store = Arc::new(fixture.store);
    let other = match store.backend() {
        Backend::Sqlite => Arc::clone(&store),
        Backend::Postgres => Arc::new(
            Store::open(&fixture.settings, fixture.clock.clone())
                .await
                .unwrap(),
        ),
    };
    [store, other]
}

#[tokio::test]
async fn of_many_that_raise_the_same_alert_at_once_one_does() {
    check(async |fixture| {
        let stores = instances(fixture).await;
        let key = ApiKeyId::random();
        let alerts = [
            threshold(key, 50),
            Alert::AccountOut(state(1)),
            Alert::AccountBack(state(1)),
        ];
        for alert in alerts {
            let raising: Vec<_> = (0..20)
                .map(|number| {
                    let (store, alert) = (Arc::clone(&stores[number % 2]), alert.clone());
                    tokio::spawn(async move { store.raise_alert(&alert, None).await })
                })
                .collect();
            let mut raised = 0;
            for call in raising {
                raised += usize::from(call.await.unwrap().unwrap().is_some());
            }
            assert_eq!(raised, 1, "{alert:?}");
        }
        let listed = stores[0].list_alerts(None, 10).await.unwrap();
        assert_eq!(listed.items.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn each_part_of_a_budget_is_an_alert_of_its_own() {
    check(async |fixture| {
        let (store, key) = (&fixture.store, ApiKeyId::random());
        for percent in [50, 80, 100] {
            assert!(raise(store, &threshold(key, percent)).await.is_some());
        }
        assert!(raise(store, &threshold(ApiKeyId::random(), 80)).await.is_some());
        assert_eq!(raise(store, &threshold(key, 80)).await, None);
        for _ in 0..2 {
            assert!(raise(store, &Alert::Test).await.is_some());
        }
    })
    .await;
}

#[tokio::test]
async fn an_account_can_go_out_again_once_it_was_back() {
    check(async |fixture| {
        let store = &fixture.store;
        let (out, back) = (Alert::AccountOut(state(1)), Alert::AccountBack(state(1)));
        assert_eq!(raise(store, &back).await, None);
        assert!(raise(store, &out).await.is_some());
        assert_eq!(raise(store, &out).await, None);
        assert!(raise(store, &Alert::AccountOut(state(2))).await.is_some());
        assert_eq!(store.open_outages().await.unwrap(), [account(1), account(2)]);

        assert!(raise(store, &back).await.is_some());
        assert_eq!(raise(store, &back).await, None);
        assert_eq!(store.open_outages().await.unwrap(), [account(2)]);
        assert!(raise(store, &out).await.is_some());

        store.forget_outage(account(1)).await.unwrap();
        store.forget_outage(account(1)).await.unwrap();
        assert_eq!(raise(store, &back).await, None);
        assert_eq!(store.open_outages().await.unwrap(), [account(2)]);
    })
    .await;
}

#[tokio::test]
async fn of_many_that_claim_at_once_each_alert_has_one() {
    check(async |fixture| {
        const ALERTS: usize = 12;
        let now = fixture.now();
        let stores = instances(fixture).await;
        for _ in 0..ALERTS {
            stores[0].raise_alert(&Alert::Test, Some(now)).await.unwrap();
        }
        raise(&stores[0], &Alert::Test).await;
        let claiming: Vec<_> = (0..8)
            .map(|number| {
                let store = Arc::clone(&stores[number % 2]);
                tokio::spawn(async move {
                    let mut claimed = Vec::new();
                    while let Some(alert) = store.claim_alert().await.unwrap() {
                        assert_eq!(alert.attempts, 1);
                        claimed.push(alert.id);
                    }
                    claimed
                })
            })
            .collect();
        let mut claimed = Vec::new();
        for call in claiming {
            claimed.extend(call.await.unwrap());
        }
        assert_eq!(claimed.len(), ALERTS);
        assert_eq!(
            claimed
                .iter()
                .map(AlertId::as_uuid)
                .collect::<BTreeSet<_>>()
                .len(),
            ALERTS
        );
    })
    .await;
}

#[tokio::test]
async fn what_was_claimed_by_a_process_that_died_is_claimed_again() {
    check(async |fixture| {
        let (store, clock) = (&fixture.store, &fixture.clock);
        let later = fixture.now() + seconds(5);
        let id = store
            .raise_alert(&Alert::Test, Some(later))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(store.claim_alert().await.unwrap(), None);
        clock.advance(seconds(5));
        let claimed = store.claim_alert().await.unwrap().unwrap();
        assert_eq!((claimed.id, claimed.attempts, &*claimed.kind), (id, 1, "test"));
        assert_eq!(claimed.payload, Alert::Test.payload(later - seconds(5)));
        clock.advance(seconds(59));
        assert_eq!(store.claim_alert().await.unwrap(), None);
        clock.advance(seconds(1));
        let again = store.claim_alert().await.unwrap().unwrap();
        assert_eq!((again.id, again.attempts), (id, 2));

        // The first is not dead after all, but too late to have a say.
        store.alert_failed(&claimed, "slow", None).await.unwrap();
        clock.advance(seconds(60));
        let third = store.claim_alert().await.unwrap().unwrap();
        assert_eq!(third.attempts, 3);
        store.alert_delivered(&third).await.unwrap();
        store
            .alert_failed(&third, "not so", Some(fixture.now()))
            .await
            .unwrap();
        clock.advance(seconds(3600));
        assert_eq!(store.claim_alert().await.unwrap(), None);
        let listed = &store.list_alerts(None, 1).await.unwrap().items[0];
        assert_eq!((listed.attempts, listed.last_error.as_deref()), (3, None));
        assert!(listed.delivered_at.is_some());
    })
    .await;
}

#[tokio::test]
async fn an_attempt_that_failed_is_made_again_when_it_is_due_until_it_is_given_up() {
    check(async |fixture| {
        let (store, clock) = (&fixture.store, &fixture.clock);
        store
            .raise_alert(&Alert::Test, Some(fixture.now()))
            .await
            .unwrap();
        let first = store.claim_alert().await.unwrap().unwrap();
        let next = fixture.now() + seconds(120);
        store
            .alert_failed(&first, "answered 500\0", Some(next))
            .await
            .unwrap();
        clock.advance(seconds(119));
        assert_eq!(store.claim_alert().await.unwrap(), None);
        clock.advance(seconds(1));
        let second = store.claim_alert().await.unwrap().unwrap();
        assert_eq!(second.attempts, 2);
        store.alert_failed(&second, "answered 503", None).await.unwrap();
        clock.advance(seconds(100_000));
        assert_eq!(store.claim_alert().await.unwrap(), None);
        let listed = &store.list_alerts(None, 1).await.unwrap().items[0];
        assert_eq!(listed.last_error.as_deref(), Some("answered 503"));
        assert_eq!((listed.next_attempt_at, listed.delivered_at), (None, None));
    })
    .await;
}

#[tokio::test]
async fn alerts_are_listed_newest_first_with_what_they_are_about() {
    check(async |fixture| {
        let (store, key) = (&fixture.store, ApiKeyId::random());
        for alert in [threshold(key, 50), Alert::AccountOut(state(1)), Alert::Test] {
            raise(store, &alert).await.unwrap();
            fixture.clock.advance(seconds(1));
        }
        let first = store.list_alerts(None, 2).await.unwrap();
        let second = store.list_alerts(first.next, 2).await.unwrap();
        assert_eq!(second.next, None);
        let seen: Vec<_> = first
            .items
            .iter()
            .chain(&second.items)
            .map(|alert| (alert.kind.as_str(), alert.subject, alert.created_at))
            .collect();
        let start = fixture.now() - seconds(3);
        assert_eq!(
            seen,
            [
                ("test", None, start + seconds(2)),
                (
                    "account_out",
                    Some(Spender::Account(account(1))),
                    start + seconds(1)
                ),
                ("budget_threshold", Some(Spender::Key(key)), start),
            ]
        );
        assert_eq!(
            first.items[1].payload,
            Alert::AccountOut(state(1)).payload(start + seconds(1))
        );

        // A later version may know of more.
        let sql = "UPDATE alerts SET subject_kind = 'planet', kind = 'eclipse' WHERE kind = 'account_out'";
        run_sql(&fixture.settings, sql).await;
        let listed = &store.list_alerts(None, 2).await.unwrap().items[1];
        assert_eq!((listed.kind.as_str(), listed.subject), ("eclipse", None));
        let kept = read_sql(&fixture.settings, "SELECT kind FROM alerts").await;
        assert_eq!(kept.len(), 3);
    })
    .await;
}
