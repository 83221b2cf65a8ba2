use super::reader::{IntoEntries, SegmentContents};
use super::{Journal, JournalReader, Kept};

/// The entries that an earlier process left, oldest first, each with what keeps it.
///
/// An entry whose end was never written is left out: whoever wrote it was never told that it is safe. Of a segment that
/// is damaged a copy is kept, named `.bad`, and what can be read is given. What is not iterated over stays for the next
/// start.
#[derive(Debug)]
pub struct Replay<'a> {
    journal: &'a Journal,
    reading: Option<(u64, IntoEntries)>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(journal: &'a Journal) -> Self {
        Self {
            journal,
            reading: None,
        }
    }

    /// A segment that cannot be read is kept, so that it is there when it can be.
    fn read(&self, segment: u64) -> Option<IntoEntries> {
        let path = self.journal.folder().segment(segment);
        let contents = match JournalReader::new(self.journal.folder().path()).read(segment) {
            Ok(contents) => contents.unwrap_or_else(|| SegmentContents::of(Vec::new())),
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "a segment of the journal could not be read and stays");
                return None;
            }
        };
        if let Some(torn) = contents.torn() {
            tracing::warn!(path = %path.display(), bytes = torn.len(), "the journal's last entry was never written whole");
        }
        if !contents.damaged().is_empty() {
            let damaged_bytes: usize = contents.damaged().iter().map(ExactSizeIterator::len).sum();
            tracing::error!(
                segment,
                damaged_bytes,
                entries = contents.entries().len(),
                "a segment of the journal is damaged: usage may be missing; what could be read is booked"
            );
            if self.journal.copy_aside(segment).is_err() {
                // Without a copy, the damaged segment itself stays.
                self.journal.keep_segment(segment);
            }
        }
        Some(contents.into_entries())
    }
}

impl Iterator for Replay<'_> {
    type Item = (Vec<u8>, Kept);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((segment, entries)) = &mut self.reading else {
                let segment = self.journal.next_unread()?;
                self.reading = self.read(segment).map(|entries| (segment, entries));
                continue;
            };
            if let Some((offset, entry)) = entries.next() {
                let kept = self.journal.keep(*segment, offset, entry.len());
                return Some((entry, kept));
            }
            let read = *segment;
            self.reading = None;
            self.journal.release_segment(read);
        }
    }
}
