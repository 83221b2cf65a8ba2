use std::fs;
use std::io::{self, BufRead, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::folder;
use super::frame::{self, Contents};

/// Looks into a journal's folder and changes nothing there, whether or not a process has it open.
///
/// What a process is writing at that moment may be seen in part: its last entry then looks [torn](SegmentContents::torn).
#[derive(Debug, Clone)]
pub struct JournalReader {
    folder: PathBuf,
}

impl JournalReader {
    /// A reader of the journal in a folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The numbers of the segments, oldest first.
    ///
    /// # Errors
    ///
    /// What the system said, such as that there is no such folder.
    pub fn segments(&self) -> io::Result<Vec<u64>> {
        let segments = folder::segments(&self.folder)?;
        Ok(segments.into_iter().map(|(number, _)| number).collect())
    }

    /// All that is in a segment, however damaged; `None` once it is gone.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn read(&self, segment: u64) -> io::Result<Option<SegmentContents>> {
        match fs::read(folder::segment(&self.folder, segment)) {
            Ok(bytes) => Ok(Some(SegmentContents::of(bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many lines `rejected.bad` has: what could be booked nowhere.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn set_aside(&self) -> io::Result<usize> {
        match fs::File::open(folder::rejected(&self.folder)) {
            Ok(file) => BufReader::new(file).split(b'\n').try_fold(0, |count, line| {
                line?;
                Ok(count + 1)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }
}

/// The bytes of a segment, and where everything is in them.
#[derive(Debug)]
pub struct SegmentContents {
    bytes: Vec<u8>,
    contents: Contents,
}

impl SegmentContents {
    /// What `bytes` hold, however damaged.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        let contents = frame::read(&bytes);
        Self { bytes, contents }
    }

    /// The size of its file, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The entries that can be read, in order, each with where its frame begins.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (usize, &[u8])> {
        let entries = self.contents.entries.iter();
        entries.map(|entry| (frame::start(entry), &self.bytes[entry.clone()]))
    }

    /// What cannot be read, though it was once written in full.
    #[must_use]
    pub fn damaged(&self) -> &[Range<usize>] {
        &self.contents.damaged
    }

    /// The beginning of an entry whose end was never written.
    #[must_use]
    pub fn torn(&self) -> Option<&Range<usize>> {
        self.contents.torn.as_ref()
    }

    pub(super) fn into_entries(self) -> IntoEntries {
        IntoEntries {
            bytes: self.bytes,
            entries: self.contents.entries.into_iter(),
        }
    }
}

/// The entries of a segment, one after the other.
#[derive(Debug)]
pub(super) struct IntoEntries {
    bytes: Vec<u8>,
    entries: std::vec::IntoIter<Range<usize>>,
}

impl Iterator for IntoEntries {
    type Item = (usize, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        Some((frame::start(&entry), self.bytes[entry].to_vec()))
    }
}
