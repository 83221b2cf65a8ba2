use std::collections::BTreeMap;

use diesel::prelude::*;
use gateway_auth::{KeyHash, Scope, StoredKey};
use gateway_domain::{
    AccountId, ApiKey, ApiKeyId, Budget, Limits, ModelPattern, Page, Paged, Timestamp, UserId,
};
use ipnet::IpNet;
use serde_json::{Value, json};

use crate::allowance::{budget, limits, shown_budget, stored_amount, stored_limits, stored_period};
use crate::audit::{AuditTarget, Document, Shown, document};
use crate::schema::api_keys;
use crate::store::{change, query};
use crate::types::{StoredDoc, StoredId, StoredTime};
use crate::users::UserRow;
use crate::{Changes, Store, StoreError};

/// An API key to be made.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Whose key it is.
    pub user_id: UserId,
    /// The part of the key that may be shown; must be unique.
    pub public_id: String,
    /// The keyed hash of its secret.
    pub hash: KeyHash,
    /// What its owner calls it, 1 to 100 characters.
    pub name: String,
    /// Whether it works at all.
    pub is_active: bool,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// The models it may ask for; empty means all.
    pub allowed_models: Vec<ModelPattern>,
    /// The addresses it may be used from; empty means all.
    pub allowed_ips: Vec<IpNet>,
    /// The accounts that may serve it; empty means all.
    pub allowed_accounts: Vec<AccountId>,
    /// The owner's own labels.
    pub tags: BTreeMap<String, String>,
    /// How fast it may be used.
    pub limits: Limits,
    /// How much it may cost.
    pub budget: Budget,
}

/// What to change about an API key; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct ApiKeyChanges {
    /// What its owner calls it, 1 to 100 characters.
    pub name: Option<String>,
    /// Whether it works at all.
    pub is_active: Option<bool>,
    /// When it stops working; `Some(None)` is never.
    pub expires_at: Option<Option<Timestamp>>,
    /// The models it may ask for; empty means all.
    pub allowed_models: Option<Vec<ModelPattern>>,
    /// The addresses it may be used from; empty means all.
    pub allowed_ips: Option<Vec<IpNet>>,
    /// The accounts that may serve it; empty means all.
    pub allowed_accounts: Option<Vec<AccountId>>,
    /// The owner's own labels.
    pub tags: Option<BTreeMap<String, String>>,
    /// How fast it may be used, all limits together.
    pub limits: Option<Limits>,
    /// How much it may cost.
    pub budget: Option<Budget>,
}

impl Store {
    /// The API keys in `scope`, or those of `user_id` among them, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn list_keys(
        &self,
        scope: Scope,
        user_id: Option<UserId>,
        page: Page,
    ) -> Result<Paged<ApiKey>, StoreError> {
        query!(self, read, keys::list(scope, user_id, page))
    }

    /// The API key with this id; `None` if there is none in `scope`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn find_key(&self, scope: Scope, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        query!(self, read, keys::find(scope, id))?
            .map(KeyRow::into_key)
            .transpose()
    }
}

impl Changes<'_> {
    /// Makes an API key; `None` if its user does not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn create_key(&self, key: NewApiKey) -> Result<Option<ApiKey>, StoreError> {
        let by = self.signature();
        let row = KeyRow::new(&key, by.1)?;
        change!(self.store, keys::create(row, by))?
            .map(KeyRow::into_key)
            .transpose()
    }

    /// Changes an API key and returns what became of it; `None` if there is none in `scope`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn update_key(
        &self,
        scope: Scope,
        id: ApiKeyId,
        changes: ApiKeyChanges,
    ) -> Result<Option<ApiKey>, StoreError> {
        let by = self.signature();
        let changes = KeyChangeset::new(changes, by.1)?;
        change!(self.store, keys::update(scope, id, changes, by))?
            .map(KeyRow::into_key)
            .transpose()
    }

    /// Gives an API key another secret; `None` if there is none in `scope`.
    ///
    /// The old secret works until `previous_ends_at`, or no longer if that is `None`. One that an earlier rotation
    /// left works no longer either way.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn rotate_key(
        &self,
        scope: Scope,
        id: ApiKeyId,
        hash: KeyHash,
        previous_ends_at: Option<Timestamp>,
    ) -> Result<Option<ApiKey>, StoreError> {
        let by = self.signature();
        change!(self.store, keys::rotate(scope, id, hash, previous_ends_at, by))?
            .map(KeyRow::into_key)
            .transpose()
    }

    /// Deletes an API key and says whether there was one in `scope`. The history of its usage stays.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn delete_key(&self, scope: Scope, id: ApiKeyId) -> Result<bool, StoreError> {
        let by = self.signature();
        change!(self.store, keys::delete(scope, id, by))
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct KeyRow {
    id: StoredId,
    pub(crate) user_id: StoredId,
    public_id: String,
    pub(crate) secret_hash: Vec<u8>,
    previous_secret_hash: Option<Vec<u8>>,
    previous_secret_ends_at: Option<StoredTime>,
    name: String,
    is_active: bool,
    expires_at: Option<StoredTime>,
    created_at: StoredTime,
    updated_at: StoredTime,
    last_used_at: Option<StoredTime>,
    allowed_models: StoredDoc,
    allowed_ips: StoredDoc,
    allowed_accounts: StoredDoc,
    tags: StoredDoc,
    budget_nanos: Option<i64>,
    budget_period: String,
    limits: StoredDoc,
}

