//! What the API refuses, in its words. Clients match on some of them, so the wording is a part of the dialect.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::prompt::items;
use super::request::Terms;
use super::signature::is_signed;
use super::{ApiError, Model};

/// Which endpoint a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Count,
}

/// Fields that both endpoints take.
const FIELDS: &[&str] = &[
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
    "speed",
];
const MESSAGE_FIELDS: &[&str] = &[
    "max_tokens",
    "stop_sequences",
    "stream",
    "metadata",
    "service_tier",
    "inference_geo",
    "container",
    "diagnostics",
];
/// Fields of a message that the version 2026-10-21 did away with.
const SAMPLING_FIELDS: &[&str] = &["temperature", "top_p", "top_k"];
const SAMPLING_VERSION: &str = "2023-06-01";
/// Fields that need a beta, and how the names of such betas start.
const BETA_FIELDS: &[(&str, &[&str])] = &[
    (
        "context_management",
        &["context-management-", "compact-2026-01-12"],
    ),
    ("mcp_servers", &["mcp-client-"]),
    ("fallbacks", &["server-side-fallback-"]),
    ("fallback_credit_token", &["fallback-credit-"]),
    ("compaction", &["compact-"]),
    ("thread", &["message-threads-"]),
    ("billing_policy", &["user-profiles-billing-"]),
];

pub(super) fn json(body: &[u8]) -> Result<Value, ApiError> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid(format!("The request body is not valid JSON: {error}")))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(ApiError::invalid("Input should be a valid dictionary"))
    }
}

/// Refuses fields that are unknown, missing or of the wrong type.
pub(super) fn fields(body: &Value, kind: Kind, terms: Terms<'_>) -> Result<(), ApiError> {
    let names = body.as_object().into_iter().flat_map(Map::keys);
    for name in names {
        if !is_known(name, kind, terms) {
            return Err(ApiError::invalid(format!(
                "{name}: Extra inputs are not permitted"
            )));
        }
    }
    let required: &[&str] = match kind {
        Kind::Message => &["model", "max_tokens", "messages"],
        Kind::Count => &["model", "messages"],
    };
    for name in required {
        if body.get(name).is_none() {
            return Err(ApiError::invalid(format!("{name}: Field required")));
        }
    }
    typed(body, "model", "string", Value::is_string)?;
    typed(body, "messages", "list", Value::is_array)?;
    typed(body, "max_tokens", "integer", Value::is_i64)?;
    typed(body, "stream", "boolean", Value::is_boolean)?;
    typed(body, "tools", "list", Value::is_array)?;
    typed(body, "stop_sequences", "list", Value::is_array)?;
    typed(body, "metadata", "dictionary", Value::is_object)?;
    typed(body, "thinking", "dictionary", Value::is_object)?;
    typed(body, "tool_choice", "dictionary", Value::is_object)?;
    typed(body, "system", "string or list", |value| {
        value.is_string() || value.is_array()
    })
}

fn is_known(name: &str, kind: Kind, terms: Terms<'_>) -> bool {
    let beta = BETA_FIELDS
        .iter()
        .find(|(own, _)| *own == name)
        .is_some_and(|(_, starts)| {
            terms
                .betas
                .iter()
                .any(|beta| starts.iter().any(|start| beta.starts_with(start)))
        });
    let message = kind == Kind::Message
        && (MESSAGE_FIELDS.contains(&name)
            || (SAMPLING_FIELDS.contains(&name) && terms.version == SAMPLING_VERSION));
    beta || message || FIELDS.contains(&name)
}

fn typed(body: &Value, name: &str, what: &str, is: impl Fn(&Value) -> bool) -> Result<(), ApiError> {
    match body.get(name) {
        None => Ok(()),
        // The API takes null for most of what may be left out.
        Some(Value::Null) if !matches!(name, "model" | "messages" | "max_tokens") => Ok(()),
        Some(value) if is(value) => Ok(()),
        Some(_) => Err(ApiError::invalid(format!(
            "{name}: Input should be a valid {what}"
        ))),
    }
}

