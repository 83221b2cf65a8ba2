use gateway_auth::Scope;
use gateway_domain::{
    AccountId, AdminCredential, Credential, CredentialKind, OrganizationPart, ProviderKind, UserId,
};
use gateway_store::{
    AccountChanges, JudgedRoute, NewAccount, SealedAdminCredential, SealedCredential, StoreError,
};

use crate::fixture::{FIRST, check, new_account, seconds, someone, vault};

#[tokio::test]
async fn an_account_keeps_all_that_it_was_given_and_its_credential_opens() {
    check(async |fixture| {
        let new = NewAccount {
            provider: ProviderKind::OpenAi,
            proxy_url: Some("socks5://localhost:1080".to_owned()),
            priority: -5,
            weight: 1000,
            max_concurrency: Some(u32::MAX),
            models: vec!["*".parse().unwrap()],
            ..new_account(None, "full")
        };
        let made = fixture
            .store
            .by(someone())
            .create_account(new.clone())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (made.id, made.created_at, made.last_used_at),
            (new.id, fixture.now(), None)
        );
        assert_eq!(
            (made.provider, made.priority, made.weight),
            (ProviderKind::OpenAi, -5, 1000)
        );
        assert_eq!(
            (&made.proxy_url, made.max_concurrency),
            (&new.proxy_url, Some(u32::MAX))
        );
        assert_eq!((&made.models, &made.model_map), (&new.models, &new.model_map));
        assert_eq!(
            (made.credential_kind, made.credential_hint.as_str()),
            (CredentialKind::ApiKey, "…wxyz")
        );

        let row = fixture
            .store
            .find_account(Scope::Everyone, made.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.account, made);
        assert!(matches!(
            vault().open_credential(made.id, &row.sealed),
            Ok(Credential::ApiKey(_))
        ));
        let all = fixture.store.all_accounts().await.unwrap();
        assert_eq!(all.iter().map(|row| &row.account).collect::<Vec<_>>(), [&made]);
    })
    .await;
}

