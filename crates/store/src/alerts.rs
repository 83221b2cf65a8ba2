use std::time::Duration;

use diesel::prelude::*;
use gateway_alerting::{Alert, outage};
use gateway_domain::{AccountId, AlertId, Spender, Timestamp};

use crate::history::slice;
use crate::schema::alerts;
use crate::store::query;
use crate::types::{StoredId, StoredTime, without_nul};
use crate::usage::Cursor;
use crate::{Slice, Store, StoreError};

/// How long an alert that was claimed is left to whoever has claimed it.
const CLAIM: Duration = Duration::from_secs(60);

/// An alert that was raised, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaisedAlert {
    /// Names it here and to the webhook.
    pub id: AlertId,
    /// What kind it is; a word, since history may hold one that this version does not know.
    pub kind: String,
    /// Whom or what it is about; `None` for nobody, or for something that this version does not know.
    pub subject: Option<Spender>,
    /// What is sent.
    pub payload: String,
    /// When it was raised.
    pub created_at: Timestamp,
    /// When it is sent next; `None` if it was delivered, given up, or never meant to be sent.
    pub next_attempt_at: Option<Timestamp>,
    /// How often it was sent.
    pub attempts: u32,
    /// When the webhook accepted it.
    pub delivered_at: Option<Timestamp>,
    /// What the last attempt that failed came to.
    pub last_error: Option<String>,
}

/// An alert that is this process's to send, for a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedAlert {
    /// Names it.
    pub id: AlertId,
    /// What kind it is.
    pub kind: String,
    /// What is sent.
    pub payload: String,
    /// How often it was sent, this time included.
    pub attempts: u32,
}

impl Store {
    /// Keeps an alert to be sent from `first_attempt_at` on, or only to be listed; `None` if it was raised before.
    ///
    /// Of all that raise the same [occasion](Alert::occasion) at the same time, here and elsewhere, one gets an id; and so
    /// does one of all that [end](Alert::ends) it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn raise_alert(
        &self,
        alert: &Alert,
        first_attempt_at: Option<Timestamp>,
    ) -> Result<Option<AlertId>, StoreError> {
        let id = AlertId::random();
        let row = AlertRow::new(id, alert, self.now(), first_attempt_at);
        let ends = alert.ends();
        let is_raised = query!(self, write, alerts::raise(row, ends))?;
        Ok(is_raised.then_some(id))
    }

    /// The accounts that were told to be out, and not to be back.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn open_outages(&self) -> Result<Vec<AccountId>, StoreError> {
        let accounts = query!(self, read, alerts::open_outages())?;
        Ok(accounts.into_iter().map(AccountId::from).collect())
    }

    /// Forgets that an account is out, without an alert.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn forget_outage(&self, account_id: AccountId) -> Result<(), StoreError> {
        let occasion = outage(account_id);
        query!(self, write, alerts::forget(occasion))
    }

    /// An alert that is due, which is nobody else's to send for a minute; `None` if there is none.
    ///
    /// An attempt whose outcome is not [noted](Self::alert_failed) by then, since the process has died, is made again.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn claim_alert(&self) -> Result<Option<ClaimedAlert>, StoreError> {
        let now = self.now();
        // Asked first without writing: nearly always there is none, and SQLite has one writer.
        let due = query!(self, read, alerts::due(now))?;
        for id in due {
            if let Some(row) = query!(self, write, alerts::claim(id, now, now + CLAIM))? {
                return Ok(Some(row.into_claimed()));
            }
        }
        Ok(None)
    }

    /// Takes note that the webhook accepted the alert.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn alert_delivered(&self, claimed: &ClaimedAlert) -> Result<(), StoreError> {
        let (id, now) = (claimed.id, self.now());
        query!(self, write, alerts::delivered(id, now))
    }

    /// Takes note that an attempt failed, and when the next one is due; `None` gives the alert up.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn alert_failed(
        &self,
        claimed: &ClaimedAlert,
        error: &str,
        next_attempt_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let (id, attempts, error) = (claimed.id, stored(claimed.attempts), without_nul(error));
        query!(self, write, alerts::failed(id, attempts, error, next_attempt_at))
    }

    /// Alerts, newest first, `limit` of them from `cursor` on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn list_alerts(
        &self,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<RaisedAlert>, StoreError> {
        let rows = query!(self, read, alerts::list(cursor, i64::from(limit) + 1))?;
        let place = |row: &AlertRow| Cursor {
            at: row.created_at.into(),
            id: row.id.0,
        };
        slice(rows, limit, place, |row| Ok(row.into_raised()))
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = alerts, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct AlertRow {
    id: StoredId,
    kind: String,
    subject_kind: Option<String>,
    subject_id: Option<StoredId>,
    occasion: Option<String>,
    payload: String,
    created_at: StoredTime,
    next_attempt_at: Option<StoredTime>,
    attempts: i32,
    delivered_at: Option<StoredTime>,
    last_error: Option<String>,
}

impl AlertRow {
    fn new(id: AlertId, alert: &Alert, now: Timestamp, first_attempt_at: Option<Timestamp>) -> Self {
        let subject = alert.subject();
        Self {
            id: id.into(),
            kind: alert.kind().as_str().to_owned(),
            subject_kind: subject.map(|subject| subject.kind().to_owned()),
            subject_id: subject.map(|subject| StoredId(subject.id())),
            occasion: alert.occasion(),
            payload: without_nul(&alert.payload(now)),
            created_at: now.into(),
            next_attempt_at: first_attempt_at.map(StoredTime),
            attempts: 0,
            delivered_at: None,
            last_error: None,
        }
    }

    fn into_claimed(self) -> ClaimedAlert {
        ClaimedAlert {
            id: self.id.into(),
            kind: self.kind,
            payload: self.payload,
            attempts: u32::try_from(self.attempts).unwrap_or(0),
        }
    }

    fn into_raised(self) -> RaisedAlert {
        RaisedAlert {
            id: self.id.into(),
            kind: self.kind,
            subject: self
                .subject_kind
                .zip(self.subject_id)
                .and_then(|(kind, id)| subject(&kind, id)),
            payload: self.payload,
            created_at: self.created_at.into(),
            next_attempt_at: self.next_attempt_at.map(Timestamp::from),
            attempts: u32::try_from(self.attempts).unwrap_or(0),
            delivered_at: self.delivered_at.map(Timestamp::from),
            last_error: self.last_error,
        }
    }
}

fn stored(attempts: u32) -> i32 {
    i32::try_from(attempts).unwrap_or(i32::MAX)
}

fn subject(kind: &str, id: StoredId) -> Option<Spender> {
    [
        Spender::Key(id.into()),
        Spender::User(id.into()),
        Spender::Account(id.into()),
    ]
    .into_iter()
    .find(|subject| subject.kind() == kind)
}
