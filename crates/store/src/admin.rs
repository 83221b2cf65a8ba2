//! Looking after a database from the command line: `llm-gateway db check|migrate|rollback|status|reset`.
//!
//! None of these needs an open [`Store`](crate::Store). What changes a SQLite file needs it for itself, so the server
//! must be stopped; on PostgreSQL an advisory lock makes one wait for the other.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::{Integer, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use crate::lock::{LockFile, beside, not_writable};
use crate::migrations::Migrator;
use crate::pg::{self, ConnectError};
use crate::target::{self, PostgresTarget, Target};
use crate::{OpenError, StoreSettings, sqlite};

pub use crate::migrations::{Migration, MigrationState};

/// The oldest PostgreSQL that the queries are written for.
const OLDEST_POSTGRES: i32 = 120_000;

/// Everything that keeps the gateway from working with this database; nothing if all is well.
pub async fn check(settings: &StoreSettings) -> Vec<OpenError> {
    let found = async {
        let target = target::parse(settings)?;
        match &target {
            Target::Sqlite(path) => check_file(path)?,
            Target::Postgres(target) => try_server(target, settings).await?,
        }
        status_of(&target, settings).await
    };
    match found.await {
        Err(problem) => vec![problem],
        Ok(migrations) => [
            (
                MigrationState::Pending,
                "is not applied",
                "run `llm-gateway db migrate`",
            ),
            (
                MigrationState::Unknown,
                "is not known here",
                "run the version of the gateway that applied it, or newer",
            ),
        ]
        .into_iter()
        .flat_map(|(state, problem, remedy)| {
            migrations
                .iter()
                .filter(move |migration| migration.state == state)
                .map(move |migration| {
                    OpenError::new(format!("migration {} {problem}", migration.name), remedy)
                })
        })
        .collect(),
    }
}

/// Every migration that this version has or that the database has seen, oldest first.
///
/// # Errors
///
/// [`OpenError`] if the database cannot be reached or read.
pub async fn status(settings: &StoreSettings) -> Result<Vec<Migration>, OpenError> {
    status_of(&target::parse(settings)?, settings).await
}

/// Applies what is pending and returns its names, oldest first. Makes a SQLite file if there is none.
///
/// # Errors
///
/// [`OpenError`] if the database cannot be reached, another process has the file, or a migration fails; what was
/// applied before it stays.
pub async fn migrate(settings: &StoreSettings) -> Result<Vec<String>, OpenError> {
    let target = target::parse(settings)?;
    let _lock = lock(&target)?;
    migrate_unlocked(&target, settings).await
}

/// Undoes the last migration and returns its name; `None` if there is none to undo.
///
/// # Errors
///
/// As [`migrate`], and if the last migration is not known to this version.
pub async fn rollback(settings: &StoreSettings) -> Result<Option<String>, OpenError> {
    let target = target::parse(settings)?;
    let _lock = lock(&target)?;
    if !exists(&target) {
        return Ok(None);
    }
    let migrator = Migrator::connect(&target, settings).await?;
    migrator.run(Migrator::rollback).await
}

/// Throws everything away and makes the tables anew: the file on SQLite, the current schema on PostgreSQL.
///
/// # Errors
///
/// As [`migrate`], and if the user may not drop the schema.
pub async fn reset(settings: &StoreSettings) -> Result<Vec<String>, OpenError> {
    let target = target::parse(settings)?;
    let _lock = lock(&target)?;
    match &target {
        Target::Sqlite(path) => {
            for suffix in ["", "-wal", "-shm"] {
                let path = beside(path, suffix);
                match std::fs::remove_file(&path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(not_writable(&path, error));
                    }
                    _ => {}
                }
            }
        }
        Target::Postgres(target) => drop_schema(target, settings).await?,
    }
    migrate_unlocked(&target, settings).await
}

/// Applies what is pending for a caller that has the lock file already.
pub(crate) async fn migrate_unlocked(
    target: &Target,
    settings: &StoreSettings,
) -> Result<Vec<String>, OpenError> {
    if let Target::Sqlite(path) = target {
        open_file(path)?;
    }
    Migrator::connect(target, settings)
        .await?
        .run(Migrator::migrate)
        .await
}

/// Makes the file if there is none, readable for nobody else, and turns it to write-ahead logging.
pub(crate) fn open_file(path: &Path) -> Result<(), OpenError> {
    let mut options = std::fs::File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| not_writable(path, error))?;
    sqlite::connect_to_write(path)
        .map_err(|error| not_a_database(path, error))
        .map(drop)
}

/// Connects once, to say early and clearly what is wrong.
pub(crate) async fn try_server(target: &PostgresTarget, settings: &StoreSettings) -> Result<(), OpenError> {
    let mut conn = connect(target, settings).await?;
    let version = diesel::select(sql::<Integer>("current_setting('server_version_num')::integer"))
        .get_result::<i32>(&mut conn)
        .await
        .map_err(|error| {
            OpenError::new("PostgreSQL does not tell its version", "check the server").because(error)
        })?;
    if version < OLDEST_POSTGRES {
        return Err(OpenError::new(
            format!("the server is PostgreSQL {}", version / 10_000),
            "upgrade it to PostgreSQL 12 or newer",
        ));
    }
    Ok(())
}

