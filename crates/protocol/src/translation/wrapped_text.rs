//! Freeform tools at providers that know only tools with a schema: there they take an object whose one member,
//! `input`, is the text.

use serde_json::value::RawValue;

use crate::json;

/// The text that a call's arguments wrap; the arguments themselves, if they are no such object after all.
pub(super) fn unwrap(arguments: &str) -> String {
    json::member(arguments.as_bytes(), b"input")
        .and_then(json::text)
        .unwrap_or_else(|| arguments.to_owned())
}

/// The arguments of a freeform call, a JSON string, for those that a provider gave.
pub(super) fn unwrap_call(arguments: &RawValue) -> Box<RawValue> {
    if arguments.get().starts_with('"') {
        return arguments.to_owned();
    }
    serde_json::value::to_raw_value(&unwrap(arguments.get())).expect("a string always serializes")
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{unwrap, unwrap_call};

    #[test]
    fn a_wrapped_text_comes_back() {
        assert_eq!(
            unwrap(r#"{"input": "*** Begin Patch\n\u00e4"}"#),
            "*** Begin Patch\n\u{e4}"
        );
        assert_eq!(unwrap(r#"{"input":""}"#), "");
    }

    #[test]
    fn what_a_model_wrote_in_another_way_is_not_lost() {
        for arguments in [
            r#"{"patch":"x"}"#,
            r#"{"input":{"a":1}}"#,
            "{}",
            "*** Begin Patch",
            "",
        ] {
            assert_eq!(unwrap(arguments), arguments);
        }
    }

    #[test]
    fn a_call_that_is_freeform_already_stays_as_it_is() {
        let text = RawValue::from_string(r#""{\"input\":\"x\"}""#.to_owned()).unwrap();
        assert_eq!(unwrap_call(&text).get(), text.get());
        let object = RawValue::from_string(r#"{"input":"x"}"#.to_owned()).unwrap();
        assert_eq!(unwrap_call(&object).get(), r#""x""#);
    }
}
