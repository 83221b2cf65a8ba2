use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::is_disk_full;
use super::folder::Folder;
use super::segment::Segment;
use super::{AppendError, JournalSettings, OpenError, Replay, frame};

/// Entries on the disk, in segments, until whoever wrote them has them safe elsewhere.
///
/// What was appended outlives the process, however it ends; a power cut may take what was appended since the last
/// [`Journal::sync`]. Segments are removed from the oldest on, each when nothing in it or before it is kept.
#[derive(Debug)]
pub struct Journal {
    folder: Folder,
    settings: JournalSettings,
    state: Mutex<State>,
}

/// Keeps the segment of an entry, and all that came after it, on the disk, and knows where in it the entry is.
///
/// It ends with [`Journal::release`]. One that is merely dropped keeps them until the journal is opened again, and then
/// they are replayed: what is forgotten is not lost.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the segment is kept until it is released"]
pub struct Kept {
    segment: u64,
    /// Where the entry's frame begins.
    offset: u64,
    entry_bytes: usize,
}

/// How much an entry is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It begins something that may as well not begin: refused once the journal is full.
    New,
    /// It ends something that has begun: taken for as long as the disk takes it.
    Owed,
}

#[derive(Debug)]
struct State {
    /// What is written to; `None` while the disk has not even room for an empty one.
    active: Option<Segment>,
    next_number: u64,
    /// The sizes of the segments that are not written to any more.
    closed: BTreeMap<u64, u64>,
    /// How many entries each segment is kept for.
    kept: BTreeMap<u64, usize>,
    /// Those of before that nobody has read yet.
    unread: BTreeSet<u64>,
    /// Closed and not yet safe from power cuts.
    unsynced: Vec<Arc<File>>,
    has_new_files: bool,
    is_disk_full: bool,
    scratch: Vec<u8>,
}

impl State {
    fn bytes(&self) -> u64 {
        let active = self.active.as_ref().map_or(0, Segment::length);
        self.closed.values().sum::<u64>() + active
    }
}

