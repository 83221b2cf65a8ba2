use proptest::prelude::{Just, Strategy, prop, prop_oneof, proptest};
use serde_json::{Value, json};

use gateway_protocol::translation::ToolInput;

use super::read;

/// What becomes of the `parameters` of a function.
fn converted(parameters: &str) -> Result<String, String> {
    let body = format!(
        r#"{{"contents":[],"tools":[{{"functionDeclarations":[{{"name":"f","parameters":{parameters}}}]}}]}}"#
    );
    let (conversation, _) = read(&body)?;
    match &conversation.tools[0].input {
        ToolInput::Json { schema, .. } => Ok(schema.as_ref().unwrap().get().to_owned()),
        ToolInput::Text => panic!("not a schema"),
    }
}

#[test]
fn a_schema_of_every_keyword() {
    let schema = r#"{"type":"OBJECT","title":"T","description":"d","required":["b"],"nullable":false,
        "properties":{
            "b":{"type":"STRING","format":"enum","enum":["x","y"],"nullable":true},
            "a":{"type":"ARRAY","items":{"type":"INTEGER","format":"int64","minimum":1,"maximum":2.50},"minItems":"1","maxItems":3},
            "type":{"type":"NUMBER","nullable":true,"default":1.0,"example":0.10},
            "c":{"any_of":[{"type":"STRING","pattern":"^a\u0062$","minLength":"2"},{"type":"BOOLEAN"}],"nullable":true},
            "d":{"type":"OBJECT","additionalProperties":{"type":"TYPE_UNSPECIFIED"},"maxProperties":"9"},
            "e":{"type":"OBJECT","additionalProperties":false,"properties":{}},
            "nullable":{"type":"NULL"}
        },
        "propertyOrdering":["type","a","b"]}"#;
    insta::assert_snapshot!(converted(schema).unwrap());
}

#[test]
fn numbers_and_texts_stay_as_they_are() {
    let schema =
        r#"{"type":"OBJECT","properties":{"a":{"default":1.0,"enum":["\u00e9",12345678901234567890.5]}}}"#;
    assert_eq!(
        converted(schema).unwrap(),
        r#"{"type":"object","properties":{"a":{"default":1.0,"enum":["\u00e9",12345678901234567890.5]}}}"#
    );
}

#[test]
fn what_is_no_schema_is_refused() {
    for schema in [
        "7",
        "true",
        "[]",
        r#"{"type":7}"#,
        r#"{"properties":[]}"#,
        r#"{"anyOf":{}}"#,
        r#"{"items":7}"#,
    ] {
        let error = converted(schema).unwrap_err();
        assert!(
            error.starts_with("tools[0].functionDeclarations[0].parameters: "),
            "{error}"
        );
    }
    assert!(converted(r#"{"minItems":"\"x"}"#).is_err());
}

#[test]
fn endless_nesting_is_refused() {
    let deep = r#"{"items":"#.repeat(100_000) + "{}" + &"}".repeat(100_000);
    assert!(converted(&deep).is_err());
}

fn schemas() -> impl Strategy<Value = Value> {
    let kind = |kind: &'static str| Just(json!({"type": kind}));
    let leaf = prop_oneof![kind("STRING"), kind("NUMBER"), kind("BOOLEAN"), kind("INTEGER")];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|items| json!({"type": "ARRAY", "items": items})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|of| json!({"anyOf": of, "nullable": true})),
            prop::collection::btree_map("[a-z]{1,8}", inner, 0..4)
                .prop_map(|properties| json!({"type": "OBJECT", "properties": properties})),
        ]
    })
}

/// The same schema, as JSON Schema has it.
fn expected(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut converted = serde_json::Map::new();
            for (name, value) in members {
                match name.as_str() {
                    "type" => {
                        converted.insert(name.clone(), json!(value.as_str().unwrap().to_lowercase()));
                    }
                    "nullable" => {}
                    "anyOf" => {
                        let mut of: Vec<_> = value.as_array().unwrap().iter().map(expected).collect();
                        of.push(json!({"type": "null"}));
                        converted.insert(name.clone(), Value::Array(of));
                    }
                    "properties" => {
                        let properties = value.as_object().unwrap().iter();
                        let properties = properties.map(|(name, value)| (name.clone(), expected(value)));
                        converted.insert(name.clone(), Value::Object(properties.collect()));
                    }
                    _ => {
                        converted.insert(name.clone(), expected(value));
                    }
                }
            }
            Value::Object(converted)
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn no_property_is_lost(schema in schemas()) {
        let converted: Value = serde_json::from_str(&converted(&schema.to_string()).unwrap()).unwrap();
        assert_eq!(converted, expected(&schema));
    }
}
