//! The items of a conversation, together.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::field::Field;
use super::ApiError;
use super::input;
use super::store::Store;

/// Everything that was said: what the provider has kept and what the request brings.
pub(super) fn read(body: &Field<'_>, credential: &str, store: &Store) -> Result<Vec<Value>, ApiError> {
    let mut items = before(body, credential, store)?;
    let has_past = !items.is_empty();
    let Some(given) = body.find("input") else {
        if has_past {
            return Ok(items);
        }
        return Err(ApiError::invalid(
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be provided.",
        )
        .at("input")
        .code("missing_required_parameter"));
    };
    if let Some(text) = given.value().as_str() {
        items.push(json!({"type": "message", "role": "user", "content": text}));
    } else {
        let fields = given.items("objects")?;
        if !has_past {
            given.not_empty(&fields)?;
        }
        for field in &fields {
            input::item(field)?;
            items.push(resolved(field, credential, store)?);
        }
        follows(&fields)?;
    }
    pairing(&items)?;
    Ok(items)
}

fn before(body: &Field<'_>, credential: &str, store: &Store) -> Result<Vec<Value>, ApiError> {
    let previous = body.find("previous_response_id");
    if let Some(conversation) = body.find("conversation") {
        if previous.is_some() {
            return Err(ApiError::invalid(
                "Mutually exclusive parameters: 'previous_response_id' and 'conversation'.",
            )
            .code("mutually_exclusive_parameters"));
        }
        let value = conversation.value();
        let id = value.as_str().or(value["id"].as_str()).unwrap_or_default();
        return Err(
            ApiError::new(404, format!("Conversation with id '{id}' not found."))
                .at("conversation")
                .code("conversation_not_found"),
        );
    }
    let Some(previous) = previous else {
        return Ok(Vec::new());
    };
    let id = previous.text()?;
    store.conversation(credential, id).ok_or_else(|| {
        ApiError::invalid(format!("Previous response with id '{id}' not found."))
            .at("previous_response_id")
            .code("previous_response_not_found")
    })
}

/// The item itself, or the one that the provider has kept in its place.
fn resolved(field: &Field<'_>, credential: &str, store: &Store) -> Result<Value, ApiError> {
    let value = field.value();
    let kept = match value["type"].as_str() {
        Some("item_reference") => true,
        Some("reasoning") => value["encrypted_content"].is_null(),
        _ => false,
    };
    if !kept {
        return Ok(value.clone());
    }
    let id = value["id"].as_str().unwrap_or_default();
    store.item(credential, id).ok_or_else(|| {
        ApiError {
            code: None,
            ..ApiError::new(
                404,
                format!(
                    "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with \
                     `store` set to true, or remove this item from your input."
                ),
            )
        }
        .at("input")
    })
}

/// What the model thought comes with what it did then.
fn follows(fields: &[Field<'_>]) -> Result<(), ApiError> {
    for (at, field) in fields.iter().enumerate() {
        if field.value()["type"] != "reasoning" {
            continue;
        }
        let next = fields.get(at + 1).map(Field::value);
        let is_followed = next.is_some_and(|next| {
            next["role"] == "assistant"
                || next["type"] == "item_reference"
                || next["type"] == "reasoning"
                || next["type"].as_str().is_some_and(|kind| kind.ends_with("_call"))
        });
        if !is_followed {
            let id = field.value()["id"].as_str().unwrap_or_default();
            return Err(ApiError::invalid(format!(
                "Item '{id}' of type 'reasoning' was provided without its required following item."
            ))
            .at("input"));
        }
    }
    Ok(())
}

/// Every call has its output later on, and every output its call before.
fn pairing(items: &[Value]) -> Result<(), ApiError> {
    let mut called: Vec<&str> = Vec::new();
    let mut known: HashSet<&str> = HashSet::new();
    let mut answered: HashSet<&str> = HashSet::new();
    for item in items {
        let id = item["call_id"].as_str().unwrap_or_default();
        match item["type"].as_str() {
            Some("function_call" | "custom_tool_call") => {
                called.push(id);
                known.insert(id);
            }
            Some(kind @ ("function_call_output" | "custom_tool_call_output")) => {
                if !known.contains(id) {
                    let what = if kind == "function_call_output" {
                        "function call"
                    } else {
                        "custom tool call"
                    };
                    return Err(ApiError::invalid(format!(
                        "No tool call found for {what} output with call_id {id}."
                    ))
                    .at("input"));
                }
                answered.insert(id);
            }
            _ => {}
        }
    }
    match called.iter().find(|id| !answered.contains(*id)) {
        None => Ok(()),
        Some(id) => {
            Err(ApiError::invalid(format!("No tool output found for function call {id}.")).at("input"))
        }
    }
}
