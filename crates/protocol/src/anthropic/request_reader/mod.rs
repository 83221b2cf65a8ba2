//! Requests of Anthropic's clients whose model is another provider's.

mod blocks;
mod fields;
mod messages;
mod place;
mod quotation;
mod thinking;
mod tools;

use crate::translation::{Conversation, Dropped, Format, Sampling, Untranslatable};

use super::translate::Purpose;
use blocks::block_text;
use fields::{Fields, each, text};
use messages::Messages;
use place::Place;
use tools::Tools;

/// Fields that refer to what only an account at Anthropic holds, or that only its servers can do.
const REFUSED: [&str; 5] = ["container", "thread", "mcp_servers", "fallbacks", "compaction"];

/// By which the SDKs know that they have to send the whole conversation themselves.
const NO_THREADS: &str = "thread_unsupported_request";

/// How the system block begins that Claude Code sends first and Anthropic takes away before the model sees it.
const BILLING_BLOCK: &str = "x-anthropic-billing-header";

pub(super) fn read(
    body: &[u8],
    purpose: Purpose,
    dropped: &mut Dropped,
) -> Result<Conversation, Untranslatable> {
    let place = Place::Body;
    let mut fields = Fields::read(body, &place)?;
    for name in REFUSED {
        match fields.take(name)? {
            None | Some(b"[]") => {}
            Some(_) if name == "thread" => return Err(place.field(name).unsupported().with_code(NO_THREADS)),
            Some(_) => return Err(place.field(name).unsupported()),
        }
    }
    let model = fields.required_text("model")?;
    let max_tokens = max_tokens(&mut fields, purpose)?;
    let mut system = system(&mut fields, dropped)?;
    let messages = fields.required("messages")?;
    let messages = Messages::read(messages, &place.field("messages"), dropped)?;
    system.extend(messages.system);
    let Tools {
        tools,
        tool_choice,
        parallel_tool_calls,
    } = Tools::read(&mut fields, dropped)?;
    let (effort, format) = output_config(&mut fields, dropped)?;
    let conversation = Conversation {
        model,
        stream: fields.boolean("stream")?.unwrap_or_default(),
        system,
        turns: messages.turns,
        tools,
        tool_choice,
        parallel_tool_calls,
        max_tokens,
        stop: stop_sequences(&mut fields)?,
        sampling: Sampling {
            temperature: fields.number("temperature")?,
            top_p: fields.number("top_p")?,
            top_k: fields.number("top_k")?,
            ..Sampling::default()
        },
        thinking: thinking::read(&mut fields, effort, dropped)?,
        format,
        user: user_id(&mut fields, dropped)?,
        include_usage: true,
        echo: None,
    };
    fields.leave(dropped);
    Ok(conversation)
}

fn max_tokens(fields: &mut Fields<'_>, purpose: Purpose) -> Result<Option<u64>, Untranslatable> {
    let max_tokens = fields.whole_number("max_tokens")?;
    match (purpose, max_tokens) {
        (Purpose::Answer, None) => Err(fields.invalid("max_tokens", "Field required")),
        // No answer is wanted: the prompt shall only get into the cache.
        (Purpose::Answer, Some(0)) => Err(Untranslatable::unsupported("max_tokens: 0")),
        _ => Ok(max_tokens),
    }
}

fn system(fields: &mut Fields<'_>, dropped: &mut Dropped) -> Result<Vec<String>, Untranslatable> {
    let place = Place::Body;
    let place = place.field("system");
    let mut system = Vec::new();
    match fields.take("system")? {
        None => {}
        Some(blocks) if blocks.starts_with(b"[") => each(blocks, &place, |block, place| {
            system.push(system_block(block, place, dropped)?);
            Ok(())
        })?,
        Some(value) => system.push(text(value, &place)?),
    }
    if system
        .first()
        .is_some_and(|first| first.starts_with(BILLING_BLOCK))
    {
        // It changes with every request, so that no prompt behind it would ever be found in a cache.
        system.remove(0);
        dropped.note(BILLING_BLOCK);
    }
    system.retain(|text| !text.is_empty());
    Ok(system)
}

fn system_block(block: &[u8], place: &Place<'_>, dropped: &mut Dropped) -> Result<String, Untranslatable> {
    let mut fields = Fields::read(block, place)?;
    let kind = fields.required_text("type")?;
    if kind != "text" {
        return Err(fields.invalid("type", "Input should be 'text'"));
    }
    let text = block_text(&mut fields)?;
    fields.leave(dropped);
    Ok(text)
}

/// The word for the effort, as it stands, and the format of the answer.
fn output_config(
    fields: &mut Fields<'_>,
    dropped: &mut Dropped,
) -> Result<(Option<String>, Format), Untranslatable> {
    let place = Place::Body;
    let (place, old_place) = (place.field("output_config"), place.field("output_format"));
    let mut effort = None;
    // Its name while it was in beta.
    let mut format = format(fields.take("output_format")?, &old_place, dropped)?;
    if let Some(config) = fields.take("output_config")? {
        let mut config = Fields::read(config, &place)?;
        effort = config.text("effort")?;
        if let Some(value) = config.take("format")? {
            format = self::format(Some(value), &place.field("format"), dropped)?;
        }
        config.leave_of("output_config.", dropped);
    }
    Ok((effort, format))
}

fn format(value: Option<&[u8]>, place: &Place<'_>, dropped: &mut Dropped) -> Result<Format, Untranslatable> {
    let Some(value) = value else {
        return Ok(Format::Text);
    };
    let mut fields = Fields::read(value, place)?;
    if fields.required_text("type")? != "json_schema" {
        return Err(fields.invalid("type", "Input should be 'json_schema'"));
    }
    let schema = fields.required_object("schema")?;
    fields.leave_of("output_config.format.", dropped);
    Ok(Format::Schema {
        name: None,
        description: None,
        schema,
        // Anthropic does hold the model to it, but OpenAI would then refuse any field that is not required.
        strict: None,
    })
}

fn stop_sequences(fields: &mut Fields<'_>) -> Result<Vec<String>, Untranslatable> {
    let place = Place::Body;
    let place = place.field("stop_sequences");
    let mut stop = Vec::new();
    if let Some(list) = fields.take("stop_sequences")? {
        each(list, &place, |value, place| {
            stop.push(text(value, place)?);
            Ok(())
        })?;
    }
    Ok(stop)
}

fn user_id(fields: &mut Fields<'_>, dropped: &mut Dropped) -> Result<Option<String>, Untranslatable> {
    let place = Place::Body;
    let place = place.field("metadata");
    let Some(metadata) = fields.take("metadata")? else {
        return Ok(None);
    };
    let mut metadata = Fields::read(metadata, &place)?;
    let user_id = metadata.text("user_id")?;
    metadata.leave_of("metadata.", dropped);
    Ok(user_id)
}
