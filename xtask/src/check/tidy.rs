//! What no compiler looks at.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::migration::{DATABASES, FILES, folders};
use crate::workspace::{Package, root};

/// What must not stand in source, and what to write instead. Split, since this file is source too.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        concat!("#[", "allow("),
        "#[expect(…, reason = \"…\")] says when it is no longer needed",
    ),
    (
        concat!("#![", "allow("),
        "#![expect(…, reason = \"…\")] says when it is no longer needed",
    ),
    (concat!("#[", "ignore"), "a test runs or is deleted"),
    (concat!("todo", "!("), "unfinished work is not committed"),
    (concat!("unimplemented", "!("), "unfinished work is not committed"),
];

/// What must not stand in what is shipped, besides.
const FORBIDDEN_IN_SHIPPED: &[(&str, &str)] = &[(
    concat!("process::", "Command"),
    "nothing that is shipped starts another program",
)];

/// Packages without a README or a floor.
pub(crate) fn undescribed(packages: &[Package]) -> Vec<String> {
    let mut violations = Vec::new();
    for package in packages {
        if !package.has_readme {
            violations.push(format!("{} has no README.md", package.name));
        }
        if package.floor.is_none() {
            violations.push(format!("{} says no floor in [package.metadata]", package.name));
        }
    }
    violations
}

/// Migrations that one database has and the other lacks, and missing or empty files.
pub(crate) fn unpaired_migrations(migrations: &Path) -> Result<Vec<String>> {
    let mut all = BTreeSet::new();
    for database in DATABASES {
        all.extend(folders(&migrations.join(database))?);
    }
    let mut violations = Vec::new();
    for (folder, database) in all
        .iter()
        .flat_map(|folder| DATABASES.map(|database| (folder, database)))
    {
        for file in FILES {
            let path = format!("{database}/{folder}/{file}");
            if !says_something(&migrations.join(&path)) {
                violations.push(format!("migrations/{path} is missing or empty"));
            }
        }
    }
    Ok(violations)
}

/// Whether there is anything but comments.
fn says_something(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .map(str::trim)
        .any(|line| !line.is_empty() && !line.starts_with("--"))
}

/// Places of [`FORBIDDEN`] words in the packages' and our own source.
pub(crate) fn forbidden_words(root_folder: &Path, packages: &[Package]) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for folder in packages
        .iter()
        .map(|package| package.folder.clone())
        .chain([root().join("xtask")])
    {
        rust_files(&folder, &mut files)?;
    }
    let mut violations = Vec::new();
    for file in files {
        let shown = file
            .strip_prefix(root_folder)
            .unwrap_or(&file)
            .display()
            .to_string();
        violations.extend(forbidden_words_in(&shown, &fs::read_to_string(&file)?));
    }
    Ok(violations)
}

fn forbidden_words_in(file: &str, text: &str) -> Vec<String> {
    let is_shipped = !file.starts_with("xtask/") && file.contains("/src/");
    let in_shipped = FORBIDDEN_IN_SHIPPED.iter().filter(|_| is_shipped);
    let forbidden: Vec<_> = FORBIDDEN.iter().chain(in_shipped).collect();
    let mut violations = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (word, instead) in &forbidden {
            if line.contains(word) {
                violations.push(format!("{file}:{}: {word}…: {instead}", number + 1));
            }
        }
    }
    violations
}

pub(super) fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<std::result::Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // Links lead to what is looked at elsewhere, or nowhere.
        let kind = entry.file_type()?;
        if kind.is_dir() && entry.file_name() != "target" {
            rust_files(&path, found)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str, text: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_migration_is_whole_in_both_databases() {
        let root = tempfile::tempdir().unwrap();
        for database in DATABASES {
            write(
                root.path(),
                &format!("{database}/0001_initial/up.sql"),
                "CREATE TABLE x (y int);",
            );
            write(
                root.path(),
                &format!("{database}/0001_initial/down.sql"),
                "DROP TABLE x;",
            );
        }
        assert_eq!(unpaired_migrations(root.path()).unwrap(), Vec::<String>::new());

        write(root.path(), "sqlite/0002_more/up.sql", "CREATE TABLE y (z int);");
        write(
            root.path(),
            "sqlite/0002_more/down.sql",
            "-- Undoes all of up.sql.\n",
        );
        assert_eq!(
            unpaired_migrations(root.path()).unwrap(),
            [
                "migrations/sqlite/0002_more/down.sql is missing or empty",
                "migrations/postgres/0002_more/up.sql is missing or empty",
                "migrations/postgres/0002_more/down.sql is missing or empty",
            ]
        );
    }

    #[test]
    fn forbidden_words_are_found_with_their_line() {
        let text = format!("fn f() {{\n    {}\n}}\n", concat!("todo", "!()"));
        let found = forbidden_words_in("src/a.rs", &text);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("src/a.rs:2: "), "{found:?}");
        assert_eq!(
            forbidden_words_in("src/a.rs", "fn f() {}\n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn our_own_source_passes() {
        let violations = forbidden_words(root(), &[]).unwrap();
        assert_eq!(violations, Vec::<String>::new());
    }
}
