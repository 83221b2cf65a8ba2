use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gateway_auth::Scope;
use gateway_domain::{AccountId, AttemptId, Nanodollars, RequestId, Timestamp, TokenCounts};
use gateway_metering::{AttemptRecord, Outcome, RequestRecord};
use gateway_store::{Bucket, Group, GroupBy, Store, StoreError, Totals, UsageFilter};

use crate::fixture::{START, check, seconds, time};
use crate::recording::{Dice, everything, records};

/// What is added up, of a request or of an attempt.
struct Used {
    at: Timestamp,
    groups: BTreeMap<&'static str, Group>,
    counts: Counts,
    tokens: TokenCounts,
    cost: Option<Nanodollars>,
    latency: Duration,
    ttft: Option<Duration>,
}

/// What a row counts as.
#[derive(Default)]
struct Counts {
    request: bool,
    failure: bool,
    unpriced: bool,
}

fn has_failed(status: Outcome) -> bool {
    matches!(status, Outcome::Error | Outcome::Interrupted)
}

fn is_unpriced(attempt: &AttemptRecord) -> bool {
    attempt.usage.tokens.total() > 0 && attempt.cost.is_none()
}

/// The rows that a filter names, found the slow way.
fn used(
    records: &[RequestRecord],
    filter: &UsageFilter,
    by: Option<GroupBy>,
    of_attempts: bool,
) -> Vec<Used> {
    let by_account = filter.account_id.is_some() || by == Some(GroupBy::Account);
    let by_provider = filter.provider.is_some() || by == Some(GroupBy::Provider);
    let is_same = |one: &AttemptRecord, other: &AttemptRecord| {
        if by_account {
            one.account_id == other.account_id
        } else {
            !by_provider || one.provider == other.provider
        }
    };
    let mut rows = Vec::new();
    for record in records {
        let matches = match filter.scope {
            Scope::Everyone => true,
            Scope::Only(user) => user == record.user_id,
        } && filter.user_id.is_none_or(|user| user == record.user_id)
            && filter.key_id.is_none_or(|key| key == record.key_id)
            && filter.model.as_ref().is_none_or(|model| *model == record.model);
        if !matches {
            continue;
        }
        let shared = |at: Timestamp| -> BTreeMap<&'static str, Group> {
            [
                ("model", Group::Model(record.model.clone())),
                ("key", Group::Key(record.key_id)),
                ("user", Group::User(record.user_id)),
                ("day", Group::Day(Bucket::Day.start(at))),
            ]
            .into()
        };
        if !of_attempts {
            rows.push(Used {
                at: record.started_at,
                groups: shared(record.started_at),
                counts: Counts {
                    request: true,
                    failure: has_failed(record.status),
                    unpriced: record.attempts.iter().any(is_unpriced),
                },
                tokens: record.tokens(),
                cost: record.cost(),
                latency: record.latency,
                ttft: record.ttft,
            });
            continue;
        }
        // A request counts as the first attempt of its kind at the account, the provider or at all.
        let mut seen: Vec<&AttemptRecord> = Vec::new();
        for attempt in &record.attempts {
            let mut groups = shared(attempt.started_at);
            groups.insert("account", Group::Account(attempt.account_id));
            groups.insert("provider", Group::Provider(attempt.provider.as_str().to_owned()));
            let is_first = |is_such: fn(&AttemptRecord) -> bool| {
                is_such(attempt)
                    && !seen
                        .iter()
                        .any(|earlier| is_such(earlier) && is_same(earlier, attempt))
            };
            let counts = Counts {
                request: is_first(|_| true),
                failure: is_first(|attempt| has_failed(attempt.status)),
                unpriced: is_first(is_unpriced),
            };
            seen.push(attempt);
            let matches = filter
                .account_id
                .is_none_or(|account| account == attempt.account_id)
                && filter
                    .provider
                    .is_none_or(|provider| provider == attempt.provider);
            if matches {
                rows.push(Used {
                    at: attempt.started_at,
                    groups,
                    counts,
                    tokens: attempt.usage.tokens,
                    cost: attempt.cost,
                    latency: attempt.latency,
                    ttft: attempt.ttft,
                });
            }
        }
    }
    rows.retain(|row| filter.from <= row.at && row.at < filter.to);
    rows
}