#[tokio::test]
async fn a_member_sees_the_shared_accounts_and_changes_only_their_own() {
    check(async |fixture| {
        let (ada, bob) = (fixture.user("ada").await, fixture.user("bob").await);
        let shared = fixture.account(None, "shared").await;
        let adas = fixture.account(Some(ada.id), "adas").await;
        let bobs = fixture.account(Some(bob.id), "bobs").await;
        let store = &fixture.store;
        let names = async |scope, provider| -> Vec<String> {
            let accounts = store.list_accounts(scope, provider, FIRST).await.unwrap();
            assert_eq!(accounts.total, i64::try_from(accounts.items.len()).unwrap());
            accounts.items.into_iter().map(|account| account.name).collect()
        };
        assert_eq!(names(Scope::Everyone, None).await, ["shared", "adas", "bobs"]);
        assert_eq!(names(Scope::Only(ada.id), None).await, ["shared", "adas"]);
        assert_eq!(
            names(Scope::Only(ada.id), Some(ProviderKind::Gemini)).await,
            [""; 0]
        );

        let scope = Scope::Only(ada.id);
        let rename = || AccountChanges {
            name: Some("mine".to_owned()),
            ..Default::default()
        };
        assert!(store.find_account(scope, shared.id).await.unwrap().is_some());
        assert!(store.find_account(scope, bobs.id).await.unwrap().is_none());
        for id in [shared.id, bobs.id, AccountId::random()] {
            assert_eq!(
                store
                    .by(someone())
                    .update_account(scope, id, rename())
                    .await
                    .unwrap(),
                None
            );
            assert!(!store.by(someone()).delete_account(scope, id).await.unwrap());
        }
        let renamed = store
            .by(someone())
            .update_account(scope, adas.id, rename())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(renamed.name, "mine");
        assert!(store.by(someone()).delete_account(scope, adas.id).await.unwrap());
        assert!(
            store
                .by(someone())
                .delete_account(Scope::Everyone, shared.id)
                .await
                .unwrap()
        );
        assert_eq!(names(Scope::Everyone, None).await, ["bobs"]);

        let nobodys = new_account(Some(UserId::random()), "x");
        assert_eq!(store.by(someone()).create_account(nobodys).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_change_that_was_judged_on_another_route_is_not_made() {
    check(async |fixture| {
        let made = fixture.account(None, "team").await;
        let changes = |judged: &str| AccountChanges {
            judged: Some(JudgedRoute {
                base_url: judged.to_owned(),
                proxy_url: made.proxy_url.clone(),
                has_admin_credential: false,
            }),
            weight: Some(7),
            ..Default::default()
        };
        let by = fixture.store.by(someone());
        let update = |changes| by.update_account(Scope::Everyone, made.id, changes);
        let moved = update(changes("https://elsewhere.example.com")).await;
        assert!(matches!(moved, Err(StoreError::Moved)), "{moved:?}");
        let changed = update(changes(&made.base_url)).await.unwrap().unwrap();
        assert_eq!(changed.weight, 7);
    })
    .await;
}

#[tokio::test]
async fn a_new_credential_replaces_the_old_one_whole() {
    check(async |fixture| {
        let made = fixture.account(None, "team").await;
        fixture.clock.advance(seconds(1));
        let credential = Credential::OAuth {
            access_token: "at-abcd".to_owned().into(),
            refresh_token: None,
            expires_at: Some(fixture.now()),
        };
        let changes = AccountChanges {
            credential: Some(SealedCredential {
                kind: CredentialKind::OAuth,
                hint: "…abcd".to_owned(),
                sealed: vault().seal_credential(made.id, &credential),
            }),
            proxy_url: Some(None),
            max_concurrency: Some(Some(3)),
            ..Default::default()
        };
        let changed = fixture
            .store
            .by(someone())
            .update_account(Scope::Everyone, made.id, changes)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (changed.credential_kind, changed.credential_hint.as_str()),
            (CredentialKind::OAuth, "…abcd")
        );
        assert_eq!(
            (changed.max_concurrency, changed.updated_at),
            (Some(3), fixture.now())
        );
        assert_eq!((changed.name, changed.model_map), (made.name, made.model_map));
        let row = fixture
            .store
            .find_account(Scope::Everyone, made.id)
            .await
            .unwrap()
            .unwrap();
        assert!(matches!(
            vault().open_credential(made.id, &row.sealed),
            Ok(Credential::OAuth { .. })
        ));
    })
    .await;
}

#[tokio::test]
async fn an_admin_credential_is_kept_beside_the_other_until_it_is_cleared() {
    check(async |fixture| {
        let made = fixture.account(None, "team").await;
        assert_eq!(made.admin_credential, None);
        let key = Credential::ApiKey("sk-ant-admin01-abcd".to_owned().into());
        let shown = AdminCredential {
            hint: "…abcd".to_owned(),
            part: OrganizationPart {
                workspace_id: Some("wrkspc_1".to_owned()),
                ..Default::default()
            },
        };
        let change = async |admin_credential| {
            let changes = AccountChanges {
                admin_credential,
                ..Default::default()
            };
            let changed = fixture
                .store
                .by(someone())
                .update_account(Scope::Everyone, made.id, changes)
                .await;
            changed.unwrap().unwrap().admin_credential
        };
        let row = async || {
            let found = fixture.store.find_account(Scope::Everyone, made.id).await;
            found.unwrap().unwrap()
        };
        let sealed = SealedAdminCredential {
            shown: shown.clone(),
            sealed: vault().seal_admin_credential(made.id, &key),
        };
        assert_eq!(change(Some(Some(sealed))).await, Some(shown.clone()));
        assert_eq!(change(None).await, Some(shown));
        let kept = row().await;
        assert!(
            vault()
                .open_admin_credential(made.id, &kept.admin_sealed.unwrap())
                .is_ok()
        );
        assert!(vault().open_credential(made.id, &kept.sealed).is_ok());

        let whole = SealedAdminCredential {
            shown: AdminCredential {
                hint: "…efgh".to_owned(),
                part: OrganizationPart::default(),
            },
            sealed: vault().seal_admin_credential(made.id, &key),
        };
        assert_eq!(change(Some(Some(whole.clone()))).await, Some(whole.shown));
        assert_eq!(change(Some(None)).await, None);
        assert!(row().await.admin_sealed.is_none());
    })
    .await;
}
