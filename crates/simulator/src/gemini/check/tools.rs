use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{ApiError, wrong};
use crate::gemini::prompt::items;

const FUNCTIONS_LIMIT: usize = 512;

/// Refuses functions that cannot be called, and a choice of functions that there are not.
pub(super) fn tools(body: &Value) -> Result<(), ApiError> {
    let mut names = HashSet::new();
    for (at, tool) in items(&body["tools"]).iter().enumerate() {
        for (number, declaration) in items(&tool["functionDeclarations"]).iter().enumerate() {
            let place = format!("tools[{at}].function_declarations[{number}]");
            let name = function(&place, declaration)?;
            if !names.insert(name) {
                return Err(ApiError::invalid(format!(
                    "Duplicate function declaration found: {name}"
                )));
            }
        }
    }
    if names.len() > FUNCTIONS_LIMIT {
        return Err(wrong(
            "tools",
            format_args!("at most {FUNCTIONS_LIMIT} function declarations may be specified"),
        ));
    }
    choice(&body["toolConfig"]["functionCallingConfig"], &names)
}

fn choice(config: &Value, names: &HashSet<&str>) -> Result<(), ApiError> {
    const PLACE: &str = "tool_config.function_calling_config";
    let allowed = items(&config["allowedFunctionNames"]);
    let mode = config["mode"].as_str();
    if matches!(mode, Some("ANY" | "VALIDATED")) && names.is_empty() {
        return Err(ApiError::invalid(
            "Function calling config is set without function_declarations.",
        ));
    }
    if !allowed.is_empty() && !matches!(mode, Some("ANY" | "VALIDATED")) {
        return Err(wrong(
            format_args!("{PLACE}.allowed_function_names"),
            "allowed function names should only be set when the function calling mode is ANY or VALIDATED.",
        ));
    }
    for (at, name) in allowed.iter().enumerate() {
        if !name.as_str().is_some_and(|name| names.contains(name)) {
            return Err(wrong(
                format_args!("{PLACE}.allowed_function_names[{at}]"),
                format_args!("{name} is not one of the function declarations."),
            ));
        }
    }
    Ok(())
}

fn function<'a>(place: &str, declaration: &'a Value) -> Result<&'a str, ApiError> {
    let name = declaration["name"].as_str().unwrap_or_default();
    if !is_name(name) {
        return Err(wrong(
            format_args!("{place}.name"),
            "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), \
             underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.",
        ));
    }
    for (schema, json_schema, own) in [
        ("parameters", "parametersJsonSchema", "parameters"),
        ("response", "responseJsonSchema", "response"),
    ] {
        if declaration[schema].is_null() {
            continue;
        }
        if !declaration[json_schema].is_null() {
            return Err(wrong(
                place,
                format_args!("only one of `{own}` and `{own}_json_schema` may be set."),
            ));
        }
        let place = format!("{place}.{own}");
        if schema == "parameters" && declaration[schema]["type"] != "OBJECT" {
            return Err(wrong(place, "schema should be of type OBJECT."));
        }
        self::schema(&place, &declaration[schema])?;
    }
    Ok(name)
}

fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    starts && name.len() <= 128 && name.bytes().all(is_of_name)
}

/// Refuses a schema whose fields are all known and do not go together.
pub(super) fn schema(place: &str, schema: &Value) -> Result<(), ApiError> {
    for (at, choice) in items(&schema["anyOf"]).iter().enumerate() {
        self::schema(&format!("{place}.any_of[{at}]"), choice)?;
    }
    let kind = schema["type"].as_str().unwrap_or("TYPE_UNSPECIFIED");
    match kind {
        "TYPE_UNSPECIFIED" if items(&schema["anyOf"]).is_empty() => {
            return Err(wrong(format_args!("{place}.type"), "must be specified"));
        }
        "ARRAY" if schema["items"].is_null() => {
            return Err(wrong(format_args!("{place}.items"), "missing field."));
        }
        "STRING" => formatted(place, schema, &["enum", "date-time"])?,
        "NUMBER" => formatted(place, schema, &["float", "double"])?,
        "INTEGER" => formatted(place, schema, &["int32", "int64"])?,
        _ => {}
    }
    if !schema["items"].is_null() {
        self::schema(&format!("{place}.items"), &schema["items"])?;
    }
    values(place, kind, schema)?;
    properties(place, kind, schema)
}

fn formatted(place: &str, schema: &Value, formats: &[&str]) -> Result<(), ApiError> {
    match schema["format"].as_str() {
        Some(format) if !format.is_empty() && !formats.contains(&format) => Err(wrong(
            format_args!("{place}.format"),
            format_args!(
                "only '{}' are supported for {} type",
                formats.join("' and '"),
                schema["type"].as_str().unwrap_or_default()
            ),
        )),
        _ => Ok(()),
    }
}

fn values(place: &str, kind: &str, schema: &Value) -> Result<(), ApiError> {
    let values = items(&schema["enum"]);
    if !values.is_empty() && kind != "STRING" {
        return Err(wrong(
            format_args!("{place}.enum"),
            "only allowed for STRING type",
        ));
    }
    match values.iter().position(|value| value == "") {
        Some(at) => Err(wrong(format_args!("{place}.enum[{at}]"), "cannot be empty")),
        None => Ok(()),
    }
}

fn properties(place: &str, kind: &str, schema: &Value) -> Result<(), ApiError> {
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    if kind == "OBJECT" && properties.is_empty() && !schema["properties"].is_null() {
        return Err(wrong(
            format_args!("{place}.properties"),
            "should be non-empty for OBJECT type",
        ));
    }
    for (at, name) in items(&schema["required"]).iter().enumerate() {
        if !properties.contains_key(name.as_str().unwrap_or_default()) {
            return Err(wrong(
                format_args!("{place}.required[{at}]"),
                "property is not defined",
            ));
        }
    }
    for (name, property) in properties {
        self::schema(&format!("{place}.properties[{name}]"), property)?;
    }
    Ok(())
}
