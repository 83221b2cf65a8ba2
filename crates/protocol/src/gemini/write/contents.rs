use std::borrow::Cow;
use std::collections::HashMap;

use crate::gemini::wire::{Content, FunctionCall, FunctionResponse, Part, Response};
use crate::translation::{
    self, Conversation, Dropped, Origin, Role, Signature, Thought, ToolCall, ToolNames, ToolResult, Turn,
    Untranslatable, fit_tool_id,
};

use super::media;

/// What the user says first in a conversation that the model has begun.
const OPENING: &str = "(The conversation begins with the model.)";

/// The longest id of a call; Gemini's own are shorter.
const MAX_ID: usize = 64;

/// Writes the turns so that Gemini takes them: the user's first, each side's words together, and after calls exactly
/// their results.
pub(super) fn write<'a>(
    conversation: &'a Conversation,
    names: &'a ToolNames,
    dropped: &mut Dropped,
) -> Result<Vec<Content<'a>>, Untranslatable> {
    let mut writer = Writer {
        names,
        dropped,
        contents: Vec::new(),
        open: Vec::new(),
    };
    let sides = conversation.turns.chunk_by(|a, b| is_model(a) == is_model(b));
    for side in sides {
        if is_model(&side[0]) {
            writer.model(side)?;
        } else {
            writer.user(side)?;
        }
    }
    writer.finish(conversation)
}

fn is_model(turn: &Turn) -> bool {
    turn.role == Role::Assistant
}

struct Writer<'a, 'd> {
    names: &'a ToolNames,
    dropped: &'d mut Dropped,
    contents: Vec<Content<'a>>,
    /// The calls of the content before that have no results yet.
    open: Vec<&'a ToolCall>,
}

impl<'a> Writer<'a, '_> {
    fn model(&mut self, turns: &'a [Turn]) -> Result<(), Untranslatable> {
        let mut parts = Vec::new();
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            match part {
                translation::Part::Text(text) => parts.push(Part::text(text.as_str())),
                translation::Part::Media(media) => parts.push(media::write(media)?),
                translation::Part::Thinking(thought) => parts.extend(self.thought(thought)),
                translation::Part::ToolCall(call) => {
                    self.open.push(call);
                    parts.push(self.call(call));
                }
                // Never the model's.
                translation::Part::ToolResult(_) => {}
            }
        }
        self.add("model", parts);
        Ok(())
    }

    /// Only what Gemini itself has signed means anything to it.
    fn thought(&mut self, thought: &'a Thought) -> Option<Part<'a>> {
        match thought.signature.as_ref().and_then(own) {
            Some(signature) => Some(Part::thought(thought.text.as_str(), Some(signature))),
            None => {
                self.dropped.note("thinking");
                None
            }
        }
    }

    fn call(&self, call: &'a ToolCall) -> Part<'a> {
        Part {
            function_call: Some(FunctionCall {
                id: fit_tool_id(&call.id, MAX_ID),
                name: self.names.theirs(&call.name),
                args: (&*call.arguments).into(),
            }),
            thought_signature: call.signature.as_ref().and_then(own),
            ..Part::default()
        }
    }

    fn user(&mut self, turns: &'a [Turn]) -> Result<(), Untranslatable> {
        let (mut rest, mut results) = (Vec::new(), HashMap::new());
        for turn in turns {
            for part in &turn.parts {
                match part {
                    translation::Part::Text(text) if turn.role == Role::System => {
                        rest.push(Part::text(format!("<system>{text}</system>")));
                    }
                    translation::Part::Text(text) => rest.push(Part::text(text.as_str())),
                    translation::Part::Media(media) => rest.push(media::write(media)?),
                    translation::Part::ToolResult(result) => {
                        if results.insert(result.call_id.as_str(), result).is_some() {
                            return Err(wrong_result(&result.call_id, "has more than one result"));
                        }
                    }
                    // Never the user's.
                    translation::Part::Thinking(_) | translation::Part::ToolCall(_) => {}
                }
            }
        }
        if results.is_empty() && rest.is_empty() {
            return Ok(());
        }
        let mut parts = self.results(results)?;
        parts.append(&mut rest);
        self.add("user", parts);
        Ok(())
    }

    /// The results of the open calls, in their order, and behind them all what is no text.
    fn results(
        &mut self,
        mut results: HashMap<&'a str, &'a ToolResult>,
    ) -> Result<Vec<Part<'a>>, Untranslatable> {
        let (mut parts, mut media) = (Vec::new(), Vec::new());
        for call in std::mem::take(&mut self.open) {
            let Some(result) = results.remove(call.id.as_str()) else {
                return Err(unanswered(call));
            };
            parts.push(self.result(call, result));
            for part in &result.parts {
                if let translation::Part::Media(part) = part {
                    media.push(media::write(part)?);
                }
            }
        }
        if let Some(id) = results.keys().next() {
            return Err(wrong_result(id, "must have its result right behind it"));
        }
        parts.append(&mut media);
        Ok(parts)
    }

    fn result(&self, call: &'a ToolCall, result: &'a ToolResult) -> Part<'a> {
        let mut texts = result.parts.iter().filter_map(|part| match part {
            translation::Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        let mut text = Cow::Borrowed(texts.next().unwrap_or_default());
        for more in texts {
            let text = text.to_mut();
            text.push('\n');
            text.push_str(more);
        }
        Part {
            function_response: Some(FunctionResponse {
                id: fit_tool_id(&call.id, MAX_ID),
                name: self.names.theirs(&call.name),
                response: if result.is_error {
                    Response::Error(text)
                } else {
                    Response::Output(text)
                },
            }),
            ..Part::default()
        }
    }

    /// Adds what one side says, to what it said before if nobody spoke in between.
    fn add(&mut self, role: &'static str, mut parts: Vec<Part<'a>>) {
        if parts.is_empty() {
            return;
        }
        match self.contents.last_mut() {
            Some(last) if last.role == Some(role) => last.parts.append(&mut parts),
            None if role == "model" => {
                self.contents.push(content("user", vec![Part::text(OPENING)]));
                self.contents.push(content(role, parts));
            }
            _ => self.contents.push(content(role, parts)),
        }
    }

    fn finish(mut self, conversation: &Conversation) -> Result<Vec<Content<'a>>, Untranslatable> {
        if let Some(call) = self.open.first() {
            return Err(unanswered(call));
        }
        if self.contents.is_empty() {
            if conversation.system.is_empty() {
                return Err(Untranslatable::invalid("messages", "there must be at least one"));
            }
            self.add("user", vec![Part::text(OPENING)]);
        }
        Ok(self.contents)
    }
}

fn content<'a>(role: &'static str, parts: Vec<Part<'a>>) -> Content<'a> {
    Content {
        parts,
        role: Some(role),
    }
}

fn own(signature: &Signature) -> Option<Cow<'_, str>> {
    (signature.origin == Origin::Gemini).then_some(Cow::Borrowed(signature.value.as_str()))
}

fn unanswered(call: &ToolCall) -> Untranslatable {
    wrong_result(&call.id, "has no result right behind it")
}

fn wrong_result(id: &str, problem: &str) -> Untranslatable {
    Untranslatable::invalid("messages", &format!("the tool call `{id}` {problem}"))
}
