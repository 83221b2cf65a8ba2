//! What a value's text says, for values that a [`super::members`] or [`super::elements`] has passed over.

use std::borrow::Cow;

/// The characters of a string, or `None` for another kind of value, or when its escapes spell no text.
pub(crate) fn text(value: &[u8]) -> Option<String> {
    serde_json::from_slice(value).ok()
}

/// A whole number from 0 to [`u32::MAX`]: no request has more tokens than that.
pub(crate) fn count(value: &[u8]) -> Option<u32> {
    serde_json::from_slice(value).ok()
}

pub(crate) fn is_null(value: &[u8]) -> bool {
    value == b"null"
}

/// The length in bytes of a string's text, a `\u` escape counting as three; zero for other kinds of value.
pub(crate) fn text_len(value: &[u8]) -> usize {
    let Some(inside) = value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
    else {
        return 0;
    };
    let mut len = inside.len();
    let mut at = 0;
    while let Some(found) = inside.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        let is_unicode = inside.get(at + found + 1) == Some(&b'u');
        len = len.saturating_sub(if is_unicode { 3 } else { 1 });
        at += found + if is_unicode { 6 } else { 2 };
    }
    len
}

/// A key with its quotes taken off and its escapes resolved; as it stands when they spell no text.
pub(super) fn key(quoted: &[u8]) -> Cow<'_, [u8]> {
    if quoted.contains(&b'\\')
        && let Some(key) = text(quoted)
    {
        return Cow::Owned(key.into_bytes());
    }
    Cow::Borrowed(&quoted[1..quoted.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::{count, text_len};

    #[test]
    fn only_plausible_counts_count() {
        let cases: [(&str, Option<u32>); 9] = [
            ("0", Some(0)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("99999999999999999999999999", None),
            ("-1", None),
            ("1.0", None),
            ("1e3", None),
            ("null", None),
            ("\"7\"", None),
        ];
        for (value, expected) in cases {
            assert_eq!(count(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn the_length_of_a_text_is_that_behind_its_escapes() {
        let cases = [
            (r#""""#, 0),
            (r#""abc""#, 3),
            (r#""a\n\"b\"""#, 5),
            (r#""\u4e2d\u6587""#, 6),
            ("12", 0),
        ];
        for (value, expected) in cases {
            assert_eq!(text_len(value.as_bytes()), expected, "{value}");
        }
    }
}
