use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway_domain::{Clock, Timestamp};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex as AsyncMutex, RwLock, watch};

use crate::lock::LockFile;
use crate::revisions::{self, Revisions, Watcher};
use crate::target::Target;
use crate::users::PublishedHashes;
use crate::{OpenError, StoreError, StoreSettings, admin, migrations, pg, pool, sqlite, target};

/// Which kind of database keeps everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// One file.
    Sqlite,
    /// A server.
    Postgres,
}

impl Backend {
    /// The word that stands for it in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The memory of the gateway: one open database.
///
/// Every operation runs on a runtime of the store's own, so that a caller that goes away cuts no transaction in two
/// and no query runs on a thread that serves requests. Each ends within a few seconds, with
/// [`StoreError::Unavailable`] if the database does not answer.
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    target: Target,
    settings: StoreSettings,
    // Invariant: `Some` until dropped.
    runtime: Option<Runtime>,
    /// Which hashes are those of published passwords: to find out takes long.
    pub(crate) published_hashes: PublishedHashes,
    /// Held as long as the store is open; `None` on PostgreSQL.
    lock: Mutex<Option<LockFile>>,
}

/// What operations need while they run.
pub(crate) struct Shared {
    pub(crate) pools: Pools,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watcher: Watcher,
    /// The most that an operation may take, once it has a connection.
    pub(crate) limit: Duration,
    /// The same for a report.
    pub(crate) report_limit: Duration,
    /// The same for a batch of usage. Nobody waits for it, and what is given up is written again.
    pub(crate) batch_limit: Duration,
    /// Shared by the operations under way.
    open: RwLock<()>,
    /// Held while migrating, which SQLite cannot do twice at once.
    migrating: AsyncMutex<()>,
}

pub(crate) enum Pools {
    Sqlite(sqlite::Pools),
    Postgres(pg::Pools),
}

const BATCH_LIMIT: Duration = Duration::from_secs(30);

/// Beyond the time that the server gives a statement, for the way there and back.
const ROUND_TRIP: Duration = Duration::from_secs(1);

/// Runs one query on the backend at hand, from inside of the store's runtime: `run!(shared, read, limit,
/// users::find(id))`. Arguments are moved into the query.
macro_rules! run {
    ($shared:expr, $pool:ident, $limit:expr, $module:ident::$name:ident($($argument:expr),*)) => {
        match &$shared.pools {
            crate::store::Pools::Sqlite(pools) => {
                let mut conn = pools.$pool().await?;
                let query = crate::sqlite::queries::$module::$name(&mut conn, $($argument),*);
                match tokio::time::timeout($limit, query).await {
                    Ok(outcome) => outcome,
                    Err(elapsed) => Err(crate::store::give_up(conn, elapsed)),
                }
            }
            crate::store::Pools::Postgres(pools) => {
                let mut conn = pools.$pool().await?;
                let query = crate::pg::queries::$module::$name(&mut conn, $($argument),*);
                match tokio::time::timeout($limit, query).await {
                    Ok(outcome) => outcome,
                    Err(elapsed) => Err(crate::store::give_up(conn, elapsed)),
                }
            }
        }
    };
}

/// Runs one query on the store's runtime: `query!(store, read, users::find(id))`.
///
/// `read`, `write`, `report` and `batch` say which pool and which time limit.
macro_rules! query {
    ($store:expr, batch, $($query:tt)+) => { query!(@ $store, spawn, write, batch_limit, $($query)+) };
    ($store:expr, report, $($query:tt)+) => { query!(@ $store, spawn_report, report, report_limit, $($query)+) };
    ($store:expr, $pool:ident, $($query:tt)+) => { query!(@ $store, spawn, $pool, limit, $($query)+) };
    (@ $store:expr, $spawn:ident, $pool:ident, $limit:ident, $($query:tt)+) => {{
        let shared = std::sync::Arc::clone(&$store.shared);
        $store.$spawn(async move { crate::store::run!(shared, $pool, shared.$limit, $($query)+) }).await
    }};
}

