use std::collections::BTreeMap;

use gateway_domain::{AccountId, Nanodollars, Timestamp, UsageSource};
use gateway_metering::RequestRecord;
use gateway_store::{Bucket, DailyUsage};

use crate::fixture::{START, check, seconds, time};
use crate::recording::records;

/// What an account used by day and model, found the slow way.
fn used(records: &[RequestRecord], account: AccountId, from: Timestamp, to: Timestamp) -> Vec<DailyUsage> {
    let mut days: BTreeMap<(Timestamp, String), DailyUsage> = BTreeMap::new();
    let attempts = records
        .iter()
        .flat_map(|record| &record.attempts)
        .filter(|attempt| {
            attempt.account_id == account && from <= attempt.started_at && attempt.started_at < to
        });
    for attempt in attempts {
        let day = Bucket::Day.start(attempt.started_at);
        let row = days
            .entry((day, attempt.upstream_model.clone()))
            .or_insert_with(|| DailyUsage {
                day,
                model: attempt.upstream_model.clone(),
                requests: 0,
                unreported_requests: 0,
                unpriced_requests: 0,
                tokens: Default::default(),
                web_searches: 0,
                cost: Nanodollars::ZERO,
            });
        let is_success = attempt
            .http_status
            .is_some_and(|status| (200..300).contains(&status));
        let is_used = attempt.usage.tokens.total() > 0 || attempt.usage.web_searches > 0;
        row.requests += u64::from(is_success);
        row.unreported_requests += u64::from(is_success && attempt.usage_source != UsageSource::Reported);
        row.unpriced_requests += u64::from(attempt.cost.is_none() && is_used);
        let (sum, tokens) = (&mut row.tokens, attempt.usage.tokens);
        sum.input += tokens.input;
        sum.cache_read += tokens.cache_read;
        sum.cache_write_5m += tokens.cache_write_5m;
        sum.cache_write_1h += tokens.cache_write_1h;
        sum.output += tokens.output;
        sum.reasoning += tokens.reasoning;
        row.web_searches += attempt.usage.web_searches;
        row.cost += attempt.cost.unwrap_or_default();
    }
    days.into_values().collect()
}

#[tokio::test]
async fn an_accounts_usage_is_added_up_by_day_and_upstream_model() {
    check(async |fixture| {
        let records = records(9, 200);
        fixture.store.record_usage(records.clone()).await.unwrap();
        let start = time(START);
        let accounts: std::collections::BTreeSet<AccountId> = records
            .iter()
            .flat_map(|record| record.attempts.iter().map(|attempt| attempt.account_id))
            .collect();
        let mut rows = 0;
        for (from, to) in [
            (start - seconds(400 * 86_400), start + seconds(400 * 86_400)),
            (start - seconds(100_000), start - seconds(3_600)),
            (start, start),
        ] {
            for account in &accounts {
                let found = fixture.store.daily_usage(*account, from, to).await.unwrap();
                assert_eq!(found, used(&records, *account, from, to));
                rows += found.len();
            }
        }
        assert!(rows > 0);
        let nobody = fixture
            .store
            .daily_usage(AccountId::random(), start, start + seconds(1))
            .await;
        assert_eq!(nobody.unwrap(), []);
    })
    .await;
}
