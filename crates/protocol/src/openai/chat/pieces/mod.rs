//! Streamed answers.

mod calls;
mod reader;
mod writer;

pub(super) use reader::Reader;
pub(super) use writer::Writer;
