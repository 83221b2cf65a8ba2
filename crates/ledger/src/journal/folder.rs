use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::OpenError;

const EXTENSION: &str = "journal";

/// Where the segments are; nobody else opens it while this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io {
            folder: path.to_owned(),
            source,
        };
        fs::create_dir_all(path).map_err(failed)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
                folder: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The numbers and sizes of the segments, oldest first.
    pub(super) fn segments(&self) -> io::Result<Vec<(u64, u64)>> {
        let mut segments = Vec::new();
        for file in fs::read_dir(&self.path)? {
            let file = file?;
            let path = file.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let number = stem.and_then(|stem| stem.parse().ok());
            if let (Some(number), true) = (number, path.extension().is_some_and(|end| end == EXTENSION)) {
                segments.push((number, file.metadata()?.len()));
            }
        }
        segments.sort_unstable();
        Ok(segments)
    }

    pub(super) fn segment(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:010}.{EXTENSION}"))
    }

    /// Where a damaged segment is kept for whoever wants to look into it.
    pub(super) fn bad(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:010}.bad"))
    }

    /// Where what could be booked nowhere is kept.
    pub(super) fn rejected(&self) -> PathBuf {
        self.path.join("rejected.bad")
    }

    /// Makes sure that a power cut leaves the files that were made and none of those that were removed.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}
