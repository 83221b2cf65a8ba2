//! Outages that are longer than the memory for them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gateway_domain::RequestId;
use gateway_ledger::{Journal, JournalSync, Ledger, LedgerSettings, RowsLeft, Shortage};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::fake_sink::{FakeSink, record, request};

struct Home {
    folder: TempDir,
    settings: LedgerSettings,
}

impl Home {
    /// With memory for ten requests.
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            settings: LedgerSettings {
                batch_rows: 7,
                queue_rows: 10,
                journal_segment_bytes: 4_096,
                journal_reserve_bytes: 1_024,
                ..LedgerSettings::default()
            },
        }
    }

    fn start(&self) -> (Arc<FakeSink>, Ledger) {
        let sink = Arc::new(FakeSink::default());
        let journal = Journal::open(self.folder.path(), self.settings.journal()).unwrap();
        let ledger = Ledger::with_journal(journal, sink.clone(), self.settings.clone());
        (sink, ledger)
    }

    fn files(&self, end: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let files = files.map(|file| file.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|it| it == end))
            .collect()
    }

    /// Changes a byte of these words, wherever they are in the journal.
    fn damage(&self, words: &str) {
        for path in self.files("journal") {
            let mut bytes = fs::read(&path).unwrap();
            if let Some(at) = bytes
                .windows(words.len())
                .position(|window| window == words.as_bytes())
            {
                bytes[at] ^= 1;
                return fs::write(path, bytes).unwrap();
            }
        }
        panic!("{words} is nowhere");
    }
}

fn serve(ledger: &Ledger, count: usize) -> Vec<RequestId> {
    let served = (0..count).map(|_| {
        let record = request();
        let id = record.id;
        let open = ledger.open(&record).unwrap();
        ledger.close_request(open, record);
        id
    });
    served.collect()
}

#[tokio::test]
async fn what_the_memory_has_no_room_for_waits_in_the_journal() {
    let home = Home::new();
    let (sink, ledger) = home.start();
    sink.go_away();
    let mut ids = serve(&ledger, 300);
    assert!(ledger.has_room());
    assert_eq!(ledger.depth(), 300);
    sink.come_back();
    ids.extend(serve(&ledger, 50));
    ledger.flush().await;
    assert_eq!(sink.kept(), ids);
    assert_eq!((ledger.depth(), ledger.written(), ledger.rejected()), (0, 350, 0));
    assert_eq!(home.files("journal").len(), 1);
    // The memory is free again.
    let more = serve(&ledger, 5);
    ledger.flush().await;
    assert!(sink.kept().ends_with(&more));
}

#[tokio::test]
async fn what_waits_in_the_journal_when_the_process_ends_is_booked_by_the_next() {
    let home = Home::new();
    let (sink, ledger) = home.start();
    sink.go_away();
    let ids = serve(&ledger, 300);
    assert_eq!(ledger.close(Duration::ZERO).await, Err(RowsLeft { rows: 300 }));
    drop(ledger);
    let (sink, ledger) = home.start();
    assert_eq!(ledger.depth(), 300);
    ledger.flush().await;
    assert_eq!(sink.kept(), ids);
}

#[tokio::test]
async fn what_is_damaged_while_it_waits_costs_itself_and_a_copy_is_kept() {
    let home = Home::new();
    let (sink, ledger) = home.start();
    sink.go_away();
    let mut ids = serve(&ledger, 100);
    home.damage(&format!("\"closed\":{{\"id\":\"{}\"", ids[40]));
    sink.come_back();
    ledger.flush().await;
    ids.remove(40);
    assert_eq!(sink.kept(), ids);
    assert_eq!((ledger.depth(), ledger.written()), (0, 99));
    assert_eq!((home.files("journal").len(), home.files("bad").len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_for_a_while_is_booked_when_it_can() {
    let home = Home::new();
    let (sink, ledger) = home.start();
    sink.go_away();
    let mut ids = serve(&ledger, 100);
    let mut segments = home.files("journal");
    segments.sort();
    let segment = &segments[segments.len() / 2];
    let away = segment.with_extension("away");
    fs::rename(segment, &away).unwrap();
    fs::create_dir(segment).unwrap();
    sink.come_back();
    ledger.flush().await;
    let unread = ledger.depth();
    assert!(unread > 0);
    assert_eq!(sink.kept().len(), ids.len() - unread);
    fs::remove_dir(segment).unwrap();
    fs::rename(&away, segment).unwrap();
    while ledger.depth() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let mut kept = sink.kept();
    kept.sort();
    ids.sort();
    assert_eq!(kept, ids);
    assert_eq!((home.files("journal").len(), home.files("bad").len()), (1, 0));
}

#[tokio::test]
async fn a_full_journal_is_named_as_what_is_short() {
    let mut home = Home::new();
    home.settings.journal_limit_bytes = 16_384;
    let (sink, ledger) = home.start();
    sink.go_away();
    while ledger.has_room() {
        serve(&ledger, 1);
    }
    assert_eq!(ledger.shortage(), Some(Shortage::Journal));
    assert!(ledger.journal_bytes() >= 16_384);
    sink.come_back();
    ledger.flush().await;
    assert_eq!(ledger.shortage(), None);
    assert!(ledger.journal_bytes() < 16_384);
}

#[tokio::test(start_paused = true)]
async fn catching_up_ends_when_nothing_is_written_for_too_long() {
    let (sink, ledger) = crate::fake_sink::start(10, 1000);
    let patience = Duration::from_secs(5);
    record(&ledger, 35);
    assert_eq!(ledger.catch_up(patience).await, Ok(()));
    sink.go_away();
    record(&ledger, 35);
    let begun = Instant::now();
    assert_eq!(ledger.catch_up(patience).await, Err(RowsLeft { rows: 35 }));
    assert_eq!(begun.elapsed(), patience);
    sink.come_back();
    assert_eq!(ledger.catch_up(patience).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn catching_up_takes_as_long_as_the_writer_gets_on() {
    let (sink, ledger) = crate::fake_sink::start(1, 1000);
    let gate = sink.hang();
    record(&ledger, 10);
    let slowly = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(4)).await;
            gate.add_permits(1);
        }
    };
    let (caught_up, ()) = tokio::join!(ledger.catch_up(Duration::from_secs(5)), slowly);
    assert_eq!(caught_up, Ok(()));
}

#[tokio::test]
async fn where_each_batch_is_synced_nothing_waits_for_the_interval() {
    let mut home = Home::new();
    home.settings.journal_sync = JournalSync::Batch;
    home.settings.journal_sync_interval_ms = 3_600_000;
    let (_sink, ledger) = home.start();
    let open = ledger.open(&request()).unwrap();
    // A sync makes the room anew that an entry has taken.
    let segment = home.folder.path().join("0000000001.journal");
    let has_room = |bytes: &[u8]| bytes.iter().rev().take_while(|byte| **byte == 0).count() >= 1_024;
    while !has_room(&fs::read(&segment).unwrap()) {
        tokio::task::yield_now().await;
    }
    ledger.close_request(open, request());
}
