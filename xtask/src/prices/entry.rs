//! One model of a price list, as it stands on paper.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

/// Decimal dollars by meter, for a million tokens or a thousand calls.
pub(crate) type Usd = BTreeMap<String, String>;

/// A model of a provider, with everything that is compared. What else a line has is left as it stands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) provider: String,
    pub(crate) name: Option<String>,
    pub(crate) context_window: Option<u64>,
    #[serde(rename = "match")]
    pub(crate) rule: Value,
    pub(crate) prices: Vec<Sheet>,
    #[serde(default)]
    pub(crate) variants: Vec<Variant>,
    pub(crate) source: Option<String>,
    pub(crate) max_output_tokens: Option<u64>,
    pub(crate) cross_check: Option<String>,
}

/// Rates that are in force from a day on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub(crate) struct Sheet {
    pub(crate) when: Option<Dates>,
    pub(crate) usd: Usd,
    #[serde(default)]
    pub(crate) above_input_tokens: Vec<Tier>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Dates {
    pub(crate) start_date: String,
}

/// Rates of longer prompts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Tier {
    pub(crate) gt: u64,
    pub(crate) usd: Usd,
}

/// Rates of another way of being served.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Variant {
    pub(crate) when: BTreeMap<String, String>,
    pub(crate) from: Option<String>,
    pub(crate) usd: Usd,
    #[serde(default)]
    pub(crate) above_input_tokens: Vec<Tier>,
}

/// Rates with the day from which they are in force; without one they have always been.
pub(crate) trait Dated {
    fn from(&self) -> Option<&str>;
    fn starting(self, day: &str) -> Self;
    /// All rates, by meter and threshold.
    fn rates(&self) -> BTreeMap<(&str, u64), &str>;
}

impl Dated for Sheet {
    fn from(&self) -> Option<&str> {
        self.when.as_ref().map(|dates| dates.start_date.as_str())
    }

    fn starting(self, day: &str) -> Self {
        let start_date = day.to_owned();
        Self {
            when: Some(Dates { start_date }),
            ..self
        }
    }

    fn rates(&self) -> BTreeMap<(&str, u64), &str> {
        rates(&self.usd, &self.above_input_tokens)
    }
}

impl Dated for Variant {
    fn from(&self) -> Option<&str> {
        self.from.as_deref()
    }

    fn starting(self, day: &str) -> Self {
        Self {
            from: Some(day.to_owned()),
            ..self
        }
    }

    fn rates(&self) -> BTreeMap<(&str, u64), &str> {
        rates(&self.usd, &self.above_input_tokens)
    }
}

/// The latest that has begun; of several on one day the one that stands last.
pub(crate) fn in_force<'a, T: Dated>(dated: &'a [T], day: &str) -> Option<&'a T> {
    let begun = dated
        .iter()
        .filter(|rates| rates.from().is_none_or(|from| from <= day));
    begun.max_by_key(|rates| rates.from())
}

fn rates<'a>(usd: &'a Usd, tiers: &'a [Tier]) -> BTreeMap<(&'a str, u64), &'a str> {
    let base = usd.iter().map(|(meter, rate)| (meter, 0, rate));
    let longer = tiers
        .iter()
        .flat_map(|tier| tier.usd.iter().map(|(meter, rate)| (meter, tier.gt, rate)));
    base.chain(longer)
        .map(|(meter, above, rate)| ((meter.as_str(), above), rate.as_str()))
        .collect()
}

impl Entry {
    /// What a model is told apart by.
    pub(crate) fn key(&self) -> (&str, &str) {
        (&self.provider, &self.id)
    }

    /// Every way of being served that it has variants for.
    pub(crate) fn conditions(&self) -> BTreeSet<&BTreeMap<String, String>> {
        self.variants.iter().map(|variant| &variant.when).collect()
    }

    /// The variants of one way of being served.
    pub(crate) fn variants_of(&self, when: &BTreeMap<String, String>) -> Vec<&Variant> {
        let variants = self.variants.iter();
        variants.filter(|variant| variant.when == *when).collect()
    }

    /// Its line in a price list.
    pub(crate) fn to_line(&self) -> String {
        let mut line = format!(r#"{{"id":{},"provider":{}"#, text(&self.id), text(&self.provider));
        let name = self.name.as_deref().map_or_else(|| "null".to_owned(), text);
        let _ = write!(line, r#","name":{name}"#);
        if let Some(tokens) = self.context_window {
            let _ = write!(line, r#","context_window":{tokens}"#);
        }
        let _ = write!(line, r#","match":{},"prices":{}"#, self.rule, self.prices_json());
        if !self.variants.is_empty() {
            let _ = write!(line, r#","variants":{}"#, self.variants_json());
        }
        let source = self.source.as_deref().unwrap_or_default();
        let _ = write!(line, r#","source":{}"#, text(source));
        if let Some(tokens) = self.max_output_tokens {
            let _ = write!(line, r#","max_output_tokens":{tokens}"#);
        }
        let cross_check = self.cross_check.as_deref().unwrap_or_default();
        let _ = write!(line, r#","cross_check":{}}}"#, text(cross_check));
        line
    }

    pub(crate) fn prices_json(&self) -> String {
        list(self.prices.iter().map(Sheet::to_json))
    }

    pub(crate) fn variants_json(&self) -> String {
        list(self.variants.iter().map(Variant::to_json))
    }
}

impl Sheet {
    fn to_json(&self) -> String {
        let when = self
            .from()
            .map(|day| format!(r#""when":{{"start_date":{}}},"#, text(day)));
        let rates = rates_json(&self.usd, &self.above_input_tokens);
        format!("{{{}{rates}}}", when.unwrap_or_default())
    }
}

impl Variant {
    fn to_json(&self) -> String {
        let when = object(self.when.iter());
        let from = self.from().map_or_else(|| "null".to_owned(), text);
        let rates = rates_json(&self.usd, &self.above_input_tokens);
        format!(r#"{{"when":{when},"from":{from},{rates}}}"#)
    }
}

fn rates_json(usd: &Usd, tiers: &[Tier]) -> String {
    let mut json = format!(r#""usd":{}"#, usd_json(usd));
    if !tiers.is_empty() {
        let tiers = tiers
            .iter()
            .map(|tier| format!(r#"{{"gt":{},"usd":{}}}"#, tier.gt, usd_json(&tier.usd)));
        let _ = write!(json, r#","above_input_tokens":{}"#, list(tiers));
    }
    json
}

/// Meters in the order in which the list has them; others follow by name.
const METERS: [&str; 15] = [
    "input",
    "cache_write",
    "cache_write_5m",
    "cache_read",
    "output",
    "cache_write_1h",
    "input_audio",
    "cache_read_audio",
    "output_audio",
    "input_image",
    "cache_read_image",
    "output_image",
    "input_video",
    "output_video",
    "web_search_per_1k",
];

fn usd_json(usd: &Usd) -> String {
    let place = |meter: &str| METERS.iter().position(|known| *known == meter);
    let mut meters: Vec<_> = usd.iter().collect();
    meters.sort_by_key(|(meter, _)| (place(meter).unwrap_or(METERS.len()), (*meter).clone()));
    object(meters.into_iter())
}

fn object<'a>(members: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    let members: Vec<_> = members
        .map(|(key, value)| format!("{}:{}", text(key), text(value)))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn text(text: &str) -> String {
    Value::from(text).to_string()
}
