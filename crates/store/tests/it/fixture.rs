use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use gateway_auth::{KeyHash, MasterKey, PasswordHash, Vault};
use gateway_domain::{
    AccountId, ApiKey, Budget, BudgetPeriod, Credential, CredentialKind, Limits, ManualClock, Page,
    ProviderKind, Role, Timestamp, UpstreamAccount, User, UserId,
};
use gateway_store::{Actor, Backend, NewAccount, NewApiKey, NewUser, SealedCredential, Store, StoreSettings};
use tempfile::TempDir;

/// The first page of any list.
pub(crate) const FIRST: Page = Page {
    page: 1,
    page_size: 100,
};

/// When every test begins.
pub(crate) const START: &str = "2026-06-01T12:00:00Z";

/// A store with its tables made, on a database of its own.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: StoreSettings,
}

impl Fixture {
    pub(crate) fn now(&self) -> Timestamp {
        gateway_domain::Clock::now(&*self.clock)
    }

    pub(crate) async fn user(&self, name: &str) -> User {
        self.store
            .by(someone())
            .create_user(new_user(name))
            .await
            .expect("the name is free")
    }

    pub(crate) async fn key(&self, user: UserId, name: &str) -> ApiKey {
        self.store
            .by(someone())
            .create_key(new_key(user, name))
            .await
            .unwrap()
            .expect("the user exists")
    }

    pub(crate) async fn account(&self, owner: Option<UserId>, name: &str) -> UpstreamAccount {
        self.store
            .by(someone())
            .create_account(new_account(owner, name))
            .await
            .unwrap()
            .expect("the owner exists")
    }
}

/// In whose name tests change things.
pub(crate) fn someone() -> Actor {
    Actor::gateway("test")
}

/// Runs `test` on a fresh store of each kind.
pub(crate) async fn check(test: impl AsyncFn(Fixture)) {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        with_database(backend, async |settings| {
            let clock = Arc::new(ManualClock::at(time(START)));
            let store = Store::open(&settings, clock.clone())
                .await
                .expect("the database is there");
            store.migrate().await.expect("the migrations run");
            test(Fixture {
                store,
                clock,
                settings,
            })
            .await;
        })
        .await;
    }
}

/// Runs `test` on an empty database of each kind.
pub(crate) async fn check_empty(test: impl AsyncFn(StoreSettings)) {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        with_database(backend, &test).await;
    }
}

async fn with_database(backend: Backend, test: impl AsyncFn(StoreSettings)) {
    // Seen only if the test fails.
    println!("on {backend}");
    match backend {
        Backend::Sqlite => {
            let folder = TempDir::new().expect("there is a temporary folder");
            let file = folder.path().join("gateway.db");
            test(StoreSettings::at(format!("sqlite://{}", file.display()))).await;
        }
        Backend::Postgres => {
            let server = server();
            let schema = format!("test_{}", UserId::random().as_uuid().simple());
            execute(&server, &format!("CREATE SCHEMA {schema}")).await;
            let separator = if server.contains('?') { '&' } else { '?' };
            let url = format!("{server}{separator}options=-csearch_path%3D{schema}");
            test(StoreSettings {
                max_connections: 6.try_into().unwrap(),
                ..StoreSettings::at(url)
            })
            .await;
            execute(&server, &format!("DROP SCHEMA {schema} CASCADE")).await;
        }
    }
}

/// Runs SQL past the store, on the server itself.
pub(crate) async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("the test server is there");
    let driver = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("the statement is right");
    drop(client);
    driver
        .await
        .expect("the driver does not panic")
        .expect("the connection ends well");
}

/// Runs SQL past the store, in its database.
pub(crate) async fn run_sql(settings: &StoreSettings, sql: &str) {
    match settings.url.strip_prefix("sqlite://") {
        None => execute(&settings.url, sql).await,
        Some(file) => {
            let mut conn = SqliteConnection::establish(file).expect("the file is there");
            conn.batch_execute(sql).expect("the statement is right");
        }
    }
}

