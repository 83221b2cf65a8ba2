use std::collections::HashSet;

use crate::translation::{Dropped, Tool, ToolChoice, ToolInput, Untranslatable};

use super::fields::{Fields, each};
use super::place::{Place, beginning};

/// What the model may call, and whether it must.
pub(super) struct Tools {
    pub(super) tools: Vec<Tool>,
    pub(super) tool_choice: Option<ToolChoice>,
    pub(super) parallel_tool_calls: Option<bool>,
}

impl Tools {
    pub(super) fn read(fields: &mut Fields<'_>, dropped: &mut Dropped) -> Result<Self, Untranslatable> {
        let place = Place::Body;
        let mut tools = Vec::new();
        if let Some(list) = fields.take("tools")? {
            each(list, &place.field("tools"), |value, place| {
                tools.push(tool(value, place, dropped)?);
                Ok(())
            })?;
        }
        let mut names = HashSet::new();
        if !tools.iter().all(|tool| names.insert(tool.name.as_str())) {
            return Err(Untranslatable::invalid("tools", "Tool names must be unique."));
        }
        let mut parallel_tool_calls = None;
        let mut tool_choice = None;
        if let Some(value) = fields.take("tool_choice")? {
            let place = place.field("tool_choice");
            let mut choice = Fields::read(value, &place)?;
            parallel_tool_calls = choice
                .boolean("disable_parallel_tool_use")?
                .map(|is_disabled| !is_disabled);
            tool_choice = self::tool_choice(&mut choice, &names)?;
            choice.leave_of("tool_choice.", dropped);
        }
        Ok(Self {
            tools,
            tool_choice,
            parallel_tool_calls,
        })
    }
}

fn tool(value: &[u8], place: &Place<'_>, dropped: &mut Dropped) -> Result<Tool, Untranslatable> {
    let mut fields = Fields::read(value, place)?;
    match fields.text("type")?.as_deref() {
        None | Some("custom") => {}
        Some(kind) => return Err(place.unsupported_kind(kind)),
    }
    let name = fields.required_text("name")?;
    if name.is_empty() {
        return Err(fields.invalid("name", "String should have at least 1 character"));
    }
    let tool = Tool {
        name,
        description: fields.text("description")?.filter(|text| !text.is_empty()),
        input: ToolInput::Json {
            schema: Some(fields.required_object("input_schema")?),
            strict: fields.boolean("strict")?,
        },
    };
    fields.leave(dropped);
    Ok(tool)
}

fn tool_choice(fields: &mut Fields<'_>, names: &HashSet<&str>) -> Result<Option<ToolChoice>, Untranslatable> {
    let choice = match fields.required_text("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "none" => ToolChoice::None,
        "any" => ToolChoice::Required { names: Vec::new() },
        "tool" => {
            let name = fields.required_text("name")?;
            if !names.contains(name.as_str()) {
                let name = beginning(&name);
                return Err(Untranslatable::invalid(
                    "tool_choice",
                    &format!("Tool '{name}' not found in provided tools"),
                ));
            }
            ToolChoice::Required { names: vec![name] }
        }
        _ => {
            return Err(fields.invalid("type", "Input should be 'auto', 'any', 'tool' or 'none'"));
        }
    };
    match choice {
        ToolChoice::Required { .. } if names.is_empty() => Err(Untranslatable::invalid(
            "tool_choice",
            "tool_choice may only be specified while providing tools.",
        )),
        // There is nothing to choose from.
        _ if names.is_empty() => Ok(None),
        choice => Ok(Some(choice)),
    }
}
