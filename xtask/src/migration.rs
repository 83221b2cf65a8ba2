use std::fs;
use std::path::Path;

use crate::Result;
use crate::workspace::root;

/// The databases that every migration is written for.
pub(crate) const DATABASES: [&str; 2] = ["sqlite", "postgres"];

/// The files of a migration, in every database's folder.
pub(crate) const FILES: [&str; 2] = ["up.sql", "down.sql"];

/// A migration's name as it stands in a folder's name.
///
/// # Errors
///
/// Anything but small letters, digits and underscores.
pub(crate) fn parse_name(name: &str) -> std::result::Result<String, String> {
    let valid = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if name.is_empty() || name.starts_with('_') || !name.chars().all(valid) {
        return Err("expected small letters, digits and underscores, such as add_budgets".into());
    }
    Ok(name.to_owned())
}

pub(crate) fn create(name: &str) -> Result<()> {
    for file in create_in(&root().join("migrations"), name)? {
        println!("migrations/{file}");
    }
    println!("\nWrite all four, then: cargo xtask db migrate");
    Ok(())
}

fn create_in(migrations: &Path, name: &str) -> Result<Vec<String>> {
    let folder = format!("{:04}_{name}", last_number(migrations)? + 1);
    let mut written = Vec::new();
    for database in DATABASES {
        fs::create_dir_all(migrations.join(database).join(&folder))?;
        for (file, comment) in FILES
            .iter()
            .zip(["What this migration changes.", "Undoes all of up.sql."])
        {
            let path = format!("{database}/{folder}/{file}");
            fs::write(migrations.join(&path), format!("-- {comment}\n"))?;
            written.push(path);
        }
    }
    Ok(written)
}

/// The highest number in either folder, zero when there is none.
fn last_number(migrations: &Path) -> Result<u32> {
    let mut last = 0;
    for database in DATABASES {
        for folder in folders(&migrations.join(database))? {
            let number = folder.split('_').next().unwrap_or_default();
            last = last.max(number.parse().unwrap_or(0));
        }
    }
    Ok(last)
}

/// The names of the folders in `path`, sorted. None when it is not there.
pub(crate) fn folders(path: &Path) -> Result<Vec<String>> {
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_migration_has_four_files_and_the_next_number() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("postgres/0007_budgets")).unwrap();

        let files = create_in(root.path(), "audit_log").unwrap();

        assert_eq!(
            files,
            [
                "sqlite/0008_audit_log/up.sql",
                "sqlite/0008_audit_log/down.sql",
                "postgres/0008_audit_log/up.sql",
                "postgres/0008_audit_log/down.sql",
            ]
        );
        assert!(files.iter().all(|file| root.path().join(file).is_file()));
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        for name in ["", "_x", "../x", "Add", "add budgets", "a/b"] {
            assert!(parse_name(name).is_err(), "{name}");
        }
        assert_eq!(parse_name("add_budgets_2").as_deref(), Ok("add_budgets_2"));
    }
}
