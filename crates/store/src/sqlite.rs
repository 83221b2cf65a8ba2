//! SQLite: connections, transactions, and the queries compiled for it.
//!
//! All writes go through one connection and begin with BEGIN IMMEDIATE, so that `database is locked` cannot happen
//! inside the process; the pool's queue is the fair one that SQLite's busy handler is not.

use std::error::Error;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use deadpool::Status;
use deadpool::managed::PoolConfig;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::{Connection, ConnectionError, SqliteConnection};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper};

use crate::pool::timeouts;
use crate::store::Access;
use crate::{OpenError, StoreError, StoreSettings};

#[path = "queries/mod.rs"]
#[expect(
    clippy::duplicate_mod,
    reason = "the same queries are compiled for each database"
)]
pub(crate) mod queries;

pub(crate) type Db = diesel::sqlite::Sqlite;
pub(crate) type Conn = SyncConnectionWrapper<SqliteConnection, Thread>;

/// Writes many rows, and gives the ids of those that were written.
macro_rules! write_rows {
    ($conn:expr, $rows:expr) => {{
        let rows = $rows;
        $conn
            .spawn_blocking(move |conn| crate::bulk::write_to_sqlite(conn, rows))
            .await
    }};
}
pub(crate) use write_rows;

/// What joins the bytes of many rows' `column`, as SQL.
pub(crate) fn joined_bytes_sql(column: &str) -> String {
    format!("CAST(group_concat({column}, '') AS BLOB)")
}

/// The sum of many rows' `column`, whose numbers are not negative, as SQL; the largest number if it is more than that.
pub(crate) fn sum_sql(column: &str) -> String {
    // A sum that is too large fails the statement, so that the halves are added up apart.
    let (high, low) = (
        format!("SUM({column} >> 32)"),
        format!("SUM({column} & 4294967295)"),
    );
    let high = format!("({high} + ({low} >> 32))");
    format!(
        "CASE WHEN {high} >= 2147483648 THEN {} ELSE COALESCE(({high} << 32) | ({low} & 4294967295), 0) END",
        i64::MAX
    )
}

/// What lists the numbers of many rows' `column` with commas between, as SQL.
pub(crate) fn list_sql(column: &str) -> String {
    format!("group_concat({column})")
}

/// Nothing: the one connection that writes is lock enough.
pub(crate) async fn lock_rollups(_conn: &mut Conn) -> Result<(), StoreError> {
    Ok(())
}

/// Nothing: no statement is cut short.
pub(crate) async fn wait_longer(_conn: &mut Conn) -> Result<(), StoreError> {
    Ok(())
}

/// The whole microseconds, days or whatever `width` says, that the time in `column` lies in, as SQL.
pub(crate) fn bucket_sql(column: &str, width: Duration) -> String {
    let micros = width.as_micros();
    // Division rounds towards zero, so that moments before 1970 need the second remainder.
    format!("{column} - (({column} % {micros}) + {micros}) % {micros}")
}

/// Where a connection's statements run. The store's own runtime has several workers, so that a lookup runs where it
/// is awaited: a hop to another thread would take twice as long as the lookup.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Thread {
    /// On the worker, for statements that take microseconds.
    InPlace,
    /// On the worker's thread, after its other tasks were handed on, for statements that may wait or scan.
    Aside,
}

impl SpawnBlocking for Thread {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> Pin<Box<dyn Future<Output = Result<R, Box<dyn Error + Send + Sync>>> + Send + 'a>>
    where
        R: Send + 'static,
    {
        let thread = *self;
        Box::pin(async move {
            Ok(match thread {
                Self::InPlace => task(),
                Self::Aside => tokio::task::block_in_place(task),
            })
        })
    }

    fn get_runtime() -> Self {
        Self::Aside
    }
}

pub(crate) async fn begin(conn: &mut Conn) -> Result<(), StoreError> {
    let begin =
        |conn: &mut SqliteConnection| AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE");
    Ok(conn.spawn_blocking(begin).await?)
}

/// Begins a transaction whose statements all see the same state, and that changes nothing.
pub(crate) async fn begin_reading(conn: &mut Conn) -> Result<(), StoreError> {
    let begin = |conn: &mut SqliteConnection| AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN");
    Ok(conn.spawn_blocking(begin).await?)
}

