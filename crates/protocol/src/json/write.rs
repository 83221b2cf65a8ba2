use std::ops::Range;

use bytes::Bytes;
use serde::Serialize;

use super::Edits;

/// A copy of `body` in which the JSON string of `text` stands in place of `span`; every other byte is kept.
///
/// Copies nothing when that string stands there already.
///
/// # Panics
///
/// If `span` does not lie within `body`.
#[must_use]
pub fn splice(body: &Bytes, span: Range<usize>, text: &str) -> Bytes {
    let text = to_bytes(text);
    if body[span.clone()] == *text {
        return body.clone();
    }
    let mut edits = Edits::default();
    edits.replace(span, text);
    edits.apply(body)
}

/// The JSON of a value that cannot fail to have one: made of strings, numbers and JSON.
pub(crate) fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Bytes {
    serde_json::to_vec(value)
        .expect("strings, numbers and JSON always serialize")
        .into()
}
