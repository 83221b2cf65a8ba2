use std::collections::HashSet;

use serde_json::Value;

use super::{ApiError, is_identifier, items};

/// Refuses tools and a choice of them that cannot be used.
pub(crate) fn tools(body: &Value) -> Result<(), ApiError> {
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
