use std::sync::Arc;
use std::time::Duration;

use gateway_balancing::KnownRest;
use gateway_domain::{AccountId, FaultClass, QuotaWindow, Timestamp};
use gateway_store::{Backend, Store};
use uuid::Uuid;

use crate::fixture::{START, check, read_sql, run_sql, seconds, time};

fn account(number: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(number))
}

fn rest(number: u128, family: Option<&str>, ends_at: Timestamp) -> KnownRest {
    KnownRest {
        account_id: account(number),
        family: family.map(str::to_owned),
        class: FaultClass::Quota,
        reason: "429 rate_limit_error".to_owned(),
        window: QuotaWindow::Subscription,
        ends_at,
    }
}

fn in_a_minute() -> Timestamp {
    time(START) + seconds(60)
}

#[tokio::test]
async fn rests_are_known_again_after_a_restart() {
    check(async |fixture| {
        let ends_at = in_a_minute() + Duration::from_micros(1);
        let mut rests = vec![
            rest(1, None, ends_at),
            rest(1, Some("claude-opus"), ends_at),
            rest(2, Some("gpt-5"), ends_at),
        ];
        let known = FaultClass::ALL
            .into_iter()
            .flat_map(|class| QuotaWindow::ALL.map(|window| (class, window)));
        rests.extend(known.zip(3..).map(|((class, window), number)| KnownRest {
            class,
            window,
            ..rest(number, None, ends_at)
        }));
        rests[0].reason = "long ".repeat(50_000);
        assert_eq!(fixture.store.rests().await.unwrap(), []);
        let shuffled = rests.iter().rev().cloned().collect();
        fixture.store.save_rests(shuffled, Vec::new()).await.unwrap();
        fixture.store.close().await;
        let store = Store::open(&fixture.settings, fixture.clock.clone())
            .await
            .unwrap();
        assert_eq!(store.rests().await.unwrap(), rests);
    })
    .await;
}

#[tokio::test]
async fn a_rest_that_changed_replaces_itself_and_one_that_ended_is_gone() {
    check(async |fixture| {
        let store = &fixture.store;
        let (end, later) = (in_a_minute(), in_a_minute() + seconds(60));
        let first = vec![
            rest(1, None, end),
            rest(1, Some("opus"), end),
            rest(1, Some("haiku"), end),
            rest(2, None, end),
        ];
        store.save_rests(first.clone(), Vec::new()).await.unwrap();

        let changed = KnownRest {
            class: FaultClass::Credential,
            reason: "401 authentication_error".to_owned(),
            window: QuotaWindow::Rate,
            ..rest(1, None, later)
        };
        let ended = vec![
            (account(1), Some("haiku".to_owned())),
            (account(2), None),
            (account(3), None),
            (account(2), Some("opus".to_owned())),
        ];
        store.save_rests(vec![changed.clone()], ended).await.unwrap();
        assert_eq!(store.rests().await.unwrap(), [changed.clone(), first[1].clone()]);

        // Of the same rest the end comes first, and the last beginning counts.
        let again = vec![rest(1, None, end), rest(1, None, later)];
        let ended = vec![(account(1), None), (account(1), Some("opus".to_owned()))];
        store.save_rests(again.clone(), ended).await.unwrap();
        assert_eq!(store.rests().await.unwrap(), again[1..]);
        store.save_rests(Vec::new(), Vec::new()).await.unwrap();
        assert_eq!(store.rests().await.unwrap(), again[1..]);
    })
    .await;
}

