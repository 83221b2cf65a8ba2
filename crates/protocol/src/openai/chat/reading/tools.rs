use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::openai::unknown::note_unknown;
use crate::translation::{Dropped, Tool, ToolChoice, ToolInput, Untranslatable};

use super::Request;
use super::field::Path;

/// What the model may call, and whether it must.
pub(super) struct Tools {
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Option<ToolChoice>,
    pub(super) parallel: Option<bool>,
}

/// An entry of `tools`, of the tools that are allowed, or what names one that must be called.
#[derive(Deserialize)]
struct Entry<'a> {
    r#type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    function: Option<&'a RawValue>,
    #[serde(borrow)]
    custom: Option<&'a RawValue>,
    #[serde(borrow)]
    allowed_tools: Option<AllowedTools<'a>>,
}

#[derive(Deserialize)]
struct AllowedTools<'a> {
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    strict: Option<bool>,
}

#[derive(Deserialize)]
struct Custom<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    format: Option<Grammar<'a>>,
}

#[derive(Deserialize)]
struct Grammar<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

const KNOWN_OF_FUNCTIONS: &[&str] = &["name", "description", "parameters", "strict"];

pub(super) fn read(request: &Request<'_>, dropped: &mut Dropped) -> Result<Tools, Untranslatable> {
    let mut tools = Vec::new();
    let path = Path::Root("tools");
    for (index, tool) in request.tools.iter().flatten().enumerate() {
        tools.push(read_tool(tool, &Path::Element(&path, index), dropped)?);
    }
    let path = Path::Root("functions");
    for (index, function) in request.functions.iter().flatten().enumerate() {
        tools.push(read_function(function, &Path::Element(&path, index), dropped)?);
    }
    let mut choice = match (request.tool_choice, request.function_call) {
        (Some(choice), _) => Some(read_choice(choice, &Path::Root("tool_choice"))?),
        (None, Some(choice)) => Some(read_function_choice(choice, &Path::Root("function_call"))?),
        (None, None) => None,
    };
    // The others may not be called at all, which is as if there were none.
    if let Some(Choice {
        only: Some(names), ..
    }) = &choice
    {
        let names: HashSet<&String> = names.iter().collect();
        tools.retain(|tool| names.contains(&tool.name));
        if tools.len() < names.len() {
            return Err(Path::Root("tool_choice").invalid("It names a tool that is not there."));
        }
    }
    Ok(Tools {
        tools,
        choice: choice.take().map(|choice| choice.choice),
        parallel: request.parallel_tool_calls,
    })
}

fn read_tool(tool: &RawValue, path: &Path<'_>, dropped: &mut Dropped) -> Result<Tool, Untranslatable> {
    let entry: Entry<'_> = path.read(tool)?;
    let known = ["type", "function", "custom"];
    note_unknown(tool.get().as_bytes(), "tools.", &known, dropped, |_, _| false);
    match entry.r#type.as_deref() {
        Some("function") | None => {
            let path = Path::Field(path, "function");
            let function = entry.function.ok_or_else(|| path.missing())?;
            read_function(function, &path, dropped)
        }
        Some("custom") => {
            let path = Path::Field(path, "custom");
            let custom: Custom<'_> = path.read(entry.custom.ok_or_else(|| path.missing())?)?;
            if custom.format.is_some_and(|format| format.r#type != "text") {
                dropped.note("tools.custom.format");
            }
            Ok(Tool {
                name: custom.name.into_owned(),
                description: custom.description.map(Cow::into_owned),
                input: ToolInput::Text,
            })
        }
        Some(other) => Err(Untranslatable::unsupported(&format!(
            "{path}: the tool `{other}`"
        ))),
    }
}

fn read_function(
    function: &RawValue,
    path: &Path<'_>,
    dropped: &mut Dropped,
) -> Result<Tool, Untranslatable> {
    let read: Function<'_> = path.read(function)?;
    let object = function.get().as_bytes();
    note_unknown(object, "tools.function.", KNOWN_OF_FUNCTIONS, dropped, |_, _| {
        false
    });
    if read
        .parameters
        .is_some_and(|schema| !schema.get().starts_with('{'))
    {
        return Err(Path::Field(path, "parameters").invalid("Expected an object."));
    }
    Ok(Tool {
        name: read.name.into_owned(),
        description: read.description.map(Cow::into_owned),
        input: ToolInput::Json {
            schema: read.parameters.map(ToOwned::to_owned),
            strict: read.strict,
        },
    })
}

/// What `tool_choice` says.
struct Choice {
    choice: ToolChoice,
    /// The tools that may be called, where others are there that may not.
    only: Option<Vec<String>>,
}

impl From<ToolChoice> for Choice {
    fn from(choice: ToolChoice) -> Self {
        Self { choice, only: None }
    }
}

fn read_choice(choice: &RawValue, path: &Path<'_>) -> Result<Choice, Untranslatable> {
    if choice.get().starts_with('"') {
        return read_word(choice, path);
    }
    let entry: Entry<'_> = path.read(choice)?;
    let Some(allowed) = &entry.allowed_tools else {
        let names = vec![entry.name(path)?];
        return Ok(ToolChoice::Required { names }.into());
    };
    let path = Path::Field(path, "allowed_tools");
    let tools_path = Path::Field(&path, "tools");
    let mut names = Vec::new();
    for (index, tool) in allowed.tools.iter().enumerate() {
        let path = Path::Element(&tools_path, index);
        names.push(path.read::<Entry<'_>>(tool)?.name(&path)?);
    }
    if names.is_empty() {
        return Err(
            tools_path.invalid("Invalid value: empty array. Expected an array with minimum length 1.")
        );
    }
    match &*allowed.mode {
        "auto" => Ok(Choice {
            choice: ToolChoice::Auto,
            only: Some(names),
        }),
        "required" => Ok(ToolChoice::Required { names }.into()),
        other => Err(Path::Field(&path, "mode").unknown_value(other, "'auto' and 'required'")),
    }
}

fn read_function_choice(choice: &RawValue, path: &Path<'_>) -> Result<Choice, Untranslatable> {
    if choice.get().starts_with('"') {
        return read_word(choice, path);
    }
    let names = vec![path.read::<Named<'_>>(choice)?.name.into_owned()];
    Ok(ToolChoice::Required { names }.into())
}

fn read_word(choice: &RawValue, path: &Path<'_>) -> Result<Choice, Untranslatable> {
    let word: Cow<'_, str> = path.read(choice)?;
    Ok(match &*word {
        "none" => ToolChoice::None,
        "auto" => ToolChoice::Auto,
        "required" => ToolChoice::Required { names: Vec::new() },
        other => return Err(path.unknown_value(other, "'none', 'auto', and 'required'")),
    }
    .into())
}

impl Entry<'_> {
    /// The name of the tool that is meant.
    fn name(&self, path: &Path<'_>) -> Result<String, Untranslatable> {
        let (field, tool) = match (self.function, self.custom) {
            (Some(function), _) => ("function", function),
            (None, Some(custom)) => ("custom", custom),
            (None, None) => {
                let named = self.r#type.as_deref().unwrap_or_default();
                let known = "'function', 'custom', and 'allowed_tools'";
                return Err(Path::Field(path, "type").unknown_value(named, known));
            }
        };
        Ok(Path::Field(path, field)
            .read::<Named<'_>>(tool)?
            .name
            .into_owned())
    }
}
