use aws_lc_rs::digest::{Context, SHA256};
use diesel::prelude::*;
use gateway_domain::{Timestamp, UserId};
use serde_json::Value;

use super::{
    Actor, AuditAction, AuditEntry, AuditEvent, AuditResult, AuditTarget, BrokenChain, Document, Shown,
    difference,
};
use crate::StoreError;
use crate::schema::audit_log;
use crate::types::{StoredId, StoredTime, without_nul};

/// What the first entry is chained to.
const BEGINNING: [u8; 32] = [0; 32];

/// What shall be written down. Its place is found in the transaction that does what it tells of.
#[derive(Debug, Clone)]
pub(crate) struct NewEntry {
    actor: Actor,
    at: Timestamp,
    action: AuditAction,
    target: AuditTarget,
    target_id: Option<String>,
    result: AuditResult,
    before: Option<Document>,
    after: Option<Document>,
}

impl NewEntry {
    pub(crate) fn of_event(event: AuditEvent, at: Timestamp) -> Self {
        Self {
            actor: event.actor,
            at,
            action: event.action,
            target: event.target,
            target_id: event.target_id,
            result: event.result,
            before: None,
            after: Some(event.details).filter(|details| !details.is_empty()),
        }
    }

    /// That a row was made, changed or deleted, as it was and as it is.
    pub(crate) fn of_change<T: Shown>(
        (actor, at): (Actor, Timestamp),
        action: AuditAction,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<Self, StoreError> {
        let target_id = after.or(before).map(Shown::name);
        let (before, after) = match (before, after) {
            (Some(before), Some(after)) => {
                let (before, after) = difference(before, after)?;
                (Some(before), Some(after))
            }
            (before, after) => (
                before.map(Shown::shown).transpose()?,
                after.map(Shown::shown).transpose()?,
            ),
        };
        Ok(Self {
            actor,
            at,
            action,
            target: T::KIND,
            target_id,
            result: AuditResult::Done,
            before,
            after,
        })
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_log, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct AuditRow {
    seq: i64,
    at: StoredTime,
    actor_id: Option<StoredId>,
    actor: String,
    action: String,
    target_kind: String,
    target_id: Option<String>,
    address: Option<String>,
    result: String,
    request_id: Option<String>,
    before: Option<String>,
    after: Option<String>,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl AuditRow {
    /// The row of an entry that comes after the last one, of which this is the number and the hash.
    pub(crate) fn after(last: Option<(i64, Vec<u8>)>, entry: NewEntry) -> Self {
        let (seq, previous_hash) = last.unwrap_or((0, BEGINNING.to_vec()));
        let document = |map: Document| without_nul(&Value::Object(map).to_string());
        let mut row = Self {
            seq: seq + 1,
            at: entry.at.into(),
            actor_id: entry.actor.user_id.map(StoredId::from),
            actor: without_nul(&entry.actor.name),
            action: entry.action.as_str().to_owned(),
            target_kind: entry.target.as_str().to_owned(),
            target_id: entry.target_id.as_deref().map(without_nul),
            address: entry.actor.address.map(|address| address.to_string()),
            result: entry.result.as_str().to_owned(),
            request_id: entry.actor.request_id.as_deref().map(without_nul),
            before: entry.before.map(document),
            after: entry.after.map(document),
            previous_hash,
            hash: Vec::new(),
        };
        row.hash = row.digest().to_vec();
        row
    }

    /// Whether it is what was written as the entry after the one with this number and hash.
    pub(crate) fn follows(&self, seq: i64, hash: Option<[u8; 32]>) -> Result<(), BrokenChain> {
        if self.seq != seq + 1 {
            Err(BrokenChain::Missing)
        } else if self.previous_hash != hash.unwrap_or(BEGINNING) {
            Err(BrokenChain::Unlinked)
        } else if self.hash != self.digest() {
            Err(BrokenChain::Changed)
        } else {
            Ok(())
        }
    }

    pub(crate) fn hash(&self) -> Option<[u8; 32]> {
        self.hash.as_slice().try_into().ok()
    }

    /// The hash of all that it says: each text with its length before it, so that no two entries are the same bytes.
    fn digest(&self) -> [u8; 32] {
        let mut digest = Context::new(&SHA256);
        digest.update(&self.previous_hash);
        digest.update(&self.seq.to_be_bytes());
        digest.update(&self.at.0.as_micros().to_be_bytes());
        let actor_id = self.actor_id.map(|id| id.0.to_string());
        for text in [
            actor_id.as_deref(),
            Some(self.actor.as_str()),
            Some(self.action.as_str()),
            Some(self.target_kind.as_str()),
            self.target_id.as_deref(),
            self.address.as_deref(),
            Some(self.result.as_str()),
            self.request_id.as_deref(),
            self.before.as_deref(),
            self.after.as_deref(),
        ] {
            // No text is as long as an absent one.
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            digest.update(&length.to_be_bytes());
            digest.update(text.unwrap_or_default().as_bytes());
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.finish().as_ref());
        hash
    }

    pub(crate) fn into_entry(self) -> AuditEntry {
        AuditEntry {
            seq: self.seq,
            at: self.at.into(),
            actor_id: self.actor_id.map(UserId::from),
            actor: self.actor,
            action: self.action,
            target: self.target_kind,
            target_id: self.target_id,
            address: self.address,
            result: self.result,
            request_id: self.request_id,
            before: self.before,
            after: self.after,
        }
    }
}
