use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway_domain::RequestId;
use gateway_metering::RequestRecord;
use serde_json::json;
use tokio::sync::Notify;

use crate::entry::Peek;
use crate::writer::Recorded;
use crate::{AppendError, Journal, JournalSync, Kept, LedgerEntry, Need, Shortage, UnreadableEntry};

/// The ledger's side of its journal, if it has one.
#[derive(Debug)]
pub(crate) struct Books {
    journal: Option<Journal>,
    /// Entries are put together here, so that none takes memory of its own.
    scratch: Mutex<Vec<u8>>,
    /// Told of each entry, where each is to be synced soon.
    appended: Option<Arc<Notify>>,
}

impl Books {
    pub(crate) const fn unjournaled() -> Self {
        Self {
            journal: None,
            scratch: Mutex::new(Vec::new()),
            appended: None,
        }
    }

    pub(crate) fn journaled(journal: Journal, sync: JournalSync) -> Self {
        Self {
            journal: Some(journal),
            scratch: Mutex::new(Vec::new()),
            appended: (sync == JournalSync::Batch).then(Arc::default),
        }
    }

    pub(crate) const fn are_journaled(&self) -> bool {
        self.journal.is_some()
    }

    /// What the journal lacks to take another request, if there is one and it lacks something.
    pub(crate) fn shortage(&self) -> Option<Shortage> {
        let journal = self.journal.as_ref()?;
        if journal.has_room() {
            None
        } else if journal.is_disk_full() {
            Some(Shortage::Disk)
        } else {
            Some(Shortage::Journal)
        }
    }

