#![doc = include_str!("../README.md")]

mod books;
mod entry;
mod journal;
mod ledger;
mod settings;
mod sink;
mod writer;

pub use entry::{LedgerEntry, UnreadableEntry};
pub use journal::{
    AppendError, Journal, JournalReader, JournalSettings, Kept, Need, OpenError, Replay, SegmentContents,
};
pub use ledger::{Ledger, OpenRequest, RowsLeft, Shortage};
pub use settings::{JournalSync, LedgerSettings};
pub use sink::{Sink, SinkError};
