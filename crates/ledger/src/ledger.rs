use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use gateway_metering::RequestRecord;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::writer::{Entry, Writer};
use crate::{LedgerSettings, Sink};

/// The queue of finished requests on their way into a [`Sink`].
///
/// Nothing in it is ever dropped to make room: see [`Ledger::has_room`].
pub struct Ledger {
    entries: mpsc::UnboundedSender<Entry>,
    counts: Arc<Counts>,
    queue_rows: usize,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What the ledger and its writer both count.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Recorded, and neither written nor set aside.
    pub(crate) waiting: AtomicUsize,
    pub(crate) written: AtomicU64,
    pub(crate) rejected: AtomicU64,
}

impl Ledger {
    /// Starts the writer.
    ///
    /// It also ends by itself, once everything is written, when the ledger is dropped.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(sink: Arc<dyn Sink>, settings: LedgerSettings) -> Self {
        let (entries, queue) = mpsc::unbounded_channel();
        let counts = Arc::new(Counts::default());
        let queue_rows = settings.queue_rows;
        let writer = Writer::new(queue, sink, settings, Arc::clone(&counts));
        Self {
            entries,
            counts,
            queue_rows,
            writer: Mutex::new(Some(tokio::spawn(writer.run()))),
        }
    }

    /// Takes a finished request, to be written soon; never waits and never refuses.
    ///
    /// After [`Ledger::close`] nobody is left to write it: it is lost, which is logged as an error.
    pub fn record(&self, record: RequestRecord) {
        // Counted first, or the writer could count it out before it was counted in.
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        if let Err(mpsc::error::SendError(Entry::Record(record))) = self.entries.send(Entry::record(record)) {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
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

    /// Whether another request should be let in, so that its record will find room.
    ///
    /// False while the sink has been away for so long that the queue is full. What is recorded all the same is kept.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.depth() < self.queue_rows
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

    /// Writes what is recorded and stops; what is not written by the deadline is lost.
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

/// The ledger was closed before everything was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the usage of {rows} requests was not written")]
pub struct RowsLeft {
    /// How many requests are lost.
    pub rows: usize,
}