    /// What the journal takes of the disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.journal.as_ref().map_or(0, Journal::bytes)
    }

    pub(crate) fn open(&self, record: &RequestRecord) -> Result<Option<Kept>, AppendError> {
        self.append(Need::New, |entry| LedgerEntry::write_open(record, entry))
    }

    /// Supersedes what was noted of the request.
    pub(crate) fn update(&self, kept: &mut Option<Kept>, record: &RequestRecord) {
        let appended = self.append(Need::Owed, |entry| LedgerEntry::write_open(record, entry));
        match appended {
            Ok(newer) => self.release(std::mem::replace(kept, newer)),
            Err(error) => tracing::warn!(
                request_id = %record.id,
                error = &error as &dyn std::error::Error,
                "how far a request has come is not noted"
            ),
        }
    }

    /// What keeps the request in the journal until it is written elsewhere.
    pub(crate) fn close(&self, older: Option<Kept>, record: &RequestRecord) -> Closed {
        match self.append(Need::Owed, |entry| LedgerEntry::write_closed(record, entry)) {
            Ok(newer) => {
                self.release(older);
                newer.map_or(Closed::Unnoted(None), Closed::Noted)
            }
            Err(error) => {
                tracing::error!(
                    request_id = %record.id,
                    error = &error as &dyn std::error::Error,
                    "a request that has ended is not in the journal: unless it is written before the process ends, \
                     it is lost or booked as interrupted"
                );
                Closed::Unnoted(older)
            }
        }
    }

    /// What the journal says of a request that ended, or of one that did not. It waits for the disk.
    ///
    /// What is damaged is set aside.
    pub(crate) fn fetch(&self, kept: Kept) -> Fetched {
        let Some(journal) = &self.journal else {
            return Fetched::Lost;
        };
        let entry = match journal.read(&kept) {
            Ok(entry) => entry,
            Err(error) => {
                tracing::error!(%error, "a request could not be read from the journal: its usage may be missing");
                let is_lost = match error.kind() {
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                        journal.set_segment_aside(&kept).is_ok()
                    }
                    kind => kind == io::ErrorKind::NotFound,
                };
                if !is_lost {
                    return Fetched::NotNow(kept);
                }
                journal.release(kept);
                return Fetched::Lost;
            }
        };
        match LedgerEntry::read(&entry) {
            Ok(LedgerEntry::Open(record) | LedgerEntry::Closed(record)) => {
                Fetched::Record(Box::new(Recorded {
                    record,
                    kept: Some(kept),
                }))
            }
            Err(error) => {
                self.set_unreadable_aside(&entry, kept, &error);
                Fetched::Lost
            }
        }
    }

    pub(crate) fn release(&self, kept: Option<Kept>) {
        if let (Some(journal), Some(kept)) = (&self.journal, kept) {
            journal.release(kept);
        }
    }

    /// Puts a request that can never be written where an operator finds it.
    pub(crate) fn set_aside(&self, recorded: Recorded, reason: &str) {
        let Recorded { record, kept } = recorded;
        let mut entry = Vec::new();
        LedgerEntry::write_closed(&record, &mut entry);
        self.set_entry_aside(&entry, kept, reason);
    }

    /// The requests of an earlier process: those that ended in the order of their ends, then those that did not.
    ///
    /// Only where they are is remembered, since they may be many.
    pub(crate) fn left_from_before(&self) -> Vec<Kept> {
        let Some(journal) = &self.journal else {
            return Vec::new();
        };
        let mut open: BTreeMap<RequestId, Kept> = BTreeMap::new();
        let mut left = Vec::new();
        for (entry, kept) in journal.replay() {
            match LedgerEntry::peek(&entry) {
                Ok(Peek::Open(id)) => self.release(open.insert(id, kept)),
                Ok(Peek::Closed(id)) => {
                    self.release(open.remove(&id));
                    left.push(kept);
                }
                Err(error) => self.set_unreadable_aside(&entry, kept, &error),
            }
        }
        if !left.is_empty() || !open.is_empty() {
            tracing::warn!(
                ended = left.len(),
                interrupted = open.len(),
                "an earlier process left requests in its journal: those that are not in the books yet are booked"
            );
        }
        left.extend(open.into_values());
        left
    }

    /// Syncs the journal again and again, for as long as the ledger lives.
    pub(crate) fn keep_synced(books: &Arc<Self>, interval: Duration) {
        let appended = books.appended.clone();
        let books = Arc::downgrade(books);
        tokio::spawn(async move {
            loop {
                match &appended {
                    // Even without an entry it is time at some point to see whether the disk has room.
                    Some(appended) => drop(tokio::time::timeout(interval, appended.notified()).await),
                    None => tokio::time::sleep(interval).await,
                }
                let Some(books) = books.upgrade() else { return };
                // It waits for the disk, and one sync is for all that was appended before it.
                let synced =
                    tokio::task::spawn_blocking(move || books.journal.as_ref().map(Journal::sync)).await;
                if let Ok(Some(Err(error))) = synced {
                    tracing::error!(%error, "the journal is not safe from a power cut");
                }
            }
        });
    }

    fn set_unreadable_aside(&self, entry: &[u8], kept: Kept, error: &UnreadableEntry) {
        tracing::error!(
            error = error as &dyn std::error::Error,
            "an entry of the journal says nothing that this version knows"
        );
        self.set_entry_aside(entry, Some(kept), "it says nothing that this version knows");
    }

    /// The entry stays in the journal, and comes up again at the next start, if it cannot be set aside either.
    fn set_entry_aside(&self, entry: &[u8], kept: Option<Kept>, reason: &str) {
        let Some(journal) = &self.journal else { return };
        let line = json!({"reason": reason, "entry": String::from_utf8_lossy(entry)}).to_string();
        match journal.set_aside(&line) {
            Ok(()) => self.release(kept),
            Err(error) => tracing::error!(%error, "what is set aside could not be written down"),
        }
    }

    fn append(&self, need: Need, write: impl FnOnce(&mut Vec<u8>)) -> Result<Option<Kept>, AppendError> {
        let Some(journal) = &self.journal else {
            return Ok(None);
        };
        let mut entry = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        entry.clear();
        write(&mut entry);
        let kept = journal.append(&entry, need)?;
        if let Some(appended) = &self.appended {
            appended.notify_one();
        }
        Ok(Some(kept))
    }
}

/// What comes of looking a request up in the journal.
pub(crate) enum Fetched {
    Record(Box<Recorded>),
    /// The disk does not say, or what is damaged cannot be set aside.
    NotNow(Kept),
    /// It is set aside, or gone.
    Lost,
}

/// Where a request is that has ended.
pub(crate) enum Closed {
    /// In the journal, as it ended.
    Noted(Kept),
    /// Nowhere but in memory, with what the journal knew of it before.
    Unnoted(Option<Kept>),
}
