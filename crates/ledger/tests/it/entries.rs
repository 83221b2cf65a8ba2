use std::time::Duration;

use gateway_domain::{
    AccountId, AttemptId, Dialect, FaultClass, Nanodollars, ProviderKind, Timestamp, TokenCounts, Usage,
    UsageSource,
};
use gateway_ledger::LedgerEntry;
use gateway_metering::{AttemptRecord, Considered, Decision, Outcome, RequestRecord};
use proptest::prelude::{Just, Strategy, any, prop, prop_compose, proptest};

use crate::fake_sink::request;

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn fault() -> impl Strategy<Value = Option<FaultClass>> {
    prop::option::of(one_of(&FaultClass::ALL))
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop::option::of("\\PC{0,12}|[\"\\\\\n\u{0}]{0,4}")
}

fn time() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_micros)
}

prop_compose! {
    fn usage()(
        counts in any::<[u64; 6]>(),
        web_searches in any::<u64>(),
        [service_tier, speed, inference_geo] in [text(), text(), text()],
    ) -> Usage {
        let [input, cache_read, cache_write_5m, cache_write_1h, output, reasoning] = counts;
        let tokens = TokenCounts { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning };
        Usage { tokens, web_searches, service_tier, speed, inference_geo, parts: Vec::new() }
    }
}

prop_compose! {
    fn attempt()(
        number in any::<u16>(),
        started_at in any::<i64>(),
        provider in one_of(&ProviderKind::ALL),
        status in one_of(&Outcome::ALL),
        http_status in any::<Option<u16>>(),
        fault in fault(),
        [fault_reason, price_version, upstream_request_id, upstream_message_id] in [text(), text(), text(), text()],
        usage in usage(),
        usage_source in one_of(&UsageSource::ALL),
        cost in any::<Option<i64>>(),
        (latency, ttft) in (time(), prop::option::of(time())),
    ) -> AttemptRecord {
        AttemptRecord {
            id: AttemptId::random(),
            number,
            started_at: Timestamp::from_micros(started_at),
            account_id: AccountId::random(),
            provider,
            upstream_model: "claude".to_owned(),
            status,
            http_status,
            fault,
            fault_reason,
            usage,
            usage_source,
            cost: cost.map(Nanodollars::from_nanos),
            price_version,
            latency,
            ttft,
            upstream_request_id,
            upstream_message_id,
        }
    }
}

/// What JSON keeps to the last bit; scores are for people to read.
fn score() -> impl Strategy<Value = f64> {
    any::<i32>().prop_map(|eighths| f64::from(eighths) / 8.0)
}

prop_compose! {
    fn decision()(
        strategy in "[a-z_]{0,8}",
        weighed in prop::collection::vec((any::<bool>(), text(), prop::option::of(score()), score()), 0..3),
    ) -> Decision {
        let considered = weighed.into_iter().map(|(is_picked, reason, score, part)| Considered {
            account_id: AccountId::random(),
            is_picked,
            reason,
            score,
            parts: vec![("wait".into(), part)],
        });
        Decision { strategy: strategy.into(), considered: considered.collect() }
    }
}

prop_compose! {
    fn record()(
        started_at in any::<i64>(),
        dialect in one_of(&Dialect::ALL),
        model in "\\PC{0,12}",
        stream in any::<bool>(),
        status in one_of(&Outcome::ALL),
        http_status in any::<Option<u16>>(),
        fault in fault(),
        (latency, queued, ttft) in (time(), time(), prop::option::of(time())),
        decision in prop::option::of(decision()),
        attempts in prop::collection::vec(attempt(), 0..3),
        base in Just(()).prop_map(|()| request()),
    ) -> RequestRecord {
        RequestRecord {
            started_at: Timestamp::from_micros(started_at),
            dialect, model, stream, status, http_status, fault, latency, queued, ttft, decision, attempts,
            ..base
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_of_a_request_is_read_again(record in record()) {
        let mut bytes = Vec::new();
        LedgerEntry::write_open(&record, &mut bytes);
        assert_eq!(LedgerEntry::read(&bytes).unwrap(), LedgerEntry::Open(record.clone()));
        bytes.clear();
        LedgerEntry::write_closed(&record, &mut bytes);
        assert_eq!(LedgerEntry::read(&bytes).unwrap(), LedgerEntry::Closed(record));
    }
}

#[test]
fn what_is_no_entry_is_said_to_be_none() {
    let mut bytes = Vec::new();
    LedgerEntry::write_closed(&request(), &mut bytes);
    let written = String::from_utf8(bytes).unwrap();
    for (from, to, why) in [
        ("\"ok\"", "\"fine\"", "unknown status \"fine\""),
        ("\"anthropic\"", "\"esperanto\"", "unknown dialect \"esperanto\""),
        ("\"closed\"", "\"torn\"", "unknown variant `torn`"),
        ("}", "", "EOF"),
    ] {
        let error = LedgerEntry::read(written.replace(from, to).as_bytes()).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains(why), "{source}");
    }
}
