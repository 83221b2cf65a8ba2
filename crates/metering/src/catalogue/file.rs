//! The shape of a price list on paper, and its reading.

use std::collections::BTreeMap;
use std::str::FromStr;

use gateway_domain::{Nanodollars, ProviderKind, Timestamp};
use serde::Deserialize;

use super::InvalidCatalogue;
use super::listed::PriceSource;
use super::model::{DatedSheet, Model};
use super::rule::Rule;
use crate::price::{Meters, Sheet, Tier};
use crate::variant::{Condition, Variant};

const SCHEMA: &str = "llm-prices/1";

#[derive(Deserialize)]
struct File {
    schema: String,
    extracted_at: String,
    currency: String,
    models: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    provider: String,
    context_window: Option<u64>,
    max_output_tokens: Option<u64>,
    #[serde(default)]
    deprecated: bool,
    deprecation_date: Option<String>,
    #[serde(rename = "match")]
    rule: Rule,
    prices: Vec<WrittenSheet>,
    #[serde(default)]
    variants: Vec<WrittenVariant>,
}

/// Meter names and decimal dollars, per million tokens or per thousand calls.
type Usd = BTreeMap<String, String>;

// A condition that is not understood would be taken for no condition: hence no unknown fields from here on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSheet {
    when: Option<WrittenDates>,
    usd: Usd,
    #[serde(default)]
    above_input_tokens: Vec<WrittenTier>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDates {
    start_date: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTier {
    gt: u64,
    usd: Usd,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenVariant {
    when: WrittenCondition,
    from: Option<String>,
    usd: Usd,
    #[serde(default)]
    above_input_tokens: Vec<WrittenTier>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCondition {
    /// `batch`: answers name it as their service tier.
    processing: Option<String>,
    service_tier: Option<String>,
    speed: Option<String>,
    inference_geo: Option<String>,
}

/// Reads a price list into the models of the providers that the gateway speaks to.
pub(super) fn read(json: &str, source: PriceSource) -> Result<Vec<Model>, InvalidCatalogue> {
    let file: File = serde_json::from_str(json)?;
    if file.schema != SCHEMA || file.currency != "USD" {
        return Err(InvalidCatalogue::new(format!(
            "expected schema {SCHEMA} in USD, found {} in {}",
            file.schema, file.currency
        )));
    }
    let extracted_at = date(&file.extracted_at)?;
    let edition = match source {
        PriceSource::File => format!("file/{}", file.extracted_at),
        PriceSource::Shipped | PriceSource::Operator => file.extracted_at,
    };
    file.models
        .into_iter()
        .filter_map(|entry| Some((provider(&entry.provider)?, entry)))
        .map(|(provider, entry)| {
            let id = entry.id.clone();
            read_entry(entry, provider, &edition, extracted_at)
                .map_err(|error| InvalidCatalogue::new(format!("model {id}: {error}")))
        })
        .collect()
}

/// `None` for price lists of services that are no models' API of their own, such as `openai-decisions`.
fn provider(name: &str) -> Option<ProviderKind> {
    match name {
        "google" => Some(ProviderKind::Gemini),
        _ => name.parse().ok(),
    }
}

fn read_entry(
    entry: Entry,
    provider: ProviderKind,
    edition: &str,
    extracted_at: Timestamp,
) -> Result<Model, InvalidCatalogue> {
    let ended = entry
        .deprecation_date
        .map(|day| date(&day))
        .transpose()?
        .is_some_and(|end| end <= extracted_at);
    Ok(Model {
        version: format!("{edition}/{}", entry.id),
        id: entry.id,
        provider,
        is_deprecated: entry.deprecated || ended,
        context_window: entry.context_window,
        max_output_tokens: entry.max_output_tokens,
        rule: entry.rule,
        sheets: newest_first(
            entry
                .prices
                .into_iter()
                .map(WrittenSheet::read)
                .collect::<Result<_, _>>()?,
            |sheet: &DatedSheet| sheet.from,
        ),
        variants: newest_first(
            entry
                .variants
                .into_iter()
                .map(WrittenVariant::read)
                .collect::<Result<_, _>>()?,
            |variant: &Variant| variant.from,
        ),
    })
}

impl WrittenSheet {
    fn read(self) -> Result<DatedSheet, InvalidCatalogue> {
        let sheet = sheet(&self.usd, &self.above_input_tokens)?;
        Ok(DatedSheet {
            from: self.when.map(|when| date(&when.start_date)).transpose()?,
            is_per_token: self.usd.is_empty() || sheet.charges_input(),
            web_searches_per_1k: amount::<Nanodollars>(&self.usd, "web_search_per_1k")?,
            sheet,
        })
    }
}

impl WrittenVariant {
    fn read(self) -> Result<Variant, InvalidCatalogue> {
        let when = self.when;
        if when.processing.is_some() && when.service_tier.is_some() {
            return Err(InvalidCatalogue::new(
                "a variant with both processing and service_tier",
            ));
        }
        Ok(Variant {
            from: self.from.as_deref().map(date).transpose()?,
            sheet: sheet(&self.usd, &self.above_input_tokens)?,
            when: Condition {
                service_tier: when.processing.or(when.service_tier),
                speed: when.speed,
                inference_geo: when.inference_geo,
            },
        })
    }
}

fn sheet(usd: &Usd, tiers: &[WrittenTier]) -> Result<Sheet, InvalidCatalogue> {
    let tiers = tiers
        .iter()
        .map(|tier| {
            Ok(Tier {
                above_input_tokens: tier.gt,
                meters: meters(&tier.usd)?,
            })
        })
        .collect::<Result<_, InvalidCatalogue>>()?;
    Ok(Sheet::new(meters(usd)?, tiers))
}

fn meters(usd: &Usd) -> Result<Meters, InvalidCatalogue> {
    // Providers with one kind of cache write list it without a lifetime.
    let short_write = amount(usd, "cache_write_5m")?;
    Ok(Meters {
        input: amount(usd, "input")?,
        output: amount(usd, "output")?,
        cache_read: amount(usd, "cache_read")?,
        cache_write_5m: match short_write {
            None => amount(usd, "cache_write")?,
            listed => listed,
        },
        cache_write_1h: amount(usd, "cache_write_1h")?,
    })
}

fn amount<A: FromStr>(usd: &Usd, meter: &str) -> Result<Option<A>, InvalidCatalogue> {
    let Some(text) = usd.get(meter) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(amount) if !text.starts_with('-') => Ok(Some(amount)),
        _ => Err(InvalidCatalogue::new(format!(
            "{meter} is not an exact price: {text}"
        ))),
    }
}

fn date(day: &str) -> Result<Timestamp, InvalidCatalogue> {
    format!("{day}T00:00:00Z")
        .parse()
        .map_err(|_| InvalidCatalogue::new(format!("not a date: {day}")))
}

/// So that the first entry that has begun is the one in force. Without a date it has always been.
fn newest_first<T>(mut dated: Vec<T>, from: impl Fn(&T) -> Option<Timestamp>) -> Vec<T> {
    dated.sort_by_key(|entry| std::cmp::Reverse(from(entry)));
    dated
}
