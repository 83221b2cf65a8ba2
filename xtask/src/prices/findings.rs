//! What is wrong with a price list, and what only looks so.

use std::collections::{BTreeMap, HashSet};

use gateway_domain::{PicodollarsPerToken, ProviderKind};
use gateway_metering::PriceCatalogue;

use super::entry::{Dated, Entry};
use super::list::{About, List};
use crate::Result;

/// What was found out about a price list.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) models: usize,
    /// The list must not ship with these.
    pub(crate) mistakes: Vec<String>,
    /// Prices that providers do charge, but seldom.
    pub(crate) oddities: Vec<String>,
}

/// Looks a price list over.
///
/// # Errors
///
/// It is not laid out as one.
pub(crate) fn findings(text: &str) -> Result<Findings> {
    let list = List::parse(text)?;
    let about = list.about()?;
    let mut found = Findings {
        models: list.lines.len(),
        ..Findings::default()
    };
    let catalogue = match PriceCatalogue::from_json(text) {
        Ok(catalogue) => Some(catalogue),
        Err(error) => {
            found.mistakes.push(error.to_string());
            None
        }
    };
    let mut keys = HashSet::new();
    for line in &list.lines {
        let entry = &line.entry;
        let mut on_entry = OnEntry {
            found: &mut found,
            entry,
        };
        if !keys.insert(entry.key()) {
            on_entry.wrong("stands twice");
        }
        on_entry.provenance(&about);
        if let Some(catalogue) = &catalogue {
            on_entry.ambiguity(catalogue);
        }
        on_entry.days();
        on_entry.rates();
    }
    Ok(found)
}

struct OnEntry<'a> {
    found: &'a mut Findings,
    entry: &'a Entry,
}

impl OnEntry<'_> {
    fn wrong(&mut self, what: &str) {
        let (provider, id) = self.entry.key();
        self.found.mistakes.push(format!("{provider} {id}: {what}"));
    }

    fn odd(&mut self, what: &str) {
        let (provider, id) = self.entry.key();
        self.found.oddities.push(format!("{provider} {id}: {what}"));
    }

    fn provenance(&mut self, about: &About) {
        match self.entry.source.as_deref() {
            None | Some("") => self.wrong("has no source"),
            Some(source) if !about.sources.contains_key(source) => {
                self.wrong(&format!("its source {source} is not among the sources"));
            }
            Some(_) => {}
        }
        if self.entry.cross_check.as_deref().is_none_or(str::is_empty) {
            self.wrong("has no cross_check");
        }
    }

    /// Names that fit two entries have no price.
    fn ambiguity(&mut self, catalogue: &PriceCatalogue) {
        let id = self.entry.id.as_str();
        let Some(provider) = provider(&self.entry.provider) else {
            return;
        };
        let fitting = catalogue.fitting(provider, id);
        if !fitting.contains(&id) {
            self.odd("its rule does not fit its own id");
        }
        for other in fitting.into_iter().filter(|other| *other != id) {
            if catalogue.fitting(provider, other).contains(&id) {
                self.wrong(&format!("it and {other} fit each other's ids"));
            } else {
                self.odd(&format!(
                    "the rule of {other} fits its id, so names that only begin so have no price"
                ));
            }
        }
    }

    fn days(&mut self) {
        let entry = self.entry;
        if !rises(entry.prices.iter().map(Dated::from)) {
            self.wrong("its prices do not stand by day, the oldest first");
        }
        for when in entry.conditions() {
            let mut days: Vec<_> = entry.variants_of(when).into_iter().map(Dated::from).collect();
            days.sort_unstable();
            if !rises(days.into_iter()) {
                self.wrong(&format!("two variants for {when:?} begin on one day"));
            }
        }
    }

    fn rates(&mut self) {
        let entry = self.entry;
        let sheets = entry.prices.iter().map(|sheet| ("", sheet.rates()));
        let variants = entry
            .variants
            .iter()
            .map(|variant| (" of a variant", variant.rates()));
        for (of, rates) in sheets.chain(variants) {
            let mut thresholds: Vec<u64> = rates.keys().map(|(_, above)| *above).collect();
            thresholds.sort_unstable();
            thresholds.dedup();
            for above in thresholds {
                self.order(&rates, above, of);
            }
        }
        let tiers = entry.prices.iter().map(|sheet| &sheet.above_input_tokens);
        let variant_tiers = entry.variants.iter().map(|variant| &variant.above_input_tokens);
        for tiers in tiers.chain(variant_tiers) {
            if !tiers.is_sorted_by(|low, high| low.gt < high.gt) || tiers.iter().any(|tier| tier.gt == 0) {
                self.wrong("its tiers do not rise");
            }
        }
    }

    /// What is usually dearer than what.
    fn order(&mut self, rates: &BTreeMap<(&str, u64), &str>, above: u64, of: &str) {
        let rate = |meter: &str| -> Option<PicodollarsPerToken> {
            let here = rates.get(&(meter, above)).or_else(|| rates.get(&(meter, 0)));
            here.and_then(|rate| rate.parse().ok())
        };
        let short_write = rate("cache_write_5m").or_else(|| rate("cache_write"));
        let pairs = [
            ("output", rate("output"), "input", rate("input")),
            ("input", rate("input"), "cache_read", rate("cache_read")),
            ("cache write", short_write, "input", rate("input")),
            (
                "long cache write",
                rate("cache_write_1h"),
                "short one",
                short_write,
            ),
        ];
        let at = if above == 0 {
            String::new()
        } else {
            format!(" above {above}")
        };
        for (dear, dear_rate, cheap, cheap_rate) in pairs {
            if let (Some(dear_rate), Some(cheap_rate)) = (dear_rate, cheap_rate)
                && dear_rate < cheap_rate
            {
                self.odd(&format!(
                    "{dear}{of}{at} is cheaper than {cheap}: {dear_rate} and {cheap_rate}"
                ));
            }
        }
        if above > 0 {
            for ((meter, _), tier) in rates.iter().filter(|((_, threshold), _)| *threshold == above) {
                let tier: Option<PicodollarsPerToken> = tier.parse().ok();
                let base = rates.get(&(*meter, 0)).and_then(|rate| rate.parse().ok());
                if tier < base {
                    self.odd(&format!("{meter}{of}{at} is cheaper than for short prompts"));
                }
            }
        }
    }
}

