//! Files that remember what is not in the database yet.

mod error;
mod folder;
mod frame;
mod reader;
mod replay;
mod segment;
mod settings;
mod write;

pub use error::{AppendError, OpenError};
pub use reader::{JournalReader, SegmentContents};
pub use replay::Replay;
pub use settings::JournalSettings;
pub use write::{Journal, Kept, Need};
