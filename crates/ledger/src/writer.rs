use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use gateway_metering::RequestRecord;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::books::{Books, Fetched};
use crate::ledger::Counts;
use crate::{Kept, LedgerSettings, Sink, SinkError};

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// What the ledger tells its writer, in order.
pub(crate) enum Entry {
    Record(Box<Recorded>),
    /// A request that is in the journal and not in memory.
    Noted(Kept),
    /// To be answered when all before it is written.
    Flush(oneshot::Sender<()>),
    /// The queue takes nothing more once this is read.
    Close,
}

/// A finished request, and what keeps it in the journal.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) record: RequestRecord,
    pub(crate) kept: Option<Kept>,
}

/// Gathers records into batches and sees each into the sink, one batch at a time and in order.
pub(crate) struct Writer {
    queue: mpsc::UnboundedReceiver<Entry>,
    /// Into the queue; it keeps nobody from ending.
    entries: mpsc::WeakUnboundedSender<Entry>,
    sink: Arc<dyn Sink>,
    settings: LedgerSettings,
    counts: Arc<Counts>,
    books: Arc<Books>,
}

/// One of a batch.
enum Gathered {
    Record(Box<Recorded>),
    Noted(Kept),
}

/// What ended the gathering of a batch.
enum End {
    Due,
    Flush(oneshot::Sender<()>),
    Closed,
}

impl Writer {
    pub(crate) fn new(
        (entries, queue): (mpsc::WeakUnboundedSender<Entry>, mpsc::UnboundedReceiver<Entry>),
        sink: Arc<dyn Sink>,
        settings: LedgerSettings,
        counts: Arc<Counts>,
        books: Arc<Books>,
    ) -> Self {
        Self {
            queue,
            entries,
            sink,
            settings,
            counts,
            books,
        }
    }

    pub(crate) async fn run(mut self) {
        loop {
            let (batch, end) = self.gather().await;
            if !batch.is_empty() {
                let batch = self.fetch(batch).await;
                self.settle(batch).await;
            }
            match end {
                End::Due => {}
                End::Flush(reached) => {
                    // Who no longer waits need not be told.
                    let _ = reached.send(());
                }
                End::Closed => break,
            }
        }
    }

    /// The next batch: as much as comes within the interval after its first record, up to its full size.
    async fn gather(&mut self) -> (Vec<Gathered>, End) {
        let mut batch = Vec::new();
        let mut due = None;
        loop {
            let next = match due {
                None => self.queue.recv().await,
                Some(due) => match tokio::time::timeout_at(due, self.queue.recv()).await {
                    Ok(next) => next,
                    Err(_) => return (batch, End::Due),
                },
            };
            match next {
                Some(Entry::Record(recorded)) => {
                    self.counts.in_memory.fetch_sub(1, Ordering::Relaxed);
                    batch.push(Gathered::Record(recorded));
                }
                Some(Entry::Noted(kept)) => batch.push(Gathered::Noted(kept)),
                Some(Entry::Flush(reached)) => return (batch, End::Flush(reached)),
                // What was sent before the queue closed still comes.
                Some(Entry::Close) => self.queue.close(),
                None => return (batch, End::Closed),
            }
            if batch.len() >= self.settings.batch_rows.max(1) {
                return (batch, End::Due);
            }
            if !batch.is_empty() && due.is_none() {
                due = Some(Instant::now() + self.settings.batch_interval());
            }
        }
    }

