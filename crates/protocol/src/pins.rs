//! What requests refer to and only one account holds.

use memchr::memmem;

use crate::json;

/// Bytes of such a name.
pub(crate) const MAX_NAME: usize = 256;
/// Bytes between the start of a reference to a file and the file's name.
const MAX_SOURCE: usize = 256;

/// The name of something that is written as a string, or as an object with an `id`.
pub(crate) fn named(value: &[u8]) -> Option<String> {
    let name = if value.starts_with(b"{") {
        json::member(value, b"id")?
    } else {
        value
    };
    json::text(name).filter(|name| is_name(name))
}

/// The first file of `text` that an object refers to whose `type`, in quotes, is one of these.
pub(crate) fn file(text: &[u8], types: &[&[u8]]) -> Option<String> {
    // Within a string the quotes would be escaped.
    memmem::find_iter(text, b"\"file_id\"").find_map(|at| {
        let from = at.saturating_sub(MAX_SOURCE);
        let opening = memchr::memrchr(b'{', &text[from..at])?;
        let (mut is_file, mut name) = (false, None);
        for member in json::members(&text[from + opening..]).map_while(Result::ok) {
            match &*member.key {
                b"type" => is_file = types.contains(&member.value),
                b"file_id" => name = json::text(member.value),
                _ => {}
            }
        }
        name.filter(|name| is_file && is_name(name))
    })
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
}
