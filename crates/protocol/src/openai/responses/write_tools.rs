use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::openai::parameters::parameters;
use crate::translation::{Tool, ToolChoice, ToolInput, ToolNames};

/// A tool of a request.
#[derive(Serialize)]
pub(super) struct ToolObject<'a> {
    r#type: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// Whether a tool must be called.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ChoiceObject<'a> {
    Word(&'static str),
    Named(NamedTool<'a>),
    Allowed {
        r#type: &'static str,
        mode: &'static str,
        tools: Vec<NamedTool<'a>>,
    },
}

#[derive(Serialize)]
pub(super) struct NamedTool<'a> {
    r#type: &'static str,
    name: &'a str,
}

pub(super) fn tools<'a>(tools: &'a [Tool], names: &'a ToolNames) -> Vec<ToolObject<'a>> {
    tools.iter().map(|tool| tool_object(tool, names)).collect()
}

fn tool_object<'a>(tool: &'a Tool, names: &'a ToolNames) -> ToolObject<'a> {
    let (parameters, strict) = match &tool.input {
        ToolInput::Text => (None, None),
        // Held to the schema unless told otherwise, and not every schema is fit for that.
        ToolInput::Json { schema, strict } => (
            Some(parameters(schema.as_deref())),
            Some(strict.unwrap_or_default()),
        ),
    };
    ToolObject {
        r#type: kind(&tool.input),
        name: names.theirs(&tool.name),
        description: tool.description.as_deref(),
        parameters,
        strict,
    }
}

const fn kind(input: &ToolInput) -> &'static str {
    match input {
        ToolInput::Json { .. } => "function",
        ToolInput::Text => "custom",
    }
}

pub(super) fn choice<'a>(choice: &'a ToolChoice, tools: &[Tool], names: &'a ToolNames) -> ChoiceObject<'a> {
    let texts = tools.iter().filter(|tool| tool.is_text());
    let texts: HashSet<&str> = texts.map(|tool| tool.name.as_str()).collect();
    let named = |name: &'a String| NamedTool {
        r#type: if texts.contains(name.as_str()) {
            "custom"
        } else {
            "function"
        },
        name: names.theirs(name),
    };
    match choice {
        ToolChoice::Auto => ChoiceObject::Word("auto"),
        ToolChoice::None => ChoiceObject::Word("none"),
        ToolChoice::Required { names } => match names.as_slice() {
            [] => ChoiceObject::Word("required"),
            [name] => ChoiceObject::Named(named(name)),
            names => ChoiceObject::Allowed {
                r#type: "allowed_tools",
                mode: "required",
                tools: names.iter().map(named).collect(),
            },
        },
    }
}
