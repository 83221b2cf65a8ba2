//! Applying and undoing migrations, under a lock, off the asynchronous threads.

use std::collections::BTreeMap;

use diesel::SqliteConnection;
use diesel::backend::Backend;
use diesel::migration::{Migration as _, MigrationSource};
use diesel_async::SimpleAsyncConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::target::Target;
use crate::{OpenError, StoreSettings, admin, pg, sqlite};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// One step of the schema's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its folder, like `0001_initial_schema`; only the number if this version does not have it.
    pub name: String,
    /// Where it stands.
    pub state: MigrationState,
}

/// Where a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MigrationState {
    /// The database has it.
    Applied,
    /// The database does not have it yet.
    Pending,
    /// The database has it, and this version of the gateway does not: a newer one was here.
    Unknown,
}

/// A connection to change the schema with.
pub(crate) enum Migrator {
    Sqlite(SqliteConnection),
    Postgres(Box<AsyncConnectionWrapper<pg::Conn>>),
}

/// The advisory lock that migrating instances take, a number nobody else is likely to use.
const LOCK: &str = "SELECT pg_advisory_lock(7806148241091634515)";

/// Waits on PostgreSQL until nobody else migrates; the turn ends with the connection.
pub(crate) async fn take_turn(
    target: &Target,
    settings: &StoreSettings,
) -> Result<Option<pg::Conn>, OpenError> {
    let Target::Postgres(target) = target else {
        return Ok(None);
    };
    let mut conn = admin::connect(target, settings).await?;
    conn.batch_execute(LOCK).await.map_err(failed)?;
    Ok(Some(conn))
}

impl Migrator {
    /// Connects, and on PostgreSQL waits for others who are migrating; the lock ends with the connection.
    pub(crate) async fn connect(target: &Target, settings: &StoreSettings) -> Result<Self, OpenError> {
        match target {
            Target::Sqlite(path) => {
                let path = path.clone();
                blocking(move || {
                    let conn = sqlite::connect_to_write(&path);
                    conn.map(Self::Sqlite)
                        .map_err(|error| admin::not_a_database(&path, error))
                })
                .await
            }
            Target::Postgres(target) => {
                let mut conn = admin::connect(target, settings).await?;
                conn.batch_execute(LOCK).await.map_err(failed)?;
                Ok(Self::Postgres(Box::new(AsyncConnectionWrapper::from(conn))))
            }
        }
    }

    /// Does `work` where waiting is allowed: the harness of the migrations is not asynchronous.
    pub(crate) async fn run<T: Send + 'static>(
        mut self,
        work: fn(&mut Self) -> Result<T, OpenError>,
    ) -> Result<T, OpenError> {
        blocking(move || work(&mut self)).await
    }

    pub(crate) fn migrate(&mut self) -> Result<Vec<String>, OpenError> {
        match self {
            Self::Sqlite(conn) => migrate(conn, SQLITE),
            Self::Postgres(conn) => migrate(&mut **conn, POSTGRES),
        }
    }

    pub(crate) fn rollback(&mut self) -> Result<Option<String>, OpenError> {
        match self {
            Self::Sqlite(conn) => rollback(conn, SQLITE),
            Self::Postgres(conn) => rollback(&mut **conn, POSTGRES),
        }
    }

    pub(crate) fn status(&mut self) -> Result<Vec<Migration>, OpenError> {
        match self {
            Self::Sqlite(conn) => status(conn, &SQLITE),
            Self::Postgres(conn) => status(&mut **conn, &POSTGRES),
        }
    }

    /// The status of a database that does not exist yet.
    pub(crate) fn all_pending() -> Result<Vec<Migration>, OpenError> {
        let names = names::<diesel::sqlite::Sqlite>(&SQLITE)?;
        Ok(names
            .into_values()
            .map(|name| Migration {
                name,
                state: MigrationState::Pending,
            })
            .collect())
    }
}

fn migrate<DB: Backend>(
    conn: &mut impl MigrationHarness<DB>,
    source: EmbeddedMigrations,
) -> Result<Vec<String>, OpenError> {
    let names = names::<DB>(&source)?;
    let applied = conn.run_pending_migrations(source).map_err(failed)?;
    Ok(applied
        .iter()
        .map(|version| name_of(&names, &version.to_string()))
        .collect())
}

fn rollback<DB: Backend>(
    conn: &mut impl MigrationHarness<DB>,
    source: EmbeddedMigrations,
) -> Result<Option<String>, OpenError> {
    let names = names::<DB>(&source)?;
    if conn.applied_migrations().map_err(failed)?.is_empty() {
        return Ok(None);
    }
    let undone = conn.revert_last_migration(source).map_err(failed)?;
    Ok(Some(name_of(&names, &undone.to_string())))
}

fn status<DB: Backend>(
    conn: &mut impl MigrationHarness<DB>,
    source: &EmbeddedMigrations,
) -> Result<Vec<Migration>, OpenError> {
    let names = names::<DB>(source)?;
    let mut states: BTreeMap<String, MigrationState> = names
        .keys()
        .map(|version| (version.clone(), MigrationState::Pending))
        .collect();
    for version in conn.applied_migrations().map_err(failed)? {
        let version = version.to_string();
        let state = if names.contains_key(&version) {
            MigrationState::Applied
        } else {
            MigrationState::Unknown
        };
        states.insert(version, state);
    }
    Ok(states
        .into_iter()
        .map(|(version, state)| Migration {
            name: name_of(&names, &version),
            state,
        })
        .collect())
}

/// The folders by their numbers.
fn names<DB: Backend>(source: &EmbeddedMigrations) -> Result<BTreeMap<String, String>, OpenError> {
    let migrations = MigrationSource::<DB>::migrations(source).map_err(failed)?;
    Ok(migrations
        .iter()
        .map(|migration| {
            (
                migration.name().version().to_string(),
                migration.name().to_string(),
            )
        })
        .collect())
}

fn name_of(names: &BTreeMap<String, String>, version: &str) -> String {
    names.get(version).cloned().unwrap_or_else(|| version.to_owned())
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> OpenError {
    let error = error.into();
    let said = error.to_string();
    let remedy = if said.contains("permission denied") || said.contains("no schema has been selected") {
        "let the user of the database URL make tables: GRANT CREATE ON SCHEMA public TO that user, or make it the owner"
    } else {
        "see the message; `llm-gateway db status` shows what is applied"
    };
    OpenError::new(format!("migrating failed: {said}"), remedy).because(error)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(failed(error)))
}
