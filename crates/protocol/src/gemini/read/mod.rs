//! Requests of Gemini's clients.

mod calls;
mod config;
mod contents;
mod media;
mod parts;
mod results;
mod schema;
mod tools;

use crate::Address;
use crate::translation::{Conversation, Dropped, Untranslatable};

use super::fields::{Fields, Place, elements};

/// What holds good only at Gemini, with what it would change if it were left out.
const UNSUPPORTED: [&str; 2] = ["cachedContent", "continuationToken"];

/// See [`Translate::read_request`](crate::translation::Translate::read_request).
pub(super) fn request(
    body: &[u8],
    address: &Address<'_>,
    dropped: &mut Dropped,
) -> Result<Conversation, Untranslatable> {
    conversation(Fields::read(body, Place::ROOT)?, address, dropped)
}

/// See [`Translate::read_count_request`](crate::translation::Translate::read_count_request).
pub(super) fn count_request(
    body: &[u8],
    address: &Address<'_>,
    dropped: &mut Dropped,
) -> Result<Conversation, Untranslatable> {
    let mut fields = Fields::read(body, Place::ROOT)?;
    match fields.take("generateContentRequest") {
        Some(_) if fields.has("contents") => Err(Place::ROOT
            .field("generateContentRequest")
            .wrong("only one of it and `contents` may be set")),
        Some(request) => {
            let place = Place::ROOT.field("generateContentRequest");
            conversation(Fields::read(request, place)?, address, dropped)
        }
        None => conversation(fields, address, dropped),
    }
}

fn conversation(
    mut fields: Fields<'_>,
    address: &Address<'_>,
    dropped: &mut Dropped,
) -> Result<Conversation, Untranslatable> {
    let place = fields.place();
    if let Some(name) = UNSUPPORTED.iter().find(|name| fields.has(name)) {
        return Err(place.field(name).unsupported());
    }
    // The address says it already.
    fields.take("model");
    let mut conversation = Conversation {
        model: address.model.unwrap_or_default().to_owned(),
        stream: address.stream,
        include_usage: true,
        ..Conversation::default()
    };
    let Some(contents) = fields.take("contents") else {
        return Err(place.field("contents").wrong("contents is not specified"));
    };
    conversation.turns = contents::read(contents, place.field("contents"), dropped)?;
    if let Some(system) = fields.take("systemInstruction") {
        conversation.system = system_instruction(system, place.field("systemInstruction"))?;
    }
    if let Some(tools) = fields.take("tools") {
        conversation.tools = tools::read(tools, place.field("tools"), dropped)?;
    }
    if let Some(choice) = fields.take("toolConfig") {
        tools::read_config(choice, place.field("toolConfig"), &mut conversation, dropped)?;
    }
    if let Some(config) = fields.take("generationConfig") {
        config::read(
            config,
            place.field("generationConfig"),
            &mut conversation,
            dropped,
        )?;
    }
    fields.drop_rest("", dropped);
    Ok(conversation)
}

fn system_instruction(content: &[u8], place: Place<'_>) -> Result<Vec<String>, Untranslatable> {
    let mut fields = Fields::read(content, place)?;
    let place = place.field("parts");
    let mut texts = Vec::new();
    let parts = fields.take("parts").unwrap_or(b"[]");
    for (at, part) in elements(parts, place)?.into_iter().enumerate() {
        let place = place.element(at);
        let Some(text) = Fields::read(part, place)?.text("text")? else {
            return Err(place.wrong("only text is supported in a system instruction"));
        };
        if !text.is_empty() {
            texts.push(text);
        }
    }
    Ok(texts)
}
