use std::borrow::Cow;
use std::fmt::Display;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::openai::unknown::note_unknown;
use crate::translation::{
    Conversation, Dropped, Origin, Part, Role, Thought, ToolCall, ToolResult, Turn, UNSIGNED, Untranslatable,
};

use super::{arguments, read_content, sealed};

/// What tells an item from others.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    r#type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    role: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: &'a RawValue,
    #[serde(borrow)]
    phase: Option<&'a RawValue>,
}

/// A call; `arguments` of a function, `input` of a freeform tool.
#[derive(Deserialize)]
struct Call<'a> {
    call_id: String,
    name: String,
    #[serde(borrow)]
    arguments: Option<Cow<'a, str>>,
    #[serde(borrow)]
    input: Option<Cow<'a, str>>,
    #[serde(borrow)]
    namespace: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct CallOutput<'a> {
    call_id: String,
    #[serde(borrow)]
    output: &'a RawValue,
}

#[derive(Deserialize)]
pub(super) struct Reasoning<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    summary: Vec<ReasoningText<'a>>,
    #[serde(borrow)]
    content: Option<Vec<ReasoningText<'a>>>,
    #[serde(borrow)]
    encrypted_content: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ReasoningText<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// What an item may have, of whatever type.
const KNOWN: &[&str] = &[
    "type",
    "id",
    "status",
    "role",
    "content",
    "phase",
    "call_id",
    "name",
    "arguments",
    "input",
    "namespace",
    "output",
    "summary",
    "encrypted_content",
];

/// Reads the `input`, a text or a list of items, as what was said.
pub(super) fn read(
    input: &RawValue,
    conversation: &mut Conversation,
    dropped: &mut Dropped,
) -> Result<(), Untranslatable> {
    if input.get().starts_with('"') {
        let text: String = parse(input, &"input")?;
        if !text.is_empty() {
            say(conversation, Role::User, Part::Text(text));
        }
        return Ok(());
    }
    let items: Vec<&RawValue> = parse(input, &"input")?;
    for (at, item) in items.into_iter().enumerate() {
        read_item(item, &format_args!("input[{at}]"), conversation, dropped)?;
    }
    Ok(())
}

fn read_item(
    item: &RawValue,
    path: &dyn Display,
    conversation: &mut Conversation,
    dropped: &mut Dropped,
) -> Result<(), Untranslatable> {
    let kind: Kind<'_> = parse(item, path)?;
    note_unknown(item.get().as_bytes(), "input.", KNOWN, dropped, |_, _| false);
    // Only of messages and references may the type be left out.
    let other = if kind.role.is_some() {
        "message"
    } else {
        "item_reference"
    };
    match kind.r#type.as_deref().unwrap_or(other) {
        "message" => read_message(&parse(item, path)?, path, conversation, dropped)?,
        "reasoning" => {
            let reasoning: Reasoning<'_> = parse(item, path)?;
            if let Some(thought) = reasoning.thought() {
                say(conversation, Role::Assistant, Part::Thinking(thought));
            }
        }
        "function_call" => {
            let read = |call: &Call<'_>| call.arguments.as_deref().map(arguments::object);
            let call = read_call(item, path, "arguments", read)?;
            say(conversation, Role::Assistant, Part::ToolCall(call));
        }
        "custom_tool_call" => {
            let read = |call: &Call<'_>| call.input.as_deref().map(arguments::string);
            let call = read_call(item, path, "input", read)?;
            say(conversation, Role::Assistant, Part::ToolCall(call));
        }
        "function_call_output" | "custom_tool_call_output" => {
            let output: CallOutput<'_> = parse(item, path)?;
            let result = ToolResult {
                call_id: output.call_id,
                parts: read_content::read(output.output, &format_args!("{path}.output"), dropped)?,
                is_error: false,
            };
            say(conversation, Role::User, Part::ToolResult(result));
        }
        kind => {
            let what = format!("{path} of type {}", read_content::word(kind));
            return Err(Untranslatable::unsupported(&what));
        }
    }
    Ok(())
}

fn read_message(
    message: &Message<'_>,
    path: &dyn Display,
    conversation: &mut Conversation,
    dropped: &mut Dropped,
) -> Result<(), Untranslatable> {
    if message.phase.is_some() {
        dropped.note("phase");
    }
    let role = match &*message.role {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" | "developer" => Role::System,
        _ => {
            let problem = "expected user, assistant, system or developer";
            return Err(Untranslatable::invalid(&format!("{path}.role"), problem));
        }
    };
    let parts = read_content::read(message.content, &format_args!("{path}.content"), dropped)?;
    for part in parts {
        match (role, part) {
            (Role::System, Part::Text(text)) if conversation.turns.is_empty() => {
                conversation.system.push(text);
            }
            (Role::System | Role::Assistant, Part::Media(media)) => {
                let what = format!("{path}.content: {} of the {}", media.kind.as_str(), message.role);
                return Err(Untranslatable::unsupported(&what));
            }
            (role, part) => say(conversation, role, part),
        }
    }
    Ok(())
}

/// Adds to what was said last, if the same side said it.
fn say(conversation: &mut Conversation, role: Role, part: Part) {
    match conversation.turns.last_mut() {
        Some(turn) if turn.role == role => turn.parts.push(part),
        _ => conversation.turns.push(Turn {
            role,
            parts: vec![part],
        }),
    }
}

/// Reads a call, whose arguments `read` finds in its `field`.
fn read_call(
    item: &RawValue,
    path: &dyn Display,
    field: &str,
    read: impl FnOnce(&Call<'_>) -> Option<Box<RawValue>>,
) -> Result<ToolCall, Untranslatable> {
    let call: Call<'_> = parse(item, path)?;
    let arguments =
        read(&call).ok_or_else(|| Untranslatable::invalid(&format!("{path}.{field}"), "missing"))?;
    if call.call_id.is_empty() {
        return Err(Untranslatable::invalid(
            &format!("{path}.call_id"),
            "empty string",
        ));
    }
    // A tool that is in no namespace may name itself.
    if call.namespace.is_some_and(|space| space != call.name) {
        return Err(Untranslatable::unsupported(&format!("{path}.namespace")));
    }
    Ok(ToolCall {
        id: call.call_id,
        name: call.name,
        arguments,
        signature: None,
    })
}

impl Reasoning<'_> {
    /// `None` if it holds nothing.
    pub(super) fn thought(self) -> Option<Thought> {
        let texts = match self.content {
            Some(content) if self.summary.is_empty() => content,
            _ => self.summary,
        };
        let texts: Vec<&str> = texts.iter().map(|part| &*part.text).collect();
        let text = texts.join(PARAGRAPH);
        let signature = self
            .encrypted_content
            .filter(|content| !content.is_empty() && content != UNSIGNED)
            .map(|content| sealed::read(self.id.as_deref().unwrap_or_default(), &content));
        if text.is_empty() && signature.is_none() {
            return None;
        }
        let is_redacted = signature
            .as_ref()
            .is_some_and(|signature| signature.origin == Origin::AnthropicRedacted);
        Some(Thought {
            text,
            signature,
            is_redacted,
        })
    }
}

/// What stands between the parts of a summary.
pub(super) const PARAGRAPH: &str = "\n\n";

/// Reads a value whose place is `path`.
pub(super) fn parse<'a, T: Deserialize<'a>>(
    value: &'a RawValue,
    path: &dyn Display,
) -> Result<T, Untranslatable> {
    serde_json::from_str(value.get())
        .map_err(|error| Untranslatable::invalid(&path.to_string(), &error.to_string()))
}
