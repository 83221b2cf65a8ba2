use std::collections::BTreeSet;
use std::path::Path;

use gateway_auth::{Directory, PasswordHasher, Scope, Verdict};
use gateway_domain::{AccountId, RequestId, Role, SystemClock};
use gateway_metering::Decision;
use gateway_store::admin::{self, Migration, MigrationState};
use gateway_store::{Store, StoreSettings};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

use crate::fixture::{check, check_empty, read_sql, run_sql};
use crate::recording::{everything, passed_over, records};

pub(crate) const ALL: [&str; 12] = [
    "0001_initial_schema",
    "0002_initial_data",
    "0003_request_decisions",
    "0004_account_rests",
    "0005_usage_rollups",
    "0006_account_prices",
    "0007_limits_and_budgets",
    "0008_admin_credentials",
    "0009_alerts",
    "0010_audit_chain",
    "0011_instance_secrets",
    "0012_audit_order",
];

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

/// Undoes migrations, the last first, up to and including `name`.
async fn undo(settings: &StoreSettings, name: &str) {
    while admin::rollback(settings).await.unwrap().unwrap() != name {}
}

/// A request with one attempt, as it was stored before there were decisions.
fn request_before_decisions(settings: &StoreSettings, id: Uuid, passed_over: &Value) -> String {
    let is_sqlite = settings.url.starts_with("sqlite:");
    let (id, hex) = (id.hyphenated(), id.simple());
    let (id, at, stream) = if is_sqlite {
        (format!("x'{hex}'"), "1780315200000000", "1")
    } else {
        (format!("'{id}'"), "'2026-06-01T12:00:00Z'", "true")
    };
    format!(
        "INSERT INTO requests VALUES ({id}, {at}, {id}, {id}, 'anthropic', 'claude', {stream}, 'ok', 200, NULL, 1000,
             500, '{passed_over}', 1, 1, 2, 3, 4, 5, 0, 7);
         INSERT INTO attempts VALUES ({id}, {id}, 1, {at}, {id}, {id}, {id}, 'anthropic', 'claude', 'claude', 'ok', 200,
             NULL, NULL, 1, 2, 3, 4, 5, 0, 0, NULL, NULL, NULL, 'reported', 7, NULL, 1000, 500, NULL, NULL);"
    )
}

#[tokio::test]
async fn why_accounts_were_passed_over_is_known_as_a_decision_and_as_before_after_the_way_back() {
    check_empty(async |settings| {
        let clock = || Arc::new(SystemClock::new());
        let (first, second) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let why = "it's \"busy\": \u{fffd}\\";
        let stored = json!([
            {"account_id": second, "reason": why},
            {"account_id": first, "reason": ""},
        ]);
        admin::migrate(&settings).await.unwrap();
        undo(&settings, "0003_request_decisions").await;
        // A quote in a string is written twice in SQL.
        let doubled: Value = serde_json::from_str(&stored.to_string().replace('\'', "''")).unwrap();
        for (id, passed_over) in [(first, &json!([])), (second, &doubled)] {
            run_sql(&settings, &request_before_decisions(&settings, id, passed_over)).await;
        }

        admin::migrate(&settings).await.unwrap();
        let store = Store::open(&settings, clock()).await.unwrap();
        let found = async |id| {
            let found = store
                .find_request(Scope::Everyone, RequestId::from_uuid(id))
                .await;
            found.unwrap().unwrap()
        };
        let known = found(second).await;
        assert_eq!((known.request.queued, known.attempts.len()), (Duration::ZERO, 1));
        let considered = vec![
            passed_over(AccountId::from_uuid(second), why),
            passed_over(AccountId::from_uuid(first), ""),
        ];
        let decision = Decision {
            strategy: "".into(),
            considered,
        };
        assert_eq!(known.decision, Some(decision));
        assert_eq!(found(first).await.decision, None);
        let new = records(9, 20);
        store.record_usage(new.clone()).await.unwrap();
        store.close().await;

        undo(&settings, "0003_request_decisions").await;
        let texts = read_sql(
            &settings,
            "SELECT CAST(passed_over AS TEXT) FROM requests ORDER BY id",
        );
        let texts = texts.await;
        let documents = texts.iter().map(|text| serde_json::from_str(text).unwrap());
        // Of a decision only those who were passed over for a reason.
        let left = new.iter().map(|record| {
            let considered = record.decision.iter().flat_map(|decision| &decision.considered);
            considered
                .filter_map(|one| {
                    let reason = one.reason.as_ref()?;
                    Some(json!({"account_id": one.account_id.as_uuid(), "reason": reason}))
                })
                .collect()
        });
        let mut expected: Vec<Value> = vec![json!([]), stored.clone()];
        expected.extend(left);
        assert_eq!(documents.collect::<Vec<Value>>(), expected);

        let store = Store::open(&settings, clock()).await.unwrap();
        store.migrate().await.unwrap();
        assert_eq!(
            store.summary(everything(), None).await.unwrap().totals.requests,
            22
        );
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
        let hasher = PasswordHasher::new(12, 2, 10);
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
