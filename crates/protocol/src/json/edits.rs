use std::ops::Range;

use bytes::Bytes;

/// Changes to a text, each to a part of it that no other changes.
#[derive(Debug, Default)]
pub(crate) struct Edits(Vec<Edit>);

#[derive(Debug)]
struct Edit {
    span: Range<usize>,
    text: Bytes,
}

impl Edits {
    /// Puts `text` in place of what stands in `span`.
    pub(crate) fn replace(&mut self, span: Range<usize>, text: impl Into<Bytes>) {
        self.0.push(Edit {
            span,
            text: text.into(),
        });
    }

    /// Takes out what stands in `span`.
    pub(crate) fn remove(&mut self, span: Range<usize>) {
        self.replace(span, Bytes::new());
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes back all but the first `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// `text` with every change, or itself if there is none.
    pub(crate) fn apply(mut self, text: &Bytes) -> Bytes {
        if self.0.is_empty() {
            return text.clone();
        }
        self.0.sort_by_key(|edit| edit.span.start);
        let added: usize = self.0.iter().map(|edit| edit.text.len()).sum();
        let mut edited = Vec::with_capacity(text.len() + added);
        let mut at = 0;
        for Edit { span, text: new } in self.0 {
            edited.extend_from_slice(&text[at..span.start]);
            edited.extend_from_slice(&new);
            at = span.end;
        }
        edited.extend_from_slice(&text[at..]);
        edited.into()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Edits;

    #[test]
    fn every_other_byte_is_kept() {
        let mut edits = Edits::default();
        edits.replace(6..9, "drei");
        edits.replace(0..3, "");
        edits.replace(9..9, "!");
        assert_eq!(edits.apply(&Bytes::from("one two3x")), " twdrei!");
    }

    #[test]
    fn without_a_change_nothing_is_copied() {
        let text = Bytes::from("one");
        let mut edits = Edits::default();
        edits.remove(0..1);
        edits.truncate(0);
        assert_eq!(edits.len(), 0);
        assert_eq!(edits.apply(&text).as_ptr(), text.as_ptr());
    }
}