/// Refuses numbers that do not go with the model or with each other.
pub(super) fn settings(body: &Value, model: &Model) -> Result<(), ApiError> {
    let max_tokens = body["max_tokens"]
        .as_u64()
        .ok_or_else(|| ApiError::invalid("max_tokens: Input should be greater than or equal to 0"))?;
    if max_tokens > model.max_tokens {
        return Err(ApiError::invalid(format!(
            "max_tokens: {max_tokens} > {}, which is the maximum allowed number of output tokens for {}",
            model.max_tokens, model.id
        )));
    }
    if let Some(temperature) = body["temperature"].as_f64()
        && !(0.0..=1.0).contains(&temperature)
    {
        return Err(ApiError::invalid("temperature: range: 0..1"));
    }
    thinking(body, max_tokens)
}

fn thinking(body: &Value, max_tokens: u64) -> Result<(), ApiError> {
    let config = &body["thinking"];
    match config["type"].as_str() {
        None if config.is_null() => return Ok(()),
        Some("disabled" | "between_tools") => return Ok(()),
        Some("adaptive") => {}
        Some("enabled") => {
            let budget = config["budget_tokens"]
                .as_u64()
                .ok_or_else(|| ApiError::invalid("thinking.enabled.budget_tokens: Field required"))?;
            if budget < 1024 {
                return Err(ApiError::invalid(
                    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
                ));
            }
            if budget >= max_tokens {
                return Err(ApiError::invalid(
                    "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at \
                     https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size",
                ));
            }
        }
        _ => {
            return Err(ApiError::invalid(
                "thinking: Input tag found using 'type' does not match any of the expected tags: 'adaptive', \
                 'between_tools', 'disabled', 'enabled'",
            ));
        }
    }
    if matches!(body["tool_choice"]["type"].as_str(), Some("any" | "tool")) {
        return Err(ApiError::invalid(
            "Thinking may not be enabled when tool_choice forces tool use.",
        ));
    }
    Ok(())
}

pub(super) fn tools(body: &Value) -> Result<(), ApiError> {
    let tools = items(&body["tools"]);
    let mut names = HashSet::new();
    for (at, tool) in tools.iter().enumerate() {
        let name = tool["name"].as_str();
        if matches!(tool["type"].as_str(), None | Some("custom")) {
            custom_tool(at, tool)?;
        }
        if name.is_some_and(|name| !names.insert(name)) {
            return Err(ApiError::invalid("tools: Tool names must be unique."));
        }
    }
    let choice = &body["tool_choice"];
    match choice["type"].as_str() {
        None if choice.is_null() => Ok(()),
        Some("auto" | "any" | "none" | "tool") if tools.is_empty() => Err(ApiError::invalid(
            "tool_choice may only be specified while providing tools.",
        )),
        Some("auto" | "any" | "none") => Ok(()),
        Some("tool") => match choice["name"].as_str() {
            None => Err(ApiError::invalid("tool_choice.tool.name: Field required")),
            Some(name) if names.contains(name) => Ok(()),
            Some(name) => Err(ApiError::invalid(format!(
                "Tool '{name}' not found in provided tools"
            ))),
        },
        _ => Err(ApiError::invalid(
            "tool_choice: Input tag found using 'type' does not match any of the expected tags: 'auto', 'any', 'tool', \
             'none'",
        )),
    }
}

