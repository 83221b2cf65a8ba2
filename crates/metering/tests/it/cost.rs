use gateway_domain::{
    Nanodollars, PicodollarsPerToken, PriceId, ProviderKind, Timestamp, TokenCounts, Usage,
};
use gateway_metering::{OperatorPrice, Price, PriceCatalogue, Rates, Terms};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};

const NOW: &str = "2026-11-22T12:00:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn tokens(tokens: TokenCounts) -> Usage {
    Usage {
        tokens,
        ..Usage::default()
    }
}

fn thousands(input: u64, cache_read: u64, cache_write_5m: u64, cache_write_1h: u64, output: u64) -> Usage {
    tokens(TokenCounts {
        input: input * 1000,
        cache_read: cache_read * 1000,
        cache_write_5m: cache_write_5m * 1000,
        cache_write_1h: cache_write_1h * 1000,
        output: output * 1000,
        reasoning: 0,
    })
}

#[track_caller]
fn check_at(provider: ProviderKind, model: &str, time: &str, usage: &Usage, dollars: &str) {
    let catalogue = PriceCatalogue::embedded();
    let price = catalogue
        .find(provider, model, at(time))
        .expect("the model has a price");
    assert_eq!(price.cost(usage), dollars.parse().unwrap(), "{model}");
}

#[track_caller]
fn check(model: &str, usage: &Usage, dollars: &str) {
    check_at(ProviderKind::Anthropic, model, NOW, usage, dollars);
}

fn usage_of(tier: Option<&str>, speed: Option<&str>, geo: Option<&str>, usage: &Usage) -> Usage {
    Usage {
        service_tier: tier.map(str::to_owned),
        speed: speed.map(str::to_owned),
        inference_geo: geo.map(str::to_owned),
        ..usage.clone()
    }
}

#[test]
fn each_kind_of_token_has_its_own_rate() {
    let model = "claude-sonnet-4-5-20250929";
    check(model, &thousands(100, 0, 0, 0, 0), "0.3");
    check(model, &thousands(0, 100, 0, 0, 0), "0.03");
    check(model, &thousands(0, 0, 100, 0, 0), "0.375");
    check(model, &thousands(0, 0, 0, 100, 0), "0.6");
    check(model, &thousands(0, 0, 0, 0, 100), "1.5");
    check(model, &thousands(10, 20, 30, 40, 50), "1.1385");
    // Not every model reads its cache at a tenth.
    check("claude-opus-5-5", &thousands(0, 1000, 0, 0, 0), "0.2");
    check("claude-fable-5-1", &thousands(0, 1000, 0, 0, 0), "0.25");
}

#[test]
fn reasoning_is_a_part_of_output() {
    let mut usage = thousands(0, 0, 0, 0, 100);
    usage.tokens.reasoning = 90_000;
    check("claude-sonnet-4-5", &usage, "1.5");
}

#[test]
fn a_long_prompt_is_charged_at_its_tier_throughout() {
    let model = "claude-sonnet-4-5";
    check(model, &thousands(200, 0, 0, 0, 10), "0.75");
    check(model, &thousands(201, 0, 0, 0, 10), "1.431");
    // Caches count towards the prompt, the output does not.
    check(model, &thousands(1, 150, 50, 0, 10), "0.696");
    check(model, &thousands(1, 0, 0, 200, 0), "2.406");
    check(model, &thousands(1, 0, 0, 0, 300), "4.503");
    check("claude-haiku-5-5", &thousands(100, 0, 0, 0, 10), "0.015");
    check("claude-haiku-5-5", &thousands(101, 0, 0, 0, 10), "0.0755");
    check_at(
        ProviderKind::Gemini,
        "gemini-2.5-pro",
        NOW,
        &thousands(250, 50, 0, 0, 10),
        "0.7875",
    );
    check_at(
        ProviderKind::OpenAi,
        "gpt-6-sol",
        NOW,
        &thousands(300, 0, 0, 0, 10),
        "1.35",
    );
}

