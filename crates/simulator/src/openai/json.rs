//! JSON that is written piece by piece.

use std::fmt::Arguments;
use std::io::Write;

pub(super) fn put(out: &mut Vec<u8>, text: Arguments<'_>) {
    out.write_fmt(text).expect("a vector takes every byte");
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string is always JSON, and a vector takes every byte");
}

/// The end of a piece of about so many bytes that starts at `from`.
pub(super) fn piece_end(text: &str, from: usize, bytes: usize) -> usize {
    let mut end = (from + bytes).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    end
}

/// The text that a string of JSON holds; whatever else a script says as JSON.
pub(super) fn free_text(input: String) -> String {
    serde_json::from_str(&input).unwrap_or(input)
}
