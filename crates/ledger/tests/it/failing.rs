use std::time::Duration;

use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

use crate::fake_sink::{record, start};

#[tokio::test(start_paused = true)]
async fn an_outage_loses_nothing() {
    let (sink, ledger) = start(10, 30);
    sink.go_away();
    let mut ids = record(&ledger, 25);
    assert!(ledger.has_room());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(ledger.depth(), 25);
    // Full, but what was let in is kept.
    ids.extend(record(&ledger, 10));
    assert!(!ledger.has_room());
    sink.come_back();
    ledger.flush().await;
    assert_eq!(sink.kept(), ids);
    assert!(ledger.has_room());
}

#[tokio::test(start_paused = true)]
async fn the_pauses_of_an_outage_grow_to_five_seconds() {
    let (sink, ledger) = start(1, 30);
    sink.go_away();
    record(&ledger, 1);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let millis: Vec<_> = sink.pauses().iter().map(Duration::as_millis).collect();
    assert_eq!(millis, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]);
    // The next outage begins anew.
    sink.come_back();
    ledger.flush().await;
    sink.go_away();
    record(&ledger, 1);
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(sink.pauses().last(), Some(&Duration::from_millis(100)));
}

#[tokio::test(start_paused = true)]
async fn a_poisonous_record_is_set_aside_alone() {
    let (sink, ledger) = start(10, 1000);
    let mut ids = record(&ledger, 10);
    sink.reject(ids[3]);
    sink.panic_on(ids[8]);
    ledger.flush().await;
    ids.remove(8);
    ids.remove(3);
    assert_eq!(sink.kept(), ids);
    assert_eq!((ledger.depth(), ledger.written(), ledger.rejected()), (0, 8, 2));
    // The writer lives on.
    let more = record(&ledger, 5);
    ledger.flush().await;
    assert!(sink.kept().ends_with(&more));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_but_the_poison_is_kept_once_and_in_order(
        is_poison in proptest::collection::vec(any::<bool>(), 0..40),
        batch_rows in 1..12_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (sink, ledger) = start(batch_rows, 1000);
            let ids = record(&ledger, is_poison.len());
            let (mut good, mut poison) = (Vec::new(), 0);
            for (id, is_poison) in ids.into_iter().zip(is_poison) {
                if is_poison {
                    sink.reject(id);
                    poison += 1;
                } else {
                    good.push(id);
                }
            }
            ledger.flush().await;
            prop_assert_eq!(sink.kept(), good);
            prop_assert_eq!(ledger.rejected(), poison);
            prop_assert_eq!(ledger.depth(), 0);
            Ok(())
        })?;
    }
}
