use serde_json::Value;

use super::{ApiError, Model, Models, check, prompt, tokens};

/// A request for a message that the provider accepts.
#[derive(Debug)]
pub(crate) struct MessageRequest {
    pub(crate) model: Model,
    pub(crate) stream: bool,
    pub(crate) max_tokens: u64,
    pub(crate) stop_sequences: Vec<String>,
    pub(crate) thinking: Thinking,
    /// The tools that the prompt asks for by name, in its order of tools; `tool_choice` has its say.
    pub(crate) wanted_tools: Vec<Tool>,
    pub(crate) prompt: prompt::Prompt,
    pub(crate) speed: Option<String>,
    pub(crate) inference_geo: Option<String>,
}

/// Whether the model thinks, and what of it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thinking {
    Off,
    Shown { budget: u64 },
    Omitted { budget: u64 },
}

/// A tool that is to be called.
#[derive(Debug, Clone)]
pub(crate) enum Tool {
    Client { name: String, input_schema: Value },
    WebSearch,
}

/// What the headers say of how a body is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) version: &'a str,
    pub(crate) betas: &'a [&'a str],
}

/// Reads and checks the body of `POST /v1/messages`.
pub(crate) fn parse(body: &[u8], terms: Terms<'_>, models: &Models) -> Result<MessageRequest, ApiError> {
    let body = check::json(body)?;
    check::fields(&body, check::Kind::Message, terms)?;
    let model = models.find(body["model"].as_str().unwrap_or_default())?.clone();
    check::settings(&body, &model)?;
    check::tools(&body)?;
    check::messages(&body, &model, terms)?;
    let prompt = prompt::read(&body)?;
    if prompt.tokens > model.max_input_tokens {
        return Err(ApiError::invalid(format!(
            "prompt is too long: {} tokens > {} maximum",
            prompt.tokens, model.max_input_tokens
        )));
    }
    Ok(MessageRequest {
        stream: body["stream"].as_bool().unwrap_or(false),
        max_tokens: body["max_tokens"].as_u64().unwrap_or(0),
        stop_sequences: strings(&body["stop_sequences"]),
        thinking: thinking(&body["thinking"]),
        wanted_tools: wanted_tools(&body, &prompt),
        speed: body["speed"].as_str().map(str::to_owned),
        inference_geo: body["inference_geo"].as_str().map(str::to_owned),
        prompt,
        model,
    })
}

/// The answer to `POST /v1/messages/count_tokens`.
pub(crate) fn count_tokens(body: &[u8], terms: Terms<'_>, models: &Models) -> Result<u64, ApiError> {
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

fn wanted_tools(body: &Value, prompt: &prompt::Prompt) -> Vec<Tool> {
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

impl Tool {
    /// The tokens that a call costs beside those of its name and input.
    pub(crate) const CALL_TOKENS: u64 = 12;
}

pub(crate) fn call_tokens(name: &str, input: &str) -> u64 {
    Tool::CALL_TOKENS + tokens::tokens(name) + tokens::tokens(input)
}
