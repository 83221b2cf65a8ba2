use std::borrow::Cow;
use std::ops::Range;

use super::scan::{elements, members};

/// A value, and where in a larger text it stands.
#[derive(Clone, Copy)]
pub(crate) struct Located<'a> {
    pub(crate) value: &'a [u8],
    start: usize,
}

/// One `"key": value` of an object, and where in a larger text it stands.
pub(crate) struct LocatedMember<'a> {
    pub(crate) key: Cow<'a, [u8]>,
    pub(crate) value: Located<'a>,
    /// Where its key and its value stand.
    pub(crate) span: Range<usize>,
}

impl<'a> Located<'a> {
    /// A whole text.
    pub(crate) const fn whole(text: &'a [u8]) -> Self {
        Self {
            value: text,
            start: 0,
        }
    }

    /// Where it stands.
    pub(crate) fn span(&self) -> Range<usize> {
        self.start..self.start + self.value.len()
    }

    /// The members of the object that it is, up to the first that is no JSON; none if it is another value.
    pub(crate) fn members(self) -> impl Iterator<Item = LocatedMember<'a>> + use<'a> {
        members(self.value)
            .map_while(Result::ok)
            .map(move |member| LocatedMember {
                span: self.start + member.key_span.start..self.start + member.span.end,
                value: self.at(member.span),
                key: member.key,
            })
    }

    /// The elements of the array that it is, otherwise as [`members`](Self::members).
    pub(crate) fn elements(self) -> impl Iterator<Item = Self> + use<'a> {
        let spans = elements(self.value).spans().map_while(Result::ok);
        spans.map(move |span| self.at(span))
    }

    fn at(&self, span: Range<usize>) -> Self {
        Self {
            start: self.start + span.start,
            value: &self.value[span],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Located;

    #[test]
    fn what_is_within_a_value_stands_where_it_stands_in_the_text() {
        let text = br#" {"a": [1, {"b" : "c"}], "d": 2}"#;
        let list = Located::whole(text).members().next().unwrap();
        assert_eq!(&text[list.span], br#""a": [1, {"b" : "c"}]"#);
        let object = list.value.elements().nth(1).unwrap();
        assert_eq!(&text[object.span()], br#"{"b" : "c"}"#);
        let member = object.members().next().unwrap();
        assert_eq!((&*member.key, member.value.value), (&b"b"[..], &br#""c""#[..]));
        assert_eq!(&text[member.span], br#""b" : "c""#);
        assert_eq!(&text[member.value.span()], br#""c""#);
    }

    #[test]
    fn other_values_have_neither_elements_nor_members() {
        let value = Located::whole(b"\"text\"");
        assert_eq!((value.members().count(), value.elements().count()), (0, 0));
    }
}
