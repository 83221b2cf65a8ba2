use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::translation::{Effort, Format, Thinking, ThinkingAmount, Untranslatable};

use super::field::Path;

/// What the answer shall look like.
#[derive(Deserialize)]
struct ResponseFormat<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    json_schema: Option<JsonSchema<'a>>,
}

#[derive(Deserialize)]
struct JsonSchema<'a> {
    name: Option<Cow<'a, str>>,
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
    strict: Option<bool>,
}

/// The texts that end an answer: one, a list, or none.
pub(super) fn stop(value: Option<&RawValue>) -> Result<Vec<String>, Untranslatable> {
    let path = Path::Root("stop");
    match value {
        None => Ok(Vec::new()),
        Some(list) if list.get().starts_with('[') => path.read(list),
        Some(text) => Ok(vec![path.read(text)?]),
    }
}

/// How much the model shall think. Clients that want to see the thoughts find them in `reasoning_content`.
pub(super) fn thinking(effort: Option<&str>) -> Result<Option<Thinking>, Untranslatable> {
    let Some(word) = effort else {
        return Ok(None);
    };
    if word == "none" {
        return Ok(Some(Thinking {
            amount: ThinkingAmount::Off,
            is_shown: false,
        }));
    }
    let effort: Effort = word.parse().map_err(|_| {
        let known = "'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'";
        Path::Root("reasoning_effort").unknown_value(word, known)
    })?;
    Ok(Some(Thinking {
        amount: ThinkingAmount::Effort(effort),
        is_shown: true,
    }))
}

pub(super) fn format(value: Option<&RawValue>) -> Result<Format, Untranslatable> {
    let path = Path::Root("response_format");
    let Some(value) = value else {
        return Ok(Format::Text);
    };
    let format: ResponseFormat<'_> = path.read(value)?;
    match &*format.r#type {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => {
            let json_schema = Path::Field(&path, "json_schema");
            let given = format.json_schema.ok_or_else(|| json_schema.missing())?;
            let Some(schema) = given.schema else {
                return Ok(Format::Json);
            };
            if !schema.get().starts_with('{') {
                return Err(Path::Field(&json_schema, "schema").invalid("Expected an object."));
            }
            Ok(Format::Schema {
                name: given.name.map(Cow::into_owned),
                description: given.description.map(Cow::into_owned),
                schema: schema.to_owned(),
                strict: given.strict,
            })
        }
        other => {
            let known = "'json_object', 'json_schema', and 'text'";
            Err(Path::Field(&path, "type").unknown_value(other, known))
        }
    }
}
