use std::net::IpAddr;
use std::sync::Arc;

use gateway_auth::Scope;
use gateway_domain::{ApiKey, Role};
use gateway_store::{
    AccountChanges, Actor, ApiKeyChanges, AuditAction, AuditEntry, AuditEvent, AuditFilter, AuditResult,
    AuditTarget, BrokenChain, Store, StoreError, UserChanges,
};
use serde_json::{Map, Value, json};

use crate::fixture::{
    Fixture, check, key_hash, new_account, new_key, new_user, password_hash, run_sql, seconds, someone,
};

async fn log(store: &Store) -> Vec<AuditEntry> {
    let (mut entries, next) = store.list_audit(AuditFilter::default(), 100).await.unwrap();
    assert_eq!(next, None);
    entries.reverse();
    entries
}

fn told(entry: &AuditEntry) -> Value {
    let read = |text: &Option<String>| {
        text.as_deref()
            .map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
    };
    json!([
        entry.action,
        entry.target,
        read(&entry.before),
        read(&entry.after)
    ])
}

fn event(number: usize) -> AuditEvent {
    AuditEvent {
        actor: Actor::stranger(IpAddr::from([192, 0, 2, 7]), format!("request {number}")),
        action: AuditAction::SignIn,
        target: AuditTarget::User,
        target_id: None,
        result: AuditResult::Refused,
        details: Map::from_iter([("number".to_owned(), number.into())]),
    }
}

