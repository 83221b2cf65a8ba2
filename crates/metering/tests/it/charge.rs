use gateway_domain::{
    AccountId, Nanodollars, PicodollarsPerToken, PriceId, ProviderKind, Timestamp, TokenCounts, Usage,
    UsagePart,
};
use gateway_metering::{OperatorPrice, PriceCatalogue, Rates, Terms, UnpricedModel};
use proptest::prelude::{Just, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn tokens(input: u64, output: u64) -> TokenCounts {
    TokenCounts {
        input,
        output,
        ..TokenCounts::default()
    }
}

fn of(counts: [u64; 5]) -> Usage {
    let [input, cache_read, cache_write_5m, cache_write_1h, output] = counts;
    Usage {
        tokens: TokenCounts {
            input,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            output,
            reasoning: 0,
        },
        ..Usage::default()
    }
}

fn part(model: Option<&str>, tokens: TokenCounts) -> UsagePart {
    UsagePart {
        model: model.map(str::to_owned),
        tokens,
    }
}

fn charge(usage: &Usage) -> Result<(String, String), UnpricedModel> {
    let account = AccountId::NIL;
    let catalogue = PriceCatalogue::embedded();
    let charge = catalogue.charge(
        account,
        ProviderKind::Anthropic,
        "claude-sonnet-4-5",
        now(),
        usage,
    )?;
    Ok((charge.cost.to_string(), charge.price_version))
}

#[test]
fn calls_of_their_own_are_charged_each_by_its_model_and_its_tier() {
    let usage = Usage {
        tokens: tokens(1000 + 2000 + 199_000, 100 + 200),
        parts: vec![
            part(Some("claude-opus-5"), tokens(2000, 200)),
            part(None, tokens(199_000, 0)),
        ],
        web_searches: 1,
        ..Usage::default()
    };
    // Sonnet 4.5: 0.0045 + 0.01 for the search + 0.597, none of it beyond 200,000; Opus 5: 0.01 + 0.005.
    let versions = "2026-11-22/claude-sonnet-4-5+2026-11-22/claude-opus-5";
    assert_eq!(charge(&usage), Ok(("0.6265".to_owned(), versions.to_owned())));
}

#[test]
fn a_model_that_used_nothing_itself_needs_no_price() {
    let usage = Usage {
        tokens: tokens(1000, 0),
        parts: vec![part(Some("claude-opus-5"), tokens(1000, 0))],
        ..Usage::default()
    };
    let version = "2026-11-22/claude-opus-5".to_owned();
    assert_eq!(charge(&usage), Ok(("0.005".to_owned(), version)));
}

#[test]
fn one_model_without_a_price_leaves_the_whole_open() {
    let usage = Usage {
        tokens: tokens(1000, 0),
        parts: vec![part(Some("no-such-model"), tokens(1, 0))],
        ..Usage::default()
    };
    let model = "no-such-model".to_owned();
    assert_eq!(charge(&usage), Err(UnpricedModel { model }));
}

proptest! {
    #[test]
    fn more_tokens_never_cost_less(
        place in any::<proptest::sample::Index>(),
        counts in proptest::array::uniform5(0..600_000_u64),
        more in proptest::array::uniform5(prop_oneof![Just(0), 0..600_000_u64]),
        tier in prop_oneof![Just(None), Just(Some("batch")), Just(Some("priority")), Just(Some("flex"))],
    ) {
        let catalogue = PriceCatalogue::embedded();
        let list = catalogue.list(now());
        let listed = place.get(&list);
        let price = catalogue.find(listed.provider.unwrap(), &listed.model, now()).unwrap();
        let cost = |counts| {
            let usage = Usage { service_tier: tier.map(str::to_owned), ..of(counts) };
            price.cost(&usage)
        };
        let mut larger = counts;
        for (count, more) in larger.iter_mut().zip(more) {
            *count += more;
        }
        prop_assert!(cost(larger) >= cost(counts), "{} {counts:?} {larger:?}", listed.model);
    }

    #[test]
    fn splitting_a_request_is_worth_half_a_nano_dollar_at_most(
        parts in proptest::collection::vec(proptest::array::uniform5(0..1_000_u64), 1..6),
        picos in proptest::array::uniform5(0..100_000_000_i64),
    ) {
        let rate = PicodollarsPerToken::from_picos;
        let price = OperatorPrice {
            id: PriceId::random(),
            account_id: None,
            model: "own".to_owned(),
            terms: Terms::Rates(
                Rates {
                    input: rate(picos[0]),
                    cache_read: Some(rate(picos[1])),
                    cache_write_5m: Some(rate(picos[2])),
                    cache_write_1h: Some(rate(picos[3])),
                    output: rate(picos[4]),
                }
                .into(),
            ),
            effective_from: now(),
            ended_at: None,
        };
        let catalogue = PriceCatalogue::embedded().with_overrides(vec![price]);
        let price = catalogue.find(ProviderKind::OpenAi, "own", now()).unwrap();
        for counts in parts {
            let exact: i128 = counts.iter().zip(picos).map(|(count, rate)| i128::from(*count) * i128::from(rate)).sum();
            let cost = i128::from(price.cost(&of(counts)).as_nanos());
            prop_assert!((cost * 1000 - exact).abs() <= 500);
        }
    }

    #[test]
    fn parts_of_one_model_cost_what_the_model_does(
        counts in proptest::array::uniform5(0..10_000_u64),
        own in proptest::array::uniform5(0..10_000_u64),
    ) {
        let whole = Usage { tokens: of(counts).tokens + of(own).tokens, ..Usage::default() };
        let split = Usage { parts: vec![part(None, of(counts).tokens)], ..whole.clone() };
        // Short enough for one tier.
        prop_assert_eq!(charge(&whole), charge(&split));
    }

    #[test]
    fn no_part_is_too_large(counts in proptest::array::uniform5(prop_oneof![any::<u64>(), Just(u64::MAX)])) {
        let usage = Usage {
            parts: vec![part(Some("claude-opus-5"), of(counts).tokens), part(None, of(counts).tokens)],
            ..of(counts)
        };
        let charge = PriceCatalogue::embedded()
            .charge(AccountId::NIL, ProviderKind::Anthropic, "claude-sonnet-4-5", now(), &usage)
            .unwrap();
        prop_assert!(charge.cost >= Nanodollars::ZERO);
    }
}
