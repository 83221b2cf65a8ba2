use std::sync::Arc;
use std::time::Duration;

use gateway_ledger::LedgerSettings;

use crate::fake_sink::{record, start};

#[tokio::test(start_paused = true)]
async fn everything_is_written_once_and_in_order() {
    let (sink, ledger) = start(10, 1000);
    let ids = record(&ledger, 25);
    assert_eq!(ledger.depth(), 25);
    ledger.flush().await;
    assert_eq!(sink.kept(), ids);
    assert_eq!(sink.batch_sizes(), [10, 10, 5]);
    assert_eq!((ledger.depth(), ledger.written(), ledger.rejected()), (0, 25, 0));
}

#[tokio::test(start_paused = true)]
async fn a_batch_goes_when_its_first_record_has_waited_long_enough() {
    let (sink, ledger) = start(10, 1000);
    record(&ledger, 1);
    tokio::time::sleep(Duration::from_millis(60)).await;
    record(&ledger, 1);
    tokio::time::sleep(Duration::from_millis(39)).await;
    assert!(sink.kept().is_empty());
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(sink.batch_sizes(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_goes_at_once() {
    let (sink, ledger) = start(10, 1000);
    record(&ledger, 10);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(sink.batch_sizes(), [10]);
}

#[tokio::test(start_paused = true)]
async fn a_flush_waits_for_what_was_recorded_before_it() {
    let (sink, ledger) = start(10, 1000);
    ledger.flush().await;
    let gate = sink.hang();
    let before = record(&ledger, 15);
    let ledger = Arc::new(ledger);
    let flush = tokio::spawn({
        let ledger = Arc::clone(&ledger);
        async move { ledger.flush().await }
    });
    gate.add_permits(1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!flush.is_finished());
    // What comes later is not waited for.
    record(&ledger, 10);
    gate.add_permits(1);
    flush.await.unwrap();
    assert_eq!(sink.kept(), before);
    assert_eq!(ledger.depth(), 10);
}

#[tokio::test(start_paused = true)]
async fn threads_and_flushes_at_once_lose_and_double_nothing() {
    let (sink, ledger) = start(7, 1000);
    let ledger = Arc::new(ledger);
    let mut ids = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| record(&ledger, 100))).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    futures_util::future::join_all((0..5).map(|_| ledger.flush())).await;
    let mut kept = sink.kept();
    kept.sort();
    ids.sort();
    assert_eq!(kept, ids);
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_is_dropped_still_writes() {
    let (sink, ledger) = start(10, 1000);
    let ids = record(&ledger, 15);
    drop(ledger);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(sink.kept(), ids);
    assert_eq!(Arc::strong_count(&sink), 1);
}

#[test]
fn settings_have_defaults_and_no_unknown_names() {
    let read = |json| serde_json::from_str::<LedgerSettings>(json);
    assert_eq!(read("{}").unwrap(), LedgerSettings::default());
    assert_eq!(read(r#"{"batch_rows":7}"#).unwrap().batch_rows, 7);
    assert!(read(r#"{"batch_row":7}"#).is_err());
}
