use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::json;
use crate::translation::{self, Conversation, Dropped, ToolChoice, ToolInput, ToolNames, Untranslatable};

use super::generation::Generation;

/// Of a tool that takes nothing.
const NO_INPUT: &str = r#"{"type":"object","properties":{}}"#;
/// Of a tool that takes text, which stands in the one field of its input.
const TEXT_INPUT: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;

#[derive(Serialize)]
pub(super) struct Tool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Cow<'a, RawValue>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

#[derive(Serialize)]
pub(super) struct Choice<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_parallel_tool_use: bool,
}

/// The tools that may be called. Anthropic cannot be told to choose from some of them, so the others are left out.
pub(super) fn tools<'a>(
    conversation: &'a Conversation,
    generation: Generation,
    names: &'a ToolNames,
    dropped: &mut Dropped,
) -> Result<Vec<Tool<'a>>, Untranslatable> {
    let chosen: Option<HashSet<&str>> = match &conversation.tool_choice {
        Some(ToolChoice::Required { names }) if names.len() > 1 => {
            Some(names.iter().map(String::as_str).collect())
        }
        _ => None,
    };
    conversation
        .tools
        .iter()
        .filter(|tool| {
            chosen
                .as_ref()
                .is_none_or(|chosen| chosen.contains(tool.name.as_str()))
        })
        .map(|tool| self::tool(tool, generation, names, dropped))
        .collect()
}

fn tool<'a>(
    tool: &'a translation::Tool,
    generation: Generation,
    names: &'a ToolNames,
    dropped: &mut Dropped,
) -> Result<Tool<'a>, Untranslatable> {
    let (input_schema, strict) = match &tool.input {
        ToolInput::Json { schema, strict } => (
            schema
                .as_deref()
                .map_or_else(|| Ok(fixed(NO_INPUT)), |schema| object_schema(schema, &tool.name))?,
            strict.unwrap_or_default(),
        ),
        ToolInput::Text => (fixed(TEXT_INPUT), false),
    };
    if strict && !generation.knows_strict_tools() {
        dropped.note("strict");
    }
    Ok(Tool {
        name: names.theirs(&tool.name),
        description: tool.description.as_deref().filter(|text| !text.is_empty()),
        input_schema,
        strict: strict && generation.knows_strict_tools(),
    })
}

/// `schema` with its type, which Anthropic wants to be told.
fn object_schema<'a>(schema: &'a RawValue, tool: &str) -> Result<Cow<'a, RawValue>, Untranslatable> {
    let text = schema.get().trim();
    match json::member(text.as_bytes(), b"type") {
        Some(b"\"object\"") => Ok(Cow::Borrowed(schema)),
        None if text.starts_with('{') => {
            let rest = text[1..].trim_start();
            if rest == "}" {
                return Ok(fixed(NO_INPUT));
            }
            let text = format!(r#"{{"type":"object",{rest}"#);
            Ok(Cow::Owned(RawValue::from_string(text)?))
        }
        _ => Err(Untranslatable::invalid(
            "tools",
            &format!("the schema of `{tool}` is not of type `object`, as the model's provider wants it"),
        )),
    }
}

fn fixed(schema: &'static str) -> Cow<'static, RawValue> {
    Cow::Borrowed(serde_json::from_str(schema).expect("it is JSON"))
}

pub(super) fn choice<'a>(
    conversation: &'a Conversation,
    names: &'a ToolNames,
) -> Result<Option<Choice<'a>>, Untranslatable> {
    let disable_parallel_tool_use = conversation.parallel_tool_calls == Some(false);
    let choice = |r#type, name| Choice {
        r#type,
        name,
        disable_parallel_tool_use: disable_parallel_tool_use && r#type != "none",
    };
    let tools: HashSet<&str> = conversation.tools.iter().map(|tool| tool.name.as_str()).collect();
    let has = |name: &String| tools.contains(name.as_str());
    match &conversation.tool_choice {
        Some(ToolChoice::Required { names }) if tools.is_empty() || !names.iter().all(has) => Err(
            Untranslatable::invalid("tool_choice", "it names a tool that the request does not have"),
        ),
        _ if tools.is_empty() => Ok(None),
        None if disable_parallel_tool_use => Ok(Some(choice("auto", None))),
        None => Ok(None),
        Some(ToolChoice::Auto) => Ok(Some(choice("auto", None))),
        Some(ToolChoice::None) => Ok(Some(choice("none", None))),
        Some(ToolChoice::Required { names: chosen }) => Ok(Some(match chosen.as_slice() {
            [name] => choice("tool", Some(names.theirs(name))),
            _ => choice("any", None),
        })),
    }
}
