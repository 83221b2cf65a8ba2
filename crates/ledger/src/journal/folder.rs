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

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The numbers and sizes of the segments, oldest first.
    pub(super) fn segments(&self) -> io::Result<Vec<(u64, u64)>> {
        segments(&self.path)
    }

    pub(super) fn segment(&self, number: u64) -> PathBuf {
        segment(&self.path, number)
    }

    /// Where a damaged segment is kept for whoever wants to look into it.
    pub(super) fn bad(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:010}.bad"))
    }

    /// Where what could be booked nowhere is kept.
    pub(super) fn rejected(&self) -> PathBuf {
        rejected(&self.path)
    }

    /// Makes sure that a power cut leaves the files that were made and none of those that were removed.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// The numbers and sizes of the segments in a folder, oldest first.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<(u64, u64)>> {
    let mut segments = Vec::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        let Some(number) = number(&file.path()) else {
            continue;
        };
        match file.metadata() {
            Ok(metadata) => segments.push((number, metadata.len())),
            // Whoever has the journal open has removed it since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

pub(super) fn segment(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:010}.{EXTENSION}"))
}

pub(super) fn rejected(folder: &Path) -> PathBuf {
    folder.join("rejected.bad")
}

/// The segment that a file is, if it is one: no other spelling of its number.
fn number(path: &Path) -> Option<u64> {
    let number: u64 = path.file_stem()?.to_str()?.parse().ok()?;
    // The next one must have a number, too.
    number.checked_add(1)?;
    (path.file_name() == segment(path.parent()?, number).file_name()).then_some(number)
}
