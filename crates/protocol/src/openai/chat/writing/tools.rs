use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::translation::{self, Conversation, NameRules, Part, ToolInput, ToolNames};

use super::super::super::model::Model;
use super::super::super::parameters::{constant, parameters};

/// `^[a-zA-Z0-9_-]{1,64}$`
const NAMES: NameRules = NameRules {
    max_length: 64,
    may_begin: is_of_names,
    may_have: is_of_names,
};

/// What a freeform tool takes at a provider that has none.
const ONE_TEXT: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

#[derive(Serialize)]
pub(super) struct Tool<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Custom<'a>>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: Cow<'a, RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
struct Custom<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ToolChoice<'a> {
    Word(&'static str),
    Tool(Chosen<'a>),
    Allowed {
        r#type: &'static str,
        allowed_tools: Allowed<'a>,
    },
}

#[derive(Serialize)]
pub(super) struct Allowed<'a> {
    mode: &'static str,
    tools: Vec<Chosen<'a>>,
}

#[derive(Serialize)]
pub(super) struct Chosen<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<Named<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

impl<'a> Chosen<'a> {
    const fn function(name: &'a str) -> Self {
        Self {
            r#type: "function",
            function: Some(Named { name }),
            custom: None,
        }
    }

    const fn custom(name: &'a str) -> Self {
        Self {
            r#type: "custom",
            function: None,
            custom: Some(Named { name }),
        }
    }
}

const fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// What the provider calls the tools, those too that were only called before.
pub(super) fn names(conversation: &Conversation) -> ToolNames {
    let tools = conversation.tools.iter().map(|tool| tool.name.as_str());
    let parts = conversation.turns.iter().flat_map(|turn| &turn.parts);
    let called = parts.filter_map(|part| match part {
        Part::ToolCall(call) => Some(call.name.as_str()),
        _ => None,
    });
    ToolNames::fit(tools.chain(called), NAMES)
}

/// The tools that the model may call.
pub(super) fn write<'a>(conversation: &'a Conversation, model: Model, names: &'a ToolNames) -> Vec<Tool<'a>> {
    let required: HashSet<&str> = required(conversation).iter().map(String::as_str).collect();
    conversation
        .tools
        .iter()
        // Others than OpenAI can be told to call one tool or any, but not one of some.
        .filter(|tool| model.is_openais() || required.len() < 2 || required.contains(tool.name.as_str()))
        .map(|tool| write_tool(tool, model, names))
        .collect()
}

fn write_tool<'a>(tool: &'a translation::Tool, model: Model, names: &'a ToolNames) -> Tool<'a> {
    let name = names.theirs(&tool.name);
    let description = tool.description.as_deref();
    let (parameters, strict) = match &tool.input {
        ToolInput::Text if model.is_openais() => {
            return Tool {
                r#type: "custom",
                function: None,
                custom: Some(Custom { name, description }),
            };
        }
        ToolInput::Text => (constant(ONE_TEXT), None),
        ToolInput::Json { schema, strict } => (parameters(schema.as_deref()), *strict),
    };
    Tool {
        r#type: "function",
        function: Some(Function {
            name,
            description,
            parameters,
            strict,
        }),
        custom: None,
    }
}

/// Whether the model must call a tool. Without tools nobody may say so.
pub(super) fn choice<'a>(
    conversation: &'a Conversation,
    model: Model,
    names: &'a ToolNames,
) -> Option<ToolChoice<'a>> {
    if conversation.tools.is_empty() {
        return None;
    }
    let texts = text_tools(conversation, model);
    let choose = |name: &'a String| {
        if texts.contains(name.as_str()) {
            Chosen::custom(names.theirs(name))
        } else {
            Chosen::function(names.theirs(name))
        }
    };
    Some(match conversation.tool_choice.as_ref()? {
        translation::ToolChoice::Auto => ToolChoice::Word("auto"),
        translation::ToolChoice::None => ToolChoice::Word("none"),
        translation::ToolChoice::Required { names: only } => match only.as_slice() {
            [] => ToolChoice::Word("required"),
            [one] => ToolChoice::Tool(choose(one)),
            _ if !model.is_openais() => ToolChoice::Word("required"),
            several => ToolChoice::Allowed {
                r#type: "allowed_tools",
                allowed_tools: Allowed {
                    mode: "required",
                    tools: several.iter().map(choose).collect(),
                },
            },
        },
    })
}

/// The tools that the provider is told of as custom ones.
fn text_tools(conversation: &Conversation, model: Model) -> HashSet<&str> {
    let tools = conversation.tools.iter();
    tools
        .filter(|tool| model.is_openais() && matches!(tool.input, ToolInput::Text))
        .map(|tool| tool.name.as_str())
        .collect()
}

fn required(conversation: &Conversation) -> &[String] {
    match &conversation.tool_choice {
        Some(translation::ToolChoice::Required { names }) => names,
        _ => &[],
    }
}
