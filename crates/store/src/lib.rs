#![doc = include_str!("../README.md")]

mod accounts;
pub mod admin;
mod admin_credential;
mod alerts;
mod allowance;
mod audit;
mod bulk;
mod cells;
mod changes;
mod decision;
mod error;
mod history;
mod keys;
mod lock;
mod marks;
mod migrations;
mod pg;
mod pieces;
mod pool;
mod prices;
mod reconciliation;
mod recording;
mod reports;
mod rests;
mod retention;
mod revisions;
mod rollups;
mod schema;
mod scope;
mod secrets;
mod sessions;
mod settings;
mod spending;
mod sqlite;
mod store;
mod system;
mod target;
mod types;
mod unpriced;
mod usage;
mod users;

pub use accounts::{AccountChanges, AccountRow, JudgedRoute, NewAccount, SealedCredential};
pub use admin_credential::SealedAdminCredential;
pub use alerts::{ClaimedAlert, RaisedAlert};
pub use audit::{
    Actor, AuditAction, AuditEntry, AuditEvent, AuditFilter, AuditResult, AuditTarget, AuditVerification,
    BrokenChain,
};
pub use changes::Changes;
pub use error::{OpenError, StoreError};
pub use history::{ExportedAttempt, RecordedAttempt, RecordedRequest, RequestDetail, Slice};
pub use keys::{ApiKeyChanges, NewApiKey};
pub use reconciliation::DailyUsage;
pub use reports::{Point, Summary};
pub use revisions::Revisions;
pub use rollups::{RollupCheck, RollupDifference};
pub use secrets::SealedPlace;
pub use settings::StoreSettings;
pub use spending::{SpendSpan, Spending};
pub use store::{Backend, Store};
pub use system::{Counts, PoolStatus};
pub use usage::{
    Bucket, Cursor, Group, GroupBy, InvalidCursor, Totals, UnknownBucket, UnknownGroupBy, UsageFilter,
};
pub use users::{NewUser, PUBLISHED_PASSWORDS, UserChanges};
