use serde_json::value::RawValue;

use crate::gemini::fields::{Fields, elements};
use crate::json;
use crate::translation::{Dropped, Part, ToolResult, Untranslatable};

use super::calls::Calls;
use super::media;

/// Reads the `functionResponse` of a part.
pub(super) fn read(
    part: &mut Fields<'_>,
    calls: &mut Calls,
    dropped: &mut Dropped,
) -> Result<ToolResult, Untranslatable> {
    let place = part.place();
    let place = place.field("functionResponse");
    let mut fields = Fields::read(part.take("functionResponse").unwrap_or_default(), place)?;
    let (id, name) = (fields.text("id")?, fields.text("name")?.unwrap_or_default());
    let Some(call_id) = calls.answer(id.as_deref(), &name) else {
        return Err(place.wrong(&format!(
            "there is no function call of `{name}` in the turn before that waits for it"
        )));
    };
    let (text, is_error) = match fields.object("response")? {
        Some(response) => text(&response),
        None => (String::new(), false),
    };
    let mut parts = Vec::new();
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    let place = place.field("parts");
    let more = fields.take("parts").unwrap_or(b"[]");
    for (at, part) in elements(more, place)?.into_iter().enumerate() {
        let mut fields = Fields::read(part, place.element(at))?;
        let media = if fields.has("fileData") {
            media::file(&mut fields)?
        } else {
            media::inline(&mut fields)?
        };
        parts.push(Part::Media(media));
        fields.drop_rest("", dropped);
    }
    fields.drop_rest("function_response.", dropped);
    Ok(ToolResult {
        call_id,
        parts,
        is_error,
    })
}

/// What a tool says, and whether it is an error. `output` and `error` are Gemini's own words for it, and `result`
/// those of its SDK; anything else is told as it stands.
fn text(response: &RawValue) -> (String, bool) {
    let whole = response.get();
    let mut members = json::members(whole.as_bytes()).flatten();
    if let (Some(only), None) = (members.next(), members.next()) {
        let text = json::text(only.value);
        match (&*only.key, text) {
            (b"output" | b"result", Some(text)) => return (text, false),
            (b"error", Some(text)) => return (text, true),
            (b"error", None) => {
                return (String::from_utf8_lossy(only.value).into_owned(), true);
            }
            _ => {}
        }
    }
    (whole.to_owned(), false)
}
