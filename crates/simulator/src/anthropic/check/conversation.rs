use serde_json::{Map, Value};

use super::{ApiError, Model, NEW_VERSION, Terms, is_identifier, is_signed, items};

/// Refuses turns that the model cannot answer.
pub(crate) fn messages(body: &Value, model: &Model, terms: Terms<'_>) -> Result<(), ApiError> {
    let messages = items(&body["messages"]);
    if messages.is_empty() {
        return Err(ApiError::invalid("messages: at least one message is required"));
    }
    for (at, message) in messages.iter().enumerate() {
        self::message(at, message)?;
        if terms.version == NEW_VERSION {
            newer_version(at, message)?;
        }
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

/// What the newer version no longer takes.
fn newer_version(at: usize, message: &Value) -> Result<(), ApiError> {
    let is_assistant = message["role"] == "assistant";
    for (number, block) in items(&message["content"]).iter().enumerate() {
        let place = format!("messages.{at}.content.{number}");
        if is_assistant && block["type"] == "document" {
            return Err(ApiError::invalid(format!(
                "{place}: `document` blocks are not permitted in assistant messages"
            )));
        }
        if !is_assistant && block["type"] == "text" && !items(&block["citations"]).is_empty() {
            return Err(ApiError::invalid(format!(
                "{place}.text.citations: Extra inputs are not permitted"
            )));
        }
    }
    Ok(())
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