/// Like `query!(store, write, …)`, for changes that other instances must notice: [`Store::revisions`] knows of them
/// before the caller does.
macro_rules! change {
    ($store:expr, $($query:tt)+) => {{
        let outcome = crate::store::query!($store, write, $($query)+);
        if outcome.is_ok() {
            $store.notice_changes().await;
        }
        outcome
    }};
}

pub(crate) use {change, query, run};

/// Takes a connection whose query was not answered in time out of the pool: it is still busy.
pub(crate) fn give_up<M: deadpool::managed::Manager>(
    conn: deadpool::managed::Object<M>,
    elapsed: tokio::time::error::Elapsed,
) -> StoreError {
    drop(deadpool::managed::Object::take(conn));
    StoreError::unavailable(elapsed)
}

impl Store {
    /// Opens the database that `settings` name, and creates the file if it is SQLite and there is none.
    ///
    /// Tables are made by [`Store::migrate`]. A SQLite file is locked for as long as the store is open.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what is wrong (the URL, the server, the password, the file, another process) and what to
    /// do.
    pub async fn open(settings: &StoreSettings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_for(Access::Write, settings, clock).await
    }

    /// The same, to read only, so that a SQLite file may be in use by another process. It has to be there.
    ///
    /// # Errors
    ///
    /// [`OpenError`], as of [`Store::open`].
    pub async fn open_to_read(settings: &StoreSettings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_for(Access::Read, settings, clock).await
    }

    /// The same beside a server that has the SQLite file, for changes that it takes in by itself. The file has to be there.
    ///
    /// # Errors
    ///
    /// [`OpenError`], as of [`Store::open`].
    pub async fn open_beside(settings: &StoreSettings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_for(Access::Beside, settings, clock).await
    }

    async fn open_for(
        access: Access,
        settings: &StoreSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let target = target::parse(settings)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(settings.worker_threads.get() as usize)
            .thread_name("store")
            .enable_all()
            .build()
            .map_err(|error| {
                OpenError::new("no thread can be started", "raise the process's limits").because(error)
            })?;
        let opening = {
            let (target, settings) = (target.clone(), settings.clone());
            runtime.spawn(async move { open_pools(access, &target, &settings).await })
        };
        let opened = opening.await.unwrap_or_else(|error| {
            Err(OpenError::new("opening the database was cut short", "start again").because(error))
        });
        let (pools, lock) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let shared = Arc::new(Shared {
            pools,
            clock,
            watcher: Watcher::new(),
            limit: settings.statement_timeout() + ROUND_TRIP,
            report_limit: settings.report_timeout() + ROUND_TRIP,
            batch_limit: BATCH_LIMIT,
            open: RwLock::new(()),
            migrating: AsyncMutex::new(()),
        });
        let store = Self {
            shared,
            target,
            settings: settings.clone(),
            runtime: Some(runtime),
            published_hashes: PublishedHashes::default(),
            lock: Mutex::new(lock),
        };
        if let Some(runtime) = &store.runtime {
            runtime.spawn(revisions::watch(Arc::downgrade(&store.shared)));
        }
        Ok(store)
    }

