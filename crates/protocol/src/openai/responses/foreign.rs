use std::sync::LazyLock;

use bytes::Bytes;

use crate::json::{Edits, Located, Pruning};
use crate::translation::{Marks, Origin, unload_tool_id};

use super::write_items::MAX_CALL_ID;

static MARKS: LazyLock<Marks> = LazyLock::new(|| Marks::around(&[Origin::OpenAi]));

/// A request without what the gateway has put into it for other providers: signatures in ids, and thoughts that
/// OpenAI has not sealed. Every other byte is kept.
pub(super) fn without_marks(body: &Bytes) -> Bytes {
    if !MARKS.may_be_in(body) {
        return body.clone();
    }
    let mut edits = Edits::default();
    for member in Located::whole(body).members() {
        if *member.key == *b"input" {
            clean(member.value, &mut edits);
        }
    }
    edits.apply(body)
}

fn clean(input: Located<'_>, edits: &mut Edits) {
    let mut pruning = Pruning::default();
    for place in input.elements() {
        let item = Item::read(place);
        if item.is_foreign() {
            pruning.remove(&place.span(), edits);
            continue;
        }
        if let Some(id) = item.call_id {
            unload_tool_id(id, MAX_CALL_ID, edits);
        }
        pruning.keep(&place.span(), edits);
    }
    pruning.finish(edits);
}

/// What counts of an item.
#[derive(Default)]
struct Item<'a> {
    kind: &'a [u8],
    call_id: Option<Located<'a>>,
    encrypted_content: Option<Located<'a>>,
}

impl<'a> Item<'a> {
    fn read(place: Located<'a>) -> Self {
        let mut item = Self::default();
        if !MARKS.may_be_in(place.value) {
            return item;
        }
        for member in place.members() {
            match &*member.key {
                b"type" => item.kind = member.value.value,
                b"call_id" => item.call_id = Some(member.value),
                b"encrypted_content" => item.encrypted_content = Some(member.value),
                _ => {}
            }
        }
        item
    }

    /// Whether it is a thought that another provider has signed, or none.
    fn is_foreign(&self) -> bool {
        let seal = self.encrypted_content.filter(|_| self.kind == b"\"reasoning\"");
        seal.is_some_and(|seal| MARKS.stand_in(seal.value))
    }
}
