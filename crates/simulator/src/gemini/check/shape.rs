use std::fmt;

use serde_json::{Map, Value};

use super::ApiError;
use crate::gemini::signature::decode;

/// A message of the API: its name, and its fields in the spelling of its definition.
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) fields: &'static [(&'static str, Kind)],
}

/// What a field holds.
pub(super) enum Kind {
    Text,
    Flag,
    Integer,
    Number,
    /// Base64, of either alphabet.
    Bytes,
    /// Any JSON.
    Json,
    /// Any JSON object.
    Object,
    /// One of a list of names.
    Choice(&'static str, &'static [&'static str]),
    Message(&'static Shape),
    List(&'static Kind),
    /// By names of the client's own.
    Map(&'static Kind),
}

/// A place in the body, as the API writes it: `contents[0].parts[1].inline_data`.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Body,
    Field(&'a str),
    Item(usize),
    /// The value of an entry of a map, which is a list of entries to the API.
    Entry(usize),
}

impl<'a> Place<'a> {
    pub(super) const BODY: Place<'static> = Place {
        parent: None,
        step: Step::Body,
    };

    const fn to(&'a self, step: Step<'a>) -> Self {
        Self {
            parent: Some(self),
            step,
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}")?;
        }
        match self.step {
            Step::Body => Ok(()),
            Step::Field(name) => {
                let is_first = self.parent.is_none_or(|parent| matches!(parent.step, Step::Body));
                write!(f, "{}{name}", if is_first { "" } else { "." })
            }
            Step::Item(at) => write!(f, "[{at}]"),
            Step::Entry(at) => write!(f, "[{at}].value"),
        }
    }
}

/// Reads a value as the API does, and gives its fields the one spelling that the rest of this dialect reads.
///
/// Nulls are left out, and what stands alone where there may be many is a list of one.
pub(super) fn read(kind: &Kind, value: Value, place: Place<'_>) -> Result<Value, ApiError> {
    let wrong = |what: &str, value: &Value| {
        Err(ApiError::invalid(format!(
            "Invalid value at '{place}' ({what}), {value}"
        )))
    };
    match kind {
        Kind::Text if value.is_string() => Ok(value),
        Kind::Flag if value.is_boolean() => Ok(value),
        Kind::Integer => match integer(&value) {
            Some(number) => Ok(number.into()),
            None => wrong("TYPE_INT32", &value),
        },
        Kind::Number => match number(&value) {
            Some(number) => Ok(number.into()),
            None => wrong("TYPE_FLOAT", &value),
        },
        Kind::Bytes => match value.as_str() {
            None => wrong("TYPE_BYTES", &value),
            Some(text) if decode(text).is_none() => Err(ApiError::invalid(format!(
                "Invalid value at '{place}' (TYPE_BYTES), Base64 decoding failed for {value}"
            ))),
            Some(_) => Ok(value),
        },
        Kind::Json => Ok(value),
        Kind::Object if value.is_object() => Ok(value),
        Kind::Choice(name, choices) => {
            let given = value.as_str().unwrap_or_default();
            match choices.iter().find(|choice| choice.eq_ignore_ascii_case(given)) {
                Some(choice) => Ok((*choice).into()),
                None => wrong(&full_name(name), &value),
            }
        }
        Kind::Message(shape) => message(shape, value, place),
        Kind::List(item) => list(item, value, place),
        Kind::Map(item) => map(item, value, place),
        Kind::Text => wrong("TYPE_STRING", &value),
        Kind::Flag => wrong("TYPE_BOOL", &value),
        Kind::Object => wrong("type.googleapis.com/google.protobuf.Struct", &value),
    }
}

fn message(shape: &Shape, value: Value, place: Place<'_>) -> Result<Value, ApiError> {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Array(_) => return Err(cannot_start_list(place)),
        other => {
            return Err(ApiError::invalid(format!(
                "Invalid value at '{place}' ({}), {other}",
                full_name(shape.name)
            )));
        }
    };
    let mut known = Map::new();
    for (name, value) in fields {
        let field = shape.fields.iter().find(|(own, _)| is_spelling(own, &name));
        let Some((own, kind)) = field else {
            return Err(unknown_name(&name, place, "Cannot find field."));
        };
        if value.is_null() {
            continue;
        }
        let own = *own;
        let value = read(kind, value, place.to(Step::Field(own)))?;
        if known.insert(camel(own), value).is_some() {
            return Err(unknown_name(&name, place, "Field is already set."));
        }
    }
    Ok(Value::Object(known))
}

fn list(item: &Kind, value: Value, place: Place<'_>) -> Result<Value, ApiError> {
    let items = match value {
        Value::Array(items) => items,
        other => vec![other],
    };
    let read = |(at, value)| read(item, value, place.to(Step::Item(at)));
    items
        .into_iter()
        .enumerate()
        .map(read)
        .collect::<Result<Vec<_>, _>>()
        .map(Value::Array)
}

fn map(item: &Kind, value: Value, place: Place<'_>) -> Result<Value, ApiError> {
    let Value::Object(entries) = value else {
        return Err(ApiError::invalid(format!(
            "Invalid value at '{place}' (Map), {value}"
        )));
    };
    let read = |(at, (name, value))| Ok((name, read(item, value, place.to(Step::Entry(at)))?));
    entries
        .into_iter()
        .enumerate()
        .map(read)
        .collect::<Result<Map<_, _>, _>>()
        .map(Value::Object)
}

fn unknown_name(name: &str, place: Place<'_>, why: &str) -> ApiError {
    let place = place.to_string();
    let place = if place.is_empty() {
        place
    } else {
        format!(" at '{place}'")
    };
    ApiError::invalid(format!(
        "Invalid JSON payload received. Unknown name \"{name}\"{place}: {why}"
    ))
}

fn cannot_start_list(place: Place<'_>) -> ApiError {
    match (place.parent, place.step) {
        (Some(parent), Step::Field(name)) => {
            unknown_name(name, *parent, "Proto field is not repeating, cannot start list.")
        }
        _ => unknown_name("", place, "Root element must be a message."),
    }
}

fn full_name(name: &str) -> String {
    format!("type.googleapis.com/google.ai.generativelanguage.v1beta.{name}")
}

/// Numbers may come as text.
fn integer(value: &Value) -> Option<i64> {
    let whole = |number: f64| (number.fract() == 0.0).then_some(number as i64);
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_f64(),
    }
}

/// Whether `name` is `own` as the definition spells it, or in camel case.
fn is_spelling(own: &str, name: &str) -> bool {
    name == own || (name.len() <= own.len() && camel(own) == name)
}

fn camel(own: &str) -> String {
    let mut name = String::with_capacity(own.len());
    let mut after_line = false;
    for letter in own.chars() {
        if letter == '_' {
            after_line = true;
        } else if std::mem::take(&mut after_line) {
            name.push(letter.to_ascii_uppercase());
        } else {
            name.push(letter);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Kind, Place, Shape, camel, read};

    static LEAF: Shape = Shape {
        name: "Leaf",
        fields: &[("mime_type", Kind::Text), ("is_big", Kind::Flag)],
    };
    static TREE: Shape = Shape {
        name: "Tree",
        fields: &[
            ("top_k", Kind::Integer),
            ("leaves", Kind::List(&Kind::Message(&LEAF))),
            ("by_name", Kind::Map(&Kind::Message(&TREE))),
        ],
    };

    fn tree(value: Value) -> Result<Value, String> {
        let read = read(&Kind::Message(&TREE), value, Place::BODY);
        read.map_err(|error| error.message.unwrap_or_default())
    }

    #[test]
    fn both_spellings_are_one() {
        let given = json!({"top_k": "3", "leaves": {"mime_type": "a", "isBig": null}});
        let read = json!({"topK": 3, "leaves": [{"mimeType": "a"}]});
        assert_eq!(tree(given), Ok(read));
        assert_eq!(camel("parameters_json_schema"), "parametersJsonSchema");
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        let cases = [
            (
                json!({"x": 1}),
                "Invalid JSON payload received. Unknown name \"x\": Cannot find field.",
            ),
            (
                json!({"by_name": {"a": {}, "b": {"leaves": [{}, {"$ref": 1}]}}}),
                "Invalid JSON payload received. Unknown name \"$ref\" at 'by_name[1].value.leaves[1]': Cannot find field.",
            ),
            (
                json!({"leaves": [{"mimeType": 1}]}),
                "Invalid value at 'leaves[0].mime_type' (TYPE_STRING), 1",
            ),
            (json!({"topK": 1.5}), "Invalid value at 'top_k' (TYPE_INT32), 1.5"),
            (
                json!({"topK": 1, "top_k": 1}),
                "Invalid JSON payload received. Unknown name \"top_k\": Field is already set.",
            ),
        ];
        for (given, message) in cases {
            assert_eq!(tree(given), Err(message.to_owned()));
        }
    }
}