fn custom_tool(at: usize, tool: &Value) -> Result<(), ApiError> {
    let name = tool["name"]
        .as_str()
        .ok_or_else(|| ApiError::invalid(format!("tools.{at}.custom.name: Field required")))?;
    if name.len() > 128 || !is_identifier(name) {
        return Err(ApiError::invalid(format!(
            "tools.{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
        )));
    }
    match tool["input_schema"]["type"].as_str() {
        Some("object") => Ok(()),
        _ if tool["input_schema"].is_null() => Err(ApiError::invalid(format!(
            "tools.{at}.custom.input_schema: Field required"
        ))),
        None => Err(ApiError::invalid(format!(
            "tools.{at}.custom.input_schema.type: Field required"
        ))),
        Some(_) => Err(ApiError::invalid(format!(
            "tools.{at}.custom.input_schema.type: Input should be 'object'"
        ))),
    }
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

pub(super) fn messages(body: &Value, model: &Model) -> Result<(), ApiError> {
    let messages = items(&body["messages"]);
    if messages.is_empty() {
        return Err(ApiError::invalid("messages: at least one message is required"));
    }
    for (at, message) in messages.iter().enumerate() {
        self::message(at, message)?;
    }
    if messages[0]["role"] == "assistant" {
        return Err(ApiError::invalid(
            "messages: first message must use the \"user\" role",
        ));
    }
    pairing(messages)?;
    thinking_first(body, messages)?;
    if messages.last().is_some_and(|last| last["role"] == "assistant") && !model.takes_prefill {
        return Err(ApiError::invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    Ok(())
}

fn message(at: usize, message: &Value) -> Result<(), ApiError> {
    let place = format!("messages.{at}");
    for name in message.as_object().into_iter().flat_map(Map::keys) {
        if !matches!(name.as_str(), "role" | "content") {
            return Err(ApiError::invalid(format!(
                "{place}.{name}: Extra inputs are not permitted"
            )));
        }
    }
    match message["role"].as_str() {
        Some("user" | "assistant" | "system") => {}
        None => return Err(ApiError::invalid(format!("{place}.role: Field required"))),
        Some(_) => {
            return Err(ApiError::invalid(format!(
                "{place}.role: Input should be 'user', 'assistant' or 'system'"
            )));
        }
    }
    match &message["content"] {
        Value::String(text) if text.is_empty() => Err(ApiError::invalid(format!(
            "{place}: all messages must have non-empty content except for the optional final assistant message"
        ))),
        Value::String(_) => Ok(()),
        Value::Array(blocks) if blocks.is_empty() => Err(ApiError::invalid(format!(
            "{place}: all messages must have non-empty content except for the optional final assistant message"
        ))),
        Value::Array(blocks) => blocks
            .iter()
            .enumerate()
            .try_for_each(|(number, own)| block(&format!("{place}.content.{number}"), own)),
        Value::Null => Err(ApiError::invalid(format!("{place}.content: Field required"))),
        _ => Err(ApiError::invalid(format!(
            "{place}.content: Input should be a valid list"
        ))),
    }
}

fn block(place: &str, block: &Value) -> Result<(), ApiError> {
    let (kind, known, required): (_, &[&str], &[&str]) = match block["type"].as_str() {
        None => return Err(ApiError::invalid(format!("{place}.type: Field required"))),
        Some(kind @ "text") => (kind, &["text", "cache_control", "citations"], &["text"]),
        Some(kind @ "thinking") => (kind, &["thinking", "signature"], &["thinking", "signature"]),
        Some(kind @ "redacted_thinking") => (kind, &["data"], &["data"]),
        Some(kind @ "tool_use") => (
            kind,
            &["id", "name", "input", "cache_control", "caller", "toolset_name"],
            &["id", "name", "input"],
        ),
        Some(kind @ "tool_result") => (
            kind,
            &["tool_use_id", "content", "is_error", "cache_control"],
            &["tool_use_id"],
        ),
        Some(kind @ "image") => (kind, &["source", "cache_control", "transformations"], &["source"]),
        // Everything else is opaque here, as to every reader that is to outlive the next release.
        Some(_) => return Ok(()),
    };
    for name in block.as_object().into_iter().flat_map(Map::keys) {
        if name != "type" && !known.contains(&name.as_str()) {
            return Err(ApiError::invalid(format!(
                "{place}.{kind}.{name}: Extra inputs are not permitted"
            )));
        }
    }
    for name in required {
        if block.get(name).is_none() {
            return Err(ApiError::invalid(format!(
                "{place}.{kind}.{name}: Field required"
            )));
        }
    }
    match kind {
        "text" if block["text"].as_str().is_none_or(str::is_empty) => Err(ApiError::invalid(
            "messages: text content blocks must be non-empty",
        )),
        "tool_use" if !block["id"].as_str().is_some_and(is_identifier) => Err(ApiError::invalid(format!(
            "{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
        ))),
        "thinking" if !has_own_signature(block) => Err(ApiError::invalid(format!(
            "{place}: Invalid `signature` in `thinking` block"
        ))),
        _ => Ok(()),
    }
}

fn has_own_signature(block: &Value) -> bool {
    is_signed(
        block["thinking"].as_str().unwrap_or_default(),
        block["signature"].as_str().unwrap_or_default(),
    )
}

/// Every `tool_use` is answered at the start of the next turn, and nothing else is answered.
fn pairing(messages: &[Value]) -> Result<(), ApiError> {
    let mut asked: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < messages.len() {
        let end = turn_end(messages, at);
        let blocks = || {
            messages[at..end]
                .iter()
                .flat_map(|message| items(&message["content"]))
        };
        if messages[at]["role"] == "assistant" {
            asked = ids(blocks(), "tool_use", "id");
            if end == messages.len() && !asked.is_empty() {
                return Err(unanswered(at, &asked));
            }
        } else {
            let leading = blocks().take_while(|block| block["type"] == "tool_result");
            let answered = ids(leading, "tool_result", "tool_use_id");
            let missing: Vec<&str> = asked
                .iter()
                .copied()
                .filter(|id| !answered.contains(id))
                .collect();
            if !missing.is_empty() {
                return Err(unanswered(at.saturating_sub(1), &missing));
            }
            let all = ids(blocks(), "tool_result", "tool_use_id");
            if let Some(stray) = all.iter().find(|id| !asked.contains(id)) {
                return Err(ApiError::invalid(format!(
                    "messages.{at}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {stray}. Each \
                     `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )));
            }
            asked.clear();
        }
        at = end;
    }
    Ok(())
}

/// Consecutive messages of one side are one turn.
fn turn_end(messages: &[Value], start: usize) -> usize {
    let is_assistant = |message: &Value| message["role"] == "assistant";
    let side = is_assistant(&messages[start]);
    messages[start..]
        .iter()
        .position(|message| is_assistant(message) != side)
        .map_or(messages.len(), |length| start + length)
}

fn ids<'a>(blocks: impl Iterator<Item = &'a Value>, kind: &str, field: &str) -> Vec<&'a str> {
    blocks
        .filter(|block| block["type"] == kind)
        .filter_map(|block| block[field].as_str())
        .collect()
}

fn unanswered(at: usize, ids: &[&str]) -> ApiError {
    ApiError::invalid(format!(
        "messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` \
         block must have a corresponding `tool_result` block in the next message.",
        ids.join(", ")
    ))
}

/// With manual thinking, the turn that called the tools must come back with its thinking.
fn thinking_first(body: &Value, messages: &[Value]) -> Result<(), ApiError> {
    if body["thinking"]["type"] != "enabled" {
        return Ok(());
    }
    let answers_tools = |message: &Value| {
        items(&message["content"])
            .iter()
            .any(|block| block["type"] == "tool_result")
    };
    if !messages.last().is_some_and(answers_tools) {
        return Ok(());
    }
    // One turn of the model may call tools several times; it thinks before the first call.
    let asked = messages
        .iter()
        .rposition(|message| message["role"] == "user" && !answers_tools(message));
    let start = asked.map_or(0, |at| at + 1);
    let first = items(&messages[start]["content"]).first();
    match first.and_then(|first| first["type"].as_str()) {
        Some(found) if !matches!(found, "thinking" | "redacted_thinking") => Err(ApiError::invalid(format!(
            "messages.{start}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{found}`. When \
             `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the \
             lastmost set of `tool_use` and `tool_result` blocks). To avoid this requirement, disable `thinking`."
        ))),
        _ => Ok(()),
    }
}
