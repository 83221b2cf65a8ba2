//! What of JSON Schema the API refuses.

use serde_json::{Map, Value};

/// What is wrong with the parameters of a function, after `Invalid schema for function 'x': `.
pub(super) fn refuse_parameters(schema: &Value, is_strict: bool) -> Option<String> {
    if let Some(kind) = not_object(schema) {
        return Some(kind);
    }
    if is_strict {
        return Strict { defined: schema }.refuse(schema, &mut Vec::new());
    }
    if schema.get("properties").is_none() {
        return Some("In context=(), object schema missing properties.".to_owned());
    }
    missing_items(schema, &mut Vec::new())
}

/// What is wrong with the schema of an answer, after `Invalid schema for response_format 'x': `.
pub(super) fn refuse_format(schema: &Value, is_strict: bool) -> Option<String> {
    if let Some(kind) = not_object(schema) {
        return Some(kind);
    }
    if is_strict {
        return Strict { defined: schema }.refuse(schema, &mut Vec::new());
    }
    None
}

fn not_object(schema: &Value) -> Option<String> {
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => None,
        kind => Some(format!(
            "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{}\"'.",
            kind.unwrap_or("None")
        )),
    }
}

/// The way from the root to a schema.
type Context<'a> = Vec<&'a str>;

fn says(context: &[&str], what: &str) -> String {
    let parts: Vec<String> = context.iter().map(|part| format!("'{part}'")).collect();
    let shown = match parts.as_slice() {
        [only] => format!("({only},)"),
        parts => format!("({})", parts.join(", ")),
    };
    format!("In context={shown}, {what}")
}

fn missing_items<'a>(schema: &'a Value, context: &mut Context<'a>) -> Option<String> {
    if schema["type"] == "array" && schema.get("items").is_none() {
        return Some(says(context, "array schema missing items."));
    }
    each_inner(schema, context, &mut |inner, context| {
        missing_items(inner, context)
    })
}

/// Strict mode: nothing is optional, and nothing else is allowed.
struct Strict<'a> {
    defined: &'a Value,
}

const UNSUPPORTED: &[&str] = &[
    "allOf",
    "not",
    "oneOf",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
];

impl<'a> Strict<'a> {
    fn refuse(&self, schema: &'a Value, context: &mut Context<'a>) -> Option<String> {
        if let Some(keyword) = UNSUPPORTED.iter().find(|keyword| schema.get(keyword).is_some()) {
            return Some(says(context, &format!("'{keyword}' is not permitted.")));
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let is_known = reference
                .strip_prefix('#')
                .is_some_and(|pointer| self.defined.pointer(pointer).is_some());
            return (!is_known).then(|| {
                says(
                    context,
                    &format!("reference can only point to definitions defined at the top level of the schema: {reference}."),
                )
            });
        }
        if schema["type"] == "array" && schema.get("items").is_none() {
            return Some(says(context, "array schema missing items."));
        }
        if (schema["type"] == "object" || schema.get("properties").is_some())
            && let Some(refused) = refuse_object(schema, context)
        {
            return Some(refused);
        }
        each_inner(schema, context, &mut |inner, context| self.refuse(inner, context))
    }
}

fn refuse_object(schema: &Value, context: &[&str]) -> Option<String> {
    if schema["additionalProperties"] != false {
        return Some(says(
            context,
            "'additionalProperties' is required to be supplied and to be false.",
        ));
    }
    let required = schema["required"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let names = schema["properties"].as_object().into_iter().flat_map(Map::keys);
    let mut missing = names.filter(|name| !required.iter().any(|own| own == name.as_str()));
    missing.next().map(|name| {
        says(
            context,
            &format!(
                "'required' is required to be supplied and to be an array including every key in properties. Missing \
                 '{name}'."
            ),
        )
    })
}

/// Visits the schemas directly within a schema, until one is refused.
fn each_inner<'a>(
    schema: &'a Value,
    context: &mut Context<'a>,
    visit: &mut dyn FnMut(&'a Value, &mut Context<'a>) -> Option<String>,
) -> Option<String> {
    for keyword in ["properties", "$defs", "definitions"] {
        for (name, inner) in schema[keyword].as_object().into_iter().flatten() {
            context.extend([keyword, name.as_str()]);
            let refused = visit(inner, context);
            if refused.is_some() {
                return refused;
            }
            context.truncate(context.len() - 2);
        }
    }
    if let Some(items) = schema.get("items") {
        context.push("items");
        let refused = visit(items, context);
        if refused.is_some() {
            return refused;
        }
        context.pop();
    }
    for (at, inner) in schema["anyOf"].as_array().into_iter().flatten().enumerate() {
        // Places beyond the tenth are not worth an allocation.
        context.extend(["anyOf", PLACES[at.min(PLACES.len() - 1)]]);
        let refused = visit(inner, context);
        if refused.is_some() {
            return refused;
        }
        context.truncate(context.len() - 2);
    }
    None
}

const PLACES: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "…"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{refuse_format, refuse_parameters};

    #[test]
    fn parameters_are_an_object_with_properties() {
        assert_eq!(
            refuse_parameters(&json!({"type": "object", "properties": {}}), false),
            None
        );
        assert_eq!(
            refuse_parameters(&json!({"type": "object"}), false).as_deref(),
            Some("In context=(), object schema missing properties.")
        );
        assert_eq!(
            refuse_parameters(&json!({}), false).as_deref(),
            Some("schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.")
        );
        let list = json!({"type": "object", "properties": {"a": {"type": "array"}}});
        assert_eq!(
            refuse_parameters(&list, false).as_deref(),
            Some("In context=('properties', 'a'), array schema missing items.")
        );
    }

    #[test]
    fn a_strict_schema_leaves_nothing_open() {
        let schema = |inner| {
            json!({
                "type": "object",
                "properties": {"a": inner},
                "required": ["a"],
                "additionalProperties": false,
                "$defs": {"b": {"type": "string"}},
            })
        };
        for good in [
            json!({"type": "string"}),
            json!({"$ref": "#/$defs/b"}),
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ] {
            assert_eq!(refuse_format(&schema(good), true), None);
        }
        let open = json!({"type": "object", "properties": {}});
        let refused = "In context=('properties', 'a'), 'additionalProperties' is required to be supplied and to be false.";
        assert_eq!(
            refuse_format(&schema(open.clone()), true).as_deref(),
            Some(refused)
        );
        assert_eq!(refuse_format(&schema(open), false), None);
        let optional = json!({"type": "object", "properties": {"x": {}}, "additionalProperties": false});
        assert_eq!(
            refuse_parameters(&optional, true).as_deref(),
            Some(
                "In context=(), 'required' is required to be supplied and to be an array including every key in \
                 properties. Missing 'x'."
            )
        );
        for bad in [
            json!({"oneOf": []}),
            json!({"$ref": "#/$defs/c"}),
            json!({"type": "array"}),
        ] {
            assert!(refuse_format(&schema(bad.clone()), true).is_some(), "{bad}");
        }
    }
}