fn rises<'a>(mut days: impl Iterator<Item = Option<&'a str>>) -> bool {
    let mut last = days.next();
    days.all(|day| last.replace(day).is_none_or(|last| last < day))
}

/// Only entries of these are looked up.
fn provider(name: &str) -> Option<ProviderKind> {
    match name {
        "google" => Some(ProviderKind::Gemini),
        _ => name.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(models: &[&str]) -> String {
        format!(
            "{{\n\"schema\": \"llm-prices/1\",\n\"extracted_at\": \"2026-11-22\",\n\"currency\": \"USD\",\n\
             \"sources\": {{\"s 1\": \"\"}},\n\"models\": [\n{}\n]}}\n",
            models.join(",\n")
        )
    }

    fn model(id: &str, rule: &str, prices: &str) -> String {
        format!(
            r#"{{"id":"{id}","provider":"openai","match":{rule},"prices":{prices},"source":"s 1","cross_check":"none"}}"#
        )
    }

    #[test]
    fn a_list_without_mistakes_has_none() {
        let a = model(
            "a",
            r#"{"equals":"a"}"#,
            r#"[{"usd":{"input":"1","output":"2"}}]"#,
        );
        let found = findings(&list(&[&a])).unwrap();
        assert_eq!(
            (found.models, found.mistakes, found.oddities),
            (1, vec![], vec![])
        );
    }

    #[test]
    fn mistakes_are_found() {
        let plain = r#"[{"usd":{"input":"1","output":"2"}}]"#;
        let equals = |id: &str| model(id, &format!(r#"{{"equals":"{id}"}}"#), plain);
        let priced = |prices: &str| model("a", r#"{"equals":"a"}"#, prices);
        let cases = [
            (vec![equals("a"), equals("a")], "stands twice"),
            (vec![equals("a").replace("s 1", "s 2")], "not among the sources"),
            (
                vec![equals("a").replace(r#""source":"s 1","#, "")],
                "has no source",
            ),
            (vec![equals("a").replace("none", "")], "has no cross_check"),
            (vec![priced(r#"[{"usd":{"input":"x"}}]"#)], "not an exact price"),
            (
                vec![
                    model("ab", r#"{"contains":"a"}"#, plain),
                    model("ba", r#"{"contains":"b"}"#, plain),
                ],
                "fit each other's ids",
            ),
            (
                vec![priced(
                    r#"[{"when":{"start_date":"2026-02-01"},"usd":{"input":"1"}},{"usd":{"input":"1"}}]"#,
                )],
                "the oldest first",
            ),
            (
                vec![priced(
                    r#"[{"usd":{"input":"1"},"above_input_tokens":[{"gt":2,"usd":{"input":"2"}},{"gt":2,"usd":{"input":"3"}}]}]"#,
                )],
                "do not rise",
            ),
        ];
        for (models, expected) in cases {
            let models: Vec<_> = models.iter().map(String::as_str).collect();
            let found = findings(&list(&models)).unwrap();
            assert!(
                found.mistakes.iter().any(|mistake| mistake.contains(expected)),
                "{expected}: {found:?}"
            );
        }
    }

    #[test]
    fn oddities_are_no_mistakes() {
        let usd = r#"[{"usd":{"input":"2","output":"1","cache_read":"3","cache_write":"1","cache_write_1h":"0.5"},
            "above_input_tokens":[{"gt":5,"usd":{"input":"1"}}]}]"#;
        let odd = model("a", r#"{"equals":"b"}"#, &usd.replace('\n', ""));
        let found = findings(&list(&[&odd])).unwrap();
        assert_eq!(found.mistakes, [""; 0]);
        for expected in [
            "does not fit its own id",
            "output is cheaper than input",
            "input is cheaper than cache_read",
            "cache write is cheaper than input",
            "long cache write is cheaper than short one",
            "input above 5 is cheaper than for short prompts",
        ] {
            assert!(
                found.oddities.iter().any(|odd| odd.contains(expected)),
                "{expected}: {found:?}"
            );
        }
    }

    #[test]
    fn the_list_that_ships_is_right() {
        let list = std::fs::read_to_string(crate::workspace::root().join(super::super::FILE)).unwrap();
        assert_eq!(findings(&list).unwrap().mistakes, [""; 0]);
    }
}
