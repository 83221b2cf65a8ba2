//! What the gateway has clients carry, as it stands in their requests.
//!
//! Conversations that move to a model of the client's own dialect go to it as they are, and its provider knows nothing
//! of what was put there for others.

use memchr::memmem::Finder;

use super::signature::UNSIGNED;
use super::{Origin, tool_id};

/// What may stand in requests of one dialect.
pub(crate) struct Marks {
    /// Beginnings of JSON strings in the places of signatures.
    signatures: Vec<Finder<'static>>,
    /// Parts of ids.
    ids: Option<Finder<'static>>,
}

impl Marks {
    /// Only what rides in ids.
    pub(crate) fn in_ids() -> Self {
        Self {
            signatures: Vec::new(),
            ids: Some(Finder::new(tool_id::MARK)),
        }
    }

    /// What rides in ids, and what stands in the place of signatures whose origin is one of `own`.
    pub(crate) fn around(own: &[Origin]) -> Self {
        let marks = foreign(own).map(Origin::mark).chain([UNSIGNED]);
        Self {
            signatures: marks.map(|mark| finder(&format!("\"{mark}"))).collect(),
            ..Self::in_ids()
        }
    }

    /// What stands, as base64, in the place of signatures whose origin is one of `own`.
    pub(crate) fn in_base64(own: &[Origin], encode: impl Fn(&str) -> String) -> Self {
        let beginnings = foreign(own).map(|origin| {
            let mark = origin.mark();
            // Of the next character only the first bits are known.
            let whole = mark.len() * 8 / 6;
            finder(&format!("\"{}", &encode(mark)[..whole]))
        });
        Self {
            signatures: beginnings.collect(),
            ids: None,
        }
    }

    /// Whether `json` may hold any; if not, there is none.
    pub(crate) fn may_be_in(&self, json: &[u8]) -> bool {
        let finders = self.signatures.iter().chain(&self.ids);
        finders.into_iter().any(|finder| finder.find(json).is_some())
    }

    /// Whether this JSON string is no signature of the dialect's own provider, but what stands for another's.
    pub(crate) fn stand_in(&self, signature: &[u8]) -> bool {
        let mut marks = self.signatures.iter().map(Finder::needle);
        marks.any(|mark| signature.starts_with(mark))
    }
}

fn foreign(own: &[Origin]) -> impl Iterator<Item = Origin> {
    Origin::ALL.into_iter().filter(|origin| !own.contains(origin))
}

fn finder(text: &str) -> Finder<'static> {
    Finder::new(text).into_owned()
}
