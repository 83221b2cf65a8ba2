use gateway_domain::{AccountId, PriceFactor, PriceId, ProviderKind, Timestamp, TokenCounts, Usage};
use gateway_metering::{
    ListedPrice, ListedTier, OperatorPrice, PriceCatalogue, PriceSource, RateSheet, Rates, Terms,
};

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// Which entry of the shipped list prices a name.
fn entry(provider: ProviderKind, model: &str) -> Option<String> {
    PriceCatalogue::embedded()
        .find(provider, model, now())
        .map(|price| price.version().into_owned())
}

#[test]
fn every_model_is_found_by_its_own_id() {
    let file: serde_json::Value = serde_json::from_str(include_str!("../../prices.json")).unwrap();
    let models = file["models"].as_array().unwrap();
    let (mut found, mut not_by_token) = (0, Vec::new());
    for model in models {
        let id = model["id"].as_str().unwrap();
        let provider = match model["provider"].as_str().unwrap() {
            "anthropic" => ProviderKind::Anthropic,
            "google" => ProviderKind::Gemini,
            "openai" => ProviderKind::OpenAi,
            _ => continue,
        };
        match entry(provider, id) {
            Some(version) => {
                assert_eq!(version, format!("2026-11-22/{id}"));
                found += 1;
            }
            None => not_by_token.push(id),
        }
    }
    assert_eq!(found, 202);
    // By the hour or by the character.
    assert_eq!(
        not_by_token,
        [
            "gpt-live-1",
            "gpt-live-transcribe",
            "gpt-realtime-translate",
            "gpt-realtime-whisper",
            "gpt-transcribe",
            "tts-1",
            "tts-1-hd",
            "whisper-1"
        ]
    );
}

#[test]
fn other_names_of_a_model_are_known() {
    let cases = [
        (
            ProviderKind::Anthropic,
            "claude-sonnet-4-5-20250929",
            "claude-sonnet-4-5",
        ),
        (
            ProviderKind::Anthropic,
            "claude-haiku-5-5-20261001",
            "claude-haiku-5-5",
        ),
        (ProviderKind::Anthropic, "claude-opus-5", "claude-opus-5"),
        (ProviderKind::OpenAi, "gpt-4o-2024-08-06", "gpt-4o"),
        (ProviderKind::OpenAi, "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        (ProviderKind::OpenAi, "GPT-4o", "gpt-4o"),
        (ProviderKind::Gemini, "gemini-2.5-pro", "gemini-2.5-pro"),
        (
            ProviderKind::Gemini,
            "gemini-2.5-pro-preview-tts",
            "gemini-2.5-pro-tts",
        ),
    ];
    for (provider, model, id) in cases {
        // Twice: the second answer comes from memory.
        for _ in 0..2 {
            assert_eq!(
                entry(provider, model),
                Some(format!("2026-11-22/{id}")),
                "{model}"
            );
        }
    }
}

#[test]
fn unknown_models_have_no_price() {
    let long = "x".repeat(10_000);
    let unknown = [
        "",
        "claude",
        "claude-opus-9",
        "gpt",
        "llama-3-70b",
        "deepseek-chat",
        long.as_str(),
    ];
    for model in unknown {
        for provider in ProviderKind::ALL {
            assert_eq!(entry(provider, model), None, "{provider} {model}");
        }
    }
    // Each provider has its own list.
    assert_eq!(entry(ProviderKind::OpenAi, "claude-opus-5"), None);
    assert_eq!(entry(ProviderKind::Anthropic, "gpt-6-sol"), None);
}

#[test]
fn a_flood_of_names_changes_no_answer() {
    let catalogue = PriceCatalogue::embedded();
    for number in 0..5000 {
        let name = format!("no-such-model-{number}");
        assert!(catalogue.find(ProviderKind::OpenAi, &name, now()).is_none());
    }
    assert!(catalogue.find(ProviderKind::OpenAi, "gpt-6-sol", now()).is_some());
}

#[test]
fn a_name_that_fits_two_entries_has_no_price() {
    let catalogue = PriceCatalogue::from_json(
        r#"{"schema":"llm-prices/1","extracted_at":"2026-11-22","currency":"USD","models":[
            {"id":"a","provider":"openai","match":{"contains":"a"},"prices":[{"usd":{"input":"1","output":"1"}}]},
            {"id":"ab","provider":"openai","match":{"contains":"b"},"prices":[{"usd":{"input":"2","output":"2"}}]}]}"#,
    )
    .unwrap();
    let find = |model| {
        catalogue
            .find(ProviderKind::OpenAi, model, now())
            .map(|price| price.rates().input.to_string())
    };
    assert_eq!(find("ab").as_deref(), Some("2.0"));
    assert_eq!(find("ca").as_deref(), Some("1.0"));
    assert_eq!(find("bab"), None);
}

