//! Requests for Gemini.

mod config;
mod contents;
mod media;
mod signatures;
mod tools;

use serde::Serialize;

use crate::json;
use crate::translation::{Conversation, Dropped, Rendered, Untranslatable};

use super::version::Version;
use super::wire::{Content, Part};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'a>>,
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[tools::Tools<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<tools::ToolConfig<'a>>,
    #[serde(skip_serializing_if = "config::GenerationConfig::is_empty")]
    generation_config: config::GenerationConfig<'a>,
}

/// Only so do the tools and the system prompt count.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CountRequest<'a> {
    generate_content_request: Request<'a>,
}

/// See [`Translate::write_request`](crate::translation::Translate::write_request).
pub(super) fn request(
    conversation: &Conversation,
    dropped: &mut Dropped,
) -> Result<Rendered, Untranslatable> {
    render(conversation, None, dropped, |request| json::to_bytes(&request))
}

/// See [`Translate::write_count_request`](crate::translation::Translate::write_count_request).
pub(super) fn count_request(
    conversation: &Conversation,
    dropped: &mut Dropped,
) -> Result<Rendered, Untranslatable> {
    let model = &conversation.model;
    let model = if model.contains('/') {
        model.clone()
    } else {
        format!("models/{model}")
    };
    render(conversation, Some(model), dropped, |request| {
        json::to_bytes(&CountRequest {
            generate_content_request: request,
        })
    })
}

fn render(
    conversation: &Conversation,
    model: Option<String>,
    dropped: &mut Dropped,
    to_bytes: impl FnOnce(Request<'_>) -> bytes::Bytes,
) -> Result<Rendered, Untranslatable> {
    let names = tools::names(conversation);
    let version = Version::of(&conversation.model);
    let mut contents = contents::write(conversation, &names, dropped)?;
    if version.is_3 {
        signatures::complete(&mut contents);
    }
    let request = Request {
        model,
        system_instruction: system_instruction(conversation),
        contents,
        tools: tools::write(conversation, &names, dropped)?,
        tool_config: tools::write_config(conversation, &names, dropped),
        generation_config: config::write(conversation, &version.thinking, dropped)?,
    };
    if conversation.user.is_some() {
        dropped.note("user");
    }
    if conversation.parallel_tool_calls == Some(false) {
        dropped.note("parallel_tool_calls");
    }
    let body = to_bytes(request);
    Ok(Rendered {
        body,
        headers: Vec::new(),
        names,
    })
}

fn system_instruction(conversation: &Conversation) -> Option<Content<'_>> {
    let texts = conversation.system.iter().filter(|text| !text.is_empty());
    let parts: Vec<_> = texts.map(|text| Part::text(text.as_str())).collect();
    (!parts.is_empty()).then_some(Content { parts, role: None })
}
