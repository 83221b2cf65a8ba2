//! What a tool takes, as OpenAI wants to be told.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::json;

/// What a tool takes that takes nothing.
const NOTHING: &str = r#"{"type":"object","properties":{}}"#;

/// The schema for what a tool takes. OpenAI refuses one that does not say which properties there are, even if there
/// are none.
pub(super) fn parameters(schema: Option<&RawValue>) -> Cow<'_, RawValue> {
    let Some(schema) = schema else {
        return constant(NOTHING);
    };
    let text = schema.get();
    let is_object = json::member(text.as_bytes(), b"type") == Some(b"\"object\"");
    if !is_object || json::member(text.as_bytes(), b"properties").is_some() {
        return Cow::Borrowed(schema);
    }
    let members = text.trim_start().trim_start_matches('{');
    match RawValue::from_string(format!("{{\"properties\":{{}},{members}")) {
        Ok(schema) => Cow::Owned(schema),
        Err(_) => Cow::Borrowed(schema),
    }
}

/// A schema of ours.
pub(super) fn constant(schema: &'static str) -> Cow<'static, RawValue> {
    Cow::Owned(RawValue::from_string(schema.to_owned()).expect("it is JSON"))
}
