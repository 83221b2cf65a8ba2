use std::sync::Arc;
use std::time::Duration;

use gateway_auth::Scope;
use gateway_domain::{Nanodollars, Spender, SystemClock, Timestamp};
use gateway_metering::RequestRecord;
use gateway_store::{
    Bucket, GroupBy, RollupCheck, RollupDifference, Store, StoreError, StoreSettings, UsageFilter, admin,
};

use crate::fixture::{Fixture, START, check, check_empty, run_sql, seconds, time};
use crate::recording::{everything, records};

const DAY: Duration = Duration::from_secs(86_400);

/// Requests of a few hours on both sides of a midnight.
fn records_of_a_night(seed: u64) -> Vec<RequestRecord> {
    let midnight = Bucket::Day.start(time(START));
    let mut records = records(seed, 1500);
    records.retain(|record| {
        midnight - seconds(7_200) <= record.started_at && record.started_at < midnight + seconds(7_100)
    });
    assert!(records.len() > 50);
    records
}

async fn differences(store: &Store) -> (RollupCheck, Vec<RollupDifference>) {
    let mut differences = Vec::new();
    let found = store
        .check_rollups(|difference| differences.push(difference))
        .await
        .unwrap();
    (found, differences)
}

/// How many cells there are, which are all right.
async fn right_cells(store: &Store) -> u64 {
    let (found, differences) = differences(store).await;
    assert_eq!((found.wrong, differences), (0, Vec::new()));
    found.cells
}

#[tokio::test]
async fn a_record_written_twice_is_added_up_once() {
    check(async |fixture| {
        let records = records(40, 300);
        let store = &fixture.store;
        store.record_usage(records[..200].to_vec()).await.unwrap();
        let mut overlapping = records[100..].to_vec();
        overlapping.extend_from_slice(&records[250..]);
        store.record_usage(overlapping).await.unwrap();
        store.record_usage(records).await.unwrap();
        assert!(right_cells(store).await > 1000);
    })
    .await;
}

#[tokio::test]
async fn a_wrong_roll_up_is_found_and_mended() {
    check(async |fixture| {
        let store = &fixture.store;
        assert_eq!(right_cells(store).await, 0);
        store.record_usage(records_of_a_night(41)).await.unwrap();
        let cells = right_cells(store).await;
        let first = "SELECT id FROM usage_rollups ORDER BY id LIMIT 1";
        let last = "SELECT id FROM usage_rollups ORDER BY id DESC LIMIT 1";
        for (tampering, wrong, columns) in [
            (
                format!("UPDATE usage_rollups SET cost_nanos = cost_nanos + 1 WHERE id = ({first})"),
                2,
                2,
            ),
            // A day, which the rows' hours are compared with.
            (
                format!("UPDATE usage_rollups SET requests = 7000 WHERE id = ({last})"),
                1,
                1,
            ),
            (format!("DELETE FROM usage_rollups WHERE id = ({last})"), 1, 19),
            ("DELETE FROM usage_rollups".to_owned(), 0, 0),
        ] {
            run_sql(&fixture.settings, &tampering).await;
            let (found, listed) = differences(store).await;
            if wrong > 0 {
                assert_eq!(
                    (found.wrong, listed.len()),
                    (wrong, columns),
                    "{tampering}: {listed:?}"
                );
            } else {
                // Of the days there is nothing to compare: they are built from the hours.
                assert!(found.wrong > cells / 2, "{found:?}");
            }
            assert_eq!(store.rebuild_rollups().await.unwrap(), cells);
            assert_eq!(right_cells(store).await, cells, "{tampering}");
        }
    })
    .await;
}

/// Takes the database back to before there were roll-ups.
async fn undo_rollups(settings: &StoreSettings) {
    loop {
        let undone = admin::rollback(settings).await.unwrap();
        if undone.expect("it was applied") == "0005_usage_rollups" {
            return;
        }
    }
}

