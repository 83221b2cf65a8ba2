//! The tools of a request, and the choice of them.

use super::super::field::Field;
use super::super::tools::{self, Choice, Declared, Tools};
use super::ApiError;

/// The types of tools that the provider runs itself.
const HOSTED: &[&str] = &[
    "file_search",
    "web_search",
    "web_search_preview",
    "computer",
    "computer_use_preview",
    "code_interpreter",
    "image_generation",
    "mcp",
    "local_shell",
    "shell",
    "apply_patch",
    "namespace",
    "tool_search",
    "programmatic_tool_calling",
];
const COMMON: &[&str] = &[
    "type",
    "name",
    "description",
    "allowed_callers",
    "defer_loading",
    "async",
];

/// Refuses tools and a choice of them that cannot be used.
pub(super) fn read<'a>(body: &Field<'a>) -> Result<Tools<'a>, ApiError> {
    let declared = tools::list(body)?
        .iter()
        .map(declared)
        .collect::<Result<Vec<_>, _>>()?;
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

fn declared<'a>(tool: &Field<'a>) -> Result<Declared<'a>, ApiError> {
    tool.object()?;
    let field = tool.need("type")?;
    match field.text()? {
        "function" => {
            let declared = tools::function(tool)?;
            tool.only(&[COMMON, &["parameters", "strict", "output_schema"]].concat())?;
            Ok(declared)
        }
        "custom" => {
            let declared = tools::custom(tool)?;
            tool.only(&[COMMON, &["format"]].concat())?;
            Ok(declared)
        }
        kind if HOSTED.contains(&kind) || kind.starts_with("web_search_preview_") => Ok(Declared {
            kind,
            name: if kind.starts_with("web_search") { kind } else { "" },
            parameters: None,
        }),
        _ => field
            .one_of(&[&["function", "custom"], HOSTED].concat())
            .map(|kind| Declared {
                kind,
                name: "",
                parameters: None,
            }),
    }
}

fn choice<'a>(choice: &Field<'a>, declared: &[Declared<'a>]) -> Result<Choice<'a>, ApiError> {
    if choice.value().is_string() {
        return match choice.one_of(&["none", "auto", "required"])? {
            "none" => Ok(Choice::None),
            "auto" => Ok(Choice::Auto),
            _ if declared.is_empty() => Err(ApiError::invalid(
                "Tool choice 'required' must be specified with 'tools' parameter.",
            )
            .at("tool_choice")),
            _ => Ok(Choice::Required),
        };
    }
    match choice.need("type")?.text()? {
        "allowed_tools" => {
            choice.only(&["type", "mode", "tools"])?;
            let mode = choice.need("mode")?.one_of(&["auto", "required"])?;
            for tool in choice.need("tools")?.items("objects")? {
                named(&tool, declared)?;
            }
            Ok(if mode == "auto" {
                Choice::Auto
            } else {
                Choice::Required
            })
        }
        _ => named(choice, declared).map(Choice::Named),
    }
}

/// The name of a tool that a choice names by its type and, for the client's own tools, by its name.
fn named<'a>(choice: &Field<'a>, declared: &[Declared<'a>]) -> Result<&'a str, ApiError> {
    let kind = choice.need("type")?.text()?;
    let is_own = matches!(kind, "function" | "custom");
    let name = if is_own { choice.need("name")?.text()? } else { "" };
    choice.only(if is_own {
        &["type", "name"]
    } else {
        &["type", "server_label"]
    })?;
    let found = declared
        .iter()
        .find(|tool| tool.kind == kind && (!is_own || tool.name == name));
    found.map(|tool| tool.name).ok_or_else(|| {
        ApiError::invalid(format!("Tool choice '{kind}' not found in 'tools' parameter.")).at("tool_choice")
    })
}
