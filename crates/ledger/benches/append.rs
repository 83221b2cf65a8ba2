//! How long a request waits for its journal: `cargo xtask bench journal`.

use std::time::Duration;

use criterion::Criterion;
use gateway_domain::{
    AccountId, ApiKeyId, AttemptId, Dialect, Nanodollars, ProviderKind, RequestId, Timestamp, TokenCounts,
    Usage, UsageSource, UserId,
};
use gateway_ledger::{Journal, JournalSettings, LedgerEntry, Need};
use gateway_metering::{AttemptRecord, Considered, Decision, Outcome, RequestRecord};

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let journal = Journal::open(folder.path(), JournalSettings::default()).expect("a folder of our own");
    let record = record();
    let mut entry = Vec::new();
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("write a request's entry", |bencher| {
        bencher.iter(|| {
            entry.clear();
            LedgerEntry::write_closed(&record, &mut entry);
        });
    });
    println!("it has {} bytes", entry.len());
    criterion.bench_function("append and release it", |bencher| {
        bencher.iter(|| {
            entry.clear();
            LedgerEntry::write_closed(&record, &mut entry);
            let kept = journal.append(&entry, Need::New).expect("the journal has room");
            journal.release(kept);
        });
    });
    criterion.final_summary();
}

/// A request of the usual size: one attempt, picked among three accounts.
fn record() -> RequestRecord {
    let account = AccountId::random();
    let considered = |account_id, is_picked| Considered {
        account_id,
        is_picked,
        reason: None,
        score: Some(0.062_5),
        parts: vec![("cost".into(), 0.062_5), ("wait".into(), 0.0)],
    };
    RequestRecord {
        id: RequestId::random(),
        started_at: Timestamp::from_seconds(1_790_000_000),
        user_id: UserId::random(),
        key_id: ApiKeyId::random(),
        dialect: Dialect::Anthropic,
        model: "claude-sonnet-5-5".to_owned(),
        stream: true,
        status: Outcome::Ok,
        http_status: Some(200),
        fault: None,
        latency: Duration::from_millis(5_300),
        ttft: Some(Duration::from_millis(900)),
        queued: Duration::ZERO,
        decision: Some(Decision {
            strategy: "smart".into(),
            considered: vec![
                considered(account, true),
                considered(AccountId::random(), false),
                considered(AccountId::random(), false),
            ],
        }),
        attempts: vec![AttemptRecord {
            id: AttemptId::random(),
            number: 1,
            started_at: Timestamp::from_seconds(1_790_000_000),
            account_id: account,
            provider: ProviderKind::Anthropic,
            upstream_model: "claude-sonnet-5-5".to_owned(),
            status: Outcome::Ok,
            http_status: Some(200),
            fault: None,
            fault_reason: None,
            usage: Usage {
                tokens: TokenCounts {
                    input: 1_200,
                    cache_read: 88_000,
                    cache_write_5m: 900,
                    output: 420,
                    ..TokenCounts::default()
                },
                service_tier: Some("standard".to_owned()),
                ..Usage::default()
            },
            usage_source: UsageSource::Reported,
            cost: Some(Nanodollars::from_nanos(31_337_000)),
            price_version: Some("2026-11-22/claude-sonnet-5-5".to_owned()),
            latency: Duration::from_millis(5_290),
            ttft: Some(Duration::from_millis(890)),
            upstream_request_id: Some("req_011CSHoEeqs5C35K2UUqR7Fy".to_owned()),
            upstream_message_id: Some("msg_01XFDUDYJgAACzvnptvVoYEL".to_owned()),
        }],
    }
}
