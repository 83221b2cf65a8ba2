//! What others' packages are, and what is known about them (deny.toml).

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::tools::{CARGO_AUDIT, CARGO_DENY};
use crate::workspace::{root, variable};

/// Which folder has RustSec's advisories, checked out.
pub(super) const ADVISORIES_VARIABLE: &str = "ADVISORY_DB";

/// Licences, registries, banned packages and duplicates: all that deny.toml can say without asking anybody.
pub(super) fn allowed() -> Result<()> {
    let mut deny = Command::new(CARGO_DENY.find_or_install()?);
    deny.args([
        "--locked",
        "--log-level",
        "error",
        "check",
        "--hide-inclusion-graph",
    ]);
    deny.args(["licenses", "bans", "sources"]);
    run(&mut deny, "what deny.toml does not allow stands above")
}

/// Where the advisories are, if there are any to look at.
pub(super) fn advisories() -> Option<OsString> {
    variable(ADVISORIES_VARIABLE)
}

/// Whether a version of Cargo.lock has a known hole. Nothing is fetched.
pub(super) fn advised_against(advisories: &Path) -> Result<()> {
    if !advisories.join("crates").is_dir() {
        return Err(format!(
            "{ADVISORIES_VARIABLE} names {}, which has no folder crates/: check RustSec's advisory-db out there",
            advisories.display()
        )
        .into());
    }
    let mut audit = Command::new(CARGO_AUDIT.find_or_install()?);
    audit.args(["audit", "--quiet", "--no-fetch", "--stale", "--db"]);
    audit.arg(advisories);
    run(&mut audit, "what the advisories say stands above")
}

fn run(command: &mut Command, failure: &str) -> Result<()> {
    if command.current_dir(root()).status()?.success() {
        Ok(())
    } else {
        Err(failure.into())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// cargo-deny reads `name@<1.2.3` as the one version 1.2.3.
    #[test]
    fn floors_of_deny_toml_are_ranges_and_not_single_versions() {
        let text = fs::read_to_string(root().join("deny.toml")).unwrap();
        assert!(text.contains(":<"), "{text}");
        assert!(!text.contains("@<"), "{text}");
    }

    #[test]
    fn a_folder_without_advisories_is_not_taken_for_good_news() {
        let empty = tempfile::tempdir().unwrap();
        let error = advised_against(empty.path()).unwrap_err().to_string();
        assert!(error.starts_with("ADVISORY_DB names "), "{error}");
    }
}
