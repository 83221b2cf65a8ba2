use std::sync::Arc;
use std::time::Duration;

use gateway_ledger::RowsLeft;
use tokio::time::Instant;

use crate::fake_sink::{record, start};

#[tokio::test(start_paused = true)]
async fn closing_writes_what_is_waiting_without_delay() {
    let (sink, ledger) = start(10, 1000);
    let ids = record(&ledger, 25);
    let begun = Instant::now();
    assert_eq!(ledger.close(Duration::from_secs(5)).await, Ok(()));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(sink.kept(), ids);
    // Again, and after: harmless.
    ledger.flush().await;
    assert_eq!(ledger.close(Duration::from_secs(5)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn closing_sees_through_an_outage_that_ends_in_time() {
    let (sink, ledger) = start(10, 1000);
    sink.go_away();
    let ids = record(&ledger, 25);
    let (closed, ()) = tokio::join!(ledger.close(Duration::from_secs(10)), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        sink.come_back();
    });
    assert_eq!(closed, Ok(()));
    assert_eq!(sink.kept(), ids);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_tells_what_is_left() {
    let (sink, ledger) = start(10, 1000);
    record(&ledger, 10);
    ledger.flush().await;
    sink.go_away();
    record(&ledger, 25);
    let begun = Instant::now();
    assert_eq!(
        ledger.close(Duration::from_secs(10)).await,
        Err(RowsLeft { rows: 25 })
    );
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
    assert_eq!(sink.batch_sizes(), [10]);
}

#[tokio::test(start_paused = true)]
async fn closing_twice_at_once_waits_twice() {
    let (sink, ledger) = start(10, 1000);
    let gate = sink.hang();
    record(&ledger, 10);
    let (first, second, ()) = tokio::join!(
        ledger.close(Duration::from_secs(10)),
        ledger.close(Duration::from_secs(10)),
        async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            gate.add_permits(1);
        }
    );
    assert_eq!((first, second), (Ok(()), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_hangs_does_not_hold_the_deadline() {
    let (sink, ledger) = start(10, 1000);
    let gate = sink.hang();
    record(&ledger, 25);
    gate.add_permits(1);
    assert_eq!(
        ledger.close(Duration::from_secs(10)).await,
        Err(RowsLeft { rows: 15 })
    );
    // Nothing is written behind the back of the count.
    gate.add_permits(100);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(sink.kept().len(), 10);
}

#[tokio::test]
async fn closing_under_load_accounts_for_every_record() {
    let (sink, ledger) = start(50, 1_000_000);
    let ledger = Arc::new(ledger);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let ledger = Arc::clone(&ledger);
            std::thread::spawn(move || record(&ledger, 2000))
        })
        .collect();
    ledger.flush().await;
    let closed = ledger.close(Duration::from_secs(60)).await;
    let recorded: Vec<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(closed, Ok(()));
    assert_eq!(ledger.depth(), 0);
    let mut kept = sink.kept();
    assert_eq!(kept.len(), usize::try_from(ledger.written()).unwrap());
    kept.sort();
    kept.dedup();
    assert_eq!(kept.len(), sink.kept().len());
    assert!(kept.iter().all(|id| recorded.contains(id)));
}
