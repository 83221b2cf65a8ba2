use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;
use crate::translation::{Dropped, Tool, ToolChoice, ToolInput, Untranslatable};

use super::read_content::word;
use super::read_items::parse;

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Function<'a> {
    name: String,
    description: Option<String>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    strict: Option<bool>,
}

#[derive(Deserialize)]
struct Custom<'a> {
    name: String,
    description: Option<String>,
    #[serde(borrow)]
    format: Option<CustomFormat<'a>>,
}

#[derive(Deserialize)]
struct CustomFormat<'a> {
    #[serde(borrow)]
    syntax: Option<Cow<'a, str>>,
    #[serde(borrow)]
    definition: Option<Cow<'a, str>>,
}

/// Reads the client's tools. Those that OpenAI runs itself are refused.
pub(super) fn tools(list: &[&RawValue], dropped: &mut Dropped) -> Result<Vec<Tool>, Untranslatable> {
    let mut tools = Vec::with_capacity(list.len());
    for (at, tool) in list.iter().enumerate() {
        let path = format_args!("tools[{at}]");
        let kind: Kind<'_> = parse(tool, &path)?;
        tools.push(match &*kind.r#type {
            "function" => function(parse(tool, &path)?),
            "custom" => custom(parse(tool, &path)?, dropped),
            kind => {
                let what = format!("{path} of type {}", word(kind));
                return Err(Untranslatable::unsupported(&what));
            }
        });
        name_others(tool, dropped);
    }
    Ok(tools)
}

fn function(function: Function<'_>) -> Tool {
    Tool {
        name: function.name,
        description: function.description,
        input: ToolInput::Json {
            schema: function.parameters.map(ToOwned::to_owned),
            strict: function.strict,
        },
    }
}

/// Nobody else holds a model to a grammar, but every model can read one.
fn custom(custom: Custom<'_>, dropped: &mut Dropped) -> Tool {
    let mut description = custom.description;
    if let Some(format) = custom.format
        && let Some(definition) = format.definition
    {
        dropped.note("tools.format");
        let syntax = format.syntax.as_deref().unwrap_or("this");
        let grammar = format!("The input must match this grammar ({syntax}):\n{definition}");
        description = Some(match description {
            Some(description) => format!("{description}\n\n{grammar}"),
            None => grammar,
        });
    }
    Tool {
        name: custom.name,
        description,
        input: ToolInput::Text,
    }
}

fn name_others(tool: &RawValue, dropped: &mut Dropped) {
    for member in json::members(tool.get().as_bytes()).flatten() {
        match &*member.key {
            b"type" | b"name" | b"description" | b"parameters" | b"strict" | b"format" => {}
            _ if matches!(member.value, b"null" | b"false") => {}
            key => dropped.note(&format!("tools.{}", String::from_utf8_lossy(key))),
        }
    }
}

/// What the client says of whether a tool must be called.
pub(super) enum Choice {
    /// What others can say as well.
    Plain(ToolChoice),
    /// None need be called, and only these may be.
    Among(Vec<String>),
}

#[derive(Deserialize)]
struct ChoiceObject<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    name: Option<String>,
    #[serde(borrow)]
    mode: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tools: Option<Vec<ChoiceEntry<'a>>>,
}

#[derive(Deserialize)]
struct ChoiceEntry<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    name: Option<String>,
}

/// Reads a `tool_choice`, a word or an object.
pub(super) fn choice(choice: &RawValue) -> Result<Choice, Untranslatable> {
    const PATH: &str = "tool_choice";
    if choice.get().starts_with('"') {
        let word: Cow<'_, str> = parse(choice, &PATH)?;
        return Ok(Choice::Plain(match &*word {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Required { names: Vec::new() },
            _ => return Err(Untranslatable::invalid(PATH, "expected none, auto or required")),
        }));
    }
    let choice: ChoiceObject<'_> = parse(choice, &PATH)?;
    match &*choice.r#type {
        "function" | "custom" => {
            let names = vec![entry_name(choice.name, "tool_choice.name")?];
            Ok(Choice::Plain(ToolChoice::Required { names }))
        }
        "allowed_tools" => {
            let names = allowed(choice.tools.unwrap_or_default())?;
            match choice.mode.as_deref() {
                Some("auto") => Ok(Choice::Among(names)),
                Some("required") => Ok(Choice::Plain(ToolChoice::Required { names })),
                _ => Err(Untranslatable::invalid(
                    "tool_choice.mode",
                    "expected auto or required",
                )),
            }
        }
        kind => {
            let what = format!("tool_choice of type {}", word(kind));
            Err(Untranslatable::unsupported(&what))
        }
    }
}

fn allowed(entries: Vec<ChoiceEntry<'_>>) -> Result<Vec<String>, Untranslatable> {
    if entries.is_empty() {
        return Err(Untranslatable::invalid("tool_choice.tools", "empty array"));
    }
    let names = entries.into_iter().enumerate().map(|(at, entry)| {
        let path = format!("tool_choice.tools[{at}]");
        match &*entry.r#type {
            "function" | "custom" => entry_name(entry.name, &format!("{path}.name")),
            kind => Err(Untranslatable::unsupported(&format!(
                "{path} of type {}",
                word(kind)
            ))),
        }
    });
    names.collect()
}

fn entry_name(name: Option<String>, path: &str) -> Result<String, Untranslatable> {
    name.ok_or_else(|| Untranslatable::invalid(path, "missing"))
}