#[test]
fn a_list_that_is_not_understood_is_refused() {
    let list = |model: &str| {
        format!(
            r#"{{"schema":"llm-prices/1","extracted_at":"2026-11-22","currency":"USD","models":[{model}]}}"#
        )
    };
    let model = |rest: &str| {
        list(&format!(
            r#"{{"id":"m","provider":"openai","match":{{"equals":"m"}},{rest}}}"#
        ))
    };
    let cases = [
        "[]".to_owned(),
        list("").replace("llm-prices/1", "llm-prices/2"),
        list("").replace("USD", "EUR"),
        model(r#""prices":[{"usd":{"input":"-1"}}]"#),
        model(r#""prices":[{"usd":{"input":"0.0000001"}}]"#),
        model(r#""prices":[{"when":{"start_time":"00:00"},"usd":{"input":"1"}}]"#),
        model(r#""prices":[{"when":{"start_date":"soon"},"usd":{"input":"1"}}]"#),
        model(r#""prices":[],"variants":[{"when":{"mood":"good"},"usd":{"input":"1"}}]"#),
        model(r#""prices":[],"match":{"sounds_like":"m"}"#),
    ];
    assert!(PriceCatalogue::from_json(&list("")).is_ok());
    assert!(PriceCatalogue::from_json(&model(r#""prices":[{"usd":{"input":"1"}}]"#)).is_ok());
    for json in cases {
        assert!(PriceCatalogue::from_json(&json).is_err(), "{json}");
    }
}

fn own(model: &str, input: &str, effective_from: &str) -> OperatorPrice {
    OperatorPrice {
        id: PriceId::random(),
        account_id: None,
        model: model.to_owned(),
        terms: Terms::Rates(flat(input).into()),
        effective_from: effective_from.parse().unwrap(),
        ended_at: None,
    }
}

fn flat(input: &str) -> Rates {
    Rates {
        input: input.parse().unwrap(),
        output: "0".parse().unwrap(),
        cache_read: None,
        cache_write_5m: None,
        cache_write_1h: None,
    }
}

fn input_tokens(input: u64) -> Usage {
    Usage {
        tokens: TokenCounts {
            input,
            ..TokenCounts::default()
        },
        ..Usage::default()
    }
}

#[test]
fn an_operators_price_comes_first_and_knows_no_variants() {
    let price = own("claude-sonnet-4-5", "1", "2026-11-01T00:00:00Z");
    let version = format!("operator/{}", price.id);
    let catalogue = PriceCatalogue::embedded().with_overrides(vec![price]);
    let usage = Usage {
        web_searches: 1,
        service_tier: Some("batch".to_owned()),
        inference_geo: Some("us".to_owned()),
        ..input_tokens(1_000_000)
    };
    for model in ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929"] {
        let found = catalogue.find(ProviderKind::Anthropic, model, now()).unwrap();
        assert_eq!(found.version(), version);
        assert_eq!(found.cost(&usage), "1.01".parse().unwrap());
    }
    let before = "2026-10-31T23:59:59Z".parse().unwrap();
    let found = catalogue
        .find(ProviderKind::Anthropic, "claude-sonnet-4-5", before)
        .unwrap();
    assert_eq!(found.version(), "2026-11-22/claude-sonnet-4-5");
    assert!(
        catalogue
            .find(ProviderKind::Anthropic, "claude-sonnet-4-6", now())
            .unwrap()
            .version()
            .starts_with("2026")
    );
}

#[test]
fn the_latest_price_that_has_begun_counts() {
    let catalogue = PriceCatalogue::embedded().with_overrides(vec![
        own("llama-3", "2", "2026-11-02T00:00:00Z"),
        own("llama-3", "3", "2026-12-01T00:00:00Z"),
        own("llama-3", "1", "2026-11-01T00:00:00Z"),
    ]);
    let input = |time: &str| {
        let price = catalogue.find(ProviderKind::OpenAi, "llama-3", time.parse().unwrap())?;
        Some(price.rates().input.to_string())
    };
    assert_eq!(input("2026-10-31T00:00:00Z"), None);
    assert_eq!(input("2026-11-01T00:00:00Z").as_deref(), Some("1.0"));
    assert_eq!(input("2026-11-22T00:00:00Z").as_deref(), Some("2.0"));
    assert_eq!(input("2026-12-22T00:00:00Z").as_deref(), Some("3.0"));
    // Other overrides take their place.
    let without = catalogue.with_overrides(Vec::new());
    assert!(without.find(ProviderKind::OpenAi, "llama-3", now()).is_none());
}

#[test]
fn a_price_that_was_taken_back_counts_until_then() {
    let ended = OperatorPrice {
        ended_at: Some("2026-11-10T00:00:00Z".parse().unwrap()),
        ..own("gpt-6-sol", "2", "2026-11-01T00:00:00Z")
    };
    let again = own("gpt-6-sol", "3", "2026-11-20T00:00:00Z");
    let catalogue = PriceCatalogue::embedded().with_overrides(vec![
        own("gpt-6-sol", "1", "2026-10-01T00:00:00Z"),
        ended.clone(),
        again.clone(),
    ]);
    let version = |time: &str| {
        let price = catalogue.find(ProviderKind::OpenAi, "gpt-6-sol", time.parse().unwrap());
        price.unwrap().version().into_owned()
    };
    assert_eq!(version("2026-11-09T23:59:59Z"), ended.version());
    assert_eq!(version("2026-11-10T00:00:00Z"), "2026-11-22/gpt-6-sol");
    assert_eq!(version("2026-11-20T00:00:00Z"), again.version());
}

#[test]
fn of_two_prices_that_begin_at_once_the_one_made_later_counts() {
    let (first, second) = (
        own("llama-3", "1", "2026-11-01T00:00:00Z"),
        own("llama-3", "2", "2026-11-01T00:00:00Z"),
    );
    let catalogue = PriceCatalogue::embedded().with_overrides(vec![first, second.clone()]);
    let found = catalogue.find(ProviderKind::OpenAi, "llama-3", now()).unwrap();
    assert_eq!(found.version(), second.version());
}

#[test]
fn a_price_that_was_set_may_have_tiers_and_a_price_for_searches() {
    let sheet = RateSheet {
        tiers: vec![
            ListedTier {
                above_input_tokens: 500_000,
                rates: flat("4"),
            },
            ListedTier {
                above_input_tokens: 200_000,
                rates: flat("2"),
            },
        ],
        web_searches_per_1k: Some("5".parse().unwrap()),
        ..flat("1").into()
    };
    let price = OperatorPrice {
        terms: Terms::Rates(sheet),
        ..own("claude-sonnet-4-5", "1", "2026-11-01T00:00:00Z")
    };
    let catalogue = PriceCatalogue::embedded().with_overrides(vec![price]);
    let found = catalogue
        .find(ProviderKind::Anthropic, "claude-sonnet-4-5", now())
        .unwrap();
    for (input, dollars) in [
        (200_000, "0.2"),
        (200_001, "0.400002"),
        (500_000, "1"),
        (1_000_000, "4"),
    ] {
        assert_eq!(
            found.cost(&input_tokens(input)),
            dollars.parse().unwrap(),
            "{input}"
        );
    }
    let searches = Usage {
        web_searches: 3,
        ..input_tokens(0)
    };
    assert_eq!(found.cost(&searches), "0.015".parse().unwrap());
    let row = catalogue
        .list(now())
        .into_iter()
        .find(|row| row.model == "claude-sonnet-4-5")
        .unwrap();
    let thresholds: Vec<_> = row.tiers.iter().map(|tier| tier.above_input_tokens).collect();
    assert_eq!(thresholds, [200_000, 500_000]);
    assert_eq!(row.web_searches_per_1k, Some("5".parse().unwrap()));
}

#[test]
fn an_accounts_own_price_comes_before_all_others() {
    let account = AccountId::random();
    let at_account = |model: &str, terms| OperatorPrice {
        account_id: Some(account),
        terms,
        ..own(model, "0", "2026-11-01T00:00:00Z")
    };
    let rates = at_account("claude-sonnet-4-5", Terms::Rates(flat("2").into()));
    let factor = at_account(
        OperatorPrice::EVERY_MODEL,
        Terms::Factor(PriceFactor::from_millionths(750_000)),
    );
    let operators = own("claude-opus-5", "8", "2026-11-01T00:00:00Z");
    let catalogue =
        PriceCatalogue::embedded().with_overrides(vec![rates.clone(), factor.clone(), operators.clone()]);
    let find = |account, model: &str, usage: &Usage| {
        let price = catalogue.find_at(account, ProviderKind::Anthropic, model, now())?;
        Some((price.version().into_owned(), price.cost(usage).to_string()))
    };
    let million = input_tokens(1_000_000);
    let found = |version: String, dollars: &str| Some((version, dollars.to_owned()));

    let own_rates = found(rates.version(), "2.0");
    assert_eq!(find(account, "claude-sonnet-4-5", &million), own_rates);
    // Under every name of the model that it was set for.
    assert_eq!(find(account, "claude-sonnet-4-5-20250929", &million), own_rates);
    let share = format!("{}/{}", factor.version(), operators.version());
    assert_eq!(find(account, "claude-opus-5", &million), found(share, "6.0"));

    // A share keeps tiers, variants, premiums and searches: $2.50 batch input, half of it beyond 1.1 times for `us`.
    let usage = Usage {
        web_searches: 100,
        service_tier: Some("batch".to_owned()),
        inference_geo: Some("us".to_owned()),
        ..million.clone()
    };
    let share = format!("{}/2026-11-22/claude-opus-5-5", factor.version());
    let whole = catalogue
        .find(ProviderKind::Anthropic, "claude-opus-5-5", now())
        .unwrap()
        .cost(&usage);
    let three_quarters = (whole.as_nanos() * 3 / 4).to_string();
    let (version, dollars) = find(account, "claude-opus-5-5", &usage).unwrap();
    assert_eq!(version, share);
    assert_eq!(
        dollars
            .parse::<gateway_domain::Nanodollars>()
            .unwrap()
            .as_nanos()
            .to_string(),
        three_quarters
    );

    // A share of nothing known is not known either; other accounts pay what everybody does.
    assert_eq!(find(account, "llama-3", &million), None);
    let other = AccountId::random();
    assert_eq!(
        find(other, "claude-opus-5", &million),
        found(operators.version(), "8.0")
    );
    let listed = "2026-11-22/claude-sonnet-4-5".to_owned();
    assert_eq!(
        find(other, "claude-sonnet-4-5", &input_tokens(1000)),
        found(listed, "0.003")
    );
    let models = |account| -> Vec<&str> {
        let own = catalogue.list_of(account, now());
        own.into_iter().map(|price| price.model.as_str()).collect()
    };
    assert_eq!(models(account), ["*", "claude-sonnet-4-5"]);
    assert_eq!(models(other), [""; 0]);
    assert!(
        catalogue
            .list(now())
            .iter()
            .all(|row| row.version != rates.version())
    );
}

#[test]
fn a_share_shows_in_the_rates_and_is_rounded_with_the_sum() {
    let account = AccountId::random();
    let catalogue = PriceCatalogue::embedded().with_overrides(vec![
        own("own", "0.000003", "2026-11-01T00:00:00Z"),
        OperatorPrice {
            account_id: Some(account),
            terms: Terms::Factor(PriceFactor::from_millionths(500_000)),
            ..own("own", "0", "2026-11-01T00:00:00Z")
        },
    ]);
    let price = catalogue
        .find_at(account, ProviderKind::OpenAi, "own", now())
        .unwrap();
    // 3 pico-dollars a token: half of that is 1.5, shown as 2, but a thousand tokens cost 1.5 nano-dollars.
    assert_eq!(price.rates().input.as_picos(), 2);
    assert_eq!(price.cost(&input_tokens(1000)).as_nanos(), 2);
    assert_eq!(price.cost(&input_tokens(2000)).as_nanos(), 3);
}

#[test]
fn a_list_of_ones_own_says_so() {
    let json = include_str!("../../prices.json");
    let catalogue = PriceCatalogue::from_json(json).unwrap();
    let price = catalogue.find(ProviderKind::OpenAi, "gpt-6-sol", now()).unwrap();
    assert_eq!(price.version(), "file/2026-11-22/gpt-6-sol");
    assert!(
        catalogue
            .list(now())
            .iter()
            .all(|row| row.source == PriceSource::File)
    );
}

fn rates(input: &str, output: &str, cache_read: &str, cache_write_5m: &str, cache_write_1h: &str) -> Rates {
    Rates {
        input: input.parse().unwrap(),
        output: output.parse().unwrap(),
        cache_read: Some(cache_read.parse().unwrap()),
        cache_write_5m: Some(cache_write_5m.parse().unwrap()),
        cache_write_1h: Some(cache_write_1h.parse().unwrap()),
    }
}

#[test]
fn the_list_shows_what_is_in_force() {
    let shipped = PriceCatalogue::embedded();
    let catalogue = shipped.with_overrides(vec![
        own("claude-sonnet-4-5", "1", "2026-11-01T00:00:00Z"),
        own("llama-3", "2", "2026-11-02T00:00:00Z"),
        own("gpt-6-sol", "2", "2030-01-01T00:00:00Z"),
    ]);
    let list = catalogue.list(now());
    let rows = |model: &str| -> Vec<&ListedPrice> { list.iter().filter(|row| row.model == model).collect() };
    let replaced = rows("claude-sonnet-4-5");
    assert_eq!(replaced.len(), 1);
    assert_eq!(
        (replaced[0].source, replaced[0].provider),
        (PriceSource::Operator, None)
    );
    assert_eq!(rows("llama-3").len(), 1);
    assert_eq!(rows("gpt-6-sol")[0].source, PriceSource::Shipped);
    let (anthropics, googles) = (rows("claude-haiku-5-5")[0], rows("claude-haiku-5-5")[1]);
    assert_eq!(
        *anthropics,
        ListedPrice {
            model: "claude-haiku-5-5".to_owned(),
            provider: Some(ProviderKind::Anthropic),
            rates: rates("0.1", "0.5", "0.01", "0.125", "0.2"),
            tiers: vec![ListedTier {
                above_input_tokens: 100_000,
                rates: rates("0.5", "2.5", "0.05", "0.625", "1"),
            }],
            web_searches_per_1k: Some("10".parse().unwrap()),
            context_window: Some(1_000_000),
            max_output_tokens: Some(128_000),
            version: "2026-11-22/claude-haiku-5-5".to_owned(),
            effective_from: None,
            source: PriceSource::Shipped,
        }
    );
    assert_eq!(
        (googles.provider, googles.rates),
        (Some(ProviderKind::Gemini), anthropics.rates)
    );
    let dated = rows("claude-opus-4-6")[0];
    assert_eq!(
        dated.effective_from,
        Some("2026-03-13T00:00:00Z".parse().unwrap())
    );
    assert_eq!(dated.tiers, []);
    assert!(list.is_sorted_by_key(|row| (&row.model, row.provider)));
}

#[test]
fn models_of_a_provider_are_its_own_and_current() {
    let catalogue = PriceCatalogue::embedded();
    assert_eq!(
        catalogue.models_of(ProviderKind::Anthropic),
        [
            "claude-fable-5",
            "claude-fable-5-1",
            "claude-haiku-4-5",
            "claude-haiku-5-5",
            "claude-opus-4-5",
            "claude-opus-4-6",
            "claude-opus-4-7",
            "claude-opus-4-8",
            "claude-opus-5",
            "claude-opus-5-5",
            "claude-sonnet-4-5",
            "claude-sonnet-4-6",
            "claude-sonnet-5",
            "claude-sonnet-5-5"
        ]
    );
    let gemini = catalogue.models_of(ProviderKind::Gemini);
    assert!(gemini.contains(&"gemini-3.8-flash") && gemini.contains(&"gemma-4-31b-it"));
    // Retired, past its end, and somebody else's.
    for absent in ["gemini-1.5-pro", "gemini-2.0-flash", "claude-opus-5"] {
        assert!(!gemini.contains(&absent), "{absent}");
    }
    let openai = catalogue.models_of(ProviderKind::OpenAi);
    assert!(openai.contains(&"gpt-6-sol") && openai.contains(&"o3"));
    for absent in ["gpt-3.5-0301", "whisper-1", "text-embedding-3-small"] {
        assert!(!openai.contains(&absent), "{absent}");
    }
}
