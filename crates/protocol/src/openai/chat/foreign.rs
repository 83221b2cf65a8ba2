use std::sync::LazyLock;

use crate::json::{Edits, Located};
use crate::translation::{Marks, unload_tool_id};

use super::MAX_CALL_ID;

static MARKS: LazyLock<Marks> = LazyLock::new(Marks::in_ids);

/// Takes out of a request what the gateway has put into it for other providers: signatures in ids.
pub(super) fn take_marks_out(body: &[u8], edits: &mut Edits) {
    if !MARKS.may_be_in(body) {
        return;
    }
    for member in Located::whole(body).members() {
        if *member.key == *b"messages" {
            for message in member.value.elements() {
                if MARKS.may_be_in(message.value) {
                    clean(message, edits);
                }
            }
        }
    }
}

fn clean(message: Located<'_>, edits: &mut Edits) {
    for member in message.members() {
        match &*member.key {
            b"tool_call_id" => unload_tool_id(member.value, MAX_CALL_ID, edits),
            b"tool_calls" => {
                let calls = member.value.elements().flat_map(Located::members);
                for id in calls.filter(|member| *member.key == *b"id") {
                    unload_tool_id(id.value, MAX_CALL_ID, edits);
                }
            }
            _ => {}
        }
    }
}
