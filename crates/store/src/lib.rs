#![doc = include_str!("../README.md")]

mod accounts;
pub mod admin;
mod bulk;
mod cells;
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
mod recording;
mod reports;
mod rests;
mod retention;
mod revisions;
mod rollups;
mod schema;
mod scope;
mod sessions;
mod settings;
mod sqlite;
mod store;
mod system;
mod target;
mod types;
mod usage;
mod users;

pub use accounts::{AccountChanges, AccountRow, NewAccount, SealedCredential};
pub use error::{OpenError, StoreError};
pub use history::{ExportedAttempt, RecordedAttempt, RecordedRequest, RequestDetail, Slice};
pub use keys::{ApiKeyChanges, NewApiKey};
pub use reports::{Point, Summary};
pub use revisions::Revisions;
pub use rollups::{RollupCheck, RollupDifference};
pub use settings::StoreSettings;
pub use store::{Backend, Store};
pub use system::{Counts, PoolStatus};
pub use usage::{
    Bucket, Cursor, Group, GroupBy, InvalidCursor, Totals, UnknownBucket, UnknownGroupBy, UsageFilter,
};
pub use users::{NewUser, UserChanges};