#[tokio::test]
async fn every_change_is_told_as_it_was_and_as_it_is_and_without_its_secrets() {
    check(async |fixture| {
        let admin = fixture.user("ada").await;
        let by = |name: &str| Actor {
            user_id: Some(admin.id),
            name: name.to_owned(),
            address: Some(IpAddr::from([192, 0, 2, 7])),
            request_id: Some("the request".to_owned()),
        };
        let changes = fixture.store.by(by("ada"));
        let user = changes.create_user(new_user("bob")).await.unwrap();
        let promote = UserChanges {
            role: Some(Role::Admin),
            password_hash: Some(password_hash(1)),
            ..UserChanges::default()
        };
        changes.update_user(user.id, promote).await.unwrap().unwrap();
        let key = changes.create_key(new_key(user.id, "ci")).await.unwrap().unwrap();
        let rename = ApiKeyChanges {
            name: Some("cd".to_owned()),
            ..ApiKeyChanges::default()
        };
        changes.update_key(Scope::Everyone, key.id, rename).await.unwrap().unwrap();
        changes.rotate_key(Scope::Everyone, key.id, key_hash(9), None).await.unwrap().unwrap();
        assert!(changes.delete_key(Scope::Everyone, key.id).await.unwrap());
        let new = new_account(None, "team");
        let replaced = AccountChanges {
            credential: Some(new_account(None, "other").credential),
            weight: Some(7),
            ..AccountChanges::default()
        };
        let account = changes.create_account(new).await.unwrap().unwrap();
        changes.update_account(Scope::Everyone, account.id, replaced).await.unwrap().unwrap();
        assert!(changes.delete_user(user.id).await.unwrap());

        let entries = log(&fixture.store).await;
        let first = &entries[1];
        assert_eq!((first.seq, first.at, first.actor_id), (2, fixture.now(), Some(admin.id)));
        assert_eq!((first.actor.as_str(), first.address.as_deref()), ("ada", Some("192.0.2.7")));
        assert_eq!((first.request_id.as_deref(), first.result.as_str()), (Some("the request"), "done"));
        assert_eq!(first.target_id, Some(user.id.to_string()));
        let entries: Vec<Value> = entries[1..].iter().map(told).collect();
        let bob = |role: &str| {
            json!({
                "username": "bob", "email": "bob@example.com", "role": role, "is_active": true,
                "must_change_password": false, "limits": {}, "budget": {"amount_usd": null, "period": "total"},
            })
        };
        assert_eq!(entries[0], json!(["create", "user", null, bob("member")]));
        assert_eq!(
            entries[1],
            json!(["change", "user", {"role": "member"}, {"role": "admin", "password": "changed"}])
        );
        assert_eq!(entries[2][3]["public_id"], json!(key.public_id));
        assert_eq!(entries[3], json!(["change", "api_key", {"name": "ci"}, {"name": "cd"}]));
        assert_eq!(entries[4], json!(["rotate", "api_key", {}, {"secret": "changed"}]));
        assert_eq!((&entries[5][0], &entries[5][2]["name"]), (&json!("delete"), &json!("cd")));
        assert_eq!(entries[6][3]["credential"]["type"], json!("api_key"));
        let changed = &entries[7][3];
        assert_eq!((&changed["weight"], &changed["credential_secret"]), (&json!(7), &json!("changed")));
        assert_eq!(entries[8], json!(["delete", "user", bob("admin"), null]));
        assert_eq!(entries.len(), 9);

        let secrets = [password_hash(0), password_hash(1)].map(|hash| hash.as_str().to_owned());
        for secret in secrets.iter().map(String::as_str).chain(["sealed"]) {
            assert!(!entries.iter().any(|entry| entry.to_string().contains(secret)), "{secret}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_or_not_there_is_no_change() {
    check(async |fixture| {
        let changes = fixture.store.by(someone());
        let ada = fixture.user("ada").await;
        let before = log(&fixture.store).await.len();
        let stranger = Scope::Only(ada.id);
        let ApiKey { id, .. } = {
            let bob = fixture.user("bob").await;
            fixture.key(bob.id, "ci").await
        };
        assert_eq!(
            changes
                .update_key(stranger, id, ApiKeyChanges::default())
                .await
                .unwrap(),
            None
        );
        assert!(!changes.delete_key(stranger, id).await.unwrap());
        let taken = changes.create_user(new_user("ada")).await;
        assert!(matches!(taken, Err(StoreError::Taken { .. })));
        assert!(!changes.delete_price("claude").await.unwrap());
        assert_eq!(log(&fixture.store).await.len(), before + 2);
    })
    .await;
}

#[tokio::test]
async fn however_many_write_at_once_the_chain_is_one() {
    check(async |fixture| {
        let store = Arc::new(fixture.store);
        let writers: Vec<_> = (0..20)
            .map(|number| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    if number % 4 == 0 {
                        let user = new_user(&format!("user-{number}"));
                        store.by(someone()).create_user(user).await.map(drop)
                    } else {
                        store.record_audit(event(number)).await
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
        let seen = store.verify_audit(None).await.unwrap();
        assert_eq!((seen.entries, seen.broken), (20, None));
        let numbers: Vec<i64> = log(&store).await.iter().map(|entry| entry.seq).collect();
        assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn the_log_is_appended_to_and_never_changed() {
    check(async |fixture| {
        fixture.store.record_audit(event(1)).await.unwrap();
        let settings = fixture.settings.clone();
        let columns = "at, actor, action, target_kind, result, previous_hash, hash";
        let copied =
            |seq: &str| format!("INTO audit_log (seq, {columns}) SELECT {seq}, {columns} FROM audit_log");
        let replaced = match settings.url.starts_with("sqlite://") {
            true => format!("INSERT OR REPLACE {}", copied("seq")),
            false => format!(
                "INSERT {} ON CONFLICT (seq) DO UPDATE SET actor = 'bob'",
                copied("seq")
            ),
        };
        for sql in [
            "UPDATE audit_log SET actor = 'bob'",
            "DELETE FROM audit_log",
            &format!("INSERT {}", copied("seq - 1")),
            &replaced,
        ] {
            let tried = tokio::spawn({
                let (settings, sql) = (settings.clone(), sql.to_owned());
                async move { run_sql(&settings, &sql).await }
            });
            assert!(tried.await.is_err(), "{sql}");
        }
        assert_eq!(log(&fixture.store).await[0].actor, "nobody");
    })
    .await;
}

/// As somebody with all rights in the database would.
async fn force(fixture: &Fixture, sql: &str) {
    let unlock = match fixture.settings.url.starts_with("sqlite://") {
        true => "DROP TRIGGER audit_log_is_not_changed; DROP TRIGGER audit_log_is_not_deleted",
        false => "DROP TRIGGER audit_log_stays ON audit_log",
    };
    run_sql(&fixture.settings, &format!("{unlock}; {sql}")).await;
}

#[tokio::test]
async fn whatever_is_changed_in_the_log_is_found() {
    for (sql, found) in [
        (
            "UPDATE audit_log SET actor = 'bob' WHERE seq = 3",
            (3, BrokenChain::Changed),
        ),
        (
            "UPDATE audit_log SET address = NULL WHERE seq = 3",
            (3, BrokenChain::Changed),
        ),
        (
            "UPDATE audit_log SET after = NULL WHERE seq = 1",
            (1, BrokenChain::Changed),
        ),
        (
            "UPDATE audit_log SET hash = previous_hash WHERE seq = 2",
            (2, BrokenChain::Changed),
        ),
        (
            "UPDATE audit_log SET previous_hash = hash WHERE seq = 2",
            (2, BrokenChain::Unlinked),
        ),
        ("DELETE FROM audit_log WHERE seq = 1", (1, BrokenChain::Missing)),
        ("DELETE FROM audit_log WHERE seq = 4", (4, BrokenChain::Missing)),
        ("DELETE FROM audit_log WHERE seq = 5", (5, BrokenChain::Missing)),
        ("DELETE FROM audit_log", (1, BrokenChain::Missing)),
        (
            "UPDATE revisions SET revision = revision - 1 WHERE kind = 'audit'",
            (5, BrokenChain::Added),
        ),
    ] {
        check(async |fixture| {
            for number in 1..=5 {
                fixture.store.record_audit(event(number)).await.unwrap();
                fixture.clock.advance(seconds(1));
            }
            let whole = fixture.store.verify_audit(None).await.unwrap();
            assert_eq!((whole.entries, whole.broken), (5, None));
            let head = fixture.store.verify_audit(whole.head).await.unwrap();
            assert_eq!(head.found, Some(5));
            force(&fixture, sql).await;
            let seen = fixture.store.verify_audit(None).await.unwrap();
            assert_eq!(seen.broken, Some(found), "{sql}");
        })
        .await;
    }
}

#[tokio::test]
async fn entries_are_found_by_who_did_what_to_which_and_when() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let after = fixture.now() + seconds(1);
        fixture.clock.advance(seconds(1));
        for number in 1..=5 {
            fixture.store.record_audit(event(number)).await.unwrap();
        }
        let own = Actor {
            user_id: Some(ada.id),
            ..someone()
        };
        fixture
            .store
            .by(own)
            .update_user(ada.id, UserChanges::default())
            .await
            .unwrap();
        let found = async |filter: AuditFilter| {
            let (entries, next) = fixture.store.list_audit(filter, 3).await.unwrap();
            (entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), next)
        };
        assert_eq!(found(AuditFilter::default()).await, (vec![7, 6, 5], Some(5)));
        let page = AuditFilter {
            before: Some(3),
            ..AuditFilter::default()
        };
        assert_eq!(found(page).await, (vec![2, 1], None));
        let of_ada = AuditFilter {
            actor_id: Some(ada.id),
            ..AuditFilter::default()
        };
        assert_eq!(found(of_ada).await, (vec![7], None));
        let to_ada = AuditFilter {
            target_id: Some(ada.id.to_string()),
            ..AuditFilter::default()
        };
        assert_eq!(found(to_ada).await, (vec![7, 1], None));
        let made = AuditFilter {
            action: Some("create".to_owned()),
            ..AuditFilter::default()
        };
        assert_eq!(found(made).await, (vec![1], None));
        let early = AuditFilter {
            to: Some(after),
            ..AuditFilter::default()
        };
        assert_eq!(found(early).await, (vec![1], None));
        let late = AuditFilter {
            from: Some(after),
            before: Some(4),
            ..AuditFilter::default()
        };
        assert_eq!(found(late).await, (vec![3, 2], None));
    })
    .await;
}
