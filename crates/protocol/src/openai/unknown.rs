use crate::json;
use crate::translation::Dropped;

/// Names the members of `object` that are not among `known`, behind `prefix`; `null`, empty lists and what
/// `is_nothing` accepts say nothing that could be lost.
pub(in crate::openai) fn note_unknown(
    object: &[u8],
    prefix: &str,
    known: &[&str],
    dropped: &mut Dropped,
    is_nothing: impl Fn(&[u8], &[u8]) -> bool,
) {
    for member in json::members(object).map_while(Result::ok) {
        let is_known = known.iter().any(|name| name.as_bytes() == &*member.key);
        let is_empty = matches!(member.value, b"null" | b"[]");
        if !is_known && !is_empty && !is_nothing(&member.key, member.value) {
            dropped.note(&format!("{prefix}{}", String::from_utf8_lossy(&member.key)));
        }
    }
}
