use serde_json::{Map, Value};

use super::{ApiError, Model, NEW_VERSION, Terms};

/// Which endpoint a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
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
/// Fields of a message that the newer version did away with.
const SAMPLING_FIELDS: &[&str] = &["temperature", "top_p", "top_k"];
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

pub(crate) fn json(body: &[u8]) -> Result<Value, ApiError> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid(format!("The request body is not valid JSON: {error}")))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(ApiError::invalid("Input should be a valid dictionary"))
    }
}

/// Refuses fields that are unknown, missing or of the wrong type.
pub(crate) fn fields(body: &Value, kind: Kind, terms: Terms<'_>) -> Result<(), ApiError> {
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
            || (SAMPLING_FIELDS.contains(&name) && terms.version != NEW_VERSION));
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
pub(crate) fn settings(body: &Value, model: &Model) -> Result<(), ApiError> {
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
