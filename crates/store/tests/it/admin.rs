use std::sync::Arc;

use gateway_domain::SystemClock;
use gateway_store::{Backend, Store, StoreError, StoreSettings, admin};
use tempfile::TempDir;

use crate::fixture::{check, check_empty, new_user, run_sql, server, someone};
use crate::migrations::ALL;

async fn problems(settings: &StoreSettings) -> Vec<String> {
    admin::check(settings)
        .await
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn only(problems: &[String]) -> &str {
    assert_eq!(problems.len(), 1, "{problems:?}");
    &problems[0]
}

#[tokio::test]
async fn a_database_without_tables_is_told_from_one_that_is_well() {
    check_empty(async |settings| {
        let found = problems(&settings).await;
        assert!(
            found
                .iter()
                .all(|problem| problem.contains("llm-gateway db migrate")),
            "{found:?}"
        );
        assert!(!found.is_empty());
        admin::migrate(&settings).await.unwrap();
        assert_eq!(problems(&settings).await, [""; 0]);
        let undone = admin::rollback(&settings).await.unwrap().unwrap();
        assert!(only(&problems(&settings).await).contains(&format!("migration {undone} is not applied")));
    })
    .await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_not_touched() {
    check_empty(async |settings| {
        admin::migrate(&settings).await.unwrap();
        let newer = "INSERT INTO __diesel_schema_migrations (version, run_on) VALUES ('9999', '2030-01-01')";
        run_sql(&settings, newer).await;
        assert!(only(&problems(&settings).await).contains("migration 9999 is not known here"));
        assert!(admin::rollback(&settings).await.is_err());
        assert_eq!(admin::status(&settings).await.unwrap().len(), ALL.len() + 1);
    })
    .await;
}

#[tokio::test]
async fn a_reset_leaves_nothing_but_the_first_accounts() {
    check(async |fixture| {
        fixture
            .store
            .by(someone())
            .create_user(new_user("ada"))
            .await
            .unwrap();
        fixture.store.close().await;
        assert_eq!(admin::reset(&fixture.settings).await.unwrap(), ALL);
        let store = Store::open(&fixture.settings, fixture.clock.clone())
            .await
            .unwrap();
        assert_eq!(store.counts().await.unwrap().users, 2);
    })
    .await;
}

#[tokio::test]
async fn a_closed_store_answers_that_the_database_is_away() {
    check(async |fixture| {
        fixture.store.ping().await.unwrap();
        fixture.store.close().await;
        assert!(matches!(
            fixture.store.ping().await,
            Err(StoreError::Unavailable(_))
        ));
    })
    .await;
}

#[tokio::test]
async fn a_file_that_a_server_has_is_not_changed_under_it() {
    check(async |fixture| {
        if fixture.store.backend() == Backend::Postgres {
            // Anybody may read there meanwhile, and an advisory lock orders those who migrate.
            assert_eq!(admin::migrate(&fixture.settings).await.unwrap(), [""; 0]);
            return;
        }
        assert_eq!(problems(&fixture.settings).await, [""; 0]);
        for refused in [
            admin::migrate(&fixture.settings).await.map(drop),
            admin::rollback(&fixture.settings).await.map(drop),
            admin::reset(&fixture.settings).await.map(drop),
        ] {
            assert!(refused.is_err_and(|error| error.to_string().contains("stop the server first")));
        }
        fixture.store.close().await;
        assert_eq!(admin::migrate(&fixture.settings).await.unwrap(), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_in_words() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| StoreSettings::at(format!("sqlite://{}", folder.path().join(name).display()));
    assert!(only(&problems(&at("none.db")).await).contains("there is no file"));
    std::fs::write(
        folder.path().join("text.db"),
        "not a database, and longer than a header of 100 bytes\n".repeat(9),
    )
    .unwrap();
    assert!(only(&problems(&at("text.db")).await).contains("is no SQLite database"));
    let opened = Store::open(&at("text.db"), Arc::new(SystemClock::new())).await;
    assert!(opened.is_err_and(|error| error.to_string().contains("is no SQLite database")));
    // A file where a folder should be.
    let opened = Store::open(&at("text.db/gateway.db"), Arc::new(SystemClock::new())).await;
    assert!(opened.is_err_and(|error| error.to_string().contains("cannot be written")));
}

#[tokio::test]
async fn what_is_wrong_with_a_server_is_said_in_words_and_without_its_password() {
    let server = server();
    let config: tokio_postgres::Config = server.parse().unwrap();
    let host = match &config.get_hosts()[0] {
        tokio_postgres::config::Host::Tcp(host) => host.clone(),
        unix @ tokio_postgres::config::Host::Unix(_) => {
            panic!("reach the test server by TCP, not by {unix:?}")
        }
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let user = config.get_user().unwrap();
    let problem = async |url: String| {
        let settings = StoreSettings::at(url);
        let found = problems(&settings).await;
        let opened = Store::open(&settings, Arc::new(SystemClock::new()))
            .await
            .expect_err("it is wrong");
        assert_eq!(only(&found), opened.to_string());
        assert!(!format!("{opened:?}").contains("hunter2"), "{opened:?}");
        opened.to_string()
    };
    // Nothing listens on the port that is for discarding.
    let away = problem(format!("postgres://{user}:hunter2@{host}:9/x")).await;
    assert!(away.contains("does not answer") && away.contains(":9"), "{away}");
    // A server that asks for passwords says what is missing only to those who know one.
    let password = String::from_utf8_lossy(config.get_password().unwrap_or(b"hunter2"));
    let missing = problem(format!(
        "postgres://{user}:{password}@{host}:{port}/no_such_database"
    ))
    .await;
    assert!(missing.contains("no_such_database"), "{missing}");
    let refused = problem(format!("postgres://nobody_here:hunter2@{host}:{port}/x")).await;
    assert!(refused.contains("refuses the user nobody_here"), "{refused}");
}

#[tokio::test]
async fn a_server_that_cannot_be_verified_is_not_talked_to() {
    let server = server();
    let separator = if server.contains('?') { '&' } else { '?' };
    for mode in ["require", "verify-ca", "verify-full"] {
        let settings = StoreSettings::at(format!("{server}{separator}sslmode={mode}"));
        let found = problems(&settings).await;
        assert!(only(&found).contains("TLS"), "{mode}: {found:?}");
    }
    let settings = StoreSettings {
        root_certificates: Some(b"no certificate".to_vec()),
        ..StoreSettings::at(format!("{server}{separator}sslmode=verify-full"))
    };
    assert!(only(&problems(&settings).await).contains("root certificates"));
}
