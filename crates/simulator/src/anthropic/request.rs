use std::borrow::Cow;

use serde_json::Value;

use super::{ApiError, Models, check, prompt};
use crate::ask::{Ask, Prompt, Thinking, Tool};

/// A request for a message that the provider accepts.
#[derive(Debug)]
pub(crate) struct MessageRequest {
    pub(super) ask: Ask,
    pub(super) model: Cow<'static, str>,
    pub(super) speed: Option<String>,
    pub(super) inference_geo: Option<String>,
}

/// What the headers say of how a body is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) version: &'a str,
    pub(crate) betas: &'a [&'a str],
}

/// Reads and checks the body of `POST /v1/messages`.
pub(super) fn parse(body: &[u8], terms: Terms<'_>, models: &Models) -> Result<MessageRequest, ApiError> {
    let body = check::json(body)?;
    check::fields(&body, check::Kind::Message, terms)?;
    let model = models.find(body["model"].as_str().unwrap_or_default())?;
    check::settings(&body, model)?;
    check::tools(&body)?;
    check::messages(&body, model, terms)?;
    let prompt = prompt::read(&body)?;
    if prompt.tokens > model.max_input_tokens {
        return Err(ApiError::invalid(format!(
            "prompt is too long: {} tokens > {} maximum",
            prompt.tokens, model.max_input_tokens
        )));
    }
    let ask = Ask {
        model: model.id.clone().into_owned(),
        stream: body["stream"].as_bool().unwrap_or(false),
        max_tokens: body["max_tokens"].as_u64().unwrap_or(0),
        stop_sequences: strings(&body["stop_sequences"]),
        thinking: thinking(&body["thinking"]),
        wanted_tools: wanted_tools(&body, &prompt),
        schema: schema(&body["output_config"]["format"]),
        prompt,
        cache_minimum: model.cache_minimum,
        bills_cache_writes: true,
    };
    Ok(MessageRequest {
        ask,
        model: model.id.clone(),
        speed: body["speed"].as_str().map(str::to_owned),
        inference_geo: body["inference_geo"].as_str().map(str::to_owned),
    })
}

/// The answer to `POST /v1/messages/count_tokens`.
pub(super) fn count_tokens(body: &[u8], terms: Terms<'_>, models: &Models) -> Result<u64, ApiError> {
    let body = check::json(body)?;
    check::fields(&body, check::Kind::Count, terms)?;
    let model = models.find(body["model"].as_str().unwrap_or_default())?;
    check::tools(&body)?;
    check::messages(&body, model, terms)?;
    Ok(prompt::read(&body)?.tokens)
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn thinking(config: &Value) -> Thinking {
    let budget = match config["type"].as_str() {
        Some("enabled") => config["budget_tokens"].as_u64().unwrap_or(1024),
        Some("adaptive") => 4096,
        _ => return Thinking::Off,
    };
    if config["display"] == "omitted" {
        Thinking::Omitted { budget }
    } else {
        Thinking::Shown { budget }
    }
}

fn schema(format: &Value) -> Option<Value> {
    (format["type"] == "json_schema").then(|| format["schema"].clone())
}

fn wanted_tools(body: &Value, prompt: &Prompt) -> Vec<Tool> {
    let tools = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let choice = &body["tool_choice"];
    let is_named = |tool: &&Value| prompt.asks_for(tool["name"].as_str().unwrap_or_default());
    let mut wanted: Vec<Tool> = match choice["type"].as_str() {
        Some("none") => Vec::new(),
        Some("tool") => tools
            .iter()
            .filter(|tool| tool["name"] == choice["name"])
            .map(tool)
            .collect(),
        _ => tools.iter().filter(is_named).map(tool).collect(),
    };
    if choice["type"] == "any" && wanted.is_empty() {
        wanted.extend(tools.first().map(tool));
    }
    if choice["disable_parallel_tool_use"] == true {
        wanted.truncate(1);
    }
    wanted
}

fn tool(tool: &Value) -> Tool {
    if tool["type"]
        .as_str()
        .is_some_and(|kind| kind.starts_with("web_search_"))
    {
        Tool::WebSearch
    } else {
        Tool::Client {
            name: tool["name"].as_str().unwrap_or_default().to_owned(),
            input_schema: tool["input_schema"].clone(),
        }
    }
}
