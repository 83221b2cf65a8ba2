use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway_domain::RequestId;
use gateway_metering::RequestRecord;
use serde_json::json;

use crate::writer::Recorded;
use crate::{AppendError, Journal, Kept, LedgerEntry, Need};

/// The ledger's side of its journal, if it has one.
#[derive(Debug)]
pub(crate) struct Books {
    journal: Option<Journal>,
    /// Entries are put together here, so that none takes memory of its own.
    scratch: Mutex<Vec<u8>>,
}

impl Books {
    pub(crate) const fn unjournaled() -> Self {
        Self {
            journal: None,
            scratch: Mutex::new(Vec::new()),
        }
    }

    pub(crate) const fn journaled(journal: Journal) -> Self {
        Self {
            journal: Some(journal),
            scratch: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn have_room(&self) -> bool {
        self.journal.as_ref().is_none_or(Journal::has_room)
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
    pub(crate) fn close(&self, kept: Option<Kept>, record: &RequestRecord) -> Option<Kept> {
        let appended = self.append(Need::Owed, |entry| LedgerEntry::write_closed(record, entry));
        match (kept, appended) {
            // What keeps the older one keeps the newer one, too.
            (Some(older), Ok(newer)) => {
                self.release(newer);
                Some(older)
            }
            (None, Ok(newer)) => newer,
            (older, Err(error)) => {
                tracing::error!(
                    request_id = %record.id,
                    error = &error as &dyn std::error::Error,
                    "a request that has ended is not in the journal: unless it is written before the process ends, \
                     it is lost or booked as interrupted"
                );
                older
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
    pub(crate) fn left_from_before(&self) -> Vec<Recorded> {
        let Some(journal) = &self.journal else {
            return Vec::new();
        };
        let mut open: BTreeMap<RequestId, Recorded> = BTreeMap::new();
        let mut left = Vec::new();
        for (entry, kept) in journal.replay() {
            match LedgerEntry::read(&entry) {
                Ok(LedgerEntry::Open(record)) => {
                    let newer = Recorded {
                        record,
                        kept: Some(kept),
                    };
                    if let Some(older) = open.insert(newer.record.id, newer) {
                        self.release(older.kept);
                    }
                }
                Ok(LedgerEntry::Closed(record)) => {
                    if let Some(opened) = open.remove(&record.id) {
                        self.release(opened.kept);
                    }
                    left.push(Recorded {
                        record,
                        kept: Some(kept),
                    });
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "an entry of the journal says nothing that this version knows"
                    );
                    self.set_entry_aside(&entry, Some(kept), "it says nothing that this version knows");
                }
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
        let books = Arc::downgrade(books);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(interval).await;
                let Some(books) = books.upgrade() else { return };
                // It waits for the disk.
                let synced =
                    tokio::task::spawn_blocking(move || books.journal.as_ref().map(Journal::sync)).await;
                if let Ok(Some(Err(error))) = synced {
                    tracing::error!(%error, "the journal is not safe from a power cut");
                }
            }
        });
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
        journal.append(&entry, need).map(Some)
    }
}
