//! A database for each test.

use gateway_store::StoreSettings;
use tempfile::TempDir;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A database of one test, gone with it.
pub(crate) struct Database {
    pub(crate) settings: StoreSettings,
    // Of SQLite's file.
    _folder: TempDir,
}

impl Database {
    pub(crate) async fn create(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", folder.path().join("gateway.db").display()),
            Kind::Postgres => create_on_server().await,
        };
        let mut settings = StoreSettings::at(url);
        // The machine may be busy with other tests.
        settings.statement_timeout_seconds = std::num::NonZeroU32::new(30).expect("not zero");
        settings.max_connections = std::num::NonZeroU32::new(4).expect("not zero");
        Self {
            settings,
            _folder: folder,
        }
    }
}

/// Makes a database of its own on the server that the tests were given.
async fn create_on_server() -> String {
    let server = server_url();
    let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls)
        .await
        .unwrap_or_else(|error| panic!("TEST_DATABASE_URL names no server that answers: {error}"));
    let connection = tokio::spawn(connection);
    let name = format!("api_{}", gateway_domain::RequestId::random().as_uuid().simple());
    client
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .expect("the tests may create databases");
    drop(client);
    let _ = connection.await;
    let (address, parameters) = server.split_once('?').unwrap_or((&server, ""));
    let (host, _) = address
        .rsplit_once('/')
        .filter(|(host, _)| host.contains("://"))
        .unwrap_or((address, ""));
    format!("{host}/{name}?{parameters}")
}

#[expect(
    clippy::disallowed_methods,
    reason = "who runs the tests says where PostgreSQL is"
)]
fn server_url() -> String {
    std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| {
        panic!(
            "TEST_DATABASE_URL is not set: run `cargo xtask test`, which starts a PostgreSQL of its own, or name a \
             server where the tests may create databases, like postgres://user:password@localhost:5432/postgres"
        )
    })
}
