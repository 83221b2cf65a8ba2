//! The turns of a conversation.

use std::collections::HashSet;

use super::super::field::Field;
use super::super::part;
use super::super::{ApiError, Model};

const ROLES: &[&str] = &["system", "assistant", "user", "function", "tool", "developer"];
const CALL_ID_LIMIT: usize = 40;
const CALLS_LIMIT: usize = 128;

/// Refuses messages that the provider does not take; the messages one by one.
pub(super) fn check<'a>(body: &Field<'a>, model: &Model) -> Result<Vec<Field<'a>>, ApiError> {
    let list = body.need("messages")?;
    let messages = list.items("objects")?;
    list.not_empty(&messages)?;
    for message in &messages {
        self::message(message, model)?;
    }
    pairing(&messages)?;
    Ok(messages)
}

fn message(message: &Field<'_>, model: &Model) -> Result<(), ApiError> {
    message.object()?;
    let role = message.need("role")?.one_of(ROLES)?;
    let mut known = vec!["role", "content", "name"];
    match role {
        "assistant" => {
            known.extend(["refusal", "audio", "function_call", "tool_calls", "annotations"]);
            if model.is_compatible {
                known.push("reasoning_content");
            }
        }
        "tool" => known = vec!["role", "content", "tool_call_id"],
        _ => {}
    }
    message.only(&known)?;
    if let Some(name) = message.given("name") {
        self::name(&name)?;
    }
    match role {
        "assistant" => assistant(message),
        "tool" => {
            message.need("tool_call_id")?.text_up_to(CALL_ID_LIMIT)?;
            content(message, role)
        }
        _ => content(message, role),
    }
}

fn name(name: &Field<'_>) -> Result<(), ApiError> {
    let text = name.text_up_to(64)?;
    let is_bad = |character: char| character.is_whitespace() || "<|\\/>".contains(character);
    if text.is_empty() || text.contains(is_bad) {
        return Err(name.bad(
            "invalid_value",
            "string does not match pattern. Expected a string that matches the pattern '^[^\\s<|\\\\/>]+$'.",
        ));
    }
    Ok(())
}

fn assistant(message: &Field<'_>) -> Result<(), ApiError> {
    let calls = message.given("tool_calls");
    if let Some(calls) = &calls {
        self::calls(calls)?;
    }
    if let Some(refusal) = message.find("refusal") {
        refusal.text()?;
    }
    let says_nothing = message.find("content").is_none();
    let does_something =
        calls.is_some() || message.find("function_call").is_some() || message.find("refusal").is_some();
    if says_nothing && does_something {
        return Ok(());
    }
    content(message, "assistant")
}

fn calls(list: &Field<'_>) -> Result<(), ApiError> {
    let calls = list.items("objects")?;
    list.not_empty(&calls)?;
    list.at_most(&calls, CALLS_LIMIT)?;
    for call in &calls {
        call.object()?;
        call.need("id")?.text_up_to(CALL_ID_LIMIT)?;
        let (kind, text) = match call.need("type")?.one_of(&["function", "custom"])? {
            "function" => ("function", "arguments"),
            _ => ("custom", "input"),
        };
        let called = call.need(kind)?;
        called.object()?;
        called.need("name")?.name(64)?;
        called.need(text)?.text()?;
        called.only(&["name", text])?;
        call.only(&["id", "type", kind])?;
    }
    Ok(())
}

/// Text, or parts that go with the role.
fn content(message: &Field<'_>, role: &str) -> Result<(), ApiError> {
    let Some(content) = message.find("content") else {
        // The provider's own notation differs here.
        let at = message.place().replacen('[', ".[", 1);
        return Err(
            ApiError::invalid("Invalid value for 'content': expected a string, got null.")
                .at(format!("{at}.content")),
        );
    };
    if content.value().is_string() {
        return Ok(());
    }
    if !content.value().is_array() {
        return Err(content.mistyped("one of a string or array of objects"));
    }
    let parts = content.items("objects")?;
    content.not_empty(&parts)?;
    parts.iter().try_for_each(|part| self::part(part, message, role))
}

fn part(part: &Field<'_>, message: &Field<'_>, role: &str) -> Result<(), ApiError> {
    part.object()?;
    let kinds: &[&str] = match role {
        "user" => &["text", "image_url", "input_audio", "file"],
        "assistant" => &["text", "refusal"],
        _ => &["text"],
    };
    let kind = part.need("type")?;
    if kind.value() == "image_url" && role != "user" {
        let at = message.place();
        return Err(ApiError::invalid(format!(
            "Invalid '{at}'. Image URLs are only allowed for messages with role 'user', but this message with role \
             '{role}' contains an image URL."
        ))
        .at(at)
        .code("invalid_value"));
    }
    match kind.one_of(kinds)? {
        "text" => {
            part.need("text")?.text()?;
            part.only(&["type", "text", "prompt_cache_breakpoint"])
        }
        "refusal" => {
            part.need("refusal")?.text()?;
            part.only(&["type", "refusal"])
        }
        "image_url" => {
            let image = part.need("image_url")?;
            image.object()?;
            part::image(&image.need("url")?)?;
            if let Some(detail) = image.find("detail") {
                detail.one_of(part::DETAILS)?;
            }
            image.only(&["url", "detail"])?;
            part.only(&["type", "image_url", "prompt_cache_breakpoint"])
        }
        "file" => {
            let file = part.need("file")?;
            file.object()?;
            part::file(&file, &["file_data", "file_id"])?;
            file.only(&["file_data", "file_id", "filename"])?;
            part.only(&["type", "file", "prompt_cache_breakpoint"])
        }
        kind => {
            let audio = part.need(kind)?;
            audio.need("data")?.text()?;
            audio.need("format")?.one_of(&["wav", "mp3"])?;
            part.only(&["type", kind, "prompt_cache_breakpoint"])
        }
    }
}

/// Every call is answered before anything else is said, and nothing else is answered.
fn pairing(messages: &[Field<'_>]) -> Result<(), ApiError> {
    let mut asked: Vec<&str> = Vec::new();
    let mut answered: HashSet<&str> = HashSet::new();
    for (at, message) in messages.iter().enumerate() {
        let value = message.value();
        if value["role"] != "tool" {
            all_answered(at, &asked, &answered)?;
            answered.clear();
            asked = value["tool_calls"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|call| call["id"].as_str())
                .collect();
            continue;
        }
        if asked.is_empty() {
            return Err(ApiError::invalid(
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with \
                 'tool_calls'.",
            )
            .at(format!("messages.[{at}].role")));
        }
        let id = value["tool_call_id"].as_str().unwrap_or_default();
        if !asked.contains(&id) {
            return Err(ApiError::invalid(format!(
                "Invalid parameter: 'tool_call_id' of '{id}' not found in 'tool_calls' of previous message."
            ))
            .at(format!("messages.[{at}].tool_call_id")));
        }
        answered.insert(id);
    }
    all_answered(messages.len(), &asked, &answered)
}

fn all_answered(at: usize, asked: &[&str], answered: &HashSet<&str>) -> Result<(), ApiError> {
    let open: Vec<&str> = asked
        .iter()
        .filter(|id| !answered.contains(*id))
        .copied()
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. \
         The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    ))
    .at(format!("messages.[{at}].role")))
}
