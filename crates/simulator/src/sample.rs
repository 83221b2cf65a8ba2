use serde_json::{Map, Value, json};

use crate::draw::Draw;

/// An input that a JSON schema allows, as far as its types go.
pub(crate) fn sample(schema: &Value, draw: &mut Draw) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
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
                .map(|(name, field)| (name.clone(), sample(field, draw)))
                .collect();
            Value::Object(filled)
        }
        Some("array") => json!([sample(&schema["items"], draw)]),
        Some("integer") => json!(draw.below(100)),
        Some("number") => json!(draw.below(1_000) as f64 / 10.0),
        Some("boolean") => json!(draw.below(2) == 1),
        Some("null") => Value::Null,
        _ => json!(draw.prose(12).trim_end_matches('.')),
    }
}
