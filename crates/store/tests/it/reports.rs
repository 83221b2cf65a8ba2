use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gateway_auth::Scope;
use gateway_domain::{Nanodollars, RequestId, Timestamp, TokenCounts};
use gateway_metering::{Outcome, RequestRecord};
use gateway_store::{Bucket, Group, GroupBy, StoreError, Totals, UsageFilter};

use crate::fixture::{START, check, seconds, time};
use crate::recording::{everything, records};

/// What is added up, of a request or of an attempt.
struct Used {
    request: RequestId,
    at: Timestamp,
    groups: BTreeMap<&'static str, Group>,
    failed: bool,
    tokens: TokenCounts,
    cost: Nanodollars,
    latency: Duration,
    ttft: Option<Duration>,
}

/// The rows that a filter names, found the slow way.
fn used(records: &[RequestRecord], filter: &UsageFilter, by: Option<GroupBy>) -> Vec<Used> {
    let of_attempts = filter.account_id.is_some()
        || filter.provider.is_some()
        || matches!(by, Some(GroupBy::Account | GroupBy::Provider));
    let failed = |status| matches!(status, Outcome::Error | Outcome::Interrupted);
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
        if of_attempts {
            for attempt in &record.attempts {
                let mut groups = shared(attempt.started_at);
                groups.insert("account", Group::Account(attempt.account_id));
                groups.insert("provider", Group::Provider(attempt.provider.as_str().to_owned()));
                let matches = filter
                    .account_id
                    .is_none_or(|account| account == attempt.account_id)
                    && filter
                        .provider
                        .is_none_or(|provider| provider == attempt.provider);
                if matches {
                    rows.push(Used {
                        request: record.id,
                        at: attempt.started_at,
                        groups,
                        failed: failed(attempt.status),
                        tokens: attempt.usage.tokens,
                        cost: attempt.cost.unwrap_or_default(),
                        latency: attempt.latency,
                        ttft: attempt.ttft,
                    });
                }
            }
        } else {
            rows.push(Used {
                request: record.id,
                at: record.started_at,
                groups: shared(record.started_at),
                failed: failed(record.status),
                tokens: record.tokens(),
                cost: record.cost().unwrap_or_default(),
                latency: record.latency,
                ttft: record.ttft,
            });
        }
    }
    rows.retain(|row| filter.from <= row.at && row.at < filter.to);
    rows
}

fn totals<'a>(rows: impl IntoIterator<Item = &'a Used>) -> Totals {
    let rows: Vec<&Used> = rows.into_iter().collect();
    let rows = rows.iter();
    let requests: BTreeSet<_> = rows.clone().map(|row| row.request).collect();
    let errors: BTreeSet<_> = rows
        .clone()
        .filter(|row| row.failed)
        .map(|row| row.request)
        .collect();
    let sum = |of: fn(&TokenCounts) -> u64| rows.clone().map(|row| of(&row.tokens)).sum();
    let percentile = |mut times: Vec<Duration>, percent: usize| {
        times.sort_unstable();
        times
            .get((times.len() * percent).div_ceil(100).saturating_sub(1))
            .copied()
    };
    let latencies: Vec<_> = rows.clone().map(|row| row.latency).collect();
    let ttfts: Vec<_> = rows.clone().filter_map(|row| row.ttft).collect();
    Totals {
        requests: requests.len() as u64,
        errors: errors.len() as u64,
        tokens: TokenCounts {
            input: sum(|tokens| tokens.input),
            cache_read: sum(|tokens| tokens.cache_read),
            cache_write_5m: sum(|tokens| tokens.cache_write_5m),
            cache_write_1h: sum(|tokens| tokens.cache_write_1h),
            output: sum(|tokens| tokens.output),
            reasoning: sum(|tokens| tokens.reasoning),
        },
        cost: rows.clone().map(|row| row.cost).sum(),
        latency_p50: percentile(latencies.clone(), 50),
        latency_p95: percentile(latencies, 95),
        ttft_p50: percentile(ttfts.clone(), 50),
        ttft_p95: percentile(ttfts, 95),
    }
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

#[tokio::test]
async fn a_summary_says_what_adding_up_by_hand_does() {
    check(async |fixture| {
        let records = records(10, 800);
        fixture.store.record_usage(records.clone()).await.unwrap();
        for filter in filters(&records) {
            let plain = fixture.store.summary(filter.clone(), None).await.unwrap();
            assert_eq!(plain.groups, []);
            assert_eq!(
                plain.totals,
                totals(used(&records, &filter, None).iter()),
                "{filter:?}"
            );
            for by in GroupBy::ALL {
                let summary = fixture.store.summary(filter.clone(), Some(by)).await.unwrap();
                let found: BTreeMap<_, _> = summary.groups.iter().cloned().collect();
                assert_eq!(
                    found,
                    grouped(&used(&records, &filter, Some(by)), by),
                    "{by:?} {filter:?}"
                );
                assert_eq!(found.len(), summary.groups.len());
                let is_sorted = match by {
                    GroupBy::Day => summary.groups.is_sorted_by_key(|(group, _)| group.clone()),
                    _ => summary
                        .groups
                        .is_sorted_by(|(_, one), (_, next)| one.cost >= next.cost),
                };
                assert!(is_sorted, "{by:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_totals_beside_groups_of_accounts_are_of_the_same_attempts() {
    check(async |fixture| {
        let records = records(11, 200);
        fixture.store.record_usage(records.clone()).await.unwrap();
        for by in [GroupBy::Account, GroupBy::Provider] {
            let summary = fixture.store.summary(everything(), Some(by)).await.unwrap();
            assert_eq!(
                summary.totals,
                totals(used(&records, &everything(), Some(by)).iter())
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_time_series_says_what_adding_up_by_hand_does_and_has_no_gaps() {
    check(async |fixture| {
        let records = records(12, 500);
        fixture.store.record_usage(records.clone()).await.unwrap();
        for filter in filters(&records).into_iter().skip(1) {
            for (bucket, by) in [
                (Bucket::Hour, None),
                (Bucket::Day, Some(GroupBy::Model)),
                (Bucket::Hour, Some(GroupBy::Account)),
                (Bucket::Hour, Some(GroupBy::Key)),
                (Bucket::Day, Some(GroupBy::Provider)),
                (Bucket::Hour, Some(GroupBy::Day)),
                (Bucket::Minute, None),
            ] {
                let points = fixture
                    .store
                    .timeseries(filter.clone(), bucket, by)
                    .await
                    .unwrap();
                let rows = used(&records, &filter, by);
                let groups: BTreeSet<_> = match by {
                    None => [None].into(),
                    Some(by) => rows
                        .iter()
                        .map(|row| Some(row.groups[by.as_str()].clone()))
                        .collect(),
                };
                let mut expected = Vec::new();
                for group in groups {
                    let line: Vec<_> = rows
                        .iter()
                        .filter(|row| by.map(|by| row.groups[by.as_str()].clone()) == group)
                        .collect();
                    let mut start = bucket.start(filter.from);
                    while start < filter.to {
                        let inside = line.iter().copied().filter(|row| bucket.start(row.at) == start);
                        expected.push((start, group.clone(), totals(inside)));
                        start = start + bucket.width();
                    }
                }
                let found: Vec<_> = points
                    .into_iter()
                    .map(|point| (point.time, point.group, point.totals))
                    .collect();
                assert_eq!(found, expected, "{bucket:?} {by:?} {filter:?}");
            }
        }
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
