use gateway_domain::{PriceId, ProviderKind, Timestamp, TokenCounts, Usage};
use gateway_metering::{ListedPrice, ListedTier, OperatorPrice, PriceCatalogue, PriceSource, Rates};

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// Which entry of the shipped list prices a name.
fn entry(provider: ProviderKind, model: &str) -> Option<String> {
    PriceCatalogue::embedded()
        .find(provider, model, now())
        .map(|price| price.version().to_owned())
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
        model: model.to_owned(),
        rates: Rates {
            input: input.parse().unwrap(),
            output: "0".parse().unwrap(),
            cache_read: None,
            cache_write_5m: None,
            cache_write_1h: None,
        },
        effective_from: effective_from.parse().unwrap(),
    }
}

#[test]
fn an_operators_price_comes_first_and_is_flat() {
    let price = own("claude-sonnet-4-5", "1", "2026-11-01T00:00:00Z");
    let version = format!("operator/{}", price.id);
    let catalogue = PriceCatalogue::embedded().with_overrides(vec![price]);
    let usage = Usage {
        tokens: TokenCounts {
            input: 1_000_000,
            ..TokenCounts::default()
        },
        web_searches: 1,
        service_tier: Some("batch".to_owned()),
        inference_geo: Some("us".to_owned()),
        ..Usage::default()
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