#[tokio::test]
async fn what_is_over_is_not_taken_up_again_and_goes_with_the_next_change() {
    check(async |fixture| {
        let store = &fixture.store;
        let (end, later) = (in_a_minute(), in_a_minute() + seconds(60));
        let rests = vec![rest(1, None, end), rest(2, None, end), rest(3, None, later)];
        store.save_rests(rests, Vec::new()).await.unwrap();
        fixture.clock.advance(seconds(60));
        assert_eq!(store.rests().await.unwrap(), [rest(3, None, later)]);

        let begun = vec![rest(2, None, later), rest(4, None, end)];
        store.save_rests(begun, Vec::new()).await.unwrap();
        assert_eq!(
            store.rests().await.unwrap(),
            [rest(2, None, later), rest(3, None, later)]
        );
        store
            .save_rests(Vec::new(), vec![(account(9), None)])
            .await
            .unwrap();
        let left = read_sql(
            &fixture.settings,
            "SELECT reason FROM account_rests ORDER BY account_id",
        );
        assert_eq!(left.await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_word_of_another_version_costs_that_rest_only() {
    check(async |fixture| {
        let rests = vec![
            rest(1, None, in_a_minute()),
            rest(2, None, in_a_minute()),
            rest(3, None, in_a_minute()),
        ];
        fixture.store.save_rests(rests.clone(), Vec::new()).await.unwrap();
        let last_digit = |number: u8| match fixture.store.backend() {
            Backend::Sqlite => format!("hex(account_id) LIKE '%{number}'"),
            Backend::Postgres => format!("account_id::text LIKE '%{number}'"),
        };
        let sql = format!(
            "UPDATE account_rests SET class = 'boredom' WHERE {};
             UPDATE account_rests SET quota_window = 'decade' WHERE {}",
            last_digit(1),
            last_digit(3)
        );
        run_sql(&fixture.settings, &sql).await;
        assert_eq!(fixture.store.rests().await.unwrap(), rests[1..2]);
    })
    .await;
}

#[tokio::test]
async fn names_and_reasons_that_only_one_database_would_take_harm_nothing() {
    check(async |fixture| {
        let store = &fixture.store;
        // Long, and not to be compressed.
        let words =
            (0..200_u128).map(|number| Uuid::from_u128(number.wrapping_mul(u128::MAX / 997)).to_string());
        let long = words.collect::<String>();
        let odd = KnownRest {
            reason: "nul \0".to_owned(),
            ..rest(1, Some("odd\0family"), in_a_minute())
        };
        let rests = vec![
            odd,
            rest(1, Some(&long), in_a_minute()),
            rest(2, None, in_a_minute()),
        ];
        store.save_rests(rests, Vec::new()).await.unwrap();
        let kept = KnownRest {
            reason: "nul \u{fffd}".to_owned(),
            ..rest(1, Some("odd\u{fffd}family"), in_a_minute())
        };
        assert_eq!(store.rests().await.unwrap(), [kept, rest(2, None, in_a_minute())]);
        let ended = vec![
            (account(1), Some("odd\0family".to_owned())),
            (account(1), Some(long)),
        ];
        store.save_rests(Vec::new(), ended).await.unwrap();
        assert_eq!(store.rests().await.unwrap(), [rest(2, None, in_a_minute())]);
    })
    .await;
}

#[tokio::test]
async fn instances_that_save_the_same_rests_at_once_do_not_wait_for_each_other_for_ever() {
    check(async |fixture| {
        const ROUNDS: u64 = 30;
        let (clock, store) = (fixture.clock, Arc::new(fixture.store));
        // Only one process at a time has a SQLite file.
        let other = match store.backend() {
            Backend::Sqlite => Arc::clone(&store),
            Backend::Postgres => {
                let other = Store::open(&fixture.settings, clock.clone()).await.unwrap();
                Arc::new(other)
            }
        };
        let last = time(START) + seconds(1000);
        for round in 0..ROUNDS {
            let saving: Vec<_> = [&store, &other, &store, &other]
                .into_iter()
                .zip(0..)
                .map(|(store, turn)| {
                    let store = Arc::clone(store);
                    let ends_at = time(START) + seconds(round + 1);
                    // Every other one is over by the next round, and each instance names them in its own order.
                    let mut begun: Vec<_> = (0..20)
                        .map(|number| rest(number, None, if number % 2 == 0 { ends_at } else { last }))
                        .collect();
                    let mut ended: Vec<_> = (20..30).map(|number| (account(number), None)).collect();
                    begun.rotate_left(turn * 5);
                    ended.rotate_left(turn * 3);
                    if turn % 2 == 0 {
                        begun.reverse();
                        begun.truncate(15);
                    }
                    tokio::spawn(async move { store.save_rests(begun, ended).await })
                })
                .collect();
            for saved in saving {
                saved.await.unwrap().unwrap();
            }
            clock.advance(seconds(1));
        }
        let expected: Vec<_> = (0..20)
            .filter(|number| number % 2 == 1)
            .map(|number| rest(number, None, last))
            .collect();
        assert_eq!(store.rests().await.unwrap(), expected);
        assert_eq!(other.rests().await.unwrap(), expected);
        // What one instance has ended, the other does not take up again.
        let ended = expected.iter().map(|rest| (rest.account_id, None)).collect();
        other.save_rests(Vec::new(), ended).await.unwrap();
        assert_eq!(store.rests().await.unwrap(), []);
    })
    .await;
}