    /// Reads from the journal what of `batch` is there alone.
    async fn fetch(&self, batch: Vec<Gathered>) -> Vec<Recorded> {
        let gathered = batch.len();
        let (books, is_noted) = (Arc::clone(&self.books), |it: &_| matches!(it, Gathered::Noted(_)));
        let fetch = move |batch: Vec<Gathered>| {
            let (mut fetched, mut later) = (Vec::new(), Vec::new());
            for gathered in batch {
                match gathered {
                    Gathered::Record(recorded) => fetched.push(*recorded),
                    Gathered::Noted(kept) => match books.fetch(kept) {
                        Fetched::Record(recorded) => fetched.push(*recorded),
                        Fetched::NotNow(kept) => later.push(kept),
                        Fetched::Lost => {}
                    },
                }
            }
            (fetched, later)
        };
        let (fetched, later) = if batch.iter().any(is_noted) {
            let fetching = tokio::task::spawn_blocking(move || fetch(batch));
            // An error means that the runtime ends: what is in the journal stays there.
            fetching.await.unwrap_or_default()
        } else {
            fetch(batch)
        };
        self.no_longer_waiting(gathered - fetched.len() - later.len());
        self.queue_later(later);
        fetched
    }

    /// What could not be read now is tried again after all that waits; until then it is in the journal.
    fn queue_later(&self, later: Vec<Kept>) {
        if later.is_empty() {
            return;
        }
        let entries = self.entries.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LONGEST_RETRY).await;
            if let Some(entries) = entries.upgrade() {
                for kept in later {
                    // An error means that the ledger is closed: it counts them among the rows that are left.
                    let _ = entries.send(Entry::Noted(kept));
                }
            }
        });
    }

    /// Sees every record of `batch` written or set aside; a refused batch is halved until the refused record is found.
    async fn settle(&self, batch: Vec<Recorded>) {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            match self.write(&part).await {
                Ok(()) => self.written(part),
                Err(rejected) if part.len() <= 1 => self.set_aside(part, &rejected),
                Err(_) => {
                    let later = part.split_off(part.len() / 2);
                    parts.push(later);
                    parts.push(part);
                }
            }
        }
    }

    /// Comes back for as long as the sink is away.
    async fn write(&self, batch: &[Recorded]) -> Result<(), Rejected> {
        let mut retry = FIRST_RETRY;
        let mut is_away = false;
        loop {
            // A sink that panics on a record must not end the metering of all others.
            let records = batch.iter().map(|recorded| recorded.record.clone()).collect();
            let written = AssertUnwindSafe(self.sink.write(records)).catch_unwind().await;
            match written {
                Ok(Ok(())) if is_away => {
                    tracing::info!(waiting = self.waiting(), "the ledger's sink is back");
                    return Ok(());
                }
                Ok(Ok(())) => return Ok(()),
                Ok(Err(SinkError::Rejected(source))) => return Err(Rejected(source.to_string())),
                Err(_) => return Err(Rejected("the sink panicked".to_owned())),
                Ok(Err(SinkError::Unavailable(source))) => {
                    tracing::warn!(
                        error = %source,
                        waiting = self.waiting(),
                        retry_in = ?retry,
                        "usage is not written: the ledger's sink is away; nothing is lost while the gateway runs"
                    );
                }
            }
            is_away = true;
            tokio::time::sleep(retry).await;
            retry = (retry * 2).min(LONGEST_RETRY);
        }
    }

    fn written(&self, batch: Vec<Recorded>) {
        self.no_longer_waiting(batch.len());
        self.counts
            .written
            .fetch_add(u64::try_from(batch.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        for recorded in batch {
            self.books.release(recorded.kept);
        }
    }

    fn set_aside(&self, refused: Vec<Recorded>, Rejected(reason): &Rejected) {
        for recorded in refused {
            let record = &recorded.record;
            self.no_longer_waiting(1);
            self.counts.rejected.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                request_id = %record.id,
                user_id = %record.user_id,
                key_id = %record.key_id,
                error = %reason,
                "the usage of a request can not be stored and is set aside; please report this"
            );
            self.books.set_aside(recorded, reason);
        }
    }

    fn no_longer_waiting(&self, rows: usize) {
        self.counts.waiting.fetch_sub(rows, Ordering::Relaxed);
    }

    fn waiting(&self) -> usize {
        self.counts.waiting.load(Ordering::Relaxed)
    }
}

/// Why the sink can never keep a record.
struct Rejected(String);
