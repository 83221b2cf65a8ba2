//! The licences of what the server is made of, which ask to be handed on with it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::packages::Composition;
use crate::Result;

/// How the names of files with a licence or a notice begin, whatever their case.
const NAMES: &[&str] = &[
    "COPYING",
    "COPYRIGHT",
    "LICENCE",
    "LICENSE",
    "NOTICE",
    "UNLICENSE",
];

/// Each text once, below the packages that have it.
pub(super) fn of(made_of: &Composition) -> Result<String> {
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut listed = String::new();
    // Of what only helped to build it, too: it may have left something of itself there, such as Swagger UI.
    let packages = made_of.parts.iter().map(|part| &part.package);
    for package in packages.filter(|package| package.sha256.is_some()) {
        let name = format!("{} {}", package.name, package.version);
        let licence = package.licence.as_deref().unwrap_or("see below");
        writeln!(listed, "  {name}: {licence}")?;
        for text in texts(&package.folder)? {
            let names = owners.entry(text).or_default();
            if names.last() != Some(&name) {
                names.push(name.clone());
            }
        }
    }
    let mut by_names: Vec<(Vec<String>, String)> =
        owners.into_iter().map(|(text, names)| (names, text)).collect();
    by_names.sort();
    let mut notices = format!(
        "The server is made of these packages, too, or was built with them, and has Rust's library (MIT OR Apache-2.0):\n\n{listed}"
    );
    for (names, text) in by_names {
        write!(notices, "\n{}\n{}\n\n{text}\n", "-".repeat(80), names.join(", "))?;
    }
    Ok(notices)
}

/// The texts in a folder and all below it, of code in other languages among them.
fn texts(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            found.extend(texts(&entry.path())?);
        } else if kind.is_file() && is_notice(&entry.file_name().to_string_lossy()) {
            // One that is not text is no licence.
            found.extend(fs::read_to_string(entry.path()).map(|text| text.trim().to_owned()));
        }
    }
    Ok(found)
}

fn is_notice(name: &str) -> bool {
    let upper = name.to_uppercase();
    let extension = Path::new(&upper)
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    let is_source = matches!(extension, "RS" | "C" | "H" | "GO" | "PY" | "SH" | "JS" | "HTML");
    !is_source && NAMES.iter().any(|beginning| upper.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_found_by_the_names_of_their_files() {
        for name in [
            "LICENSE",
            "license-mit",
            "LICENSE-APACHE.md",
            "COPYING.txt",
            "NOTICE",
        ] {
            assert!(is_notice(name), "{name}");
        }
        for name in ["license.rs", "README.md", "Cargo.toml", "lib.rs"] {
            assert!(!is_notice(name), "{name}");
        }
    }

    #[test]
    fn licences_of_code_within_are_found_too() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("c")).unwrap();
        fs::write(root.path().join("LICENSE"), "ours\n").unwrap();
        fs::write(root.path().join("c/LICENSE"), "theirs\n").unwrap();
        let mut found = texts(root.path()).unwrap();
        found.sort();
        assert_eq!(found, ["ours", "theirs"]);
    }
}
