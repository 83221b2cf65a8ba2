use std::collections::BTreeMap;

use diesel::prelude::*;
use gateway_auth::{Scope, Sealed};
use gateway_domain::{
    AccountId, Budget, CredentialKind, Limits, ModelPattern, Page, Paged, ProviderKind, Timestamp,
    UpstreamAccount, UserId,
};
use serde_json::{Value, json};

use crate::admin_credential::{SealedAdminCredential, StoredAdminCredential};
use crate::allowance::{budget, limits, shown_budget, stored_amount, stored_limits, stored_period};
use crate::audit::{AuditTarget, Document, Shown, document};
use crate::schema::upstream_accounts;
use crate::store::{change, query};
use crate::types::{StoredDoc, StoredId, StoredTime};
use crate::{Changes, Store, StoreError};

/// An upstream account and its credentials, sealed.
#[derive(Debug, Clone)]
pub struct AccountRow {
    /// What is not secret.
    pub account: UpstreamAccount,
    /// Opened by the vault that sealed it, for this account only.
    pub sealed: Sealed,
    /// The credential for its organisation's reports, opened likewise.
    pub admin_sealed: Option<Sealed>,
}

/// An upstream account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Made by the caller, since the credential is sealed for it.
    pub id: AccountId,
    /// Whose keys it serves; `None` serves everybody's.
    pub owner_id: Option<UserId>,
    /// What its owner calls it, 1 to 100 characters.
    pub name: String,
    /// Who runs it.
    pub provider: ProviderKind,
    /// Its credential.
    pub credential: SealedCredential,
    /// With what its organisation's reports can be read.
    pub admin_credential: Option<SealedAdminCredential>,
    /// Where requests go.
    pub base_url: String,
    /// The proxy that requests go through.
    pub proxy_url: Option<String>,
    /// Whether requests may go to it.
    pub is_active: bool,
    /// Accounts with a lower number are tried first.
    pub priority: i32,
    /// Its share among accounts of the same priority, 0 to 1000.
    pub weight: u16,
    /// Requests open at once.
    pub max_concurrency: Option<u32>,
    /// How fast it may be used.
    pub limits: Limits,
    /// How much it may cost.
    pub budget: Budget,
    /// The models it serves; empty means the provider's own families.
    pub models: Vec<ModelPattern>,
    /// Names that clients ask for, and the provider's model that answers.
    pub model_map: BTreeMap<String, String>,
    /// The owner's own labels.
    pub tags: BTreeMap<String, String>,
}

/// A credential as it is kept.
#[derive(Debug, Clone)]
pub struct SealedCredential {
    /// What kind it is.
    pub kind: CredentialKind,
    /// Its last four characters.
    pub hint: String,
    /// The credential itself, sealed for its account.
    pub sealed: Sealed,
}

/// What to change about an upstream account; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct AccountChanges {
    /// Where its requests went when it was decided that this may be changed.
    pub judged: Option<JudgedRoute>,
    /// What its owner calls it, 1 to 100 characters.
    pub name: Option<String>,
    /// Its credential.
    pub credential: Option<SealedCredential>,
    /// With what its organisation's reports can be read; `Some(None)` is with nothing.
    pub admin_credential: Option<Option<SealedAdminCredential>>,
    /// Where requests go.
    pub base_url: Option<String>,
    /// The proxy that requests go through; `Some(None)` is none.
    pub proxy_url: Option<Option<String>>,
    /// Whether requests may go to it.
    pub is_active: Option<bool>,
    /// Accounts with a lower number are tried first.
    pub priority: Option<i32>,
    /// Its share among accounts of the same priority, 0 to 1000.
    pub weight: Option<u16>,
    /// Requests open at once; `Some(None)` is without limit.
    pub max_concurrency: Option<Option<u32>>,
    /// How fast it may be used, all limits together.
    pub limits: Option<Limits>,
    /// How much it may cost.
    pub budget: Option<Budget>,
    /// The models it serves; empty means the provider's own families.
    pub models: Option<Vec<ModelPattern>>,
    /// Names that clients ask for, and the provider's model that answers.
    pub model_map: Option<BTreeMap<String, String>>,
    /// The owner's own labels.
    pub tags: Option<BTreeMap<String, String>>,
}

/// Where an account's requests go, as far as it decides which credentials must be given anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedRoute {
    /// The provider's server.
    pub base_url: String,
    /// The proxy that they go through.
    pub proxy_url: Option<String>,
    /// Whether there is a credential for the organisation's reports as well.
    pub has_admin_credential: bool,
}