/// Reads one column of text past the store, from its database.
pub(crate) async fn read_sql(settings: &StoreSettings, sql: &str) -> Vec<String> {
    match settings.url.strip_prefix("sqlite://") {
        None => {
            let (client, connection) = tokio_postgres::connect(&settings.url, tokio_postgres::NoTls)
                .await
                .expect("the test server is there");
            let driver = tokio::spawn(connection);
            let rows = client.query(sql, &[]).await.expect("the query is right");
            drop(client);
            driver
                .await
                .expect("the driver does not panic")
                .expect("the connection ends well");
            rows.iter().map(|row| row.get(0)).collect()
        }
        Some(file) => {
            let mut conn = SqliteConnection::establish(file).expect("the file is there");
            diesel::dsl::sql::<Text>(sql)
                .load(&mut conn)
                .expect("the query is right")
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test harness says where PostgreSQL is"
)]
pub(crate) fn server() -> String {
    std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| {
        panic!(
            "every test needs PostgreSQL: run `cargo xtask test`, or set TEST_DATABASE_URL to a server's URL"
        )
    })
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().expect("a time in RFC 3339")
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Two hashes that are not equal; nobody knows their passwords.
pub(crate) fn password_hash(number: usize) -> PasswordHash {
    [
        "$2b$12$ozuBnoTg7Hbk7izHXMAsUu8sgPNf3Tgpf3I2S2JP8CgWbMNJUYNt2",
        "$2b$12$pTu5vu/NIvSt9DhiybEbwucQpgYcu6tWA9a13igYP4PbE2ogtLh.S",
    ][number]
        .parse()
        .expect("a bcrypt hash")
}

pub(crate) fn new_user(name: &str) -> NewUser {
    NewUser {
        username: name.to_owned(),
        email: format!("{name}@example.com"),
        password_hash: password_hash(0),
        role: Role::Member,
        must_change_password: false,
        limits: Limits::default(),
        budget: Budget::unlimited(),
    }
}

pub(crate) fn key_hash(byte: u8) -> KeyHash {
    KeyHash::from_bytes([byte; 32])
}

pub(crate) fn new_key(user_id: UserId, name: &str) -> NewApiKey {
    NewApiKey {
        user_id,
        public_id: format!("public{name}"),
        hash: key_hash(1),
        name: name.to_owned(),
        is_active: true,
        expires_at: None,
        allowed_models: Vec::new(),
        allowed_ips: Vec::new(),
        allowed_accounts: Vec::new(),
        tags: [("team".to_owned(), "blue".to_owned())].into(),
        limits: Limits::default(),
        budget: Budget {
            amount: None,
            period: BudgetPeriod::Month,
        },
    }
}

pub(crate) fn vault() -> Vault {
    Vault::new(&MasterKey::from_bytes(&[7; 32]).expect("32 bytes"))
}

pub(crate) fn new_account(owner_id: Option<UserId>, name: &str) -> NewAccount {
    let id = AccountId::random();
    let credential = Credential::ApiKey("sk-ant-secret-wxyz".to_owned().into());
    NewAccount {
        id,
        owner_id,
        name: name.to_owned(),
        provider: ProviderKind::Anthropic,
        credential: SealedCredential {
            kind: CredentialKind::ApiKey,
            hint: "…wxyz".to_owned(),
            sealed: vault().seal_credential(id, &credential),
        },
        admin_credential: None,
        base_url: "https://api.anthropic.com".to_owned(),
        proxy_url: None,
        is_active: true,
        priority: 50,
        weight: 1,
        max_concurrency: None,
        limits: Limits::default(),
        budget: Budget::unlimited(),
        models: Vec::new(),
        model_map: [("claude".to_owned(), "claude-sonnet-4-5".to_owned())].into(),
        tags: Default::default(),
    }
}
