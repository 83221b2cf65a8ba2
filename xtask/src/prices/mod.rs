//! Looking after `config/prices.json`: what is wrong with it, and what newer publications say.

mod cross_check;
mod entry;
mod findings;
mod list;
mod python;
mod source;
mod sync;

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use gateway_domain::Timestamp;

use self::cross_check::CrossCheck;
use self::list::List;
use crate::Result;
use crate::cli::{Prices, Sync};
use crate::gateway;
use crate::workspace::root;

pub(crate) use self::findings::findings;

/// The list that ships, from the workspace's folder on.
pub(crate) const FILE: &str = "config/prices.json";

pub(crate) fn run(command: &Prices) -> Result<()> {
    match command {
        Prices::Check { file } => check(file.as_deref()),
        Prices::Sync(sync) => compare(sync),
        Prices::Reprice { arguments } => gateway::reprice(arguments),
    }
}

/// A day as the list spells it.
///
/// # Errors
///
/// Anything else.
pub(crate) fn parse_day(text: &str) -> std::result::Result<String, String> {
    let time: std::result::Result<Timestamp, _> = format!("{text}T00:00:00Z").parse();
    match time {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("expected a day such as 2026-12-01".into()),
    }
}

fn check(file: Option<&Path>) -> Result<()> {
    let shipped = root().join(FILE);
    let found = findings(&fs::read_to_string(file.unwrap_or(&shipped))?)?;
    for oddity in &found.oddities {
        println!("odd    {oddity}");
    }
    for mistake in &found.mistakes {
        println!("wrong  {mistake}");
    }
    println!(
        "{} models, {} oddities, {} mistakes",
        found.models,
        found.oddities.len(),
        found.mistakes.len()
    );
    if found.mistakes.is_empty() {
        Ok(())
    } else {
        Err("the price list is wrong".into())
    }
}

fn compare(sync: &Sync) -> Result<()> {
    let file = root().join(FILE);
    let list = List::parse(&fs::read_to_string(&file)?)?;
    let providers = |provider: &str| list.lines.iter().any(|line| line.entry.provider == provider);
    let mut source = source::read(&sync.from, providers)?;
    let day = match &sync.effective_from {
        Some(day) => day.clone(),
        None => day_of(&source.file)?,
    };
    println!(
        "{} in {}, in force from {day} on",
        source.name,
        source.file.display()
    );
    for reason in &source.left_out {
        println!("left   {reason}");
    }
    let cross_check = sync.cross_check.as_deref().map(CrossCheck::read).transpose()?;
    for entry in &mut source.entries {
        let unknown = || ("none".to_owned(), None);
        let note = cross_check
            .as_ref()
            .map_or_else(unknown, |check| check.note(entry, &day));
        (entry.cross_check, entry.max_output_tokens) = (Some(note.0), note.1);
    }
    let (merged, differences) = sync::merge(&list, &source, &day)?;
    for difference in &differences {
        println!("{difference}");
    }
    if let Some(check) = &cross_check {
        for line in &merged.lines {
            for difference in check.differences(&line.entry, &day).unwrap_or_default() {
                println!("check  {} {}, {difference}", line.entry.provider, line.entry.id);
            }
        }
    }
    println!(
        "{} models published, {} differences",
        source.entries.len(),
        differences.len()
    );
    if !sync.write {
        println!("Nothing was changed: --write takes it over.");
        return Ok(());
    }
    if merged.lines.len() == list.lines.len()
        && merged
            .lines
            .iter()
            .zip(&list.lines)
            .all(|(a, b)| a.entry == b.entry)
    {
        println!("There is nothing to write.");
        return Ok(());
    }
    let text = merged.to_text();
    let mistakes = findings(&text)?.mistakes;
    if !mistakes.is_empty() {
        return Err(format!(
            "nothing was written, since it would be wrong:\n{}",
            mistakes.join("\n")
        )
        .into());
    }
    fs::write(&file, text)?;
    println!(
        "Written. See whether config/prices.LICENSE.md is still the licence notice of {}.",
        source.name
    );
    Ok(())
}

/// When a file was last written, in UTC.
fn day_of(file: &Path) -> Result<String> {
    let since = fs::metadata(file)?.modified()?.duration_since(UNIX_EPOCH)?;
    let time = Timestamp::from_micros(i64::try_from(since.as_micros())?).to_string();
    Ok(time.chars().take(10).collect())
}
