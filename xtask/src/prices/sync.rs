//! What a newer publication says that our list does not, and its taking over.

use std::collections::BTreeSet;
use std::fmt;

use super::entry::{Dated, Entry, in_force};
use super::list::List;
use super::source::Source;
use crate::Result;

/// One thing that the publication says otherwise.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    provider: String,
    model: String,
    what: What,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    New {
        rates: String,
    },
    Gone,
    Names,
    Rate {
        rate: String,
        old: String,
        new: String,
        from: String,
    },
    VariantGone {
        when: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.what {
            What::New { .. } => "new",
            What::Gone | What::VariantGone { .. } => "gone",
            What::Names => "names",
            What::Rate { .. } => "rate",
        };
        write!(f, "{kind:5}  {} {}", self.provider, self.model)?;
        match &self.what {
            What::New { rates } => write!(f, ": {rates}"),
            What::Gone => write!(f, " stays in the list: usage of the past needs it"),
            What::Names => write!(f, " is known by other names"),
            What::Rate { rate, old, new, from } => write!(f, ", {rate}: {old} -> {new} from {from} on"),
            What::VariantGone { when } => write!(f, ", {when}: stays in the list"),
        }
    }
}

/// The list with everything that `source` says otherwise from `day` on, and what that is.
///
/// Rates of the past are never touched: what is different begins on its day.
///
/// # Errors
///
/// A line that cannot be changed, or that has other rates from the same day on.
pub(crate) fn merge(list: &List, source: &Source, day: &str) -> Result<(List, Vec<Difference>)> {
    let mut merged = list.clone();
    let mut differences = Vec::new();
    for theirs in &source.entries {
        let found = |what| difference(theirs, what);
        let Some(line) = merged.find(theirs.key()) else {
            differences.push(found(What::New {
                rates: theirs.prices.last().map(rates).unwrap_or_default(),
            }));
            merged.insert(theirs.clone());
            continue;
        };
        let mut changed = line.entry.clone();
        let mut changes = catch_up(&mut changed.prices, &theirs.prices, day, "")?;
        for when in theirs.conditions() {
            let mut ours: Vec<_> = changed.variants_of(when).into_iter().cloned().collect();
            let published: Vec<_> = theirs.variants_of(when).into_iter().cloned().collect();
            let known = ours.len();
            changes.extend(catch_up(
                &mut ours,
                &published,
                day,
                &format!("{} ", words(when)),
            )?);
            changed.variants.extend(ours.drain(known..));
        }
        if changed.rule != theirs.rule {
            changed.rule = theirs.rule.clone();
            changes.push(What::Names);
        }
        let is_gone = |when: &&_| !theirs.conditions().contains(when);
        let gone: Vec<_> = line
            .entry
            .conditions()
            .into_iter()
            .filter(is_gone)
            .map(words)
            .collect();
        if !changes.is_empty() {
            changed.source = Some(source.name.clone());
            line.change(&changed)?;
        }
        changes.extend(gone.into_iter().map(|when| What::VariantGone { when }));
        differences.extend(changes.into_iter().map(found));
    }
    let published: BTreeSet<_> = source.entries.iter().map(Entry::key).collect();
    let ours = list.lines.iter().map(|line| &line.entry);
    let gone = ours.filter(|ours| !published.contains(&ours.key()));
    differences.extend(gone.map(|ours| difference(ours, What::Gone)));
    merged.made_on(day, &source.name)?;
    Ok((merged, differences))
}

fn difference(entry: &Entry, what: What) -> Difference {
    Difference {
        provider: entry.provider.clone(),
        model: entry.id.clone(),
        what,
    }
}

/// Adds to `ours` what `theirs` has in force on `day` and later that `ours` has not.
fn catch_up<T: Dated + Clone>(ours: &mut Vec<T>, theirs: &[T], day: &str, prefix: &str) -> Result<Vec<What>> {
    let mut days: BTreeSet<&str> = theirs.iter().filter_map(Dated::from).collect();
    days.retain(|later| *later > day);
    days.insert(day);
    let mut changes = Vec::new();
    for day in days {
        let Some(new) = in_force(theirs, day) else {
            continue;
        };
        let old = in_force(ours, day);
        let old_rates = old.map(Dated::rates).unwrap_or_default();
        let new_rates = new.rates();
        if old_rates == new_rates {
            continue;
        }
        let meters: BTreeSet<_> = old_rates.keys().chain(new_rates.keys()).copied().collect();
        for (meter, above) in meters {
            let (old, new) = (old_rates.get(&(meter, above)), new_rates.get(&(meter, above)));
            if old != new {
                let beyond = if above == 0 {
                    String::new()
                } else {
                    format!(" above {above}")
                };
                changes.push(What::Rate {
                    rate: format!("{prefix}{meter}{beyond}"),
                    old: (*old.unwrap_or(&"none")).to_owned(),
                    new: (*new.unwrap_or(&"none")).to_owned(),
                    from: day.to_owned(),
                });
            }
        }
        if old.and_then(Dated::from) == Some(day) {
            return Err(format!("the list has other rates from {day} on already: say a later day").into());
        }
        ours.push(new.clone().starting(day));
    }
    Ok(changes)
}

