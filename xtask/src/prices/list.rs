//! `config/prices.json`: a head, one model a line, and the end.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::entry::Entry;
use crate::Result;

/// A price list, whose lines stay as they are unless they are changed.
#[derive(Debug, Clone)]
pub(crate) struct List {
    head: Vec<String>,
    pub(crate) lines: Vec<Line>,
}

/// A model and the text that says so.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    text: String,
    pub(crate) entry: Entry,
}

const FIRST: &str = "\"models\": [";
const LAST: &str = "]}";

impl List {
    /// # Errors
    ///
    /// Anything but one model a line.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let mut head: Vec<String> = Vec::new();
        while head.last().is_none_or(|line| line != FIRST) {
            let line = lines.next().ok_or(r#"expected a line that says "models": ["#)?;
            head.push(line.to_owned());
        }
        let mut models: Vec<&str> = lines.collect();
        if models.pop() != Some(LAST) {
            return Err("expected ]} on the last line".into());
        }
        let read = |line: &&str| {
            let text = line.trim_end_matches(',').to_owned();
            let entry = serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))?;
            Ok(Line { text, entry })
        };
        Ok(Self {
            head,
            lines: models.iter().map(read).collect::<Result<_>>()?,
        })
    }

    pub(crate) fn to_text(&self) -> String {
        let models: Vec<_> = self.lines.iter().map(|line| line.text.as_str()).collect();
        format!("{}\n{}\n{LAST}\n", self.head.join("\n"), models.join(",\n"))
    }

    /// What the head says.
    pub(crate) fn about(&self) -> Result<About> {
        Ok(serde_json::from_str(&format!("{}{LAST}", self.head.join("\n")))?)
    }

    /// Says when the list was made and names one more source.
    pub(crate) fn made_on(&mut self, day: &str, source: &str) -> Result<()> {
        let about = self.about()?;
        for line in &mut self.head {
            *line = line.replace(&about.extracted_at, day);
            if !about.sources.contains_key(source) {
                let described = format!("{source}, MIT (c) Pydantic; github.com/pydantic/genai-prices");
                let (name, described) = (Value::from(source), Value::from(described));
                let opening = "\"sources\": {";
                *line = line.replace(opening, &format!("{opening}{name}: {described}, "));
            }
        }
        Ok(())
    }

    /// The line of a model.
    pub(crate) fn find(&mut self, key: (&str, &str)) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.entry.key() == key)
    }

    /// Adds a model among its provider's, by id.
    pub(crate) fn insert(&mut self, entry: Entry) {
        let before = |line: &Line| line.entry.provider == entry.provider && line.entry.id < entry.id;
        let of_provider = |line: &Line| line.entry.provider == entry.provider;
        let place = self.lines.iter().rposition(before).map(|place| place + 1);
        let place = place.or_else(|| self.lines.iter().position(of_provider));
        let line = Line {
            text: entry.to_line(),
            entry,
        };
        self.lines.insert(place.unwrap_or(self.lines.len()), line);
    }
}

/// What a list says of itself.
#[derive(Debug, Deserialize)]
pub(crate) struct About {
    pub(crate) extracted_at: String,
    pub(crate) sources: std::collections::BTreeMap<String, String>,
}

/// The members of a line that may change, as they are spelled.
#[derive(Deserialize)]
struct Spelled<'a> {
    #[serde(borrow, rename = "match")]
    rule: &'a RawValue,
    #[serde(borrow)]
    prices: &'a RawValue,
    #[serde(borrow)]
    variants: Option<&'a RawValue>,
    #[serde(borrow)]
    source: &'a RawValue,
}

impl Line {
    /// Puts `changed` in place, leaving every member as it is spelled that is the same.
    pub(crate) fn change(&mut self, changed: &Entry) -> Result<()> {
        let spelled: Spelled<'_> = serde_json::from_str(&self.text)?;
        let mut text = self.text.clone();
        let mut replace = |name: &str, old: &str, new: &str| {
            text = text.replacen(&format!("\"{name}\":{old}"), &format!("\"{name}\":{new}"), 1);
        };
        if changed.rule != self.entry.rule {
            replace("match", spelled.rule.get(), &changed.rule.to_string());
        }
        let prices = spelled.prices.get();
        let mut new_prices = prices.to_owned();
        if changed.prices != self.entry.prices {
            new_prices = changed.prices_json();
        }
        if changed.variants != self.entry.variants {
            let variants = changed.variants_json();
            match spelled.variants {
                Some(old) => replace("variants", old.get(), &variants),
                None => new_prices = format!("{new_prices},\"variants\":{variants}"),
            }
        }
        replace("prices", prices, &new_prices);
        if let Some(source) = &changed.source {
            replace(
                "source",
                spelled.source.get(),
                &Value::from(source.as_str()).to_string(),
            );
        }
        *self = Self {
            entry: serde_json::from_str(&text)?,
            text,
        };
        Ok(())
    }
}
