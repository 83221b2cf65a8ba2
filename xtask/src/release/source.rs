//! The commit that a release is made of.

use gateway_domain::Timestamp;
use xshell::{Shell, cmd};

use crate::Result;
use crate::workspace::{shell, variable};

/// What stands in for the commit's time where there is no repository (reproducible-builds.org).
const VARIABLE: &str = "SOURCE_DATE_EPOCH";

/// When the commit was made that the working tree is at: the only time that a release knows.
pub(super) fn committed_at() -> Result<Timestamp> {
    if let Some(seconds) = variable(VARIABLE) {
        return parse(&seconds.to_string_lossy())
            .ok_or_else(|| format!("{VARIABLE} must be a number of seconds since 1970").into());
    }
    let shell = shell()?;
    let seconds = cmd!(shell, "git log --max-count 1 --format=%ct")
        .quiet()
        .ignore_stderr()
        .read()
        .map_err(|_| {
            format!("the time of the commit is not known: there is no repository here. Set {VARIABLE}")
        })?;
    if has_changes(&shell)? {
        eprintln!("There are changes that are not committed: nobody else can build what comes out of this.");
    }
    parse(&seconds).ok_or_else(|| format!("git gave no time of the commit, but {seconds:?}").into())
}

fn has_changes(shell: &Shell) -> Result<bool> {
    Ok(!cmd!(shell, "git status --porcelain").quiet().read()?.is_empty())
}

fn parse(seconds: &str) -> Option<Timestamp> {
    // What archives and their readers can write and read: until 2106.
    let seconds: u32 = seconds.trim().parse().ok()?;
    Some(Timestamp::from_seconds(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_of_seconds() {
        assert_eq!(
            parse("1795740000\n"),
            Some(Timestamp::from_seconds(1_795_740_000))
        );
        for text in ["", "-1", "2026-11-27", "99999999999"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
