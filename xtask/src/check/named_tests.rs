//! Tests that a document names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::tidy::rust_files;
use crate::Result;

/// Says of each statement which tests hold it, as `room: function`.
const DOCUMENT: &str = "docs/SECURITY-TESTS.md";

/// What the document names that is no test.
pub(super) fn missing(root: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(root.join(DOCUMENT))?;
    let mut tests = BTreeMap::new();
    let mut missing = Vec::new();
    for (room, test) in named(&text) {
        if !tests.contains_key(room) {
            tests.insert(room, functions(&folder(root, room))?);
        }
        if !tests[room].contains(test) {
            missing.push(format!("{DOCUMENT}: {room} has no test {test}"));
        }
    }
    Ok(missing)
}

/// The rooms and tests that stand between backticks.
fn named(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|quoted| quoted.split_once(": "))
        .filter(|(room, test)| is_name(room) && is_name(test))
}

fn is_name(text: &str) -> bool {
    let is_part =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    !text.is_empty() && text.bytes().all(is_part)
}

fn folder(root: &Path, room: &str) -> PathBuf {
    match room {
        "xtask" => root.join("xtask"),
        "llm-gateway" => root.join("bin/llm-gateway"),
        room => root.join("crates").join(room),
    }
}

/// The names of all functions in a folder.
fn functions(folder: &Path) -> Result<BTreeSet<String>> {
    let mut files = Vec::new();
    if folder.is_dir() {
        rust_files(folder, &mut files)?;
    }
    let mut names = BTreeSet::new();
    for file in files {
        for line in fs::read_to_string(file)?.lines() {
            let after = line.split_once("fn ").map(|(_, after)| after);
            let name = after.and_then(|after| after.split(['(', '<']).next());
            names.extend(name.map(ToOwned::to_owned));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tests_that_are_there_may_be_named() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["docs", "crates/auth/tests"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(
            root.path().join("crates/auth/tests/a.rs"),
            "async fn there() {}\n",
        )
        .unwrap();
        let table = "| a | `auth: there`, `auth: gone` |\n| b | `store: there`, `key: Value`, `x` |\n";
        fs::write(root.path().join(DOCUMENT), table).unwrap();
        let missing = missing(root.path()).unwrap();
        assert_eq!(
            missing,
            [
                "docs/SECURITY-TESTS.md: auth has no test gone",
                "docs/SECURITY-TESTS.md: store has no test there",
            ]
        );
    }
}