/// Opens a connection without a limit on its statements.
pub(crate) async fn connect(
    target: &PostgresTarget,
    settings: &StoreSettings,
) -> Result<pg::Conn, OpenError> {
    let tls = pg::tls::connector(target.ssl_mode, settings.root_certificates.as_deref())?;
    pg::connect(target, tls.as_ref(), None)
        .await
        .map_err(|error| diagnose(target, error))
}

fn lock(target: &Target) -> Result<Option<LockFile>, OpenError> {
    match target {
        Target::Sqlite(path) => LockFile::take(path).map(Some),
        Target::Postgres(_) => Ok(None),
    }
}

fn exists(target: &Target) -> bool {
    match target {
        Target::Sqlite(path) => path.exists(),
        Target::Postgres(_) => true,
    }
}

async fn status_of(target: &Target, settings: &StoreSettings) -> Result<Vec<Migration>, OpenError> {
    if !exists(target) {
        return Migrator::all_pending();
    }
    Migrator::connect(target, settings)
        .await?
        .run(Migrator::status)
        .await
}

pub(crate) fn check_file(path: &Path) -> Result<(), OpenError> {
    if !path.exists() {
        return Err(OpenError::new(
            format!("there is no file {}", path.display()),
            "run `llm-gateway db migrate`, which makes it",
        ));
    }
    // The log beside the file must be writable too, so a write is what tells.
    let mut conn = sqlite::connect_to_write(path).map_err(|error| not_a_database(path, error))?;
    conn.batch_execute("BEGIN IMMEDIATE; ROLLBACK;")
        .map_err(|error| not_a_database(path, error))
}

pub(crate) fn not_a_database(
    path: &Path,
    error: impl std::error::Error + Send + Sync + 'static,
) -> OpenError {
    let said = error.to_string();
    let (problem, remedy) = if said.contains("readonly") || said.contains("unable to open") {
        (
            "cannot be written",
            "give the user that runs the gateway the right to write the folder and the file",
        )
    } else if said.contains("locked") {
        (
            "is in use by another process",
            "stop that process, or wait until it is done",
        )
    } else if said.contains("not a database") || said.contains("malformed") {
        (
            "is no SQLite database, or damaged",
            "restore it from a backup, or name another file",
        )
    } else {
        (
            "cannot be opened",
            "check the path, the rights and the disk's space",
        )
    };
    OpenError::new(format!("{} {problem}", path.display()), remedy).because(error)
}

async fn drop_schema(target: &PostgresTarget, settings: &StoreSettings) -> Result<(), OpenError> {
    let refused = |error| {
        OpenError::new(
            "PostgreSQL refuses to drop the schema",
            "run this as the owner of the database",
        )
        .because(error)
    };
    let mut conn = connect(target, settings).await?;
    let schema = diesel::select(sql::<Text>("quote_ident(current_schema())"))
        .get_result::<String>(&mut conn)
        .await
        .map_err(refused)?;
    conn.batch_execute(&format!("DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema};"))
        .await
        .map_err(refused)
}

/// Says in words why a PostgreSQL server could not be used.
fn diagnose(target: &PostgresTarget, error: ConnectError) -> OpenError {
    use tokio_postgres::error::SqlState;

    let config = &target.config;
    let user = config.get_user().unwrap_or("of the operating system");
    let database = config.get_dbname().unwrap_or(user);
    let place = place(config);
    let code = match &error {
        ConnectError::Refused(refused) => refused.code().cloned(),
        ConnectError::Setup(_) | ConnectError::TimedOut => None,
    };
    let said = with_sources(&error);
    let (problem, remedy) = if [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
    ]
    .iter()
    .any(|refusal| code.as_ref() == Some(refusal))
        || said.contains("password missing")
    {
        (
            format!("PostgreSQL at {place} refuses the user {user} or its password"),
            "check both in the database URL, and the server's pg_hba.conf".to_owned(),
        )
    } else if code == Some(SqlState::INVALID_CATALOG_NAME) {
        (
            format!("PostgreSQL at {place} has no database {database}"),
            format!("create it, as its owner: CREATE DATABASE \"{database}\""),
        )
    } else if code == Some(SqlState::TOO_MANY_CONNECTIONS) {
        (
            format!("PostgreSQL at {place} has no connection left"),
            "lower `max_connections` here or raise it there".to_owned(),
        )
    } else if said.contains("TLS") || said.contains("certificate") {
        (
            format!("TLS with PostgreSQL at {place} failed"),
            "check the server's certificate and name, name the authority that signed it in the setting for the \
             database's root certificates, or choose another `sslmode`"
                .to_owned(),
        )
    } else {
        (
            format!("PostgreSQL does not answer at {place}"),
            "start the server, or correct the host and the port in the database URL".to_owned(),
        )
    };
    OpenError::new(problem, remedy).because(error)
}

fn place(config: &tokio_postgres::Config) -> String {
    use tokio_postgres::config::Host;

    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        _ => config
            .get_hostaddrs()
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
    };
    format!("{host}:{}", config.get_ports().first().copied().unwrap_or(5432))
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said.push_str(": ");
        said.push_str(&cause.to_string());
        source = cause.source();
    }
    said
}
