use crate::anthropic::translate::MAX_CALL_ID;
use crate::json::{Edits, Located, Pruning};
use crate::translation::unload_tool_id;

use super::MARKS;

/// What has become of a message's content.
pub(super) struct Content {
    /// Whether nothing is left of it.
    pub(super) is_empty: bool,
    /// Whether it does not begin with a thought any more, and once had some.
    pub(super) has_lost_thinking: bool,
}

impl Content {
    /// Takes foreign thoughts out of a list of blocks, and signatures out of their ids.
    pub(super) fn clean(content: Located<'_>, edits: &mut Edits) -> Self {
        let mut pruning = Pruning::default();
        let (mut has_lost, mut begins_with_thinking) = (false, None);
        for place in content.elements() {
            let block = Block::read(place);
            if block.is_foreign() {
                has_lost = true;
                pruning.remove(&place.span(), edits);
                continue;
            }
            begins_with_thinking.get_or_insert(block.is_thinking());
            if let Some(id) = block.call_id() {
                unload_tool_id(id, MAX_CALL_ID, edits);
            }
            pruning.keep(&place.span(), edits);
        }
        Self {
            is_empty: pruning.finish(edits),
            has_lost_thinking: has_lost && begins_with_thinking != Some(true),
        }
    }
}

/// What counts of a block. Fields that its kind does not have are not looked at.
#[derive(Default)]
struct Block<'a> {
    kind: &'a [u8],
    id: Option<Located<'a>>,
    tool_use_id: Option<Located<'a>>,
    signature: Option<Located<'a>>,
    data: Option<Located<'a>>,
}

impl<'a> Block<'a> {
    fn read(place: Located<'a>) -> Self {
        let mut block = Self::default();
        for member in place.members() {
            match &*member.key {
                b"type" => block.kind = member.value.value,
                b"id" => block.id = Some(member.value),
                b"tool_use_id" => block.tool_use_id = Some(member.value),
                b"signature" => block.signature = Some(member.value),
                b"data" => block.data = Some(member.value),
                _ => {}
            }
        }
        block
    }

    fn is_thinking(&self) -> bool {
        matches!(self.kind, b"\"thinking\"" | b"\"redacted_thinking\"")
    }

    /// Whether it is a thought that another provider has signed.
    fn is_foreign(&self) -> bool {
        let signature = match self.kind {
            b"\"thinking\"" => self.signature,
            b"\"redacted_thinking\"" => self.data,
            _ => None,
        };
        signature.is_some_and(|signature| MARKS.stand_in(signature.value))
    }

    fn call_id(&self) -> Option<Located<'a>> {
        match self.kind {
            b"\"tool_use\"" => self.id,
            b"\"tool_result\"" => self.tool_use_id,
            _ => None,
        }
    }
}
