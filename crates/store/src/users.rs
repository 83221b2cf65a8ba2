use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use diesel::prelude::*;
use gateway_auth::{PasswordHash, PasswordHasher, Verdict};
use gateway_domain::{Budget, Limits, Page, Paged, Role, Timestamp, User, UserId};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

use crate::allowance::{budget, limits, shown_budget, stored_amount, stored_limits, stored_period};
use crate::audit::{AuditTarget, Document, Shown, document};
use crate::schema::users;
use crate::store::{change, query};
use crate::types::{StoredDoc, StoredId, StoredTime, without_nul};
use crate::{Changes, Store, StoreError};

/// Which password hashes were found to be those of published passwords, and which not; the last few.
#[derive(Debug, Default)]
pub(crate) struct PublishedHashes(Mutex<VecDeque<(String, bool)>>);

impl PublishedHashes {
    const MOST: usize = 8;

    fn get(&self, hash: &str) -> Option<bool> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .find(|(known, _)| known == hash)
            .map(|(_, is_published)| *is_published)
    }

    fn learn(&self, hash: String, is_published: bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.truncate(Self::MOST - 1);
        known.push_front((hash, is_published));
    }
}

/// The usernames and passwords of the accounts that every database begins with, which README.md prints.
pub const PUBLISHED_PASSWORDS: [(&str, &str); 2] = [("admin", "admin123456"), ("testuser", "testpass123")];

/// The users that migration 0002 makes: `admin` and `testuser`.
pub(crate) const SEEDED: [Uuid; 2] = [
    uuid!("019b76da-a800-7000-8000-000000000001"),
    uuid!("019b76da-a800-7000-8000-000000000002"),
];

/// A user to be made.
pub struct NewUser {
    /// Must be unique whatever its case.
    pub username: String,
    /// Must be unique whatever its case.
    pub email: String,
    /// The hash of the first password.
    pub password_hash: PasswordHash,
    /// What the user may do.
    pub role: Role,
    /// Whether the password is one that somebody else knows.
    pub must_change_password: bool,
    /// How fast all of the user's keys together may be used.
    pub limits: Limits,
    /// How much they may cost together.
    pub budget: Budget,
}

/// What to change about a user; `None` leaves it.
#[derive(Default)]
pub struct UserChanges {
    /// Must be unique whatever its case.
    pub email: Option<String>,
    /// What the user may do.
    pub role: Option<Role>,
    /// Deactivating ends the user's sessions.
    pub is_active: Option<bool>,
    /// Another password ends the user's sessions.
    pub password_hash: Option<PasswordHash>,
    /// Whether the password is one that somebody else knows.
    pub must_change_password: Option<bool>,
    /// How fast all of the user's keys together may be used, all limits together.
    pub limits: Option<Limits>,
    /// How much they may cost together.
    pub budget: Option<Budget>,
}

impl Store {
    /// The users whose username or e-mail address holds `q`, whatever its case, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn list_users(&self, q: Option<&str>, page: Page) -> Result<Paged<User>, StoreError> {
        let pattern = q.map(containing);
        query!(self, read, users::list(pattern, page))
    }

    /// The user with this id.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        query!(self, read, users::find(id))?
            .map(UserRow::into_user)
            .transpose()
    }

    /// The usernames of the active accounts that every installation begins with and whose published passwords still
    /// stand.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn has_default_passwords(&self, hasher: &PasswordHasher) -> Result<Vec<String>, StoreError> {
        let mut standing = Vec::new();
        for (username, hash) in query!(self, read, users::seeded())? {
            let published = PUBLISHED_PASSWORDS.iter().find(|(name, _)| *name == username);
            let Some((_, password)) = published else { continue };
            let remembered = self.published_hashes.get(&hash);
            let is_published = match remembered {
                Some(is_published) => is_published,
                None => {
                    let parsed: PasswordHash = hash.parse().map_err(StoreError::other)?;
                    let verdict = hasher.verify((*password).into(), Some(&parsed)).await;
                    let is_published = verdict.map_err(StoreError::unavailable)? != Verdict::Wrong;
                    self.published_hashes.learn(hash, is_published);
                    is_published
                }
            };
            if is_published {
                standing.push(username);
            }
        }
        Ok(standing)
    }
}

