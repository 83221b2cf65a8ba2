use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::gemini::fields::{Fields, Place, elements};
use crate::translation::{Conversation, Dropped, Tool, ToolChoice, ToolInput, Untranslatable};

use super::schema;

/// Reads what the model may call. Tools that only Gemini runs are refused by name.
pub(super) fn read(
    tools: &[u8],
    place: Place<'_>,
    dropped: &mut Dropped,
) -> Result<Vec<Tool>, Untranslatable> {
    let (mut read, mut names) = (Vec::new(), HashSet::new());
    for (at, tool) in elements(tools, place)?.into_iter().enumerate() {
        let place = place.element(at);
        let mut fields = Fields::read(tool, place)?;
        let declarations = fields.take("functionDeclarations").unwrap_or(b"[]");
        if let Some(name) = fields.first() {
            return Err(place.field(name).unsupported());
        }
        let place = place.field("functionDeclarations");
        for (at, declaration) in elements(declarations, place)?.into_iter().enumerate() {
            let place = place.element(at);
            let tool = function(Fields::read(declaration, place)?, dropped)?;
            if !names.insert(tool.name.clone()) {
                return Err(place.field("name").wrong("Duplicate function declaration found"));
            }
            read.push(tool);
        }
    }
    Ok(read)
}

fn function(mut fields: Fields<'_>, dropped: &mut Dropped) -> Result<Tool, Untranslatable> {
    let place = fields.place();
    let name = fields.text("name")?.unwrap_or_default();
    if name.is_empty() {
        return Err(place.field("name").wrong("Name cannot be empty."));
    }
    let schema = either_schema(&mut fields, "parameters", "parametersJsonSchema")?;
    let description = fields.text("description")?;
    fields.drop_rest("tools.", dropped);
    Ok(Tool {
        name,
        description: description.filter(|text| !text.is_empty()),
        input: ToolInput::Json { schema, strict: None },
    })
}

/// A schema that stands there in either of its two forms.
pub(super) fn either_schema(
    fields: &mut Fields<'_>,
    open_api: &'static str,
    json_schema: &'static str,
) -> Result<Option<Box<RawValue>>, Untranslatable> {
    let place = fields.place();
    let schema = fields.object(json_schema)?;
    match fields.take(open_api) {
        Some(_) if schema.is_some() => Err(place
            .field(open_api)
            .wrong(&format!("only one of it and `{json_schema}` may be set"))),
        Some(open_api_schema) => schema::convert(open_api_schema, place.field(open_api)).map(Some),
        None => Ok(schema),
    }
}

/// Reads whether the model must call a tool.
pub(super) fn read_config(
    config: &[u8],
    place: Place<'_>,
    conversation: &mut Conversation,
    dropped: &mut Dropped,
) -> Result<(), Untranslatable> {
    let mut fields = Fields::read(config, place)?;
    if let Some(config) = fields.take("functionCallingConfig") {
        let place = place.field("functionCallingConfig");
        let mut fields = Fields::read(config, place)?;
        let mode = fields.word("mode")?;
        let names = fields.texts("allowedFunctionNames")?;
        choose(mode.as_deref(), names, place, conversation, dropped)?;
        fields.drop_rest("tool_config.function_calling_config.", dropped);
    }
    fields.drop_rest("tool_config.", dropped);
    Ok(())
}

fn choose(
    mode: Option<&str>,
    names: Vec<String>,
    place: Place<'_>,
    conversation: &mut Conversation,
    dropped: &mut Dropped,
) -> Result<(), Untranslatable> {
    if !names.is_empty() && !matches!(mode, Some("ANY" | "VALIDATED")) {
        return Err(place.field("allowedFunctionNames").wrong(
            "allowed function names should only be set when the function calling mode is ANY or VALIDATED",
        ));
    }
    conversation.tool_choice = match mode {
        None => None,
        Some("AUTO") => Some(ToolChoice::Auto),
        Some("NONE") => Some(ToolChoice::None),
        Some("ANY") => Some(ToolChoice::Required { names }),
        Some("VALIDATED") => {
            // A call or text, but no other calls than these: to the model the others are not there.
            if !names.is_empty() {
                let names: HashSet<_> = names.into_iter().collect();
                conversation.tools.retain(|tool| names.contains(&tool.name));
            }
            dropped.note("tool_config.function_calling_config.mode");
            Some(ToolChoice::Auto)
        }
        Some(_) => return Err(place.field("mode").wrong("expected AUTO, ANY, NONE or VALIDATED")),
    };
    Ok(())
}