#[test]
fn the_way_of_being_served_that_the_answer_names_has_its_own_rates() {
    let model = "claude-opus-5";
    let usage = &thousands(10, 10, 10, 10, 10);
    check(model, usage, "0.4675");
    check(
        model,
        &usage_of(Some("standard"), Some("standard"), Some("global"), usage),
        "0.4675",
    );
    check(model, &usage_of(Some("batch"), None, None, usage), "0.23375");
    check(model, &usage_of(None, Some("fast"), None, usage), "0.935");
    check(model, &usage_of(None, None, Some("us"), usage), "0.51425");
    check(model, &usage_of(None, Some("fast"), Some("us"), usage), "1.0285");
    check(
        model,
        &usage_of(Some("batch"), None, Some("US"), usage),
        "0.257125",
    );
    // Anthropic's priority tier is paid for beforehand and has no list price.
    check(model, &usage_of(Some("priority"), None, None, usage), "0.4675");
    let openai = |tier: &str, dollars: &str| {
        let usage = usage_of(Some(tier), None, None, usage);
        check_at(ProviderKind::OpenAi, "gpt-6.1-terra", NOW, &usage, dollars);
    };
    openai("default", "0.0855");
    openai("flex", "0.04275");
    openai("batch", "0.04275");
    openai("priority", "0.171");
    openai("fast", "0.171");
}

#[test]
fn a_variant_keeps_the_standard_rate_of_what_it_does_not_list() {
    // Batch halves input and output of both tiers, but not the cache reads.
    let batch = |usage: Usage| usage_of(Some("BATCH"), None, None, &usage);
    check_at(
        ProviderKind::Gemini,
        "gemini-2.5-pro",
        NOW,
        &batch(thousands(100, 100, 0, 0, 10)),
        "0.125",
    );
    check_at(
        ProviderKind::Gemini,
        "gemini-2.5-pro",
        NOW,
        &batch(thousands(100, 200, 0, 0, 10)),
        "0.25",
    );
}

#[test]
fn searches_of_the_web_are_charged_each() {
    let usage = |web_searches| Usage {
        web_searches,
        ..thousands(1, 0, 0, 0, 0)
    };
    check("claude-sonnet-4-5", &usage(1), "0.013");
    check("claude-sonnet-4-5", &usage(1000), "10.003");
    check_at(
        ProviderKind::Gemini,
        "gemini-3.1-pro-preview",
        NOW,
        &usage(3),
        "0.044",
    );
    // The premium of a geography is on tokens alone.
    check(
        "claude-opus-5",
        &usage_of(None, None, Some("us"), &usage(1)),
        "0.0155",
    );
}

#[test]
fn prices_and_variants_have_their_days() {
    let (before, from) = ("2026-03-12T23:59:59.999999Z", "2026-03-13T00:00:00Z");
    let long = thousands(400, 0, 0, 0, 0);
    check_at(ProviderKind::Anthropic, "claude-opus-4-6", before, &long, "4.0");
    check_at(ProviderKind::Anthropic, "claude-opus-4-6", from, &long, "2.0");
    let batch = usage_of(Some("batch"), None, None, &thousands(100, 0, 0, 0, 10));
    for (time, dollars) in [
        ("2026-10-13T00:00:00Z", "0.1125"),
        ("2026-12-31T23:59:59Z", "0.05625"),
        ("2027-01-01T00:00:00Z", "0.1125"),
    ] {
        check_at(ProviderKind::Gemini, "gemini-3.8-flash", time, &batch, dollars);
    }
}

#[test]
fn rates_that_are_not_listed_fall_back() {
    let rates = |cache_write_5m: Option<&str>| Rates {
        input: "1".parse().unwrap(),
        output: "2".parse().unwrap(),
        cache_read: None,
        cache_write_5m: cache_write_5m.map(|rate| rate.parse().unwrap()),
        cache_write_1h: None,
    };
    let cost = |rates, usage: &Usage| own_price(rates).find_own().cost(usage);
    assert_eq!(
        cost(rates(None), &thousands(0, 1000, 1000, 1000, 0)),
        "3".parse().unwrap()
    );
    assert_eq!(
        cost(rates(Some("4")), &thousands(0, 0, 0, 1000, 0)),
        "4".parse().unwrap()
    );
}

#[test]
fn what_is_free_costs_nothing_and_what_is_not_sold_by_the_token_has_no_price() {
    check_at(
        ProviderKind::Gemini,
        "gemma-4-31b-it",
        NOW,
        &thousands(1, 1, 1, 1, 1),
        "0",
    );
    for model in ["whisper-1", "tts-1", "gpt-live-1"] {
        assert!(
            PriceCatalogue::embedded()
                .find(ProviderKind::OpenAi, model, at(NOW))
                .is_none(),
            "{model}"
        );
    }
}

