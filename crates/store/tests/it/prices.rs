use gateway_domain::PicodollarsPerToken;
use gateway_metering::Rates;

use crate::fixture::{check, seconds};

fn rates(input: i64) -> Rates {
    let rate = PicodollarsPerToken::from_picos;
    Rates {
        input: rate(input),
        output: rate(15_000_000),
        cache_read: Some(rate(0)),
        cache_write_5m: None,
        cache_write_1h: Some(rate(i64::MAX)),
    }
}

#[tokio::test]
async fn a_price_is_a_new_version_and_deleting_it_returns_to_the_shipped_one() {
    check(async |fixture| {
        let store = &fixture.store;
        assert_eq!(store.current_prices().await.unwrap(), []);
        assert!(!store.delete_price("claude").await.unwrap());

        let first = store.put_price("claude", rates(1)).await.unwrap();
        assert_eq!((first.rates, first.effective_from), (rates(1), fixture.now()));
        fixture.clock.advance(seconds(1));
        let second = store.put_price("claude", rates(2)).await.unwrap();
        let other = store.put_price("gpt", rates(3)).await.unwrap();
        // The earlier version stays, for attempts that began before.
        assert_eq!(
            store.current_prices().await.unwrap(),
            [first, second, other.clone()]
        );

        fixture.clock.advance(seconds(1));
        assert!(store.delete_price("claude").await.unwrap());
        assert!(!store.delete_price("claude").await.unwrap());
        assert_eq!(
            store.current_prices().await.unwrap(),
            std::slice::from_ref(&other)
        );

        let third = store.put_price("claude", rates(4)).await.unwrap();
        assert_eq!(store.current_prices().await.unwrap(), [third, other]);
    })
    .await;
}
