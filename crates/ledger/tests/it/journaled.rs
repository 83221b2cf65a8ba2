use std::fs;
use std::sync::Arc;
use std::time::Duration;

use gateway_domain::RequestId;
use gateway_ledger::{AppendError, Journal, Ledger, LedgerEntry, LedgerSettings, Need};
use gateway_metering::{Outcome, RequestRecord};
use serde_json::Value;
use tempfile::TempDir;

use crate::fake_sink::{FakeSink, ids, record, request};

struct Home {
    folder: TempDir,
    settings: LedgerSettings,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            settings: LedgerSettings::default(),
        }
    }

    fn journal(&self) -> Journal {
        Journal::open(self.folder.path(), self.settings.journal()).unwrap()
    }

    fn start(&self) -> (Arc<FakeSink>, Ledger) {
        let sink = Arc::new(FakeSink::default());
        let ledger = Ledger::with_journal(self.journal(), sink.clone(), self.settings.clone());
        (sink, ledger)
    }

    /// What the next process writes.
    async fn written_after_all(&self) -> Vec<RequestRecord> {
        let (sink, ledger) = self.start();
        ledger.flush().await;
        die(ledger).await;
        sink.records()
    }

    fn rejected(&self) -> Vec<Value> {
        let lines = fs::read_to_string(self.folder.path().join("rejected.bad")).unwrap();
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Ends a process without writing what is left.
async fn die(ledger: Ledger) {
    let _ = ledger.close(Duration::ZERO).await;
}

fn interrupted(id: RequestId) -> RequestRecord {
    RequestRecord {
        id,
        status: Outcome::Interrupted,
        ..request()
    }
}

#[tokio::test]
async fn what_was_not_written_is_written_by_the_next_process() {
    let home = Home::new();
    let (sink, ledger) = home.start();
    sink.go_away();
    let recorded = record(&ledger, 700);
    die(ledger).await;
    assert_eq!(ids(&home.written_after_all().await), recorded);
    assert!(home.written_after_all().await.is_empty());
}

#[tokio::test]
async fn what_was_written_does_not_come_back_and_its_segments_go() {
    let mut home = Home::new();
    home.settings.journal_segment_bytes = 4_096;
    let (_sink, ledger) = home.start();
    for _ in 0..100 {
        let record = request();
        let open = ledger.open(&record).unwrap();
        ledger.close_request(open, record);
    }
    ledger.flush().await;
    let files = fs::read_dir(home.folder.path()).unwrap().count();
    assert_eq!(files, 2, "the lock and the segment that is written to");
    die(ledger).await;
    assert!(home.written_after_all().await.is_empty());
}

#[tokio::test]
async fn a_request_under_way_is_booked_as_it_was_noted_last() {
    let home = Home::new();
    let (_sink, ledger) = home.start();
    let mut first = interrupted(RequestId::random());
    let second = interrupted(RequestId::random());
    let mut open = ledger.open(&first).unwrap();
    let other = ledger.open(&second).unwrap();
    first.http_status = None;
    first.latency = Duration::from_secs(7);
    ledger.update(&mut open, &first);
    drop((open, other));
    die(ledger).await;
    assert_eq!(home.written_after_all().await, [first, second]);
    assert!(home.written_after_all().await.is_empty());
}

#[tokio::test]
async fn a_request_that_ended_is_booked_as_it_ended() {
    let home = Home::new();
    let (sink, ledger) = home.start();
    sink.go_away();
    let mut record = interrupted(RequestId::random());
    let mut open = ledger.open(&record).unwrap();
    ledger.update(&mut open, &record);
    record.status = Outcome::Ok;
    ledger.close_request(open, record.clone());
    die(ledger).await;
    assert_eq!(home.written_after_all().await, [record]);
}

#[tokio::test]
async fn what_can_never_be_written_is_set_aside_with_its_reason() {
    let home = Home::new();
    let (sink, ledger) = home.start();
    let poison = request();
    sink.reject(poison.id);
    ledger.record(poison.clone());
    let good = record(&ledger, 2);
    ledger.flush().await;
    die(ledger).await;
    assert_eq!(sink.kept(), good);
    assert!(home.written_after_all().await.is_empty());
    let [line] = home.rejected().try_into().unwrap();
    assert_eq!(line["reason"], "violates a check");
    let entry = LedgerEntry::read(line["entry"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(entry, LedgerEntry::Closed(poison));
}

#[tokio::test]
async fn an_entry_of_another_version_is_set_aside_and_nothing_else() {
    let home = Home::new();
    let journal = home.journal();
    let record = request();
    let mut entry = Vec::new();
    LedgerEntry::write_closed(&record, &mut entry);
    let _ = journal.append(b"{\"promised\":{}}", Need::New).unwrap();
    let _ = journal.append(&entry, Need::New).unwrap();
    drop(journal);
    assert_eq!(home.written_after_all().await, [record]);
    let [line] = home.rejected().try_into().unwrap();
    assert_eq!(line["entry"], "{\"promised\":{}}");
    assert!(home.written_after_all().await.is_empty());
}

#[tokio::test]
async fn a_full_journal_lets_nothing_begin_and_everything_end() {
    let mut home = Home::new();
    home.settings = LedgerSettings {
        journal_segment_bytes: 1_024,
        journal_limit_bytes: 8_192,
        journal_reserve_bytes: 512,
        ..home.settings
    };
    let (sink, ledger) = home.start();
    sink.go_away();
    let mut under_way = Vec::new();
    let error = loop {
        let record = request();
        match ledger.open(&record) {
            Ok(open) => under_way.push((open, record)),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AppendError::Full), "{error}");
    assert!(!ledger.has_room());
    let ended: Vec<_> = under_way.iter().map(|(_, record)| record.id).collect();
    for (open, record) in under_way {
        ledger.close_request(open, record);
    }
    sink.come_back();
    ledger.flush().await;
    assert_eq!(sink.kept(), ended);
    assert!(ledger.has_room());
    drop(ledger.open(&request()).unwrap());
}
