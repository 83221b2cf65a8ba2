//! Conversations that come back to Anthropic from the models of others.

mod content;

use std::sync::LazyLock;

use bytes::Bytes;

use crate::json::{self, Edits, Located, Pruning};
use crate::translation::{Marks, Origin};

use content::Content;

static MARKS: LazyLock<Marks> =
    LazyLock::new(|| Marks::around(&[Origin::Anthropic, Origin::AnthropicRedacted]));

/// The content of a message between two of the other side of which nothing is left.
const NOTHING: &[u8] = br#"[{"type":"text","text":"(no content)"}]"#;

const DISABLED: &[u8] = br#"{"type":"disabled"}"#;

/// A request without what the gateway has put into it for other providers: signatures in ids, and thoughts that
/// Anthropic has not signed. Every other byte is kept.
pub(super) fn without_marks(body: &Bytes) -> Bytes {
    if !MARKS.may_be_in(body) {
        return body.clone();
    }
    let mut edits = Edits::default();
    let (mut thinking, mut context_management) = (None, None);
    let mut lacks_thinking = false;
    for member in Located::whole(body).members() {
        match &*member.key {
            b"messages" => lacks_thinking |= clean(member.value, &mut edits),
            b"thinking" => thinking = Some(member.value),
            b"context_management" => context_management = Some(member.value),
            _ => {}
        }
    }
    if lacks_thinking
        && let Some(thinking) = thinking
        && json::member(thinking.value, b"type") == Some(b"\"enabled\"")
    {
        edits.replace(thinking.span(), DISABLED);
        if let Some(context_management) = context_management {
            keep_thinking(context_management, &mut edits);
        }
    }
    edits.apply(body)
}

/// Takes out what would clear thoughts, which goes only with thinking.
fn keep_thinking(context_management: Located<'_>, edits: &mut Edits) {
    let lists = context_management
        .members()
        .filter(|member| *member.key == *b"edits");
    for list in lists {
        let mut pruning = Pruning::default();
        for edit in list.value.elements() {
            let kind = json::member(edit.value, b"type");
            if kind.is_some_and(|kind| kind.starts_with(b"\"clear_thinking_")) {
                pruning.remove(&edit.span(), edits);
            } else {
                pruning.keep(&edit.span(), edits);
            }
        }
        pruning.finish(edits);
    }
}

struct Message<'a> {
    place: Located<'a>,
    is_of_assistant: bool,
    content: Option<Located<'a>>,
    /// Whether it began with thoughts that were another provider's.
    has_lost_thinking: bool,
}

impl<'a> Message<'a> {
    fn read(place: Located<'a>) -> Self {
        let mut message = Self {
            place,
            is_of_assistant: false,
            content: None,
            has_lost_thinking: false,
        };
        for member in place.members() {
            match &*member.key {
                b"role" => message.is_of_assistant = member.value.value == b"\"assistant\"",
                b"content" => message.content = Some(member.value),
                _ => {}
            }
        }
        message
    }

    /// Whether tools say something in it.
    fn answers_tools(&self) -> bool {
        let mut blocks = self.content.into_iter().flat_map(Located::elements);
        blocks.any(|block| json::member(block.value, b"type") == Some(b"\"tool_result\""))
    }

    /// Cleans its blocks. Tells whether nothing is left of them.
    fn clean(&mut self, edits: &mut Edits) -> bool {
        let Some(content) = self.content.filter(|content| MARKS.may_be_in(content.value)) else {
            return false;
        };
        let content = Content::clean(content, edits);
        self.has_lost_thinking = content.has_lost_thinking;
        content.is_empty
    }
}

/// Cleans a list of messages. Tells whether the model's turn that is going on has lost the thoughts that led to it.
fn clean(list: Located<'_>, edits: &mut Edits) -> bool {
    let mut messages: Vec<_> = list.elements().map(Message::read).collect();
    let mut pruning = Pruning::default();
    // Whose message before is kept: the assistant's?
    let mut before = None;
    for at in 0..messages.len() {
        let after = messages.get(at + 1).map(|message| message.is_of_assistant);
        let message = &mut messages[at];
        let untouched = edits.len();
        let is_empty = message.clean(edits);
        let alternates = after.is_none() || before != after;
        if is_empty && alternates {
            edits.truncate(untouched);
            pruning.remove(&message.place.span(), edits);
            continue;
        }
        if let (true, Some(content)) = (is_empty, message.content) {
            edits.truncate(untouched);
            edits.replace(content.span(), NOTHING);
        }
        pruning.keep(&message.place.span(), edits);
        before = Some(message.is_of_assistant);
    }
    pruning.finish(edits);
    lacks_thinking(&messages)
}

/// Whether a turn of the model goes on, behind results of tools or by the model's own beginning, that began with
/// thoughts which are no longer there: Anthropic insists on these where thinking is enabled.
fn lacks_thinking(messages: &[Message<'_>]) -> bool {
    let turns = messages.chunk_by(|a, b| a.is_of_assistant == b.is_of_assistant);
    for turn in turns.rev() {
        if turn[0].is_of_assistant {
            if turn.iter().any(|message| message.has_lost_thinking) {
                return true;
            }
        } else if !turn.iter().any(Message::answers_tools) {
            return false;
        }
    }
    false
}
