use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::stream::OpenStream;

/// So many looks at all open streams make up the time that a reader has.
const ROUNDS: u32 = 12;
const LONGEST_ROUND: Duration = Duration::from_secs(5);

/// The open streams of an engine, watched for clients that have stopped reading.
///
/// Nobody polls the body of a client that takes nothing, so it cannot have a time limit of its own. One task looks at
/// all of them while there are any.
pub(crate) struct Readers {
    round: Duration,
    most_rounds: u32,
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    streams: Vec<Weak<OpenStream>>,
    is_watching: bool,
}

impl Readers {
    /// Readers that are cut when they have taken nothing for `patience`, and up to a round more.
    pub(crate) fn new(patience: Duration) -> Self {
        let round = (patience / ROUNDS).clamp(Duration::from_millis(10), LONGEST_ROUND);
        let most_rounds = patience.as_millis().div_ceil(round.as_millis());
        Self {
            round,
            most_rounds: u32::try_from(most_rounds).unwrap_or(u32::MAX),
            watched: Mutex::default(),
        }
    }

    pub(crate) fn watch(self: &Arc<Self>, stream: &Arc<OpenStream>) {
        let mut watched = self.watched();
        watched.streams.push(Arc::downgrade(stream));
        if !std::mem::replace(&mut watched.is_watching, true) {
            tokio::spawn(watch(Arc::downgrade(self), self.round));
        }
    }

    /// Looks at each stream once; `false` when none is open any more.
    fn look(&self) -> bool {
        let mut streams = std::mem::take(&mut self.watched().streams);
        streams.retain(|stream| match stream.upgrade() {
            Some(stream) => {
                stream.round_passed(self.most_rounds);
                true
            }
            None => false,
        });
        let mut watched = self.watched();
        watched.streams.append(&mut streams);
        watched.is_watching = !watched.streams.is_empty();
        watched.is_watching
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn watch(readers: Weak<Readers>, round: Duration) {
    loop {
        tokio::time::sleep(round).await;
        let is_watching = readers.upgrade().is_some_and(|readers| readers.look());
        if !is_watching {
            return;
        }
    }
}
