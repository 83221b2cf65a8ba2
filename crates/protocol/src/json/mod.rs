//! JSON read in place: validated in one pass, never built into a tree, and changed where it stands.

mod edits;
mod located;
mod pruning;
mod scan;
mod string;
mod value;
mod write;

pub(crate) use edits::Edits;
pub(crate) use located::Located;
pub(crate) use pruning::Pruning;
pub(crate) use scan::{Member, Members, SyntaxError, elements, member, members};
pub(crate) use value::{count, is_null, text, text_len};
pub use write::splice;
pub(crate) use write::to_bytes;