    /// Makes the tables, or brings them up to date, and says what was applied, oldest first.
    ///
    /// Usage from before there were roll-ups is added up, which takes some seconds for a million requests.
    ///
    /// Several instances may start at once: one migrates, the others wait.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a migration fails; what was applied before it stays.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let (target, settings) = (self.target.clone(), self.settings.clone());
        let shared = Arc::clone(&self.shared);
        let applied = self
            .spawn(async move {
                let _turn = shared.migrating.lock().await;
                admin::migrate_unlocked(&target, &settings)
                    .await
                    .map_err(StoreError::other)
            })
            .await?;
        self.build_rollups_in_turn().await?;
        self.notice_changes().await;
        Ok(applied)
    }

    /// Builds the roll-ups if there are none, and lets other instances that start wait as they do for migrations.
    async fn build_rollups_in_turn(&self) -> Result<(), StoreError> {
        if self.has_rollups().await? {
            return Ok(());
        }
        let _here = self.shared.migrating.lock().await;
        let (target, settings) = (self.target.clone(), self.settings.clone());
        let _turn = self
            .spawn(async move {
                migrations::take_turn(&target, &settings)
                    .await
                    .map_err(StoreError::other)
            })
            .await?;
        self.build_rollups().await
    }

    /// Which kind of database it is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.target.backend()
    }

    /// How long the database takes to answer at the moment.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if it does not.
    pub async fn ping(&self) -> Result<Duration, StoreError> {
        let asked = self.shared.clock.monotonic();
        query!(self, read, system::ping())?;
        Ok(self.shared.clock.monotonic().saturating_sub(asked))
    }

    /// How often keys, accounts and prices changed, here and on other instances.
    ///
    /// Changes made through this store are there at once, those of others within about half a second.
    #[must_use]
    pub fn revisions(&self) -> watch::Receiver<Revisions> {
        self.shared.watcher.subscribe()
    }

    /// Waits for the operations under way, closes every connection and gives a SQLite file free, in good order.
    ///
    /// Every later operation fails. Dropping the store does all this too, but waits for nothing.
    pub async fn close(&self) {
        let shared = Arc::clone(&self.shared);
        let closing = async move {
            // An operation that is stuck ends with the process.
            let _all_done = tokio::time::timeout(BATCH_LIMIT, shared.open.write()).await;
            match &shared.pools {
                Pools::Sqlite(pools) => pools.close().await,
                Pools::Postgres(pools) => pools.close(),
            }
        };
        if let Some(runtime) = &self.runtime {
            // Nothing cancels the task, and a panic in it leaves nothing to do.
            let _ = runtime.spawn(closing).await;
        }
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Runs `operation` to its end, whether or not the caller stays.
    pub(crate) async fn spawn<T: Send + 'static>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(runtime) = &self.runtime else {
            return Err(StoreError::unavailable("the store is closed"));
        };
        let shared = Arc::clone(&self.shared);
        let running = runtime.spawn(async move {
            let _open = shared.open.read().await;
            operation.await
        });
        running
            .await
            .unwrap_or_else(|error| Err(StoreError::other(error)))
    }

    /// Runs a report, and tells the caller in time if it takes too long.
    ///
    /// SQLite cannot be interrupted: the report goes on, but it holds one of the few connections that reports have, so
    /// that others who ask hear as much before long.
    pub(crate) async fn spawn_report<T: Send + 'static>(
        &self,
        report: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(runtime) = &self.runtime else {
            return Err(StoreError::unavailable("the store is closed"));
        };
        let (limit, shared) = (self.shared.report_limit + pool::WAIT, Arc::clone(&self.shared));
        let reporting = runtime.spawn(async move {
            let _open = shared.open.read().await;
            report.await
        });
        self.spawn(async move {
            match tokio::time::timeout(limit, reporting).await {
                Ok(reported) => reported.unwrap_or_else(|error| Err(StoreError::other(error))),
                Err(elapsed) => Err(StoreError::unavailable(elapsed)),
            }
        })
        .await
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Dropping a runtime waits for its threads, which panics inside of another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("backend", &self.backend())
            .finish_non_exhaustive()
    }
}

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    /// Writes, and lets another process have the file.
    Beside,
    Write,
}

async fn open_pools(
    access: Access,
    target: &Target,
    settings: &StoreSettings,
) -> Result<(Pools, Option<LockFile>), OpenError> {
    match target {
        Target::Sqlite(path) => {
            let lock = match access {
                Access::Read | Access::Beside => {
                    admin::check_file(path)?;
                    None
                }
                Access::Write => {
                    let lock = LockFile::take(path)?;
                    admin::open_file(path)?;
                    Some(lock)
                }
            };
            Ok((Pools::Sqlite(sqlite::Pools::new(access, path, settings)?), lock))
        }
        Target::Postgres(target) => {
            admin::try_server(target, settings).await?;
            Ok((Pools::Postgres(pg::Pools::new(target, settings)?), None))
        }
    }
}