fn concerns_attempts(filter: &UsageFilter, by: Option<GroupBy>) -> bool {
    filter.account_id.is_some()
        || filter.provider.is_some()
        || matches!(by, Some(GroupBy::Account | GroupBy::Provider))
}

/// The rows that the groups of a report are made of.
fn used_by_groups(records: &[RequestRecord], filter: &UsageFilter, by: Option<GroupBy>) -> Vec<Used> {
    used(records, filter, by, concerns_attempts(filter, by))
}

/// Those that the totals beside the groups are made of.
fn used_by_all(records: &[RequestRecord], filter: &UsageFilter, by: Option<GroupBy>) -> Vec<Used> {
    used(records, filter, None, concerns_attempts(filter, by))
}

fn totals<'a>(rows: impl IntoIterator<Item = &'a Used>) -> Totals {
    let rows: Vec<&Used> = rows.into_iter().collect();
    let rows = rows.iter();
    let count = |of: fn(&Counts) -> bool| rows.clone().filter(|row| of(&row.counts)).count() as u64;
    let sum = |of: fn(&TokenCounts) -> u64| rows.clone().map(|row| of(&row.tokens)).sum();
    let was_used = rows.clone().any(|row| row.tokens.total() > 0);
    let had_price = rows
        .clone()
        .any(|row| row.tokens.total() > 0 && row.cost.is_some());
    let cost: Nanodollars = rows.clone().filter_map(|row| row.cost).sum();
    let percentile = |mut times: Vec<Duration>, percent: usize| {
        times.sort_unstable();
        times
            .get((times.len() * percent).div_ceil(100).saturating_sub(1))
            .copied()
    };
    let latencies: Vec<_> = rows.clone().map(|row| row.latency).collect();
    let ttfts: Vec<_> = rows.clone().filter_map(|row| row.ttft).collect();
    Totals {
        requests: count(|counts| counts.request),
        errors: count(|counts| counts.failure),
        unpriced_requests: count(|counts| counts.unpriced),
        tokens: TokenCounts {
            input: sum(|tokens| tokens.input),
            cache_read: sum(|tokens| tokens.cache_read),
            cache_write_5m: sum(|tokens| tokens.cache_write_5m),
            cache_write_1h: sum(|tokens| tokens.cache_write_1h),
            output: sum(|tokens| tokens.output),
            reasoning: sum(|tokens| tokens.reasoning),
        },
        cost: (had_price || !was_used).then_some(cost),
        latency_p50: percentile(latencies.clone(), 50),
        latency_p95: percentile(latencies, 95),
        ttft_p50: percentile(ttfts.clone(), 50),
        ttft_p95: percentile(ttfts, 95),
    }
}

/// Everything equal, and percentiles within a sixty-fourth.
#[track_caller]
fn assert_adds_up(found: Totals, expected: Totals, what: &str) {
    let percentiles = |totals: &Totals| {
        [
            totals.latency_p50,
            totals.latency_p95,
            totals.ttft_p50,
            totals.ttft_p95,
        ]
    };
    for (found, expected) in percentiles(&found).into_iter().zip(percentiles(&expected)) {
        assert_eq!(found.is_some(), expected.is_some(), "{what}");
        let (found, expected) = (found.unwrap_or_default(), expected.unwrap_or_default());
        assert!(
            found.abs_diff(expected) <= expected / 64,
            "{found:?} for {expected:?}: {what}"
        );
    }
    let exact = Totals {
        latency_p50: expected.latency_p50,
        latency_p95: expected.latency_p95,
        ttft_p50: expected.ttft_p50,
        ttft_p95: expected.ttft_p95,
        ..found
    };
    assert_eq!(exact, expected, "{what}");
}

