use gateway_auth::Scope;
use gateway_domain::{AccountId, Nanodollars, PicodollarsPerToken, PriceFactor};
use gateway_metering::{ListedTier, OperatorPrice, RateSheet, Rates, Terms};

use crate::fixture::{check, seconds, someone};

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

fn flat(input: i64) -> RateSheet {
    rates(input).into()
}

fn tiered() -> RateSheet {
    let tier = |above_input_tokens| ListedTier {
        above_input_tokens,
        rates: rates(7),
    };
    RateSheet {
        tiers: vec![tier(100_000), tier(u64::MAX)],
        web_searches_per_1k: Some(Nanodollars::from_nanos(5)),
        ..flat(6)
    }
}

#[tokio::test]
async fn a_price_is_a_new_version_and_deleting_it_ends_the_last_one() {
    check(async |fixture| {
        let store = &fixture.store;
        assert_eq!(store.price_versions().await.unwrap(), []);
        assert!(!store.by(someone()).delete_price("claude").await.unwrap());

        let first = store.by(someone()).put_price("claude", flat(1)).await.unwrap();
        assert_eq!(
            (&first.terms, first.effective_from),
            (&Terms::Rates(flat(1)), fixture.now())
        );
        fixture.clock.advance(seconds(1));
        let second = store.by(someone()).put_price("claude", tiered()).await.unwrap();
        let other = store.by(someone()).put_price("gpt", flat(3)).await.unwrap();
        // Earlier versions stay, for attempts that began before.
        assert_eq!(
            store.price_versions().await.unwrap(),
            [first.clone(), second.clone(), other.clone()]
        );

        fixture.clock.advance(seconds(1));
        assert!(store.by(someone()).delete_price("claude").await.unwrap());
        assert!(!store.by(someone()).delete_price("claude").await.unwrap());
        let ended = OperatorPrice {
            ended_at: Some(fixture.now()),
            ..second
        };
        fixture.clock.advance(seconds(1));
        let third = store.by(someone()).put_price("claude", flat(4)).await.unwrap();
        assert_eq!(
            store.price_versions().await.unwrap(),
            [first, ended, third, other]
        );
    })
    .await;
}

#[tokio::test]
async fn an_account_has_prices_of_its_own_that_its_owner_sets() {
    check(async |fixture| {
        let store = &fixture.store;
        let user = fixture.user("ann").await;
        let shared = fixture.account(None, "shared").await;
        let own = fixture.account(Some(user.id), "own").await;
        let (ann, everyone) = (Scope::Only(user.id), Scope::Everyone);
        let factor = || Terms::Factor(PriceFactor::from_millionths(800_000));
        let put = async |scope, account, model, terms| {
            let put = store
                .by(someone())
                .put_account_price(scope, account, model, terms)
                .await;
            put.unwrap()
        };

        assert_eq!(put(ann, shared.id, "*", factor()).await, None);
        assert_eq!(put(ann, AccountId::random(), "*", factor()).await, None);
        let mine = put(ann, own.id, "*", factor()).await.unwrap();
        let theirs = put(everyone, shared.id, "claude", Terms::Rates(tiered())).await;
        let theirs = theirs.unwrap();
        let general = store.by(someone()).put_price("claude", flat(1)).await.unwrap();
        let mut all = store.price_versions().await.unwrap();
        let mut expected = vec![mine.clone(), theirs.clone(), general];
        all.sort_by_key(|price| price.id);
        expected.sort_by_key(|price| price.id);
        assert_eq!(all, expected);

        let delete = async |scope, account, model| {
            let deleted = store
                .by(someone())
                .delete_account_price(scope, account, model)
                .await;
            deleted.unwrap()
        };
        assert!(!delete(ann, shared.id, "claude").await);
        assert!(!delete(ann, own.id, "claude").await);
        assert!(delete(ann, own.id, "*").await);
        assert!(!delete(ann, own.id, "*").await);
        assert!(delete(everyone, shared.id, "claude").await);
        // What counts for every account is none of theirs.
        assert!(!delete(everyone, shared.id, "claude").await);
        assert!(store.by(someone()).delete_price("claude").await.unwrap());
        let ends = store.price_versions().await.unwrap();
        assert!(
            ends.iter().all(|price| price.ended_at == Some(fixture.now())),
            "{ends:?}"
        );
    })
    .await;
}