#[tokio::test]
async fn instances_that_start_together_add_up_what_was_recorded_once() {
    check_empty(async |settings| {
        let open = async || {
            Store::open(&settings, Arc::new(SystemClock::new()))
                .await
                .unwrap()
        };
        let store = open().await;
        store.migrate().await.unwrap();
        store.record_usage(records_of_a_night(49)).await.unwrap();
        let cells = right_cells(&store).await;
        store.close().await;
        undo_rollups(&settings).await;

        let first = open().await;
        if settings.url.starts_with("sqlite:") {
            // A file belongs to one process.
            let (one, other) = tokio::join!(first.migrate(), first.migrate());
            assert_eq!(one.unwrap().len().min(other.unwrap().len()), 0);
        } else {
            let second = open().await;
            let (one, other) = tokio::join!(first.migrate(), second.migrate());
            assert_eq!(one.unwrap().len().min(other.unwrap().len()), 0);
        }
        assert_eq!(right_cells(&first).await, cells);
    })
    .await;
}

#[tokio::test]
async fn what_was_recorded_before_there_were_roll_ups_is_added_up_at_the_next_start() {
    check_empty(async |settings| {
        let open = async || {
            Store::open(&settings, Arc::new(SystemClock::new()))
                .await
                .unwrap()
        };
        let store = open().await;
        store.migrate().await.unwrap();
        store.record_usage(records_of_a_night(42)).await.unwrap();
        let mut before = Vec::new();
        for by in GroupBy::ALL {
            before.push(store.summary(everything(), Some(by)).await.unwrap());
        }
        let cells = right_cells(&store).await;
        store.close().await;
        undo_rollups(&settings).await;

        let store = open().await;
        assert_eq!(store.migrate().await.unwrap()[0], "0005_usage_rollups");
        assert_eq!(right_cells(&store).await, cells);
        for (by, before) in GroupBy::ALL.into_iter().zip(before) {
            assert_eq!(store.summary(everything(), Some(by)).await.unwrap(), before);
        }
        store.record_usage(records(43, 50)).await.unwrap();
        right_cells(&store).await;
    })
    .await;
}

/// A filter over the first of the three days that [`records`] cover, whose rows are deleted in these tests.
fn first_day(from: Duration, to: Duration) -> UsageFilter {
    let midnight = Bucket::Day.start(time(START) - 2 * DAY);
    UsageFilter::between(Scope::Everyone, midnight + from, midnight + to)
}

async fn requests(fixture: &Fixture, filter: UsageFilter) -> u64 {
    fixture.store.summary(filter, None).await.unwrap().totals.requests
}

#[tokio::test]
async fn deleted_rows_leave_their_sums_behind() {
    check(async |fixture| {
        let store = &fixture.store;
        let records = records(44, 600);
        store.record_usage(records.clone()).await.unwrap();
        let until = time(START) - DAY;
        let filters = [
            everything(),
            first_day(seconds(3 * 3600), seconds(9 * 3600)),
            UsageFilter {
                account_id: records
                    .iter()
                    .find_map(|record| Some(record.attempts.first()?.account_id)),
                ..everything()
            },
        ];
        let reports = async || {
            let mut reports = Vec::new();
            for filter in &filters {
                for by in GroupBy::ALL {
                    reports.push(store.summary(filter.clone(), Some(by)).await.unwrap());
                }
            }
            reports
        };
        let before = reports().await;
        let key = records[0].key_id;
        let spent: Nanodollars = records
            .iter()
            .filter(|record| record.key_id == key)
            .filter_map(RequestRecord::cost)
            .sum();

        let deleted = store.delete_usage_before(until).await.unwrap();
        let midnight = Bucket::Day.start(until);
        let older = records
            .iter()
            .filter(|record| record.started_at < midnight)
            .count() as u64;
        assert!(deleted > 100 && deleted <= older, "{deleted} of {older}");
        let listed = store
            .list_requests(everything(), None, None, 1_000)
            .await
            .unwrap();
        assert_eq!(listed.items.len() as u64, 600 - deleted);
        assert_eq!(reports().await, before);
        let always = Timestamp::from_micros(i64::MIN);
        assert_eq!(store.spent_since(Spender::Key(key), always).await.unwrap(), spent);

        let (found, listed) = differences(store).await;
        assert_eq!(
            (found.wrong, found.rows_from, listed),
            (0, Some(midnight), Vec::new())
        );
        store.rebuild_rollups().await.unwrap();
        assert_eq!(reports().await, before);
        assert_eq!(store.delete_usage_before(until).await.unwrap(), 0);
        // Never back, either.
        assert_eq!(store.delete_usage_before(until - DAY).await.unwrap(), 0);
        assert_eq!(differences(store).await.0.rows_from, Some(midnight));
    })
    .await;
}

