use std::collections::BTreeSet;
use std::path::Path;

use gateway_auth::{Directory, PasswordHasher, Verdict};
use gateway_domain::{Role, SystemClock};
use gateway_store::Store;
use gateway_store::admin::{self, Migration, MigrationState};
use std::sync::Arc;

use crate::fixture::{check, check_empty};

const ALL: [&str; 2] = ["0001_initial_schema", "0002_initial_data"];

fn with_state(state: MigrationState) -> Vec<Migration> {
    ALL.iter()
        .map(|name| Migration {
            name: (*name).to_owned(),
            state,
        })
        .collect()
}

#[tokio::test]
async fn every_migration_can_be_undone_and_done_again() {
    check_empty(async |settings| {
        assert_eq!(
            admin::status(&settings).await.unwrap(),
            with_state(MigrationState::Pending)
        );
        assert_eq!(admin::migrate(&settings).await.unwrap(), ALL);
        assert_eq!(admin::migrate(&settings).await.unwrap(), [""; 0]);
        assert_eq!(
            admin::status(&settings).await.unwrap(),
            with_state(MigrationState::Applied)
        );
        for name in ALL.iter().rev() {
            assert_eq!(admin::rollback(&settings).await.unwrap().as_deref(), Some(*name));
        }
        assert_eq!(admin::rollback(&settings).await.unwrap(), None);
        assert_eq!(
            admin::status(&settings).await.unwrap(),
            with_state(MigrationState::Pending)
        );
        assert_eq!(admin::migrate(&settings).await.unwrap(), ALL);
    })
    .await;
}

#[tokio::test]
async fn of_several_that_start_at_once_one_migrates() {
    check_empty(async |settings| {
        let store = Arc::new(
            Store::open(&settings, Arc::new(SystemClock::new()))
                .await
                .unwrap(),
        );
        let starters: Vec<_> = (0..4)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.migrate().await })
            })
            .collect();
        let mut applied = Vec::new();
        for starter in starters {
            applied.extend(starter.await.unwrap().unwrap());
        }
        assert_eq!(applied, ALL);
    })
    .await;
}

#[tokio::test]
async fn both_databases_have_the_same_migrations_and_each_its_way_back() {
    let folders = |backend: &str| -> BTreeSet<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("migrations")
            .join(backend);
        let mut names = BTreeSet::new();
        for entry in std::fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            for file in ["up.sql", "down.sql"] {
                assert!(
                    entry.path().join(file).is_file(),
                    "{} has no {file}",
                    entry.path().display()
                );
            }
            names.insert(entry.file_name().into_string().unwrap());
        }
        names
    };
    assert_eq!(folders("sqlite"), folders("postgres"));
    assert_eq!(folders("sqlite"), ALL.map(str::to_owned).into());
}

#[tokio::test]
async fn the_published_passwords_open_the_two_first_accounts() {
    check(async |fixture| {
        let hasher = PasswordHasher::new(12, 2);
        for (login, password, role) in [
            ("admin", "admin123456", Role::Admin),
            ("testuser", "testpass123", Role::Member),
        ] {
            let (user, hash) = fixture.store.user_by_login(login).await.unwrap().unwrap();
            assert_eq!(
                (user.role, user.is_active, user.must_change_password),
                (role, true, true)
            );
            assert!(hash.as_str().starts_with("$2b$12$"));
            let verdict = hasher
                .verify(password.to_owned().into(), Some(&hash))
                .await
                .unwrap();
            assert!(matches!(verdict, Verdict::Right), "{login}");
        }
    })
    .await;
}