fn grouped(rows: &[Used], by: GroupBy) -> BTreeMap<Group, Totals> {
    let groups: BTreeSet<_> = rows.iter().map(|row| row.groups[by.as_str()].clone()).collect();
    groups
        .into_iter()
        .map(|group| {
            let sums = totals(rows.iter().filter(|row| row.groups[by.as_str()] == group));
            (group, sums)
        })
        .collect()
}

/// Filters of every kind over the last two of the three days that [`records`] cover.
fn filters(records: &[RequestRecord]) -> Vec<UsageFilter> {
    let some = records
        .iter()
        .find(|record| record.attempts.len() > 1)
        .expect("some request was tried twice");
    let attempt = &some.attempts[0];
    let recent = UsageFilter::between(
        Scope::Everyone,
        time(START) - seconds(2 * 86_400 + 1234),
        time(START) - seconds(600),
    );
    vec![
        everything(),
        recent.clone(),
        UsageFilter {
            scope: Scope::Only(some.user_id),
            ..recent.clone()
        },
        UsageFilter {
            user_id: Some(some.user_id),
            model: Some(some.model.clone()),
            ..recent.clone()
        },
        UsageFilter {
            key_id: Some(some.key_id),
            ..recent.clone()
        },
        UsageFilter {
            account_id: Some(attempt.account_id),
            ..recent.clone()
        },
        UsageFilter {
            scope: Scope::Only(some.user_id),
            provider: Some(attempt.provider),
            key_id: Some(some.key_id),
            ..recent.clone()
        },
        UsageFilter {
            model: Some("never asked for".to_owned()),
            ..recent
        },
    ]
}

async fn assert_summary(store: &Store, records: &[RequestRecord], filter: &UsageFilter, by: Option<GroupBy>) {
    let summary = store.summary(filter.clone(), by).await.unwrap();
    let what = format!("{by:?} {filter:?}");
    assert_adds_up(
        summary.totals,
        totals(used_by_all(records, filter, by).iter()),
        &what,
    );
    let Some(by) = by else {
        assert_eq!(summary.groups, []);
        return;
    };
    let found: BTreeMap<_, _> = summary.groups.iter().cloned().collect();
    assert_eq!(found.len(), summary.groups.len());
    let expected = grouped(&used_by_groups(records, filter, Some(by)), by);
    assert!(found.keys().eq(expected.keys()), "{what}");
    for (group, totals) in found {
        assert_adds_up(totals, expected[&group], &format!("{group:?} {what}"));
    }
    let is_sorted = match by {
        GroupBy::Day => summary.groups.is_sorted_by_key(|(group, _)| group.clone()),
        _ => summary.groups.is_sorted_by(|(_, one), (_, next)| {
            one.cost.unwrap_or_default() >= next.cost.unwrap_or_default()
        }),
    };
    assert!(is_sorted, "{what}");
}

async fn assert_timeseries(
    store: &Store,
    records: &[RequestRecord],
    filter: &UsageFilter,
    (bucket, by): (Bucket, Option<GroupBy>),
) {
    let points = store.timeseries(filter.clone(), bucket, by).await.unwrap();
    let rows = used_by_groups(records, filter, by);
    let groups: BTreeSet<_> = match by {
        None => [None].into(),
        Some(by) => rows
            .iter()
            .map(|row| Some(row.groups[by.as_str()].clone()))
            .collect(),
    };
    let mut points = points.into_iter();
    for group in groups {
        let line: Vec<_> = rows
            .iter()
            .filter(|row| by.map(|by| row.groups[by.as_str()].clone()) == group)
            .collect();
        let mut start = bucket.start(filter.from);
        while start < filter.to {
            let inside = line.iter().copied().filter(|row| bucket.start(row.at) == start);
            let point = points.next().unwrap();
            assert_eq!(
                (point.time, &point.group),
                (start, &group),
                "{bucket:?} {filter:?}"
            );
            let what = format!("{start} {group:?} {bucket:?} {filter:?}");
            assert_adds_up(point.totals, totals(inside), &what);
            start = start + bucket.width();
        }
    }
    assert_eq!(points.next(), None);
}

