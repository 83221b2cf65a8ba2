//! Tools and the choice of them, as far as both of OpenAI's dialects agree.

use serde_json::json;

use super::ApiError;
use super::field::Field;
use super::schema::{refuse_format, refuse_parameters};
use crate::ask::{Prompt, Tool};

/// The longest name of a tool.
const NAME_LIMIT: usize = 64;
/// The most tools of a request.
const TOOLS_LIMIT: usize = 128;

/// A tool that is declared.
#[derive(Debug, Clone)]
pub(super) struct Declared<'a> {
    /// `function`, `custom` or the type of a tool that the provider runs itself.
    pub(super) kind: &'a str,
    /// Empty for a tool that the provider runs itself.
    pub(super) name: &'a str,
    pub(super) parameters: Option<Field<'a>>,
}

/// The tools that the model may call.
#[derive(Debug)]
pub(super) struct Tools<'a> {
    pub(super) declared: Vec<Declared<'a>>,
    pub(super) choice: Choice<'a>,
    pub(super) in_parallel: bool,
}

/// What the request says of the tools' use.
#[derive(Debug, Clone, Copy)]
pub(super) enum Choice<'a> {
    Auto,
    None,
    Required,
    Named(&'a str),
}

/// The tools of a body, one by one.
pub(super) fn list<'a>(body: &Field<'a>) -> Result<Vec<Field<'a>>, ApiError> {
    let Some(list) = body.find("tools") else {
        return Ok(Vec::new());
    };
    let tools = list.items("objects")?;
    list.at_most(&tools, TOOLS_LIMIT)?;
    Ok(tools)
}

/// The name, the parameters and whether both are strict, which must be what the provider takes.
pub(super) fn function<'a>(function: &Field<'a>) -> Result<Declared<'a>, ApiError> {
    let name = function.need("name")?.name(NAME_LIMIT)?;
    if let Some(description) = function.find("description") {
        description.text()?;
    }
    let is_strict = match function.find("strict") {
        Some(strict) => strict.flag()?,
        None => false,
    };
    let parameters = function.find("parameters");
    if let Some(parameters) = &parameters {
        parameters.object()?;
        if let Some(what) = refuse_parameters(parameters.value(), is_strict) {
            return Err(
                ApiError::invalid(format!("Invalid schema for function '{name}': {what}"))
                    .at(parameters.place())
                    .code("invalid_function_parameters"),
            );
        }
    }
    Ok(Declared {
        kind: "function",
        name,
        parameters,
    })
}

/// A tool whose input is free text.
pub(super) fn custom<'a>(custom: &Field<'a>) -> Result<Declared<'a>, ApiError> {
    let name = custom.need("name")?.name(NAME_LIMIT)?;
    if let Some(description) = custom.find("description") {
        description.text()?;
    }
    if let Some(format) = custom.find("format") {
        format.need("type")?.one_of(&["text", "grammar"])?;
    }
    Ok(Declared {
        kind: "custom",
        name,
        parameters: None,
    })
}

/// The JSON schema of an answer: what both dialects write into an object, at other places.
pub(super) fn answer_schema<'a>(format: &Field<'a>, param: &str) -> Result<Option<Field<'a>>, ApiError> {
    let name = format.need("name")?.name(NAME_LIMIT)?;
    let is_strict = match format.find("strict") {
        Some(strict) => strict.flag()?,
        None => false,
    };
    let Some(schema) = format.find("schema") else {
        return Ok(None);
    };
    schema.object()?;
    match refuse_format(schema.value(), is_strict) {
        None => Ok(Some(schema)),
        Some(what) => Err(
            ApiError::invalid(format!("Invalid schema for response_format '{name}': {what}"))
                .at(param)
                .code("invalid_json_schema"),
        ),
    }
}

/// Whether there is a tool of this kind and name.
pub(super) fn is_declared(declared: &[Declared<'_>], kind: &str, name: &str) -> bool {
    declared.iter().any(|tool| tool.kind == kind && tool.name == name)
}

impl Tools<'_> {
    pub(super) const fn is_empty(&self) -> bool {
        self.declared.is_empty()
    }

    pub(super) fn custom_names(&self) -> Vec<String> {
        let custom = self.declared.iter().filter(|tool| tool.kind == "custom");
        custom.map(|tool| tool.name.to_owned()).collect()
    }

    /// The tools that the prompt asks for by name; the choice of them has its say.
    pub(super) fn wanted(&self, prompt: &Prompt) -> Vec<Tool> {
        let asked = || self.declared.iter().filter(|tool| prompt.asks_for(tool.name));
        let mut wanted: Vec<Tool> = match self.choice {
            Choice::None => Vec::new(),
            Choice::Named(name) => {
                let named = self.declared.iter().filter(|tool| tool.name == name);
                named.take(1).map(wanted).collect()
            }
            Choice::Auto => asked().map(wanted).collect(),
            Choice::Required => {
                let callable = self.declared.iter().filter(|tool| !tool.name.is_empty());
                let first = callable.take(usize::from(asked().next().is_none()));
                asked().chain(first).map(wanted).collect()
            }
        };
        if !self.in_parallel {
            wanted.truncate(1);
        }
        wanted
    }
}

fn wanted(tool: &Declared<'_>) -> Tool {
    if tool.kind.starts_with("web_search") {
        return Tool::WebSearch;
    }
    let input_schema = match (tool.kind, &tool.parameters) {
        ("custom", _) => json!({"type": "string"}),
        (_, Some(parameters)) => parameters.value().clone(),
        (_, None) => json!({"type": "object"}),
    };
    Tool::Client {
        name: tool.name.to_owned(),
        input_schema,
    }
}
