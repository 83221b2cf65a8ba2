#![doc = include_str!("../README.md")]

mod ledger;
mod settings;
mod sink;
mod writer;

pub use ledger::{Ledger, RowsLeft};
pub use settings::LedgerSettings;
pub use sink::{Sink, SinkError};