#[test]
fn sums_are_rounded_once_and_half_to_even() {
    let rate = |picos| PicodollarsPerToken::from_picos(picos);
    let catalogue = own_price(Rates {
        input: rate(250),
        output: rate(250),
        cache_read: Some(rate(1)),
        cache_write_5m: None,
        cache_write_1h: None,
    });
    let cost = |input, cache_read, output| {
        let usage = tokens(TokenCounts {
            input,
            cache_read,
            output,
            ..TokenCounts::default()
        });
        catalogue.find_own().cost(&usage).as_nanos()
    };
    assert_eq!(cost(1, 0, 1), 0);
    assert_eq!(cost(1, 1, 1), 1);
    assert_eq!(cost(3, 0, 3), 2);
    assert_eq!(cost(5, 0, 5), 2);
    assert_eq!(cost(2, 0, 2), 1);
}

/// A catalogue with one operator's price, for the model `own`.
struct OwnPrice(PriceCatalogue);

impl OwnPrice {
    fn find_own(&self) -> Price<'_> {
        self.0.find(ProviderKind::OpenAi, "own", at(NOW)).unwrap()
    }
}

fn own_price(rates: Rates) -> OwnPrice {
    OwnPrice(PriceCatalogue::embedded().with_overrides(vec![OperatorPrice {
        id: PriceId::random(),
        account_id: None,
        model: "own".to_owned(),
        terms: Terms::Rates(rates.into()),
        effective_from: at(NOW),
        ended_at: None,
    }]))
}

fn any_usage(count: impl Strategy<Value = u64> + Clone) -> impl Strategy<Value = Usage> {
    let word = |word: &'static str| prop_oneof![Just(None), Just(Some(word))];
    (
        [
            count.clone(),
            count.clone(),
            count.clone(),
            count.clone(),
            count.clone(),
            count,
        ],
        word("batch"),
        word("fast"),
        word("us"),
    )
        .prop_map(
            |(
                [
                    input,
                    cache_read,
                    cache_write_5m,
                    cache_write_1h,
                    output,
                    web_searches,
                ],
                tier,
                speed,
                geo,
            )| {
                let counts = TokenCounts {
                    input,
                    cache_read,
                    cache_write_5m,
                    cache_write_1h,
                    output,
                    reasoning: 0,
                };
                let usage = Usage {
                    web_searches,
                    ..tokens(counts)
                };
                usage_of(tier, speed, geo, &usage)
            },
        )
}

proptest! {
    #[test]
    fn costs_add_up_to_the_rounding(usage in any_usage(0..50_000_u64), parts in 1..5_u64) {
        let price = PriceCatalogue::embedded();
        let price = price.find(ProviderKind::Anthropic, "claude-opus-5-5", at(NOW)).unwrap();
        let mut whole = usage.clone();
        let counts = &mut whole.tokens;
        for count in [&mut counts.input, &mut counts.cache_read, &mut counts.cache_write_5m,
            &mut counts.cache_write_1h, &mut counts.output, &mut whole.web_searches] {
            *count *= parts;
        }
        let part = price.cost(&usage).as_nanos();
        let parts = i64::try_from(parts).unwrap();
        prop_assert!((price.cost(&whole).as_nanos() - part * parts).abs() <= parts);
    }

    #[test]
    fn no_count_is_too_large(usage in any_usage(prop_oneof![any::<u64>(), Just(u64::MAX)])) {
        let catalogue = PriceCatalogue::embedded();
        for listed in catalogue.list(at(NOW)) {
            let provider = listed.provider.unwrap();
            let price = catalogue.find(provider, &listed.model, at(NOW)).unwrap();
            prop_assert!(price.cost(&usage) >= Nanodollars::ZERO);
        }
    }

    #[test]
    fn no_rate_is_too_large(usage in any_usage(any::<u64>()), picos in any::<[i64; 5]>()) {
        let rate = PicodollarsPerToken::from_picos;
        let catalogue = own_price(Rates {
            input: rate(picos[0]),
            output: rate(picos[1]),
            cache_read: Some(rate(picos[2])),
            cache_write_5m: Some(rate(picos[3])),
            cache_write_1h: Some(rate(picos[4])),
        });
        prop_assert!(catalogue.find_own().cost(&usage) >= Nanodollars::ZERO);
    }
}
