//! The published data of genai-prices, as entries of our list.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::entry::{Dates, Entry, Sheet, Tier, Usd, Variant};
use super::python;
use crate::Result;

/// What was published.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its name and version, such as `genai-prices 0.2.3`.
    pub(crate) name: String,
    /// The file that was read.
    pub(crate) file: PathBuf,
    /// The models of the providers that were asked for.
    pub(crate) entries: Vec<Entry>,
    /// Models whose prices cannot be said in a list of ours, with the reason.
    pub(crate) left_out: Vec<String>,
}

/// Where the data lies: in the installed Python package, or in the repository and the Rust crate.
const FILES: [&str; 5] = [
    "genai_prices/data.py",
    "data.py",
    "data/prices.json",
    "prices/data.json",
    "data.json",
];

/// Reads a file, or the folder that a package was installed or unpacked into.
///
/// # Errors
///
/// Nothing that is known is there, or it is not understood.
pub(crate) fn read(path: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<Source> {
    let file = if path.is_dir() {
        let files = FILES.iter().map(|file| path.join(file));
        files.into_iter().find(|file| file.is_file()).ok_or_else(|| {
            let names = FILES.join(", ");
            format!("{} has none of {names}", path.display())
        })?
    } else {
        path.to_owned()
    };
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let providers = if file.extension().is_some_and(|extension| extension == "py") {
        let (_, list) = text
            .split_once("\nproviders: list[Provider] = ")
            .ok_or("expected a list of providers")?;
        python::parse(list)?
    } else {
        serde_json::from_str(&text)?
    };
    let mut source = Source {
        name: name(&file),
        file,
        entries: Vec::new(),
        left_out: Vec::new(),
    };
    for provider in Vec::<WrittenProvider>::deserialize(providers)? {
        if is_wanted(&provider.id) {
            for model in provider.models {
                let model_id = model.id.clone();
                match model.into_entry(&provider.id, &source.name) {
                    Ok(entry) => source.entries.push(entry),
                    Err(reason) => source
                        .left_out
                        .push(format!("{} {model_id}: {reason}", provider.id)),
                }
            }
        }
    }
    Ok(source)
}

/// With the version that the installed package's `.dist-info` names.
fn name(file: &Path) -> String {
    let folders = file.ancestors().skip(1).take(2);
    let names = folders
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(Iterator::flatten)
        .filter_map(|found| found.file_name().into_string().ok());
    let version = names.into_iter().find_map(|name| {
        let version = name.strip_prefix("genai_prices-")?;
        Some(version.strip_suffix(".dist-info")?.to_owned())
    });
    version.map_or_else(
        || "genai-prices".to_owned(),
        |version| format!("genai-prices {version}"),
    )
}

#[derive(Deserialize)]
struct WrittenProvider {
    id: String,
    models: Vec<WrittenModel>,
}

#[derive(Deserialize)]
struct WrittenModel {
    id: String,
    name: Option<String>,
    context_window: Option<u64>,
    #[serde(rename = "match")]
    rule: Value,
    prices: WrittenPrices,
    price_variants: Option<Vec<WrittenVariant>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenPrices {
    Dated(Vec<WrittenSheet>),
    Always(Map<String, Value>),
}

#[derive(Deserialize)]
struct WrittenSheet {
    constraint: Option<WrittenDates>,
    prices: Map<String, Value>,
}

#[derive(Deserialize)]
struct WrittenVariant {
    when: BTreeMap<String, String>,
    constraint: Option<WrittenDates>,
    prices: Map<String, Value>,
}

/// A day from which a price counts; a time of the day is what we have no word for.
#[derive(Deserialize)]
struct WrittenDates {
    start_date: Option<String>,
}

impl WrittenModel {
    fn into_entry(self, provider: &str, source: &str) -> Result<Entry> {
        let sheets = match self.prices {
            WrittenPrices::Dated(sheets) => sheets,
            WrittenPrices::Always(prices) => vec![WrittenSheet {
                constraint: None,
                prices,
            }],
        };
        let variants = self.price_variants.unwrap_or_default().into_iter();
        Ok(Entry {
            id: self.id,
            provider: provider.to_owned(),
            name: self.name,
            context_window: self.context_window,
            rule: self.rule,
            prices: sheets
                .into_iter()
                .map(|sheet| sheet.into_sheet(provider))
                .collect::<Result<_>>()?,
            variants: variants
                .map(|variant| variant.into_variant(provider))
                .collect::<Result<_>>()?,
            source: Some(source.to_owned()),
            max_output_tokens: None,
            cross_check: None,
        })
    }
}

impl WrittenSheet {
    fn into_sheet(self, provider: &str) -> Result<Sheet> {
        let (usd, above_input_tokens) = rates(self.prices, provider)?;
        let day = start(self.constraint)?;
        Ok(Sheet {
            when: day.map(|start_date| Dates { start_date }),
            usd,
            above_input_tokens,
        })
    }
}

impl WrittenVariant {
    fn into_variant(self, provider: &str) -> Result<Variant> {
        let (usd, above_input_tokens) = rates(self.prices, provider)?;
        Ok(Variant {
            when: self.when,
            from: start(self.constraint)?,
            usd,
            above_input_tokens,
        })
    }
}

fn start(dates: Option<WrittenDates>) -> Result<Option<String>> {
    match dates {
        None => Ok(None),
        Some(WrittenDates {
            start_date: Some(day),
        }) => Ok(Some(day)),
        Some(_) => Err("a price for times of the day".into()),
    }
}

fn rates(prices: Map<String, Value>, provider: &str) -> Result<(Usd, Vec<Tier>)> {
    let mut usd = Usd::new();
    let mut tiers: BTreeMap<u64, Usd> = BTreeMap::new();
    for (key, price) in prices {
        let meter = meter(&key, provider);
        match price {
            Value::Null => {}
            Value::Object(tiered) => {
                usd.insert(meter.clone(), decimal(&tiered["base"])?);
                for tier in tiered["tiers"].as_array().into_iter().flatten() {
                    let above = tier["start"].as_u64().ok_or("a tier without a threshold")?;
                    let rates = tiers.entry(above).or_default();
                    rates.insert(meter.clone(), decimal(&tier["price"])?);
                }
            }
            flat => {
                usd.insert(meter, decimal(&flat)?);
            }
        }
    }
    let tiers = tiers.into_iter().map(|(gt, usd)| Tier { gt, usd });
    Ok((usd, tiers.collect()))
}

/// Our word for a meter.
fn meter(key: &str, provider: &str) -> String {
    match key {
        // Anthropic has two lifetimes of writes, and this is the short one.
        "cache_write_mtok" if provider == "anthropic" => "cache_write_5m".to_owned(),
        "cache_audio_read_mtok" => "cache_read_audio".to_owned(),
        "cache_image_read_mtok" => "cache_read_image".to_owned(),
        "web_searches_kcount" => "web_search_per_1k".to_owned(),
        "storage_searches_kcount" => "file_search_per_1k".to_owned(),
        _ => key.strip_suffix("_mtok").unwrap_or(key).to_owned(),
    }
}

/// The shortest text for an amount.
fn decimal(amount: &Value) -> Result<String> {
    let text = match amount {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(format!("not an amount: {amount}").into()),
    };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if text.is_empty() || !is_plain {
        return Err(format!("not an amount: {text}").into());
    }
    Ok(if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    })
}