impl Changes<'_> {
    /// Makes an active user.
    ///
    /// # Errors
    ///
    /// [`StoreError::Taken`] if another user has the username or the e-mail address.
    pub async fn create_user(&self, user: NewUser) -> Result<User, StoreError> {
        let by = self.signature();
        let now = by.1;
        let user = UserRow {
            id: UserId::random().into(),
            username: user.username,
            email: user.email,
            password_hash: user.password_hash.as_str().to_owned(),
            role: user.role.as_str().to_owned(),
            is_active: true,
            must_change_password: user.must_change_password,
            created_at: now.into(),
            updated_at: now.into(),
            last_login_at: None,
            limits: stored_limits(user.limits)?,
            budget_nanos: stored_amount(user.budget),
            budget_period: stored_period(user.budget),
        };
        let row = user.clone();
        query!(self.store, write, users::create(row, by))?;
        user.into_user()
    }

    /// Changes a user and returns what became of it; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::LastAdmin`] if no active admin would be left, [`StoreError::Taken`] if another user has the
    /// e-mail address. Nothing is changed then.
    pub async fn update_user(&self, id: UserId, changes: UserChanges) -> Result<Option<User>, StoreError> {
        let by = self.signature();
        let changes = UserChangeset {
            email: changes.email,
            role: changes.role.map(|role| role.as_str().to_owned()),
            is_active: changes.is_active,
            password_hash: changes.password_hash.map(|hash| hash.as_str().to_owned()),
            must_change_password: changes.must_change_password,
            updated_at: by.1.into(),
            limits: changes.limits.map(stored_limits).transpose()?,
            budget_nanos: changes.budget.map(stored_amount),
            budget_period: changes.budget.map(stored_period),
        };
        change!(self.store, users::update(id, changes, by))
    }

    /// Deletes a user with all sessions, API keys and accounts of theirs, and says whether there was one. The history
    /// of usage stays.
    ///
    /// # Errors
    ///
    /// [`StoreError::LastAdmin`] if no active admin would be left. Nothing is deleted then.
    pub async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let by = self.signature();
        change!(self.store, users::delete(id, by))
    }
}

/// The pattern of LIKE for texts that hold `q`, with `\` as its escape.
fn containing(q: &str) -> String {
    let mut pattern = String::with_capacity(q.len() + 2);
    pattern.push('%');
    for character in without_nul(q).chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct UserRow {
    pub(crate) id: StoredId,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) password_hash: String,
    pub(crate) role: String,
    pub(crate) is_active: bool,
    pub(crate) must_change_password: bool,
    pub(crate) created_at: StoredTime,
    pub(crate) updated_at: StoredTime,
    pub(crate) last_login_at: Option<StoredTime>,
    limits: StoredDoc,
    budget_nanos: Option<i64>,
    budget_period: String,
}

impl UserRow {
    pub(crate) fn into_user(self) -> Result<User, StoreError> {
        Ok(User {
            id: self.id.into(),
            username: self.username,
            email: self.email,
            role: self.role.parse().map_err(StoreError::other)?,
            is_active: self.is_active,
            must_change_password: self.must_change_password,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
            last_login_at: self.last_login_at.map(Timestamp::from),
            limits: limits(&self.limits)?,
            budget: budget(self.budget_nanos, &self.budget_period)?,
        })
    }
}

impl Shown for UserRow {
    const KIND: AuditTarget = AuditTarget::User;

    fn name(&self) -> String {
        UserId::from(self.id).to_string()
    }

    fn shown(&self) -> Result<Document, StoreError> {
        document(json!({
            "username": self.username,
            "email": self.email,
            "role": self.role,
            "is_active": self.is_active,
            "must_change_password": self.must_change_password,
            "limits": self.limits.read::<Value>()?,
            "budget": shown_budget(self.budget_nanos, &self.budget_period)?,
        }))
    }

    fn secrets(&self) -> Vec<(&'static str, Option<&[u8]>)> {
        vec![("password", Some(self.password_hash.as_bytes()))]
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = users)]
pub(crate) struct UserChangeset {
    pub(crate) email: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) is_active: Option<bool>,
    pub(crate) password_hash: Option<String>,
    pub(crate) must_change_password: Option<bool>,
    pub(crate) updated_at: StoredTime,
    limits: Option<StoredDoc>,
    budget_nanos: Option<Option<i64>>,
    budget_period: Option<String>,
}
