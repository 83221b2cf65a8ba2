use gateway_domain::Timestamp;
use serde_json::Value;

use super::super::field::Field;
use super::super::prompt::{CACHE_MINIMUM, PromptBuilder};
use super::super::tools::Tools;
use super::super::{ApiError, Model, Models, parse as parse_json, sampling};
use super::settings::{self, Format};
use super::{messages, tools};
use crate::ask::{Ask, Prompt, Thinking};
use crate::dialect::Asked;

/// A request for a chat completion that the provider accepts.
#[derive(Debug)]
pub(super) struct ChatRequest {
    pub(super) ask: Ask,
    pub(super) model: Model,
    pub(super) at: Timestamp,
    /// Whether a stream ends with its usage.
    pub(super) includes_usage: bool,
    pub(super) service_tier: &'static str,
    /// The names of the tools whose input is free text.
    pub(super) custom_tools: Vec<String>,
}

/// Reads and checks the body of `POST /v1/chat/completions`.
pub(super) fn parse(asked: Asked<'_>, models: &Models) -> Result<ChatRequest, ApiError> {
    let value = parse_json(asked.body)?;
    let body = Field::root(&value);
    settings::arguments(&body)?;
    let model = models.find(value["model"].as_str().unwrap_or_default())?;
    settings::check(&body, &model)?;
    let tools = tools::read(&body)?;
    let effort = sampling::effort(body.find("reasoning_effort").as_ref(), &model)?;
    tools::go_with_effort(&tools, effort, &model)?;
    let messages = messages::check(&body, &model)?;
    let format = settings::format(&body)?;
    let max_tokens = settings::max_tokens(&body, &model)?;
    let prompt = prompt(&body, &messages, &tools);
    if prompt.tokens > model.context_tokens {
        return Err(too_long(&model, &prompt));
    }
    let budget = sampling::budget(effort);
    Ok(ChatRequest {
        includes_usage: body
            .find("stream_options")
            .is_some_and(|options| options.value()["include_usage"] == true),
        service_tier: sampling::tier(&body),
        custom_tools: tools.custom_names(),
        at: asked.at,
        ask: Ask {
            model: model.id.clone().into_owned(),
            stream: value["stream"] == true,
            max_tokens,
            stop_sequences: settings::stop(&body)?,
            thinking: if budget > 0 {
                Thinking::Scripted { budget }
            } else {
                Thinking::Off
            },
            wanted_tools: tools.wanted(&prompt),
            schema: match format {
                Format::Text => None,
                Format::Schema(schema) => Some(schema.clone()),
                Format::Object => Some(serde_json::json!({"type": "object"})),
            },
            prompt,
            cache_minimum: CACHE_MINIMUM,
            bills_cache_writes: model.bills_cache_writes,
        },
        model,
    })
}

fn too_long(model: &Model, prompt: &Prompt) -> ApiError {
    ApiError::invalid(format!(
        "This model's maximum context length is {} tokens. However, your messages resulted in {} tokens. Please \
         reduce the length of the messages.",
        model.context_tokens, prompt.tokens
    ))
    .at("messages")
    .code("context_length_exceeded")
}

fn prompt(body: &Field<'_>, messages: &[Field<'_>], tools: &Tools<'_>) -> Prompt {
    let value = body.value();
    let mut prompt = PromptBuilder::new(value["model"].as_str().unwrap_or_default());
    for tool in body
        .find("tools")
        .iter()
        .flat_map(|tools| tools.value().as_array())
        .flatten()
    {
        prompt.text(&tool.to_string(), 0);
    }
    for message in messages {
        prompt.message(message.value());
    }
    prompt.finish(if tools.is_empty() {
        String::new()
    } else {
        question(messages)
    })
}

/// The text of the last turn, unless it answers tool calls: then the model goes on instead of calling again.
fn question(messages: &[Field<'_>]) -> String {
    let mut text = String::new();
    let turn = messages
        .iter()
        .rev()
        .map(Field::value)
        .take_while(|message| message["role"] != "assistant");
    for message in turn {
        match &message["content"] {
            _ if message["role"] == "tool" => return String::new(),
            _ if message["role"] != "user" => {}
            Value::String(own) => text.push_str(own),
            content => {
                for part in content.as_array().into_iter().flatten() {
                    text.push_str(part["text"].as_str().unwrap_or_default());
                    text.push('\n');
                }
            }
        }
        text.push('\n');
    }
    text
}
