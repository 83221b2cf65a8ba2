use std::io;
use std::path::PathBuf;

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open: two would write into each other's files.
    #[error("the journal in {} is in use by another process", folder.display())]
    InUse {
        /// Where the journal is.
        folder: PathBuf,
    },
    /// The folder or a file in it could not be made or listed.
    #[error("the journal in {} could not be opened", folder.display())]
    Io {
        /// Where the journal is.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Whether it goes away by itself once there is room.
pub(super) fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Why an entry was not taken. None of it is in the journal.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The journal is as large as it may be, or the disk is full.
    #[error("the journal is full")]
    Full,
    /// It is longer than an entry may be.
    #[error("an entry of {bytes} bytes is too long for the journal")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It could not be written.
    #[error("the journal could not be written to")]
    Io(#[from] io::Error),
}
