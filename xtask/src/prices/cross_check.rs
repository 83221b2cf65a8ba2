//! What litellm's list says of the same models.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::entry::{Entry, in_force};
use crate::Result;

/// litellm's list, by its names of models.
pub(crate) struct CrossCheck(BTreeMap<String, Value>);

/// Our meters and theirs, which are for one token.
const METERS: [(&str, &str); 5] = [
    ("input", "input_cost_per_token"),
    ("output", "output_cost_per_token"),
    ("cache_read", "cache_read_input_token_cost"),
    ("cache_write_5m", "cache_creation_input_token_cost"),
    ("cache_write_1h", "cache_creation_input_token_cost_above_1hr"),
];

impl CrossCheck {
    /// # Errors
    ///
    /// The file is not there, or is not a list of models.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Self(serde_json::from_str(&text)?))
    }

    /// What is said otherwise of the rates in force on a day, by meter; `None` if the model is not there.
    pub(crate) fn differences(&self, entry: &Entry, day: &str) -> Option<Vec<String>> {
        let (_, model) = self.find(entry)?;
        let sheet = in_force(&entry.prices, day)?;
        let differs = |(ours, theirs): &(&str, &str)| {
            let plain = ours.strip_suffix("_5m").unwrap_or(ours);
            let our_rate = sheet.usd.get(*ours).or_else(|| sheet.usd.get(plain));
            let our_rate: Option<f64> = our_rate.and_then(|rate| rate.parse().ok());
            let their_rate = model[*theirs].as_f64().map(|rate| rate * 1e6);
            match (our_rate, their_rate) {
                (None | Some(0.0), None | Some(0.0)) => None,
                (Some(a), Some(b)) if (a - b).abs() <= 1e-6 * a.abs().max(b.abs()) => None,
                _ => Some(format!(
                    "{ours}: {} here, {} there",
                    shown(our_rate),
                    shown(their_rate)
                )),
            }
        };
        Some(METERS.iter().filter_map(differs).collect())
    }

    /// The key of a model and what is said there.
    fn find(&self, entry: &Entry) -> Option<(String, &Value)> {
        let prefixes: &[&str] = match entry.provider.as_str() {
            "google" => &["gemini/", "vertex_ai/", ""],
            "openai" => &["", "openai/"],
            _ => &["", "anthropic/"],
        };
        let keys = prefixes.iter().map(|prefix| format!("{prefix}{}", entry.id));
        keys.into_iter()
            .find_map(|key| self.0.get(&key).map(|model| (key, model)))
    }

    /// The line that a new entry's `cross_check` gets, and its largest answer.
    pub(crate) fn note(&self, entry: &Entry, day: &str) -> (String, Option<u64>) {
        match (self.find(entry), self.differences(entry, day)) {
            (Some((key, model)), Some(differences)) => {
                let most = model["max_output_tokens"].as_u64();
                let note = if differences.is_empty() {
                    format!("litellm: agrees (key {key})")
                } else {
                    format!("litellm key {key} differs: {}", differences.join("; "))
                };
                (note, most)
            }
            _ => ("litellm: absent".to_owned(), None),
        }
    }
}

fn shown(rate: Option<f64>) -> String {
    // Beyond six decimals there is only what binary fractions add.
    let rounded = |rate: f64| {
        format!("{rate:.6}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    };
    rate.map_or_else(|| "none".to_owned(), rounded)
}
