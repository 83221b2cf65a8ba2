//! PostgreSQL: connections, transactions, and the queries compiled for it.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Status;
use deadpool::managed::PoolConfig;
use diesel::ConnectionError;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AnsiTransactionManager, SimpleAsyncConnection, TransactionManager};
use tokio_postgres::NoTls;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::pool::timeouts;
use crate::target::PostgresTarget;
use crate::{OpenError, StoreError, StoreSettings};

pub(crate) mod tls;

#[path = "queries/mod.rs"]
pub(crate) mod queries;

pub(crate) type Db = diesel::pg::Pg;
pub(crate) type Conn = diesel_async::AsyncPgConnection;

/// Writes many rows, and gives the ids of those that were written.
macro_rules! write_rows {
    ($conn:expr, $rows:expr) => {
        diesel_async::RunQueryDsl::load::<crate::types::StoredId>(crate::bulk::Bulk::columns($rows), $conn)
            .await
    };
}
pub(crate) use write_rows;

/// What joins the bytes of many rows' `column`, as SQL.
pub(crate) fn joined_bytes_sql(column: &str) -> String {
    format!("string_agg({column}, CAST('' AS BYTEA))")
}

/// The sum of many rows' `column`, whose numbers are not negative, as SQL; the largest number if it is more than that.
pub(crate) fn sum_sql(column: &str) -> String {
    // A sum of bigint is a numeric.
    format!("CAST(LEAST(COALESCE(SUM({column}), 0), {}) AS BIGINT)", i64::MAX)
}

/// What lists the numbers of many rows' `column` with commas between, as SQL.
pub(crate) fn list_sql(column: &str) -> String {
    format!("string_agg(CAST({column} AS TEXT), ',')")
}

/// Lets only one transaction at a time change the roll-ups, until it ends: cells are read, added to and written back.
pub(crate) async fn lock_rollups(conn: &mut Conn) -> Result<(), StoreError> {
    let lock = diesel::sql_query("SELECT id FROM usage_rollup_state FOR UPDATE");
    diesel_async::RunQueryDsl::execute(lock, conn).await?;
    Ok(())
}

/// Lets each statement of the transaction at hand take as long as nobody minds, instead of the usual seconds.
pub(crate) async fn wait_longer(conn: &mut Conn) -> Result<(), StoreError> {
    Ok(conn.batch_execute("SET LOCAL statement_timeout = 30000").await?)
}

/// The whole microseconds, days or whatever `width` says, that the time in `column` lies in, as SQL.
pub(crate) fn bucket_sql(column: &str, width: Duration) -> String {
    let seconds = width.as_secs();
    // A bind value instead of the number would make SELECT and GROUP BY differ.
    format!("to_timestamp(floor(extract(epoch FROM {column}) / {seconds}) * {seconds})")
}

pub(crate) async fn begin(conn: &mut Conn) -> Result<(), StoreError> {
    Ok(<AnsiTransactionManager as TransactionManager<Conn>>::begin_transaction(conn).await?)
}

/// Begins a transaction whose statements all see the same state, and that changes nothing.
pub(crate) async fn begin_reading(conn: &mut Conn) -> Result<(), StoreError> {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    Ok(AnsiTransactionManager::begin_transaction_sql(conn, begin).await?)
}

/// Commits what went well and rolls back what did not.
pub(crate) async fn end<T>(conn: &mut Conn, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
    type Manager = AnsiTransactionManager;
    match outcome {
        Ok(value) => {
            <Manager as TransactionManager<Conn>>::commit_transaction(conn).await?;
            Ok(value)
        }
        Err(error) => {
            // If this fails too, the pool throws the connection away and the server rolls back.
            let _ = <Manager as TransactionManager<Conn>>::rollback_transaction(conn).await;
            Err(error)
        }
    }
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error(transparent)]
    Refused(#[from] tokio_postgres::Error),
    #[error(transparent)]
    Setup(#[from] ConnectionError),
    #[error("no answer in time")]
    TimedOut,
}

/// Opens a connection whose statements end after `statement_timeout`.
pub(crate) async fn connect(
    target: &PostgresTarget,
    tls: Option<&MakeRustlsConnect>,
    statement_timeout: Option<Duration>,
) -> Result<Conn, ConnectError> {
    // The driver's own time-out covers the socket only, not TLS and signing in.
    let limit = target
        .config
        .get_connect_timeout()
        .copied()
        .unwrap_or(Duration::from_secs(3));
    let opening = async {
        let mut conn = match tls {
            None => {
                let (client, connection) = target.config.connect(NoTls).await?;
                Conn::try_from_client_and_connection(client, connection).await?
            }
            Some(tls) => {
                let (client, connection) = target.config.connect(tls.clone()).await?;
                Conn::try_from_client_and_connection(client, connection).await?
            }
        };
        if let Some(limit) = statement_timeout {
            let millis = limit.as_millis();
            let settings =
                format!("SET statement_timeout = {millis}; SET idle_in_transaction_session_timeout = 30000");
            conn.batch_execute(&settings)
                .await
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
        }
        Ok(conn)
    };
    tokio::time::timeout(limit, opening)
        .await
        .unwrap_or(Err(ConnectError::TimedOut))
}

/// The connections in use and at rest.
#[derive(Clone)]
pub(crate) struct Pools {
    main: Pool<Conn>,
    reports: Pool<Conn>,
}

impl Pools {
    pub(crate) fn status(&self) -> Vec<(&'static str, Status)> {
        vec![("main", self.main.status()), ("reports", self.reports.status())]
    }

    pub(crate) fn new(target: &PostgresTarget, settings: &StoreSettings) -> Result<Self, OpenError> {
        let tls = tls::connector(target.ssl_mode, settings.root_certificates.as_deref())?;
        let target = Arc::new(target.clone());
        let pool = |size, statement_timeout| {
            let (target, tls) = (Arc::clone(&target), tls.clone());
            let mut config = ManagerConfig::default();
            config.recycling_method = RecyclingMethod::Fast;
            config.custom_setup = Box::new(move |_| {
                let (target, tls) = (Arc::clone(&target), tls.clone());
                Box::pin(async move {
                    connect(&target, tls.as_ref(), Some(statement_timeout))
                        .await
                        .map_err(|error| ConnectionError::BadConnection(error.to_string()))
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
        Ok(Self {
            main: pool(settings.other_connections(), settings.statement_timeout())?,
            reports: pool(settings.report_connections(), settings.report_timeout())?,
        })
    }

    pub(crate) async fn read(&self) -> Result<Object<Conn>, StoreError> {
        self.main.get().await.map_err(StoreError::unavailable)
    }

    pub(crate) async fn write(&self) -> Result<Object<Conn>, StoreError> {
        self.read().await
    }

    pub(crate) async fn report(&self) -> Result<Object<Conn>, StoreError> {
        self.reports.get().await.map_err(StoreError::unavailable)
    }

    pub(crate) fn close(&self) {
        self.main.close();
        self.reports.close();
    }
}