impl Journal {
    /// Opens the journal in a folder, which is made if need be.
    ///
    /// What it holds from before is left as it is until it is [replayed](Self::replay). On a full disk it opens all the
    /// same, so that this can make room; until there is some it takes nothing.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if another process has it open, or the folder cannot be used.
    pub fn open(folder: &Path, settings: JournalSettings) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io {
            folder: folder.to_owned(),
            source,
        };
        let folder = Folder::open(folder)?;
        let closed: BTreeMap<_, _> = folder.segments().map_err(failed)?.into_iter().collect();
        let journal = Self {
            state: Mutex::new(State {
                active: None,
                next_number: closed.last_key_value().map_or(1, |(number, _)| number + 1),
                kept: closed.keys().map(|number| (*number, 1)).collect(),
                unread: closed.keys().copied().collect(),
                closed,
                unsynced: Vec::new(),
                has_new_files: false,
                is_disk_full: false,
                scratch: Vec::new(),
            }),
            folder,
            settings,
        };
        match journal.make_room(&mut journal.lock()) {
            Err(error) if !is_disk_full(&error) => return Err(failed(error)),
            _ => {}
        }
        Ok(journal)
    }

    /// The entries of before, oldest first.
    pub fn replay(&self) -> Replay<'_> {
        Replay::new(self)
    }

    /// Writes an entry behind all others.
    ///
    /// It is with the operating system when this returns, which it mostly does within microseconds.
    ///
    /// # Errors
    ///
    /// [`AppendError`]; nothing of the entry is then in the journal.
    pub fn append(&self, entry: &[u8], need: Need) -> Result<Kept, AppendError> {
        if entry.len() > frame::MAX_ENTRY_BYTES {
            return Err(AppendError::TooLong { bytes: entry.len() });
        }
        let mut state = self.lock();
        let state = &mut *state;
        if need == Need::New && !self.takes_new(state) {
            return Err(AppendError::Full);
        }
        state.scratch.clear();
        frame::write(entry, &mut state.scratch);
        let length = state.scratch.len() as u64;
        let is_at_end = |active: &Segment| {
            active.has_entries() && active.written() + length > self.settings.segment_bytes
        };
        if state.active.as_ref().is_none_or(is_at_end) {
            // If there can be no other, it goes on with this one.
            if let Err(error) = self.begin_segment(state) {
                note_room(state, &Err(error));
            }
        }
        // What is new leaves room for what is owed.
        let room = state.active.as_ref().map_or(0, Segment::room);
        if need == Need::New
            && room < length + self.settings.reserve_bytes / 2
            && self.make_room(state).is_err()
        {
            return Err(AppendError::Full);
        }
        let active = state.active.as_mut().ok_or(AppendError::Full)?;
        let offset = active.written();
        active.append(&state.scratch)?;
        let segment = active.number;
        *state.kept.entry(segment).or_default() += 1;
        Ok(Kept {
            segment,
            offset,
            entry_bytes: entry.len(),
        })
    }

    /// Lets go of an entry: it is safe elsewhere, or superseded by a later one.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "what is let go of keeps nothing any more"
    )]
    pub fn release(&self, kept: Kept) {
        self.release_segment(kept.segment);
    }

    /// Reads an entry that is kept. It waits for the disk.
    ///
    /// # Errors
    ///
    /// What the system said; [`io::ErrorKind::InvalidData`] if the entry is damaged.
    pub fn read(&self, kept: &Kept) -> io::Result<Vec<u8>> {
        let mut frame = vec![0; frame::length(kept.entry_bytes)];
        File::open(self.folder.segment(kept.segment))?.read_exact_at(&mut frame, kept.offset)?;
        match frame::entry(&frame) {
            Some(entry) => Ok(entry.to_vec()),
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Whether what is [new](Need::New) is taken.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.takes_new(&self.lock())
    }

    /// Whether the disk, and not the limit, is why nothing new is taken.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        self.lock().is_disk_full
    }

    /// What the journal takes of the disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.lock().bytes()
    }

    /// Makes what was appended safe from power cuts, and room for what is to come. It waits for the disk.
    ///
    /// # Errors
    ///
    /// What the system said; the next call tries again.
    pub fn sync(&self) -> io::Result<()> {
        let (files, has_new_files) = {
            let mut state = self.lock();
            // An error is in the log, and the next call tries again.
            let _ = self.make_room(&mut state);
            let mut files = std::mem::take(&mut state.unsynced);
            files.extend(state.active.as_mut().and_then(Segment::changed));
            (files, std::mem::take(&mut state.has_new_files))
        };
        let mut synced = Ok(());
        let mut failed = Vec::new();
        for file in files {
            if let Err(error) = file.sync_data() {
                synced = Err(error);
                failed.push(file);
            }
        }
        if has_new_files && let Err(error) = self.folder.sync() {
            self.lock().has_new_files = true;
            synced = Err(error);
        }
        self.lock().unsynced.extend(failed);
        synced
    }

    /// Appends a line to `rejected.bad`, where an operator finds what could be booked nowhere. It waits for the disk.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn set_aside(&self, line: &str) -> io::Result<()> {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.folder.rejected())?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()
    }

    /// Copies the segment of an entry to a `.bad` file beside it, with an error in the log: it is damaged. It waits for
    /// the disk.
    ///
    /// # Errors
    ///
    /// What the system said; there is no copy then.
    pub fn set_segment_aside(&self, kept: &Kept) -> io::Result<()> {
        self.copy_aside(kept.segment)
    }

    pub(super) fn copy_aside(&self, segment: u64) -> io::Result<()> {
        let copy = self.folder.bad(segment);
        let copied = fs::copy(self.folder.segment(segment), &copy);
        match &copied {
            Ok(_) => tracing::error!(segment, copy = %copy.display(), "a copy of a damaged segment is kept"),
            Err(error) => tracing::error!(segment, %error, "a damaged segment could not be copied and stays"),
        }
        copied.map(drop)
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The oldest segment that was not read yet; it stays until it is [released](Self::release_segment).
    pub(super) fn next_unread(&self) -> Option<u64> {
        self.lock().unread.pop_first()
    }

    /// Keeps an entry of before.
    pub(super) fn keep(&self, segment: u64, offset: usize, entry_bytes: usize) -> Kept {
        self.keep_segment(segment);
        Kept {
            segment,
            offset: offset as u64,
            entry_bytes,
        }
    }

    /// Keeps a segment for one entry more.
    pub(super) fn keep_segment(&self, segment: u64) {
        *self.lock().kept.entry(segment).or_default() += 1;
    }

    /// Keeps a segment for one entry less, and removes those that are kept for none.
    pub(super) fn release_segment(&self, segment: u64) {
        let removed = {
            let mut state = self.lock();
            if let Some(entries) = state.kept.get_mut(&segment) {
                *entries -= 1;
                if *entries == 0 {
                    state.kept.remove(&segment);
                }
            }
            let first_kept = state.kept.keys().next().copied().unwrap_or(u64::MAX);
            let staying = state.closed.split_off(&first_kept);
            std::mem::replace(&mut state.closed, staying)
        };
        for (number, bytes) in removed {
            if let Err(error) = fs::remove_file(self.folder.segment(number)) {
                // It still takes its place, and comes up again at the next start.
                tracing::error!(%error, segment = number, "a segment of the journal could not be removed");
                self.lock().closed.insert(number, bytes);
            }
        }
    }

    fn takes_new(&self, state: &State) -> bool {
        !state.is_disk_full && state.bytes() < self.settings.limit_bytes
    }

    /// Closes the active segment and begins the next one; if that cannot be, all stays as it is.
    fn begin_segment(&self, state: &mut State) -> io::Result<()> {
        let next = Segment::create(state.next_number, &self.folder.segment(state.next_number))?;
        state.next_number += 1;
        state.has_new_files = true;
        if let Some(mut closed) = state.active.replace(next) {
            if let Err(error) = closed.trim() {
                tracing::warn!(%error, segment = closed.number, "a closed segment keeps its reserve");
            }
            state.unsynced.extend(closed.changed());
            state.closed.insert(closed.number, closed.length());
        }
        Ok(())
    }

    /// Tries whether the disk has room for what is owed.
    fn make_room(&self, state: &mut State) -> io::Result<()> {
        let mut made = Ok(());
        if state.active.is_none() {
            made = self.begin_segment(state);
        }
        if let Some(active) = &mut state.active {
            made = active.reserve(self.settings.reserve_bytes);
        }
        note_room(state, &made);
        made
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remembers whether the disk has room, and tells when that changes.
fn note_room(state: &mut State, made: &io::Result<()>) {
    match made {
        Err(error) if !state.is_disk_full => {
            tracing::error!(%error, "the disk has no room for the journal: no new requests are taken");
        }
        Ok(()) if state.is_disk_full => tracing::info!("the disk has room for the journal again"),
        _ => {}
    }
    state.is_disk_full = made.is_err();
}

impl Drop for Journal {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(active) = &mut state.active else { return };
        let is_needed = active.has_entries() && !state.kept.is_empty();
        let left = if is_needed {
            active.trim()
        } else {
            fs::remove_file(self.folder.segment(active.number))
        };
        if let Err(error) = left {
            tracing::warn!(%error, "the journal's last segment stays as it is");
        }
    }
}
