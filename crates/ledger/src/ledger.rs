use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use gateway_metering::RequestRecord;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::books::{Books, Closed};
use crate::writer::{Entry, Recorded, Writer};
use crate::{AppendError, Journal, Kept, LedgerSettings, Sink};

/// The queue of finished requests on their way into a [`Sink`].
///
/// Nothing in it is ever dropped to make room: see [`Ledger::has_room`].
pub struct Ledger {
    entries: mpsc::UnboundedSender<Entry>,
    counts: Arc<Counts>,
    queue_rows: usize,
    books: Arc<Books>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// That the journal knows of a request which is under way.
///
/// One that is dropped is booked at the next start, as it was noted last.
#[derive(Debug)]
#[must_use = "a request that is never closed is booked as interrupted"]
pub struct OpenRequest {
    // Invariant: `None` without a journal.
    kept: Option<Kept>,
}

/// What the ledger and its writer both count.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Recorded, and neither written nor set aside.
    pub(crate) waiting: AtomicUsize,
    /// Of these, those that are in the queue with all that is known of them.
    pub(crate) in_memory: AtomicUsize,
    pub(crate) written: AtomicU64,
    pub(crate) rejected: AtomicU64,
}

impl Ledger {
    /// Starts the writer. What is in the queue when the process dies is lost: see [`Ledger::with_journal`].
    ///
    /// It also ends by itself, once everything is written, when the ledger is dropped.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(sink: Arc<dyn Sink>, settings: LedgerSettings) -> Self {
        Self::run(sink, settings, Books::unjournaled())
    }

    /// Starts the writer, and first has it book what the journal holds from before: the requests that were not written,
    /// and those that were under way, as they were noted last.
    ///
    /// The journal is synced every second, or as the settings say.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn with_journal(journal: Journal, sink: Arc<dyn Sink>, settings: LedgerSettings) -> Self {
        let books = Books::journaled(journal, settings.journal_sync);
        let left = books.left_from_before();
        let sync_interval = settings.sync_interval();
        let ledger = Self::run(sink, settings, books);
        for kept in left {
            ledger.enqueue(Entry::Noted(kept));
        }
        Books::keep_synced(&ledger.books, sync_interval);
        ledger
    }

    fn run(sink: Arc<dyn Sink>, settings: LedgerSettings, books: Books) -> Self {
        let (entries, queue) = mpsc::unbounded_channel();
        let counts = Arc::new(Counts::default());
        let books = Arc::new(books);
        let queue_rows = settings.queue_rows;
        let queue = (entries.downgrade(), queue);
        let writer = Writer::new(queue, sink, settings, Arc::clone(&counts), Arc::clone(&books));
        Self {
            entries,
            counts,
            queue_rows,
            books,
            writer: Mutex::new(Some(tokio::spawn(writer.run()))),
        }
    }

    /// Notes in the journal that a request is under way, as it shall be booked if the process dies.
    ///
    /// # Errors
    ///
    /// [`AppendError`] if the journal does not take it: the request should not go out.
    pub fn open(&self, record: &RequestRecord) -> Result<OpenRequest, AppendError> {
        let kept = self.books.open(record)?;
        Ok(OpenRequest { kept })
    }

    /// Notes how far an open request has come.
    ///
    /// Nothing is lost if the journal does not take it: the request is then booked as it was noted before.
    pub fn update(&self, open: &mut OpenRequest, record: &RequestRecord) {
        self.books.update(&mut open.kept, record);
    }

    /// Notes how far an open request has come, if there is room for what need not be noted.
    pub fn note(&self, open: &mut OpenRequest, record: &RequestRecord) {
        if self.books.shortage().is_none() {
            self.books.update(&mut open.kept, record);
        }
    }

    /// Takes a request that was [open](Self::open) and has ended, to be written soon; never waits and never refuses.
    pub fn close_request(&self, open: OpenRequest, record: RequestRecord) {
        let kept = match self.books.close(open.kept, &record) {
            Closed::Noted(kept) if self.counts.in_memory.load(Ordering::Relaxed) >= self.queue_rows => {
                return self.enqueue(Entry::Noted(kept));
            }
            Closed::Noted(kept) => Some(kept),
            Closed::Unnoted(kept) => kept,
        };
        self.counts.in_memory.fetch_add(1, Ordering::Relaxed);
        self.enqueue(Entry::Record(Box::new(Recorded { record, kept })));
    }

    /// Takes a finished request that was never open, to be written soon; never waits and never refuses.
    ///
    /// After [`Ledger::close`] nobody is left to write it. Without a journal it is lost, which is logged as an error.
    pub fn record(&self, record: RequestRecord) {
        self.close_request(OpenRequest { kept: None }, record);
    }

    fn enqueue(&self, entry: Entry) {
        // Counted first, or the writer could count it out before it was counted in.
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        let Err(mpsc::error::SendError(entry)) = self.entries.send(entry) else {
            return;
        };
        self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
        if let Entry::Record(recorded) = entry
            && recorded.kept.is_none()
        {
            let record = &recorded.record;
            tracing::error!(
                request_id = %record.id,
                user_id = %record.user_id,
                key_id = %record.key_id,
                "a request ended after the ledger was closed; its usage is lost"
            );
        }
    }

    /// Requests that are recorded and not yet written.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.counts.waiting.load(Ordering::Relaxed)
    }

    /// Whether another request should be let in, so that its record will find room. What is recorded all the same is
    /// kept.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.shortage().is_none()
    }

    /// Why no other request should be let in, if none should.
    #[must_use]
    pub fn shortage(&self) -> Option<Shortage> {
        if self.books.are_journaled() {
            self.books.shortage()
        } else {
            (self.depth() >= self.queue_rows).then_some(Shortage::Queue)
        }
    }

    /// What the journal takes of the disk, in bytes.
    #[must_use]
    pub fn journal_bytes(&self) -> u64 {
        self.books.bytes()
    }

    /// Requests written since the start.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.counts.written.load(Ordering::Relaxed)
    }

    /// Requests set aside since the start, because the sink can never keep them.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.counts.rejected.load(Ordering::Relaxed)
    }

    /// Waits until everything recorded before this call is written, however long the sink is away.
    ///
    /// Returns at once after [`Ledger::close`].
    pub async fn flush(&self) {
        let (reached, reaching) = oneshot::channel();
        if self.entries.send(Entry::Flush(reached)).is_ok() {
            // An error means that the writer has stopped; `close` says what that left.
            let _ = reaching.await;
        }
    }

    /// Waits until everything recorded before this call is written, for as long as the writer gets on.
    ///
    /// # Errors
    ///
    /// [`RowsLeft`] once nothing was written for `patience`: the sink is away.
    pub async fn catch_up(&self, patience: Duration) -> Result<(), RowsLeft> {
        let settled = || self.written() + self.rejected();
        let mut flushed = pin!(self.flush());
        loop {
            let before = settled();
            if tokio::time::timeout(patience, &mut flushed).await.is_ok() {
                return Ok(());
            }
            if settled() == before {
                return Err(RowsLeft { rows: self.depth() });
            }
        }
    }

    /// Writes what is recorded and stops; what is not written by the deadline is left to the journal, or lost.
    ///
    /// Calling it again is harmless.
    ///
    /// # Errors
    ///
    /// [`RowsLeft`] if the deadline passed first.
    pub async fn close(&self, deadline: Duration) -> Result<(), RowsLeft> {
        // An error means that it was closed before.
        let _ = self.entries.send(Entry::Close);
        let mut writer = self.writer.lock().await;
        if let Some(running) = writer.as_mut() {
            let ended = tokio::time::timeout(deadline, &mut *running).await;
            if ended.is_err() {
                running.abort();
                // Waited for, so that nothing is written after the count.
                let _ = running.await;
            }
            *writer = None;
            // Who records at this very moment is counted for an instant, though nothing of before is left.
            if let Ok(Ok(())) = ended {
                return Ok(());
            }
        }
        match self.depth() {
            0 => Ok(()),
            rows => Err(RowsLeft { rows }),
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// What a ledger is short of: while it is, no other request should be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// The queue is full, since the sink has been away for long.
    Queue,
    /// The journal is as large as it may be, since the sink has been away for long.
    Journal,
    /// The disk of the journal is full.
    Disk,
}

impl Shortage {
    /// One word: `ledger`, `journal` or `disk`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "ledger",
            Self::Journal => "journal",
            Self::Disk => "disk",
        }
    }
}

/// Not everything was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the usage of {rows} requests was not written")]
pub struct RowsLeft {
    /// How many requests are left to the journal, or lost without one.
    pub rows: usize,
}
