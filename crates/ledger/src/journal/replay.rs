use std::fs;
use std::io;
use std::ops::Range;

use super::frame::{self, Contents};
use super::{Journal, Kept};

/// The entries that an earlier process left, oldest first, each with what keeps it.
///
/// An entry whose end was never written is left out: whoever wrote it was never told that it is safe. Of a segment that
/// is damaged a copy is kept, named `.bad`, and what can be read is given. What is not iterated over stays for the next
/// start.
#[derive(Debug)]
pub struct Replay<'a> {
    journal: &'a Journal,
    reading: Option<Reading>,
}

#[derive(Debug)]
struct Reading {
    segment: u64,
    bytes: Vec<u8>,
    entries: std::vec::IntoIter<Range<usize>>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(journal: &'a Journal) -> Self {
        Self {
            journal,
            reading: None,
        }
    }

    /// A segment that cannot be read is kept, so that it is there when it can be.
    fn read(&self, segment: u64) -> Option<Reading> {
        let path = self.journal.folder().segment(segment);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "a segment of the journal could not be read and stays");
                return None;
            }
        };
        let contents = frame::read(&bytes);
        if let Some(torn) = &contents.torn {
            tracing::warn!(path = %path.display(), bytes = torn.len(), "the journal's last entry was never written whole");
        }
        if !contents.damaged.is_empty() && !self.set_aside(segment, &contents) {
            // Without a copy, the damaged segment itself stays.
            let _ = self.journal.keep(segment);
        }
        Some(Reading {
            segment,
            bytes,
            entries: contents.entries.into_iter(),
        })
    }

    /// Whether a copy of the damaged segment was made.
    fn set_aside(&self, segment: u64, contents: &Contents) -> bool {
        let bad = self.journal.folder().bad(segment);
        let damaged_bytes: usize = contents.damaged.iter().map(ExactSizeIterator::len).sum();
        let copied: io::Result<u64> = fs::copy(self.journal.folder().segment(segment), &bad);
        tracing::error!(
            segment,
            damaged_bytes,
            entries = contents.entries.len(),
            copy = %bad.display(),
            error = copied.as_ref().err().map(tracing::field::display),
            "a segment of the journal is damaged: usage may be missing; what could be read is booked"
        );
        copied.is_ok()
    }
}

impl Iterator for Replay<'_> {
    type Item = (Vec<u8>, Kept);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(reading) = &mut self.reading else {
                let segment = self.journal.next_unread()?;
                self.reading = self.read(segment);
                continue;
            };
            if let Some(entry) = reading.entries.next() {
                let entry = reading.bytes.get(entry).unwrap_or_default().to_vec();
                return Some((entry, self.journal.keep(reading.segment)));
            }
            let read = reading.segment;
            self.reading = None;
            self.journal.release_segment(read);
        }
    }
}
