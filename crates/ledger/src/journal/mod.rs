//! Files that remember what is not in the database yet.

mod error;
mod folder;
mod frame;
mod replay;
mod segment;
mod settings;
mod write;

pub use error::{AppendError, OpenError};
pub use replay::Replay;
pub use settings::JournalSettings;
pub use write::{Journal, Kept, Need};
