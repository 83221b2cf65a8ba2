use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::MissedTickBehavior;

use crate::store::{Shared, run};
use crate::{Store, StoreError};

/// How often each kind of thing changed since the database was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Revisions {
    /// API keys, and users as far as their keys depend on them.
    pub keys: i64,
    /// Upstream accounts.
    pub accounts: i64,
    /// Operators' prices.
    pub prices: i64,
}

const INTERVAL: Duration = Duration::from_millis(500);

/// Tells whoever wants to know which revisions the database has.
pub(crate) struct Watcher {
    latest: watch::Sender<Revisions>,
    /// Held while reading and telling, so that an older reading never follows a newer one.
    turn: Mutex<()>,
}

impl Watcher {
    pub(crate) fn new() -> Self {
        Self {
            latest: watch::Sender::new(Revisions::default()),
            turn: Mutex::new(()),
        }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Revisions> {
        self.latest.subscribe()
    }
}

impl Shared {
    async fn read_revisions(&self) -> Result<(), StoreError> {
        let _turn = self.watcher.turn.lock().await;
        let read: Result<Revisions, StoreError> = run!(self, read, self.limit, system::revisions());
        let read = read?;
        self.watcher
            .latest
            .send_if_modified(|latest| std::mem::replace(latest, read) != read);
        Ok(())
    }
}

impl Store {
    /// Reads the revisions after a change of our own. If that fails, the next tick does it.
    pub(crate) async fn notice_changes(&self) {
        let shared = Arc::clone(&self.shared);
        let _ = self.spawn(async move { shared.read_revisions().await }).await;
    }
}

/// Reads the revisions now and then, until the store is gone.
pub(crate) async fn watch(shared: Weak<Shared>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_readable = false;
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        match shared.read_revisions().await {
            Ok(()) => was_readable = true,
            // Before the first migration there is nothing to read.
            Err(error) if was_readable => {
                was_readable = false;
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, source, "changes made elsewhere go unnoticed until the database answers");
            }
            Err(_) => {}
        }
    }
}