impl Store {
    /// The accounts that `scope` sees, its own and the shared ones, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn list_accounts(
        &self,
        scope: Scope,
        provider: Option<ProviderKind>,
        page: Page,
    ) -> Result<Paged<UpstreamAccount>, StoreError> {
        query!(self, read, accounts::list(scope, provider, page))
    }

    /// The account with this id; `None` if `scope` does not see it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn find_account(&self, scope: Scope, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
        query!(self, read, accounts::find(scope, id))?
            .map(StoredAccount::into_row)
            .transpose()
    }

    /// Every account with its sealed credential, active or not, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn all_accounts(&self) -> Result<Vec<AccountRow>, StoreError> {
        query!(self, read, accounts::all())?
            .into_iter()
            .map(StoredAccount::into_row)
            .collect()
    }
}

impl Changes<'_> {
    /// Makes an upstream account; `None` if its owner does not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn create_account(&self, account: NewAccount) -> Result<Option<UpstreamAccount>, StoreError> {
        let by = self.signature();
        let row = StoredAccount::new(account, by.1)?;
        change!(self.store, accounts::create(row, by))?
            .map(StoredAccount::into_account)
            .transpose()
    }

    /// Changes an account and returns what became of it; `None` if `scope` has none such of its own.
    ///
    /// # Errors
    ///
    /// [`StoreError::Moved`] if its requests go elsewhere than was judged; [`StoreError::Unavailable`] if the database
    /// does not answer.
    pub async fn update_account(
        &self,
        scope: Scope,
        id: AccountId,
        mut changes: AccountChanges,
    ) -> Result<Option<UpstreamAccount>, StoreError> {
        let by = self.signature();
        let judged = changes.judged.take();
        let changes = AccountChangeset::new(changes, by.1)?;
        change!(self.store, accounts::update(scope, id, judged, changes, by))?
            .map(StoredAccount::into_account)
            .transpose()
    }

    /// Deletes an account and says whether `scope` had one such of its own. The history of its usage stays.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn delete_account(&self, scope: Scope, id: AccountId) -> Result<bool, StoreError> {
        let by = self.signature();
        change!(self.store, accounts::delete(scope, id, by))
    }
}

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = upstream_accounts, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct StoredAccount {
    id: StoredId,
    pub(crate) owner_id: Option<StoredId>,
    name: String,
    provider: String,
    credential_kind: String,
    credential_hint: String,
    credential_sealed: String,
    #[diesel(embed)]
    admin_credential: StoredAdminCredential,
    base_url: String,
    proxy_url: Option<String>,
    is_active: bool,
    priority: i32,
    weight: i32,
    max_concurrency: Option<i64>,
    models: StoredDoc,
    model_map: StoredDoc,
    tags: StoredDoc,
    created_at: StoredTime,
    updated_at: StoredTime,
    last_used_at: Option<StoredTime>,
    limits: StoredDoc,
    budget_nanos: Option<i64>,
    budget_period: String,
}

impl StoredAccount {
    fn new(account: NewAccount, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            id: account.id.into(),
            owner_id: account.owner_id.map(StoredId::from),
            name: account.name,
            provider: account.provider.as_str().to_owned(),
            credential_kind: account.credential.kind.as_str().to_owned(),
            credential_hint: account.credential.hint,
            credential_sealed: account.credential.sealed.as_str().to_owned(),
            admin_credential: account.admin_credential.into(),
            base_url: account.base_url,
            proxy_url: account.proxy_url,
            is_active: account.is_active,
            priority: account.priority,
            weight: i32::from(account.weight),
            max_concurrency: account.max_concurrency.map(i64::from),
            models: StoredDoc::of(&account.models)?,
            model_map: StoredDoc::of(&account.model_map)?,
            tags: StoredDoc::of(&account.tags)?,
            created_at: now.into(),
            updated_at: now.into(),
            last_used_at: None,
            limits: stored_limits(account.limits)?,
            budget_nanos: stored_amount(account.budget),
            budget_period: stored_period(account.budget),
        })
    }

    pub(crate) fn into_account(self) -> Result<UpstreamAccount, StoreError> {
        let credential_kind = [CredentialKind::ApiKey, CredentialKind::OAuth]
            .into_iter()
            .find(|kind| kind.as_str() == self.credential_kind)
            .ok_or_else(|| StoreError::other("not a kind of credential"))?;
        Ok(UpstreamAccount {
            id: self.id.into(),
            owner_id: self.owner_id.map(UserId::from),
            name: self.name,
            provider: self.provider.parse().map_err(StoreError::other)?,
            credential_kind,
            credential_hint: self.credential_hint,
            admin_credential: self.admin_credential.into_shown(),
            base_url: self.base_url,
            proxy_url: self.proxy_url,
            is_active: self.is_active,
            priority: self.priority,
            weight: u16::try_from(self.weight).map_err(StoreError::other)?,
            max_concurrency: self
                .max_concurrency
                .map(|most| u32::try_from(most).unwrap_or(u32::MAX)),
            limits: limits(&self.limits)?,
            budget: budget(self.budget_nanos, &self.budget_period)?,
            models: self.models.read()?,
            model_map: self.model_map.read()?,
            tags: self.tags.read()?,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
            last_used_at: self.last_used_at.map(Timestamp::from),
        })
    }

    fn into_row(self) -> Result<AccountRow, StoreError> {
        let sealed = Sealed::parse(&self.credential_sealed).map_err(StoreError::other)?;
        let admin_sealed = self.admin_credential.sealed()?;
        Ok(AccountRow {
            account: self.into_account()?,
            sealed,
            admin_sealed,
        })
    }
}