fn rates(dated: &impl Dated) -> String {
    let shown = |((meter, above), rate): (&(&str, u64), &&str)| match above {
        0 => format!("{meter} {rate}"),
        _ => format!("{meter} above {above} {rate}"),
    };
    let rates: Vec<_> = dated.rates().iter().map(shown).collect();
    rates.join(", ")
}

fn words(when: &std::collections::BTreeMap<String, String>) -> String {
    let words: Vec<_> = when.iter().map(|(key, value)| format!("{key}={value}")).collect();
    words.join(",")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const LIST: &str = r#"{
"schema": "llm-prices/1",
"extracted_at": "2026-11-22",
"currency": "USD",
"sources": {"genai-prices 0.2.3": "old"},
"models": [
{"id":"a","provider":"openai","name":null,"match":{"equals":"a"},"prices":[{"usd":{"output":"2","input":"1"}}],"variants":[{"when":{"speed":"fast"},"from":null,"usd":{"input":"2"}}],"note":"kept","source":"genai-prices 0.2.3","cross_check":"none"},
{"id":"c","provider":"openai","name":null,"match":{"equals":"c"},"prices":[{"usd":{"input":"9"}}],"source":"genai-prices 0.2.3","cross_check":"none"}
]}
"#;

    fn source(models: &str) -> Source {
        let list = LIST.split("\"models\": [\n").next().unwrap();
        let list = List::parse(&format!("{list}\"models\": [\n{models}\n]}}\n")).unwrap();
        Source {
            name: "genai-prices 0.2.4".to_owned(),
            file: PathBuf::new(),
            entries: list.lines.into_iter().map(|line| line.entry).collect(),
            left_out: Vec::new(),
        }
    }

    #[test]
    fn what_is_the_same_stays_to_the_letter() {
        let list = List::parse(LIST).unwrap();
        assert_eq!(list.to_text(), LIST);
        let models = LIST
            .split("\"models\": [\n")
            .nth(1)
            .unwrap()
            .trim_end_matches("\n]}\n");
        let (merged, differences) = merge(&list, &source(models), "2026-12-01").unwrap();
        assert_eq!(differences, []);
        assert_eq!(merged.lines.len(), 2);
    }

    #[test]
    fn what_is_different_begins_on_its_day_and_the_past_stays() {
        let models = concat!(
            r#"{"id":"a","provider":"openai","name":null,"match":{"equals":"a"},"prices":[{"usd":{"input":"1.5","output":"2"}},"#,
            r#"{"when":{"start_date":"2027-01-01"},"usd":{"input":"3","output":"2"}}],"#,
            r#""variants":[{"when":{"processing":"batch"},"from":"2026-10-01","usd":{"input":"0.5"}}]},"#,
            "\n",
            r#"{"id":"b","provider":"openai","name":"B","match":{"equals":"b"},"prices":[{"usd":{"input":"7"}}]}"#,
        );
        let list = List::parse(LIST).unwrap();
        let (merged, differences) = merge(&list, &source(models), "2026-12-01").unwrap();
        let shown: Vec<_> = differences.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "rate   openai a, input: 1 -> 1.5 from 2026-12-01 on",
                "rate   openai a, input: 1.5 -> 3 from 2027-01-01 on",
                "rate   openai a, processing=batch input: none -> 0.5 from 2026-12-01 on",
                "gone   openai a, speed=fast: stays in the list",
                "new    openai b: input 7",
                "gone   openai c stays in the list: usage of the past needs it",
            ]
        );
        let text = merged.to_text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[2], r#""extracted_at": "2026-12-01","#);
        assert!(lines[4].starts_with(r#""sources": {"genai-prices 0.2.4": "genai-prices 0.2.4, MIT"#));
        assert_eq!(
            lines[6],
            concat!(
                r#"{"id":"a","provider":"openai","name":null,"match":{"equals":"a"},"prices":[{"usd":{"input":"1","output":"2"}},"#,
                r#"{"when":{"start_date":"2026-12-01"},"usd":{"input":"1.5","output":"2"}},"#,
                r#"{"when":{"start_date":"2027-01-01"},"usd":{"input":"3","output":"2"}}],"#,
                r#""variants":[{"when":{"speed":"fast"},"from":null,"usd":{"input":"2"}},"#,
                r#"{"when":{"processing":"batch"},"from":"2026-12-01","usd":{"input":"0.5"}}],"#,
                r#""note":"kept","source":"genai-prices 0.2.4","cross_check":"none"},"#,
            )
        );
        assert!(lines[7].starts_with(r#"{"id":"b","provider":"openai","name":"B""#));
        assert!(lines[8].contains(r#""id":"c""#));

        // The same again changes nothing more.
        let (again, differences) = merge(&merged, &source(models), "2026-12-01").unwrap();
        assert!(
            differences
                .iter()
                .all(|difference| difference.to_string().starts_with("gone"))
        );
        assert_eq!(again.to_text(), text);
    }
}
