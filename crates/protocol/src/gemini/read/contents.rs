use crate::translation::{Dropped, Part, Role, Turn, Untranslatable};

use super::calls::Calls;
use super::parts;
use crate::gemini::fields::{Fields, Place, elements};

/// Reads the turns of a conversation.
///
/// What the model said is put together where it came in many contents: clients keep each chunk of a stream as one.
pub(super) fn read(
    contents: &[u8],
    place: Place<'_>,
    dropped: &mut Dropped,
) -> Result<Vec<Turn>, Untranslatable> {
    let mut turns: Vec<Turn> = Vec::new();
    let mut calls = Calls::default();
    for (at, content) in elements(contents, place)?.into_iter().enumerate() {
        let place = place.element(at);
        let mut fields = Fields::read(content, place)?;
        let role = role(&mut fields)?;
        let is_new = turns.last().is_none_or(|last| last.role != role);
        if is_new {
            if role == Role::Assistant {
                calls.begin_turn();
            }
            let parts = Vec::new();
            turns.push(Turn { role, parts });
        }
        let Some(parts) = fields.take("parts") else {
            return Err(place.field("parts").wrong("contents.parts must not be empty"));
        };
        let place = place.field("parts");
        for (at, part) in elements(parts, place)?.into_iter().enumerate() {
            let part = parts::read(part, place.element(at), role, &mut calls, dropped)?;
            if let (Some(part), Some(turn)) = (part, turns.last_mut()) {
                add(turn, part);
            }
        }
    }
    turns.retain(|turn| !turn.parts.is_empty());
    Ok(turns)
}

fn role(fields: &mut Fields<'_>) -> Result<Role, Untranslatable> {
    let role = fields.text("role")?.unwrap_or_default().to_ascii_lowercase();
    match role.as_str() {
        // Results of functions had a role of their own once.
        "user" | "function" | "" => Ok(Role::User),
        "model" => Ok(Role::Assistant),
        _ => Err(fields
            .place()
            .field("role")
            .wrong("Please use a valid role: user, model.")),
    }
}

/// Adds what comes next, and joins what a stream has cut into pieces.
fn add(turn: &mut Turn, part: Part) {
    match (turn.parts.last_mut(), part) {
        (Some(Part::Text(before)), Part::Text(text)) if turn.role == Role::Assistant => {
            before.push_str(&text);
        }
        (Some(Part::Thinking(before)), Part::Thinking(thought))
            if before.signature.is_none() && !thought.is_redacted =>
        {
            before.text.push_str(&thought.text);
            before.signature = thought.signature;
        }
        (_, part) => turn.parts.push(part),
    }
}