#[tokio::test]
async fn a_summary_says_what_adding_up_by_hand_does() {
    check(async |fixture| {
        let records = records(10, 800);
        fixture.store.record_usage(records.clone()).await.unwrap();
        for filter in filters(&records) {
            for by in [None].into_iter().chain(GroupBy::ALL.map(Some)) {
                assert_summary(&fixture.store, &records, &filter, by).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn sums_that_are_too_large_are_the_largest_number() {
    check(async |fixture| {
        let store = &fixture.store;
        let mut records = records(15, 60);
        records.retain(|record| record.attempts.len() == 1);
        records.truncate(3);
        let account = AccountId::random();
        let hours = [START, "2026-05-31T09:30:00Z", "2026-05-31T09:40:00Z"];
        for (record, at) in records.iter_mut().zip(hours) {
            record.started_at = time(at);
            let attempt = &mut record.attempts[0];
            attempt.started_at = time(at);
            attempt.account_id = account;
            attempt.cost = Some(Nanodollars::from_nanos(i64::MAX));
            attempt.usage.tokens.input = u64::MAX;
        }
        let most = Nanodollars::from_nanos(i64::MAX);
        store.record_usage(records).await.unwrap();
        for by in [None].into_iter().chain(GroupBy::ALL.map(Some)) {
            let summary = store.summary(everything(), by).await.unwrap();
            assert_eq!(summary.totals.cost, Some(most));
            assert_eq!(summary.totals.tokens.input, i64::MAX.unsigned_abs());
        }
        let from = time("2026-05-31T00:00:00Z");
        for bucket in [Bucket::Minute, Bucket::Hour, Bucket::Day] {
            let filter = UsageFilter::between(Scope::Everyone, from, time(START) + seconds(1));
            let series = store.timeseries(filter, bucket, None).await.unwrap();
            assert!(series.iter().any(|point| point.totals.cost == Some(most)));
        }
        let days = store
            .daily_usage(account, from, time(START) + seconds(1))
            .await
            .unwrap();
        assert!(!days.is_empty() && days.iter().all(|day| day.cost == most));
    })
    .await;
}

#[tokio::test]
async fn a_time_series_says_what_adding_up_by_hand_does_and_has_no_gaps() {
    check(async |fixture| {
        let records = records(12, 500);
        fixture.store.record_usage(records.clone()).await.unwrap();
        for filter in filters(&records).into_iter().skip(1) {
            for lines in [
                (Bucket::Hour, None),
                (Bucket::Day, Some(GroupBy::Model)),
                (Bucket::Hour, Some(GroupBy::Account)),
                (Bucket::Hour, Some(GroupBy::Key)),
                (Bucket::Day, Some(GroupBy::Provider)),
                (Bucket::Hour, Some(GroupBy::Day)),
                (Bucket::Minute, None),
            ] {
                assert_timeseries(&fixture.store, &records, &filter, lines).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn any_report_on_any_range_says_what_adding_up_by_hand_does() {
    check(async |fixture| {
        let records = records(13, 900);
        // Written in several pieces, so that cells are added to.
        for piece in records.chunks(70) {
            fixture.store.record_usage(piece.to_vec()).await.unwrap();
        }
        // Nothing is recorded later than now.
        fixture.clock.advance(seconds(60));
        let mut dice = Dice::new(14);
        for _ in 0..150 {
            let filter = any_filter(&mut dice, &records);
            let groups = [None]
                .into_iter()
                .chain(GroupBy::ALL.map(Some))
                .collect::<Vec<_>>();
            let by = dice.pick(&groups);
            assert_summary(&fixture.store, &records, &filter, by).await;
            let bucket = dice.pick(&[Bucket::Hour, Bucket::Day]);
            assert_timeseries(&fixture.store, &records, &filter, (bucket, by)).await;
        }
    })
    .await;
}

/// Any conditions, on a range within the days that [`records`] cover: ragged, or on the minute, hour or day.
fn any_filter(dice: &mut Dice, records: &[RequestRecord]) -> UsageFilter {
    let mut moment = || {
        let at = time(START) - Duration::from_micros(dice.below(3 * 86_400_000_000));
        match dice.below(4) {
            0 => Bucket::Day.start(at),
            1 => Bucket::Hour.start(at),
            2 => Bucket::Minute.start(at),
            _ => at,
        }
    };
    let (one, other) = (moment(), moment());
    let to = match dice.below(4) {
        0 => time(START) + seconds(61),
        _ => one.max(other) + Duration::from_micros(1),
    };
    let some = &records[usize::try_from(dice.below(records.len() as u64)).unwrap()];
    let attempt = some.attempts.first();
    let mut perhaps = || dice.below(3) == 0;
    UsageFilter {
        scope: if perhaps() {
            Scope::Only(some.user_id)
        } else {
            Scope::Everyone
        },
        from: one.min(other),
        to,
        user_id: perhaps().then_some(some.user_id),
        key_id: perhaps().then_some(some.key_id),
        account_id: attempt.map(|attempt| attempt.account_id).filter(|_| perhaps()),
        provider: attempt.map(|attempt| attempt.provider).filter(|_| perhaps()),
        model: perhaps().then(|| some.model.clone()),
    }
}

#[tokio::test]
async fn a_cost_is_not_known_where_nothing_used_had_a_price() {
    check(async |fixture| {
        let mut records = records(15, 40);
        for record in &mut records {
            "unpriced".clone_into(&mut record.model);
            for attempt in &mut record.attempts {
                attempt.cost = None;
                attempt.usage.tokens.input += 1;
            }
        }
        // What was refused used nothing, which is free.
        let (tried, refused): (Vec<_>, Vec<_>) = records
            .into_iter()
            .partition(|record| !record.attempts.is_empty());
        assert!(tried.len() > 5 && refused.len() > 5);
        let store = &fixture.store;
        store.record_usage(refused).await.unwrap();
        let free = store.summary(everything(), None).await.unwrap().totals;
        assert_eq!((free.unpriced_requests, free.cost), (0, Some(Nanodollars::ZERO)));
        let unpriced = tried.len() as u64;
        let mut tried = tried;
        let mut priced = tried[0].clone();
        store.record_usage(std::mem::take(&mut tried)).await.unwrap();
        let unknown = store.summary(everything(), Some(GroupBy::Model)).await.unwrap();
        for totals in unknown
            .groups
            .iter()
            .map(|(_, totals)| totals)
            .chain([&unknown.totals])
        {
            assert_eq!((totals.unpriced_requests, totals.cost), (unpriced, None));
        }
        // One price is a lower bound.
        priced.id = RequestId::random();
        priced.attempts.truncate(1);
        priced.attempts[0].id = AttemptId::random();
        priced.attempts[0].cost = Some(Nanodollars::from_nanos(5));
        store.record_usage(vec![priced]).await.unwrap();
        let bound = store.summary(everything(), None).await.unwrap().totals;
        assert_eq!(
            (bound.unpriced_requests, bound.cost),
            (unpriced, Some(Nanodollars::from_nanos(5)))
        );
    })
    .await;
}

#[tokio::test]
async fn a_report_that_nobody_can_read_is_refused() {
    check(async |fixture| {
        let refused = fixture.store.timeseries(everything(), Bucket::Minute, None).await;
        assert!(matches!(refused, Err(StoreError::TooManyRows { .. })));
    })
    .await;
}
