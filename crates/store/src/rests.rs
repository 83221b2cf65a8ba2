use std::collections::BTreeMap;

use diesel::prelude::*;
use gateway_balancing::KnownRest;
use gateway_domain::{AccountId, FaultClass, QuotaWindow};

use crate::schema::account_rests;
use crate::store::query;
use crate::types::{StoredId, StoredTime, without_nul};
use crate::{Store, StoreError};

/// The longest name of a family that is kept, in bytes: an index of PostgreSQL takes no more than 2,704.
///
/// A family may be called what a client called a model.
const LONGEST_FAMILY: usize = 1_000;

impl Store {
    /// Keeps the rests that began or changed, forgets those that ended, and clears away what is over.
    ///
    /// All or none: one transaction. A rest that is in both lists has begun again; of a rest that is twice in `begun`
    /// the later one stands. Those of families with a name of more than 1,000 bytes are not kept.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn save_rests(
        &self,
        begun: Vec<KnownRest>,
        ended: Vec<(AccountId, Option<String>)>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let ended = ended
            .into_iter()
            .map(|(id, family)| (key(id, family), RestChange::Forget));
        let begun = begun.into_iter().map(|rest| {
            let row = RestRow::from(rest);
            (row.key(), RestChange::Keep(row))
        });
        let mut changes: RestChanges = ended.chain(begun).collect();
        changes.retain(|(_, family), _| family.len() <= LONGEST_FAMILY);
        if changes.is_empty() {
            return Ok(());
        }
        query!(self, write, rests::save(changes, now))
    }

    /// The rests that end later than now.
    ///
    /// One whose class or window this version does not know is left out, and a warning says so.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn rests(&self) -> Result<Vec<KnownRest>, StoreError> {
        let now = self.now();
        let rows = query!(self, read, rests::later_than(now))?;
        Ok(rows.into_iter().filter_map(RestRow::into_rest).collect())
    }
}

/// An account, and the family of models or, for the whole account, nothing.
pub(crate) type RestKey = (StoredId, String);

/// What becomes of each rest, in the order of their keys: the same order in every transaction means that none waits for
/// another that waits for it.
pub(crate) type RestChanges = BTreeMap<RestKey, RestChange>;

#[derive(Debug, Clone)]
pub(crate) enum RestChange {
    Keep(RestRow),
    Forget,
    ForgetIfOver,
}

fn key(account_id: AccountId, family: Option<String>) -> RestKey {
    let family = family.unwrap_or_default();
    (account_id.into(), without_nul(&family))
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = account_rests, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct RestRow {
    account_id: StoredId,
    family: String,
    class: String,
    reason: String,
    quota_window: String,
    ends_at: StoredTime,
}

impl From<KnownRest> for RestRow {
    fn from(rest: KnownRest) -> Self {
        let (account_id, family) = key(rest.account_id, rest.family);
        Self {
            account_id,
            family,
            class: rest.class.as_str().to_owned(),
            reason: without_nul(&rest.reason),
            quota_window: rest.window.as_str().to_owned(),
            ends_at: rest.ends_at.into(),
        }
    }
}

impl RestRow {
    fn key(&self) -> RestKey {
        (self.account_id, self.family.clone())
    }

    fn into_rest(self) -> Option<KnownRest> {
        let account_id = AccountId::from(self.account_id);
        let class = FaultClass::ALL
            .into_iter()
            .find(|class| class.as_str() == self.class);
        let window = QuotaWindow::ALL
            .into_iter()
            .find(|window| window.as_str() == self.quota_window);
        let (Some(class), Some(window)) = (class, window) else {
            tracing::warn!(
                account = %account_id,
                class = self.class,
                window = self.quota_window,
                "a rest of an account is not taken up again: this version does not know its class or window"
            );
            return None;
        };
        Some(KnownRest {
            account_id,
            family: Some(self.family).filter(|family| !family.is_empty()),
            class,
            reason: self.reason,
            window,
            ends_at: self.ends_at.into(),
        })
    }
}