/// Commits what went well and rolls back what did not.
pub(crate) async fn end<T>(conn: &mut Conn, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
    type Manager = AnsiTransactionManager;
    match outcome {
        Ok(value) => {
            conn.spawn_blocking(<Manager as TransactionManager<SqliteConnection>>::commit_transaction)
                .await?;
            Ok(value)
        }
        Err(error) => {
            // If this fails too, the pool throws the connection away, and closing it rolls back.
            let _ = conn
                .spawn_blocking(<Manager as TransactionManager<SqliteConnection>>::rollback_transaction)
                .await;
            Err(error)
        }
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Write,
    Read,
    Report,
}

/// Opens a connection that waits for other processes instead of failing.
///
/// The order matters: without the busy time-out first, switching to WAL fails while another process has the file.
pub(crate) fn connect_to_write(path: &Path) -> Result<SqliteConnection, ConnectionError> {
    let mut conn = connect(path)?;
    conn.batch_execute(
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 67108864;",
    )
    .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

fn connect_to_read(path: &Path) -> Result<SqliteConnection, ConnectionError> {
    let mut conn = connect(path)?;
    conn.batch_execute("PRAGMA query_only = ON;")
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

fn connect(path: &Path) -> Result<SqliteConnection, ConnectionError> {
    let path = path
        .to_str()
        .ok_or_else(|| ConnectionError::InvalidConnectionUrl("the path is not UTF-8".to_owned()))?;
    let mut conn = SqliteConnection::establish(path)?;
    conn.batch_execute(
        "PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL;
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; PRAGMA mmap_size = 268435456;",
    )
    .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// The connections in use and at rest.
#[derive(Clone)]
pub(crate) struct Pools {
    writer: Pool<Conn>,
    readers: Pool<Conn>,
    reports: Pool<Conn>,
}

impl Pools {
    pub(crate) fn status(&self) -> Vec<(&'static str, Status)> {
        vec![
            ("writer", self.writer.status()),
            ("readers", self.readers.status()),
            ("reports", self.reports.status()),
        ]
    }

    pub(crate) fn new(access: Access, path: &Path, settings: &StoreSettings) -> Result<Self, OpenError> {
        let pool = |size, purpose| {
            let path = path.to_owned();
            let mut config = ManagerConfig::default();
            config.recycling_method = RecyclingMethod::Fast;
            config.custom_setup = Box::new(move |_| {
                let path = path.clone();
                Box::pin(async move {
                    tokio::task::block_in_place(|| match purpose {
                        Purpose::Write => Ok(Conn::with_runtime(connect_to_write(&path)?, Thread::Aside)),
                        Purpose::Read => Ok(Conn::with_runtime(connect_to_read(&path)?, Thread::InPlace)),
                        Purpose::Report => Ok(Conn::with_runtime(connect_to_read(&path)?, Thread::Aside)),
                    })
                })
            });
            Pool::builder(AsyncDieselConnectionManager::new_with_config("", config))
                .config(PoolConfig {
                    timeouts: timeouts(settings),
                    ..PoolConfig::new(size)
                })
                .runtime(deadpool::Runtime::Tokio1)
                .build()
                .map_err(|error| {
                    OpenError::new("the pool cannot be set up", "report this as a bug").because(error)
                })
        };
        let write = match access {
            Access::Read => Purpose::Report,
            Access::Beside | Access::Write => Purpose::Write,
        };
        Ok(Self {
            writer: pool(1, write)?,
            readers: pool(settings.other_connections(), Purpose::Read)?,
            reports: pool(settings.report_connections(), Purpose::Report)?,
        })
    }

    pub(crate) async fn read(&self) -> Result<Object<Conn>, StoreError> {
        self.readers.get().await.map_err(StoreError::unavailable)
    }

    pub(crate) async fn write(&self) -> Result<Object<Conn>, StoreError> {
        self.writer.get().await.map_err(StoreError::unavailable)
    }

    pub(crate) async fn report(&self) -> Result<Object<Conn>, StoreError> {
        self.reports.get().await.map_err(StoreError::unavailable)
    }

    /// Leaves one tidy file behind: everything in it, nothing in the log beside it.
    pub(crate) async fn close(&self) {
        self.readers.close();
        self.reports.close();
        if let Ok(mut conn) = self.writer.get().await {
            let tidy = |conn: &mut SqliteConnection| {
                conn.batch_execute("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);")
            };
            // A file that stays untidy is put in order at the next start.
            let _ = conn.spawn_blocking(tidy).await;
        }
        self.writer.close();
    }
}
