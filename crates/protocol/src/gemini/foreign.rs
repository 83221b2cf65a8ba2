use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::json::{self, Edits, Located, Pruning};
use crate::translation::{Marks, Origin};

use super::fields::camel_case;
use super::signature;

static MARKS: LazyLock<Marks> =
    LazyLock::new(|| Marks::in_base64(&[Origin::Gemini], |mark| STANDARD.encode(mark)));

/// A request without what the gateway has put into it for other providers: thoughts that Gemini has not signed, and
/// their signatures. Every other byte is kept.
pub(super) fn without_marks(body: &Bytes) -> Bytes {
    if !MARKS.may_be_in(body) {
        return body.clone();
    }
    let mut edits = Edits::default();
    for (name, value) in fields(Located::whole(body)) {
        match &*name {
            "contents" => clean(value, &mut edits),
            // A count of tokens may hold the request that it is for.
            "generateContentRequest" => {
                let contents = fields(value).filter(|(name, _)| name == "contents");
                contents.for_each(|(_, contents)| clean(contents, &mut edits));
            }
            _ => {}
        }
    }
    edits.apply(body)
}

/// The fields of an object, by their names `likeThis`.
fn fields(object: Located<'_>) -> impl Iterator<Item = (String, Located<'_>)> {
    object.members().map(|member| (name(&member.key), member.value))
}

fn name(key: &[u8]) -> String {
    camel_case(&String::from_utf8_lossy(key)).into_owned()
}

/// The elements of a list. One that stands alone is a list, too.
fn each(value: Located<'_>) -> impl Iterator<Item = Located<'_>> {
    let alone = value.value.starts_with(b"{").then_some(value);
    alone.into_iter().chain(value.elements())
}

fn clean(contents: Located<'_>, edits: &mut Edits) {
    if contents.value.starts_with(b"{") {
        if is_emptied(contents, edits) {
            edits.replace(contents.span(), "[]");
        }
        return;
    }
    let mut pruning = Pruning::default();
    for content in contents.elements() {
        if is_emptied(content, edits) {
            pruning.remove(&content.span(), edits);
        } else {
            pruning.keep(&content.span(), edits);
        }
    }
    pruning.finish(edits);
}

/// Cleans a content. If nothing is left of it, it stays as it was, to be taken out by whom this tells so.
fn is_emptied(content: Located<'_>, edits: &mut Edits) -> bool {
    let untouched = edits.len();
    let is_emptied = MARKS.may_be_in(content.value) && clean_parts(content, edits);
    if is_emptied {
        edits.truncate(untouched);
    }
    is_emptied
}

/// Cleans the parts of a content. Tells whether nothing is left of them.
fn clean_parts(content: Located<'_>, edits: &mut Edits) -> bool {
    let mut is_empty = false;
    for (_, parts) in fields(content).filter(|(name, _)| name == "parts") {
        let mut pruning = Pruning::default();
        for place in each(parts) {
            let part = Part::read(place);
            if part.is_foreign_thought() {
                pruning.remove(&place.span(), edits);
            } else {
                pruning.keep(&place.span(), edits);
                part.clean(edits);
            }
        }
        is_empty |= pruning.finish(edits);
    }
    is_empty
}

/// What counts of a part.
struct Part<'a> {
    place: Located<'a>,
    kind: Kind,
    /// One that Gemini has not made.
    foreign_signature: Option<Located<'a>>,
}

/// What a part is, in the order in which its fields decide.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// It says nothing.
    Nothing,
    Other,
    Thought,
    Call,
}

impl<'a> Part<'a> {
    fn read(place: Located<'a>) -> Self {
        let mut part = Self {
            place,
            kind: Kind::Nothing,
            foreign_signature: None,
        };
        for (name, value) in fields(place) {
            let kind = match &*name {
                "thoughtSignature" => {
                    part.foreign_signature = is_foreign(value).then_some(value);
                    continue;
                }
                "thought" if value.value == b"true" => Kind::Thought,
                "thought" => Kind::Nothing,
                _ if json::is_null(value.value) => Kind::Nothing,
                "functionCall" => Kind::Call,
                _ => Kind::Other,
            };
            part.kind = part.kind.max(kind);
        }
        part
    }

    fn is_foreign_thought(&self) -> bool {
        self.foreign_signature.is_some() && matches!(self.kind, Kind::Nothing | Kind::Thought)
    }

    /// Takes the foreign signature away from what is no thought.
    fn clean(&self, edits: &mut Edits) {
        let Some(signature) = self.foreign_signature else {
            return;
        };
        if self.kind == Kind::Call {
            // It may be one that must have any.
            edits.replace(signature.span(), json::to_bytes(signature::FOREIGN));
            return;
        }
        let mut pruning = Pruning::default();
        for member in self.place.members() {
            if name(&member.key) == "thoughtSignature" {
                pruning.remove(&member.span, edits);
            } else {
                pruning.keep(&member.span, edits);
            }
        }
        pruning.finish(edits);
    }
}

fn is_foreign(signature: Located<'_>) -> bool {
    MARKS.stand_in(signature.value)
        && json::text(signature.value)
            .and_then(|base64| signature::read(&base64))
            .is_some_and(|signature| signature.origin != Origin::Gemini)
}