#[tokio::test]
async fn rows_that_go_meanwhile_are_no_reason_to_change_their_sums() {
    check(async |fixture| {
        let store = &fixture.store;
        store.record_usage(records(47, 600)).await.unwrap();
        let before = store.summary(everything(), Some(GroupBy::Day)).await.unwrap();
        let (rebuilt, deleted) = tokio::join!(
            store.rebuild_rollups(),
            store.delete_usage_before(time(START) - DAY)
        );
        assert!(rebuilt.unwrap() > 0);
        assert!(deleted.unwrap() > 100);
        let after = store.summary(everything(), Some(GroupBy::Day)).await.unwrap();
        assert_eq!(after, before);
        right_cells(store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_go_meanwhile_are_not_compared() {
    check(async |fixture| {
        let store = &fixture.store;
        store.record_usage(records(48, 600)).await.unwrap();
        let first_hour = "SELECT MIN(starts_at) FROM usage_rollups WHERE key_id IS NOT NULL";
        let tampering =
            format!("UPDATE usage_rollups SET errors = errors + 1 WHERE starts_at = ({first_hour})");
        run_sql(&fixture.settings, &tampering).await;
        let mut deleted = None;
        let mut hours = Vec::new();
        let check = store.check_rollups(|difference| {
            hours.push(difference.starts_at);
            deleted.get_or_insert_with(|| {
                let delete = store.delete_usage_before(time(START) - DAY);
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(delete))
            });
        });
        check.await.unwrap();
        assert!(deleted.unwrap().unwrap() > 100);
        hours.dedup();
        assert_eq!(hours.len(), 1, "{hours:?}");
    })
    .await;
}

#[tokio::test]
async fn where_rows_are_deleted_ragged_ends_take_the_whole_hour() {
    check(async |fixture| {
        let store = &fixture.store;
        store.record_usage(records(45, 600)).await.unwrap();
        let minutes = |count: u64| seconds(count * 60);
        let whole = requests(&fixture, first_day(minutes(180), minutes(420))).await;
        let ragged = first_day(minutes(200), minutes(370));
        let exact = requests(&fixture, ragged.clone()).await;
        assert!(exact < whole);
        store.delete_usage_before(time(START) - DAY).await.unwrap();
        assert_eq!(requests(&fixture, ragged.clone()).await, whole);
        let series = store.timeseries(ragged, Bucket::Minute, None).await.unwrap();
        let sum: u64 = series.iter().map(|point| point.totals.requests).sum();
        assert_eq!(sum, whole);
        assert!(series[0].totals.requests > 0);
        let used: Vec<_> = series.iter().filter(|point| point.totals.requests > 0).collect();
        assert!(
            used.iter()
                .skip(1)
                .all(|point| Bucket::Hour.start(point.time) == point.time)
        );
    })
    .await;
}

#[tokio::test]
async fn writers_of_the_same_cells_do_not_stand_in_each_others_way() {
    check(async |fixture| {
        // Another process on PostgreSQL; a file belongs to one.
        let is_file = fixture.settings.url.starts_with("sqlite:");
        let first = Arc::new(fixture.store);
        let second = if is_file {
            Arc::clone(&first)
        } else {
            let clock = fixture.clock.clone();
            Arc::new(Store::open(&fixture.settings, clock).await.unwrap())
        };
        // Half of each batch is in the next one too, which another writer has, the other way round.
        let batch = |number: usize| {
            let mut batch = records(46, 40 * (number + 2)).split_off(40 * number);
            if number.is_multiple_of(2) {
                batch.reverse();
            }
            batch
        };
        let writers: Vec<_> = (0..4_usize)
            .map(|writer| {
                let store = Arc::clone(if writer.is_multiple_of(2) { &first } else { &second });
                let batches: Vec<_> = (0..6).map(|round| batch(4 * round + writer)).collect();
                tokio::spawn(async move {
                    let mut new = 0;
                    for batch in batches {
                        new += store.record_usage(batch).await?;
                    }
                    Ok::<_, StoreError>(new)
                })
            })
            .collect();
        let mut new = 0;
        for writer in writers {
            new += writer.await.unwrap().unwrap();
        }
        assert_eq!(new, 40 * 25);
        assert_eq!(
            first.summary(everything(), None).await.unwrap().totals.requests,
            1000
        );
        right_cells(&first).await;
    })
    .await;
}