impl KeyRow {
    fn new(key: &NewApiKey, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            id: ApiKeyId::random().into(),
            user_id: key.user_id.into(),
            public_id: key.public_id.clone(),
            secret_hash: key.hash.as_bytes().to_vec(),
            previous_secret_hash: None,
            previous_secret_ends_at: None,
            name: key.name.clone(),
            is_active: key.is_active,
            expires_at: key.expires_at.map(StoredTime),
            created_at: now.into(),
            updated_at: now.into(),
            last_used_at: None,
            allowed_models: StoredDoc::of(&key.allowed_models)?,
            allowed_ips: StoredDoc::of(&key.allowed_ips)?,
            allowed_accounts: StoredDoc::of(&key.allowed_accounts)?,
            tags: StoredDoc::of(&key.tags)?,
            budget_nanos: stored_amount(key.budget),
            budget_period: stored_period(key.budget),
            limits: stored_limits(key.limits)?,
        })
    }

    pub(crate) fn into_key(self) -> Result<ApiKey, StoreError> {
        Ok(ApiKey {
            id: self.id.into(),
            user_id: self.user_id.into(),
            public_id: self.public_id,
            name: self.name,
            is_active: self.is_active,
            expires_at: self.expires_at.map(Timestamp::from),
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
            last_used_at: self.last_used_at.map(Timestamp::from),
            allowed_models: self.allowed_models.read()?,
            allowed_ips: self.allowed_ips.read()?,
            allowed_accounts: self.allowed_accounts.read()?,
            tags: self.tags.read()?,
            limits: limits(&self.limits)?,
            budget: budget(self.budget_nanos, &self.budget_period)?,
        })
    }

    pub(crate) fn into_stored_key(self, owner: UserRow) -> Result<StoredKey, StoreError> {
        let hash = |bytes: &[u8]| {
            bytes
                .try_into()
                .map(KeyHash::from_bytes)
                .map_err(StoreError::other)
        };
        let previous = match (&self.previous_secret_hash, self.previous_secret_ends_at) {
            (Some(bytes), Some(ends_at)) => Some((hash(bytes)?, ends_at.into())),
            _ => None,
        };
        let hash = hash(&self.secret_hash)?;
        Ok(StoredKey {
            key: self.into_key()?,
            owner: owner.into_user()?,
            hash,
            previous,
        })
    }
}

impl Shown for KeyRow {
    const KIND: AuditTarget = AuditTarget::ApiKey;

    fn name(&self) -> String {
        ApiKeyId::from(self.id).to_string()
    }

    fn shown(&self) -> Result<Document, StoreError> {
        let time = |time: Option<StoredTime>| time.map(|time| time.0);
        document(json!({
            "user_id": UserId::from(self.user_id),
            "name": self.name,
            "public_id": self.public_id,
            "is_active": self.is_active,
            "expires_at": time(self.expires_at),
            "previous_secret_ends_at": time(self.previous_secret_ends_at),
            "allowed_models": self.allowed_models.read::<Value>()?,
            "allowed_ips": self.allowed_ips.read::<Value>()?,
            "allowed_accounts": self.allowed_accounts.read::<Value>()?,
            "tags": self.tags.read::<Value>()?,
            "limits": self.limits.read::<Value>()?,
            "budget": shown_budget(self.budget_nanos, &self.budget_period)?,
        }))
    }

    fn secrets(&self) -> Vec<(&'static str, Option<&[u8]>)> {
        vec![("secret", Some(&self.secret_hash))]
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = api_keys)]
pub(crate) struct KeyChangeset {
    name: Option<String>,
    is_active: Option<bool>,
    expires_at: Option<Option<StoredTime>>,
    updated_at: StoredTime,
    allowed_models: Option<StoredDoc>,
    allowed_ips: Option<StoredDoc>,
    allowed_accounts: Option<StoredDoc>,
    tags: Option<StoredDoc>,
    budget_nanos: Option<Option<i64>>,
    budget_period: Option<String>,
    limits: Option<StoredDoc>,
}

impl KeyChangeset {
    fn new(changes: ApiKeyChanges, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            name: changes.name,
            is_active: changes.is_active,
            expires_at: changes.expires_at.map(|at| at.map(StoredTime)),
            updated_at: now.into(),
            allowed_models: changes.allowed_models.as_ref().map(StoredDoc::of).transpose()?,
            allowed_ips: changes.allowed_ips.as_ref().map(StoredDoc::of).transpose()?,
            allowed_accounts: changes.allowed_accounts.as_ref().map(StoredDoc::of).transpose()?,
            tags: changes.tags.as_ref().map(StoredDoc::of).transpose()?,
            budget_nanos: changes.budget.map(stored_amount),
            budget_period: changes.budget.map(stored_period),
            limits: changes.limits.map(stored_limits).transpose()?,
        })
    }
}