impl StoredAccount {
    /// Where its requests go, and what with.
    pub(crate) fn route(&self) -> JudgedRoute {
        JudgedRoute {
            base_url: self.base_url.clone(),
            proxy_url: self.proxy_url.clone(),
            has_admin_credential: self.admin_credential.secret().is_some(),
        }
    }
}

impl Shown for StoredAccount {
    const KIND: AuditTarget = AuditTarget::Account;

    fn name(&self) -> String {
        AccountId::from(self.id).to_string()
    }

    fn shown(&self) -> Result<Document, StoreError> {
        document(json!({
            "owner_id": self.owner_id.map(UserId::from),
            "name": self.name,
            "provider": self.provider,
            "credential": {"type": self.credential_kind, "hint": self.credential_hint},
            "admin_credential": self.admin_credential.document(),
            "base_url": self.base_url,
            "proxy_url": self.proxy_url,
            "is_active": self.is_active,
            "priority": self.priority,
            "weight": self.weight,
            "max_concurrency": self.max_concurrency,
            "models": self.models.read::<Value>()?,
            "model_map": self.model_map.read::<Value>()?,
            "tags": self.tags.read::<Value>()?,
            "limits": self.limits.read::<Value>()?,
            "budget": shown_budget(self.budget_nanos, &self.budget_period)?,
        }))
    }

    fn secrets(&self) -> Vec<(&'static str, Option<&[u8]>)> {
        vec![
            ("credential_secret", Some(self.credential_sealed.as_bytes())),
            ("admin_credential_secret", self.admin_credential.secret()),
        ]
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = upstream_accounts)]
pub(crate) struct AccountChangeset {
    name: Option<String>,
    credential_kind: Option<String>,
    credential_hint: Option<String>,
    credential_sealed: Option<String>,
    #[diesel(embed)]
    admin_credential: Option<StoredAdminCredential>,
    base_url: Option<String>,
    proxy_url: Option<Option<String>>,
    is_active: Option<bool>,
    priority: Option<i32>,
    weight: Option<i32>,
    max_concurrency: Option<Option<i64>>,
    models: Option<StoredDoc>,
    model_map: Option<StoredDoc>,
    tags: Option<StoredDoc>,
    updated_at: StoredTime,
    limits: Option<StoredDoc>,
    budget_nanos: Option<Option<i64>>,
    budget_period: Option<String>,
}

impl AccountChangeset {
    fn new(changes: AccountChanges, now: Timestamp) -> Result<Self, StoreError> {
        let (credential_kind, credential_hint, credential_sealed) = match changes.credential {
            None => (None, None, None),
            Some(new) => (
                Some(new.kind.as_str().to_owned()),
                Some(new.hint),
                Some(new.sealed.as_str().to_owned()),
            ),
        };
        Ok(Self {
            name: changes.name,
            credential_kind,
            credential_hint,
            credential_sealed,
            admin_credential: changes.admin_credential.map(StoredAdminCredential::from),
            base_url: changes.base_url,
            proxy_url: changes.proxy_url,
            is_active: changes.is_active,
            priority: changes.priority,
            weight: changes.weight.map(i32::from),
            max_concurrency: changes.max_concurrency.map(|most| most.map(i64::from)),
            models: changes.models.as_ref().map(StoredDoc::of).transpose()?,
            model_map: changes.model_map.as_ref().map(StoredDoc::of).transpose()?,
            tags: changes.tags.as_ref().map(StoredDoc::of).transpose()?,
            updated_at: now.into(),
            limits: changes.limits.map(stored_limits).transpose()?,
            budget_nanos: changes.budget.map(stored_amount),
            budget_period: changes.budget.map(stored_period),
        })
    }
}
