//! The arguments of a call, which this dialect writes as a text within a string.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::json;

/// The JSON object that a function call's `arguments` spell.
///
/// Models write these, and now and then they write no JSON: then `{"arguments": "what they wrote"}`, so that the
/// conversation can go on and the model sees what it did.
pub(super) fn object(arguments: &str) -> Box<RawValue> {
    let text = match arguments.trim() {
        "" | "null" => "{}",
        text => text,
    };
    let is_object = json::members(text.as_bytes()).all(|member| member.is_ok());
    let object = if is_object {
        RawValue::from_string(text.to_owned()).ok()
    } else {
        None
    };
    object.unwrap_or_else(|| to_raw(&Unread { arguments }))
}

/// The JSON string of a freeform call's text.
pub(super) fn string(text: &str) -> Box<RawValue> {
    to_raw(text)
}

/// The text of a freeform call; `None` for the arguments of another.
pub(super) fn text(arguments: &RawValue) -> Option<String> {
    if !arguments.get().starts_with('"') {
        return None;
    }
    json::text(arguments.get().as_bytes())
}

#[derive(Serialize)]
struct Unread<'a> {
    arguments: &'a str,
}

/// The JSON of a value that cannot fail to have one: made of strings, numbers and JSON.
pub(super) fn to_raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("strings, numbers and JSON always serialize")
}
