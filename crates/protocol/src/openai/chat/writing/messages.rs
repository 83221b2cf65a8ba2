use std::borrow::Cow;

use serde::Serialize;

use crate::json;
use crate::translation::{
    Conversation, Dropped, Part, Role, ToolCall, ToolNames, ToolResult, Turn, Untranslatable, fit_tool_id,
};

use super::super::super::model::Model;
use super::super::MAX_CALL_ID;
use super::super::reply::WrittenCall;
use super::content::{BETWEEN_TEXTS, Content, ContentPart};

/// What stands before what a tool says that failed: there is no field for it.
const ERROR: &str = "Error: ";
/// What a tool says that gave nothing but pictures, documents or sounds.
const FOLLOWS: &str = "(The result is in the next message.)";

#[derive(Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: Option<Content>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WrittenCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'a, str>>,
}

impl Message<'_> {
    const fn new(role: &'static str, content: Option<Content>) -> Self {
        Self {
            role,
            content,
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }
}

/// Writes everything that was said.
pub(super) fn write<'a>(
    conversation: &'a Conversation,
    model: Model,
    names: &'a ToolNames,
    dropped: &mut Dropped,
) -> Result<Vec<Message<'a>>, Untranslatable> {
    let mut writer = Writer {
        messages: Vec::new(),
        instructor: if model.is_reasoning() {
            "developer"
        } else {
            "system"
        },
        model,
        names,
        dropped,
    };
    let system: Vec<&str> = conversation.instructions().collect();
    if !system.is_empty() {
        let text = Content::Text(system.join(BETWEEN_TEXTS));
        let role = writer.instructor;
        writer.messages.push(Message::new(role, Some(text)));
    }
    let is_models = |turn: &Turn| turn.role == Role::Assistant;
    for turns in conversation.turns.chunk_by(|a, b| is_models(a) == is_models(b)) {
        if turns.first().is_some_and(is_models) {
            writer.say_for_model(turns);
        } else {
            writer.say_to_model(turns)?;
        }
    }
    Ok(writer.messages)
}

struct Writer<'a, 'd> {
    messages: Vec<Message<'a>>,
    /// The role of who instructs the model.
    instructor: &'static str,
    model: Model,
    names: &'a ToolNames,
    dropped: &'d mut Dropped,
}

impl<'a> Writer<'a, '_> {
    /// Writes turns of the model that follow each other.
    fn say_for_model(&mut self, turns: &'a [Turn]) {
        let has_calls = turns
            .iter()
            .flat_map(|turn| &turn.parts)
            .any(|part| matches!(part, Part::ToolCall(_)));
        // Between a call and its result no other message may stand.
        let messages: Vec<&[Turn]> = if has_calls {
            vec![turns]
        } else {
            turns.chunks(1).collect()
        };
        for turns in messages {
            let mut text = String::new();
            let mut tool_calls = Vec::new();
            for part in turns.iter().flat_map(|turn| &turn.parts) {
                match part {
                    Part::Text(more) => text.push_str(more),
                    Part::ToolCall(call) => tool_calls.push(self.call(call)),
                    Part::Thinking(_) => self.dropped.note("thinking"),
                    // No model says such things, and no client can make it.
                    Part::Media(_) => self.dropped.note("media"),
                    Part::ToolResult(_) => {}
                }
            }
            let content = (!text.is_empty()).then_some(Content::Text(text));
            if content.is_some() || !tool_calls.is_empty() {
                self.messages.push(Message {
                    tool_calls,
                    ..Message::new("assistant", content)
                });
            }
        }
    }

    /// Writes turns that are not the model's: first what tools gave, all of it, then the rest in its order.
    fn say_to_model(&mut self, turns: &'a [Turn]) -> Result<(), Untranslatable> {
        let mut media = Vec::new();
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            if let Part::ToolResult(result) = part {
                self.say_result(result, &mut media)?;
            }
        }
        // Tools can give nothing but text.
        if let Some(content) = Content::of(media) {
            self.messages.push(Message::new("user", Some(content)));
        }
        for turn in turns {
            let mut parts = Vec::new();
            for part in &turn.parts {
                parts.extend(ContentPart::of(part)?);
            }
            let role = match turn.role {
                Role::System => self.instructor,
                Role::User | Role::Assistant => "user",
            };
            if let Some(content) = Content::of(parts) {
                self.messages.push(Message::new(role, Some(content)));
            }
        }
        Ok(())
    }

    fn say_result(
        &mut self,
        result: &'a ToolResult,
        media: &mut Vec<ContentPart>,
    ) -> Result<(), Untranslatable> {
        let mut texts = Vec::new();
        let before = media.len();
        for part in &result.parts {
            match part {
                Part::Text(text) => texts.push(text.as_str()),
                other => media.extend(ContentPart::of(other)?),
            }
        }
        let mut text = texts.join(BETWEEN_TEXTS);
        if text.is_empty() && media.len() > before {
            FOLLOWS.clone_into(&mut text);
        }
        if result.is_error {
            text.insert_str(0, ERROR);
        }
        self.messages.push(Message {
            tool_call_id: Some(fit_tool_id(&result.call_id, MAX_CALL_ID)),
            ..Message::new("tool", Some(Content::Text(text)))
        });
        Ok(())
    }

    fn call(&self, call: &'a ToolCall) -> WrittenCall<'a> {
        let id = fit_tool_id(&call.id, MAX_CALL_ID);
        let name = self.names.theirs(&call.name);
        let arguments = call.arguments.get();
        match json::text(arguments.as_bytes()) {
            Some(input) if self.model.is_openais() => WrittenCall::custom(id, name, input),
            Some(_) => WrittenCall::function(id, name, format!("{{\"input\":{arguments}}}")),
            None => WrittenCall::function(id, name, arguments),
        }
    }
}
