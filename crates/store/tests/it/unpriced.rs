use gateway_domain::UsageSource;

use crate::fixture::{check, seconds};
use crate::recording::records;

#[tokio::test]
async fn attempts_without_a_cost_are_read_in_pieces() {
    check(async |fixture| {
        let mut records = records(7, 60);
        let mut attempts: Vec<_> = records
            .iter_mut()
            .flat_map(|record| &mut record.attempts)
            .collect();
        // What used nothing that is known has nothing to be priced.
        attempts[0].cost = None;
        attempts[0].usage_source = UsageSource::Missing;
        let mut unpriced: Vec<_> = attempts
            .iter()
            .filter(|attempt| attempt.cost.is_none() && attempt.usage_source != UsageSource::Missing)
            .map(|attempt| (attempt.started_at, attempt.id, attempt.usage.tokens))
            .collect();
        unpriced.sort_by_key(|(started_at, id, _)| (*started_at, *id));
        assert!(unpriced.len() > 20, "{}", unpriced.len());
        fixture.store.record_usage(records.clone()).await.unwrap();

        let (first, last) = (unpriced[0].0, unpriced[unpriced.len() - 1].0);
        let mut read = Vec::new();
        let mut cursor = None;
        loop {
            let slice = fixture
                .store
                .unpriced_attempts(first, last + seconds(1), cursor, 7);
            let slice = slice.await.unwrap();
            assert!(slice.items.len() <= 7);
            let items = slice.items.into_iter();
            read.extend(items.map(|attempt| (attempt.started_at, attempt.id, attempt.usage.tokens)));
            cursor = slice.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(read, unpriced);
        // The end is not included.
        let slice = fixture
            .store
            .unpriced_attempts(first, last, None, 1000)
            .await
            .unwrap();
        let before = unpriced.iter().filter(|(started_at, ..)| *started_at < last);
        assert_eq!(slice.items.len(), before.count());
    })
    .await;
}
