//! The tools of a request, and the choice of them.

use super::super::field::Field;
use super::super::tools::{self, Choice, Declared, Tools};
use super::super::{ApiError, ChatTools, Model};

/// Refuses tools and a choice of them that cannot be used.
pub(super) fn read<'a>(body: &Field<'a>) -> Result<Tools<'a>, ApiError> {
    let fields = tools::list(body)?;
    if let Some(list) = body.find("tools") {
        list.not_empty(&fields)?;
    }
    let declared = fields.iter().map(declared).collect::<Result<Vec<_>, _>>()?;
    for name in ["tool_choice", "parallel_tool_calls"] {
        if declared.is_empty() && body.find(name).is_some_and(|own| own.value() != "none") {
            return Err(ApiError::invalid(format!(
                "Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
            ))
            .at(name));
        }
    }
    let choice = match body.find("tool_choice") {
        Some(choice) => self::choice(&choice, &declared)?,
        None => Choice::Auto,
    };
    Ok(Tools {
        declared,
        choice,
        in_parallel: body.value()["parallel_tool_calls"] != false,
    })
}

/// Some models reason with tools in the other API only.
pub(super) fn go_with_effort(tools: &Tools<'_>, effort: &str, model: &Model) -> Result<(), ApiError> {
    if model.chat_tools == ChatTools::WithoutEffort && effort != "none" && !tools.is_empty() {
        return Err(ApiError::invalid(format!(
            "Function tools with reasoning_effort are not supported for {} in /v1/chat/completions. To use function \
             tools, use /v1/responses or set reasoning_effort to 'none'.",
            model.id
        ))
        .at("reasoning_effort"));
    }
    Ok(())
}

fn declared<'a>(tool: &Field<'a>) -> Result<Declared<'a>, ApiError> {
    tool.object()?;
    let kind = tool.need("type")?.one_of(&["function", "custom"])?;
    let inner = tool.need(kind)?;
    inner.object()?;
    let declared = if kind == "function" {
        let declared = tools::function(&inner)?;
        inner.only(&["name", "description", "parameters", "strict"])?;
        declared
    } else {
        let declared = tools::custom(&inner)?;
        inner.only(&["name", "description", "format"])?;
        declared
    };
    tool.only(&["type", kind])?;
    Ok(declared)
}

fn choice<'a>(choice: &Field<'a>, declared: &[Declared<'a>]) -> Result<Choice<'a>, ApiError> {
    if choice.value().is_string() {
        return Ok(match choice.one_of(&["none", "auto", "required"])? {
            "none" => Choice::None,
            "auto" => Choice::Auto,
            _ => Choice::Required,
        });
    }
    let kind = choice
        .need("type")?
        .one_of(&["function", "custom", "allowed_tools"])?;
    let inner = choice.need(kind)?;
    choice.only(&["type", kind])?;
    if kind == "allowed_tools" {
        let mode = inner.need("mode")?.one_of(&["auto", "required"])?;
        for tool in inner.need("tools")?.items("objects")? {
            let kind = tool.need("type")?.one_of(&["function", "custom"])?;
            known(&tool.need(kind)?.need("name")?, kind, declared)?;
        }
        return Ok(if mode == "auto" {
            Choice::Auto
        } else {
            Choice::Required
        });
    }
    inner.only(&["name"])?;
    known(&inner.need("name")?, kind, declared).map(Choice::Named)
}

fn known<'a>(name: &Field<'a>, kind: &str, declared: &[Declared<'a>]) -> Result<&'a str, ApiError> {
    let text = name.text()?;
    if tools::is_declared(declared, kind, text) {
        return Ok(text);
    }
    Err(ApiError::invalid(format!(
        "Invalid value for 'tool_choice': '{text}' is not the name of a {kind} in 'tools'."
    ))
    .at("tool_choice"))
}
