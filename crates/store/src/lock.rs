//! A file beside a SQLite database that says who has it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::OpenError;

/// The right to write a SQLite file. The operating system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct LockFile {
    _file: File,
}

impl LockFile {
    /// Takes the lock of the database at `database`, and makes its folder if there is none.
    ///
    /// # Errors
    ///
    /// When another process has it, or when the folder cannot be written.
    pub(crate) fn take(database: &Path) -> Result<Self, OpenError> {
        if let Some(folder) = database.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| not_writable(folder, error))?;
        }
        let path = lock_path(database);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| not_writable(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::new(
                format!("another process has the database {}", database.display()),
                "stop the server first, or use PostgreSQL for several at once",
            )),
            Err(TryLockError::Error(error)) => Err(not_writable(&path, error)),
        }
    }
}

/// `gateway.db.lock` for `gateway.db`.
pub(crate) fn lock_path(database: &Path) -> PathBuf {
    beside(database, ".lock")
}

/// The file whose name is `database`'s with `suffix` after it.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

pub(crate) fn not_writable(path: &Path, error: std::io::Error) -> OpenError {
    OpenError::new(
        format!("{} cannot be written", path.display()),
        "give the user that runs the gateway the right to write the folder and the file, and check the disk's space",
    )
    .because(error)
}
