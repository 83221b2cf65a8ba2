use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use super::frame;

/// The segment that is written to.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    /// Shared with whoever makes it safe from power cuts at the moment.
    file: Arc<File>,
    // Invariant: the file's position.
    written: u64,
    // Invariant: the file's length, at least `written`; zeros in between.
    length: u64,
    has_changed: bool,
}

impl Segment {
    pub(super) fn create(number: u64, path: &Path) -> io::Result<Self> {
        let file = File::options().create_new(true).write(true).open(path)?;
        Self::begin(number, file).inspect_err(|_| {
            // What is left of it would stand in the way of the next try.
            if let Err(error) = fs::remove_file(path) {
                tracing::warn!(%error, path = %path.display(), "an empty segment of the journal stays");
            }
        })
    }

    fn begin(number: u64, file: File) -> io::Result<Self> {
        let mut segment = Self {
            number,
            file: Arc::new(file),
            written: 0,
            length: 0,
            has_changed: false,
        };
        segment.append(&frame::HEADER)?;
        Ok(segment)
    }

    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    /// What it takes of the disk.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// What can be written without the file growing.
    pub(super) const fn room(&self) -> u64 {
        self.length - self.written
    }

    pub(super) fn has_entries(&self) -> bool {
        self.written > frame::HEADER.len() as u64
    }

    /// Writes all of `bytes` or, as far as a later reader is concerned, none.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = (&*self.file).write_all(bytes) {
            self.take_back();
            return Err(error);
        }
        self.written += bytes.len() as u64;
        self.length = self.length.max(self.written);
        self.has_changed = true;
        Ok(())
    }

    /// Makes room for `bytes` more, on the disk and not only in the file's length.
    pub(super) fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
        let mut file = &*self.file;
        let wanted = self.written + bytes;
        if self.length >= wanted {
            return Ok(());
        }
        file.seek(SeekFrom::Start(self.length))?;
        let mut extended = Ok(());
        while self.length < wanted && extended.is_ok() {
            let missing = usize::try_from(wanted - self.length).unwrap_or(usize::MAX);
            let zeros = &ZEROS[..missing.min(ZEROS.len())];
            extended = file.write_all(zeros).map(|()| self.length += zeros.len() as u64);
        }
        // A part of the last zeros may have been written.
        if extended.is_err() {
            self.file.set_len(self.length)?;
        }
        file.seek(SeekFrom::Start(self.written))?;
        extended
    }

    /// Gives back the room that was made.
    pub(super) fn trim(&mut self) -> io::Result<()> {
        self.file.set_len(self.written)?;
        self.length = self.written;
        Ok(())
    }

    /// The file, if it has changed since this was asked last.
    pub(super) fn changed(&mut self) -> Option<Arc<File>> {
        std::mem::take(&mut self.has_changed).then(|| Arc::clone(&self.file))
    }

    fn take_back(&mut self) {
        let mut file = &*self.file;
        let taken_back = self
            .file
            .set_len(self.written)
            .and_then(|()| file.seek(SeekFrom::Start(self.written)));
        self.length = self.written;
        if let Err(error) = taken_back {
            tracing::error!(%error, segment = self.number, "part of an entry stays in the journal");
        }
    }
}
