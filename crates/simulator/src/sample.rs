use serde_json::{Map, Value, json};

use crate::draw::Draw;

/// How deep an input goes where its schema has no end.
const DEPTH: usize = 6;

/// An input that a JSON schema allows, as far as its types go.
pub(crate) fn sample(schema: &Value, draw: &mut Draw) -> Value {
    inner(schema, schema, draw, 0)
}

fn inner(schema: &Value, root: &Value, draw: &mut Draw, depth: usize) -> Value {
    if let Some(target) = schema["$ref"]
        .as_str()
        .and_then(|reference| root.pointer(reference.strip_prefix('#')?))
        && depth <= DEPTH
    {
        return inner(target, root, draw, depth + 1);
    }
    if let Some(only) = schema.get("const") {
        return only.clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    if let Some(choices) = schema["anyOf"].as_array().filter(|choices| !choices.is_empty()) {
        let ends = choices.iter().find(|choice| choice["type"] == "null");
        let choice = ends.filter(|_| depth >= DEPTH).unwrap_or(&choices[0]);
        return inner(choice, root, draw, depth + 1);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("object") => {
            let fields = schema["properties"].as_object();
            let filled: Map<String, Value> = fields
                .into_iter()
                .flatten()
                .map(|(name, field)| (name.clone(), inner(field, root, draw, depth + 1)))
                .collect();
            Value::Object(filled)
        }
        Some("array") if depth >= DEPTH => json!([]),
        Some("array") => json!([inner(&schema["items"], root, draw, depth + 1)]),
        Some("integer") => json!(draw.below(100)),
        Some("number") => json!(draw.below(1_000) as f64 / 10.0),
        Some("boolean") => json!(draw.below(2) == 1),
        Some("null") => Value::Null,
        _ => json!(draw.prose(12).trim_end_matches('.')),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::sample;
    use crate::draw::Draw;

    #[test]
    fn references_and_choices_are_followed() {
        let schema = json!({
            "type": "object",
            "properties": {"kind": {"const": "a"}, "size": {"$ref": "#/$defs/size"}},
            "$defs": {"size": {"anyOf": [{"type": "null"}, {"type": "integer"}]}},
        });
        assert_eq!(
            sample(&schema, &mut Draw::new(1)),
            json!({"kind": "a", "size": null})
        );
    }

    #[test]
    fn a_schema_without_end_has_a_sample() {
        let schema = json!({
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}, "all": {"type": "array", "items": {"$ref": "#"}}},
        });
        assert!(sample(&schema, &mut Draw::new(1)).is_object());
    }
}
