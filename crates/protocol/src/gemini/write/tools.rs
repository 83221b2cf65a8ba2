use serde::Serialize;
use serde_json::value::RawValue;

use crate::json;
use crate::translation::{
    Conversation, Dropped, NameRules, Part, ToolChoice, ToolInput, ToolNames, Untranslatable,
};

const MAX_DECLARATIONS: usize = 512;

const NAME_RULES: NameRules = NameRules {
    max_length: 128,
    may_begin: |byte| byte.is_ascii_alphabetic() || byte == b'_',
    may_have: |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-'),
};

/// What a tool that takes plain text is declared with.
const TEXT_SCHEMA: &str =
    r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;

/// Keywords by which a schema without `properties` still says something.
const TELLING: [&str; 7] = [
    "$ref",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "patternProperties",
    "additionalProperties",
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tools<'a> {
    function_declarations: Vec<Declaration<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<Schema<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Schema<'a> {
    Theirs(&'a RawValue),
    Ours(Box<RawValue>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    function_calling_config: FunctionCallingConfig<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionCallingConfig<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_function_names: Vec<&'a str>,
}

/// The names of all tools that are there or were once called.
pub(super) fn names(conversation: &Conversation) -> ToolNames {
    let mut names: Vec<&str> = Vec::new();
    names.extend(conversation.tools.iter().map(|tool| tool.name.as_str()));
    let parts = conversation.turns.iter().flat_map(|turn| &turn.parts);
    names.extend(parts.filter_map(|part| match part {
        Part::ToolCall(call) => Some(call.name.as_str()),
        _ => None,
    }));
    ToolNames::fit(names, NAME_RULES)
}

pub(super) fn write<'a>(
    conversation: &'a Conversation,
    names: &'a ToolNames,
    dropped: &mut Dropped,
) -> Result<Option<[Tools<'a>; 1]>, Untranslatable> {
    let tools = &conversation.tools;
    if tools.is_empty() {
        return Ok(None);
    }
    if tools.len() > MAX_DECLARATIONS {
        return Err(Untranslatable::invalid(
            "tools",
            &format!("the model's provider takes at most {MAX_DECLARATIONS}"),
        ));
    }
    let mut function_declarations = Vec::with_capacity(tools.len());
    for tool in tools {
        function_declarations.push(Declaration {
            name: names.theirs(&tool.name),
            description: tool.description.as_deref(),
            parameters_json_schema: match &tool.input {
                ToolInput::Json { schema, strict } => {
                    if *strict == Some(true) {
                        dropped.note("tools.strict");
                    }
                    let schema = schema.as_deref().filter(|schema| says_something(schema));
                    schema.map(Schema::Theirs)
                }
                ToolInput::Text => Some(Schema::Ours(RawValue::from_string(TEXT_SCHEMA.to_owned())?)),
            },
        });
    }
    Ok(Some([Tools {
        function_declarations,
    }]))
}

/// Whether a schema has any property: Gemini refuses one of an empty object, and takes a tool without any.
fn says_something(schema: &RawValue) -> bool {
    json::members(schema.get().as_bytes())
        .flatten()
        .any(|member| match &*member.key {
            b"properties" => json::members(member.value).next().is_some(),
            key => member.value != b"false" && TELLING.iter().any(|telling| telling.as_bytes() == key),
        })
}

pub(super) fn write_config<'a>(
    conversation: &'a Conversation,
    names: &'a ToolNames,
    dropped: &mut Dropped,
) -> Option<ToolConfig<'a>> {
    let choice = conversation.tool_choice.as_ref()?;
    if conversation.tools.is_empty() {
        if conversation.must_call() {
            dropped.note("tool_choice");
        }
        return None;
    }
    let (mode, allowed) = match choice {
        ToolChoice::Auto => ("AUTO", [].as_slice()),
        ToolChoice::None => ("NONE", [].as_slice()),
        ToolChoice::Required { names } => ("ANY", names.as_slice()),
    };
    Some(ToolConfig {
        function_calling_config: FunctionCallingConfig {
            mode,
            allowed_function_names: allowed.iter().map(|name| names.theirs(name)).collect(),
        },
    })
}
