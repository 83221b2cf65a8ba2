#![doc = include_str!("../README.md")]

mod books;
mod entry;
mod journal;
mod ledger;
mod settings;
mod sink;
mod writer;

pub use entry::{LedgerEntry, UnreadableEntry};
pub use journal::{AppendError, Journal, JournalSettings, Kept, Need, OpenError, Replay};
pub use ledger::{Ledger, OpenRequest, RowsLeft};
pub use settings::LedgerSettings;
pub use sink::{Sink, SinkError};
