use serde_json::value::RawValue;

use crate::gemini::fields::{Fields, Place};
use crate::gemini::signature;
use crate::translation::{Dropped, Origin, Part, Role, Signature, Thought, ToolCall, Untranslatable};

use super::calls::Calls;
use super::{media, results};

/// Of these a part has exactly one.
const KINDS: [&str; 9] = [
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

/// Reads one part of a turn; `None` for one that says nothing.
pub(super) fn read(
    part: &[u8],
    place: Place<'_>,
    role: Role,
    calls: &mut Calls,
    dropped: &mut Dropped,
) -> Result<Option<Part>, Untranslatable> {
    let mut fields = Fields::read(part, place)?;
    let is_thought = fields.flag("thought")?.unwrap_or_default();
    let signature = fields.text("thoughtSignature")?;
    let signature = signature.and_then(|base64| signature::read(&base64));
    let mut kinds = KINDS.into_iter().filter(|kind| fields.has(kind));
    let kind = kinds.next();
    if let Some(second) = kinds.next() {
        return Err(place.field(second).wrong("oneof field 'data' is already set"));
    }
    let part = match kind {
        Some("text") => {
            let text = fields.text("text")?.unwrap_or_default();
            said(text, is_thought, signature, dropped)
        }
        Some("inlineData") => Some(Part::Media(media::inline(&mut fields)?)),
        Some("fileData") => Some(Part::Media(media::file(&mut fields)?)),
        Some("functionCall") if role != Role::Assistant => {
            return Err(place.wrong("Please ensure that function call turns have the role model."));
        }
        Some("functionResponse") if role == Role::Assistant => {
            return Err(place.wrong("Please ensure that function response turns have the role user."));
        }
        Some("functionCall") => Some(Part::ToolCall(call(&mut fields, signature, calls)?)),
        Some("functionResponse") => Some(Part::ToolResult(results::read(&mut fields, calls, dropped)?)),
        Some(kind) => return Err(place.field(kind).unsupported()),
        // The signature of a text that has passed.
        None if signature.is_some() => said(String::new(), is_thought, signature, dropped),
        None => {
            return Err(place
                .field("data")
                .wrong("required oneof field 'data' must have one initialized field"));
        }
    };
    fields.drop_rest("", dropped);
    Ok(part)
}

fn said(text: String, is_thought: bool, signature: Option<Signature>, dropped: &mut Dropped) -> Option<Part> {
    if is_thought {
        let is_redacted = signature
            .as_ref()
            .is_some_and(|signature| signature.origin == Origin::AnthropicRedacted);
        let says_something = signature.is_some() || !text.is_empty();
        return says_something.then_some(Part::Thinking(Thought {
            text,
            signature,
            is_redacted,
        }));
    }
    if signature.is_some() {
        dropped.note("thought_signature");
    }
    (!text.is_empty()).then_some(Part::Text(text))
}

fn call(
    fields: &mut Fields<'_>,
    signature: Option<Signature>,
    calls: &mut Calls,
) -> Result<ToolCall, Untranslatable> {
    let place = fields.place();
    let place = place.field("functionCall");
    let mut fields = Fields::read(fields.take("functionCall").unwrap_or_default(), place)?;
    let name = fields.text("name")?.unwrap_or_default();
    if name.is_empty() {
        return Err(place.field("name").wrong("Name cannot be empty."));
    }
    Ok(ToolCall {
        id: calls.call(fields.text("id")?, &name),
        arguments: match fields.object("args")? {
            Some(arguments) => arguments,
            None => RawValue::from_string("{}".to_owned())?,
        },
        name,
        signature,
    })
}
