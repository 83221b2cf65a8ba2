//! The OpenAPI document: what the routes say of themselves, and what macros cannot say for them.

use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;

use crate::routes::Document;

/// The whole of it.
pub(crate) fn document() -> Value {
    let mut document = serde_json::to_value(Document::openapi()).expect("all of it is plain JSON");
    every_object(&mut document, &mut name_whole_numbers);
    for (path, methods) in members(&mut document["paths"]) {
        for (method, operation) in members(methods) {
            operation["operationId"] = name(method, path).into();
            leave_out_bodies(operation);
            bodies_may_be_late(operation, path);
        }
    }
    let schemas = &mut document["components"]["schemas"];
    one_account_or_more(&mut schemas["VisibleAccount"]);
    one_account_or_more(&mut schemas["List_VisibleAccount"]["properties"]["data"]["items"]);
    document
}

/// What generated clients call the operation, such as `get_api_keys_by_id`.
fn name(method: &str, path: &str) -> String {
    let words = path.split('/').filter(|word| !word.is_empty());
    let words = words.map(|word| match word.strip_prefix('{') {
        Some(parameter) => format!("by_{}", parameter.trim_end_matches('}')),
        None => word.replace(['-', '.'], "_"),
    });
    let slash = if path.ends_with('/') {
        vec!["index".to_owned()]
    } else {
        Vec::new()
    };
    let all: Vec<String> = [method.to_owned()]
        .into_iter()
        .chain(words)
        .chain(slash)
        .collect();
    all.join("_")
}

/// A body that may be left out: the macros say that it may be `null`.
fn leave_out_bodies(operation: &mut Value) {
    let Some(body) = operation.get_mut("requestBody") else {
        return;
    };
    let schema = &mut body["content"]["application/json"]["schema"];
    let Some(choices) = schema.get("oneOf").and_then(Value::as_array) else {
        return;
    };
    if let Some(left) = choices.iter().find(|choice| choice["type"] != "null") {
        *schema = left.clone();
        body["required"] = false.into();
    }
}

/// Whoever reads a body waits for it only so long.
fn bodies_may_be_late(operation: &mut Value, path: &str) {
    if operation.get("requestBody").is_none() || !path.starts_with("/api/") {
        return;
    }
    let too_large = operation["responses"]["413"].clone();
    operation["responses"]["408"] = json!({
        "description": "The body did not arrive in time",
        "content": too_large["content"],
    });
}

/// Numbers that are not negative have 32 bits of their own, which no format of OpenAPI has.
fn name_whole_numbers(object: &mut Map<String, Value>) {
    let is_unsigned = object
        .get("minimum")
        .and_then(Value::as_i64)
        .is_some_and(|least| least >= 0);
    if is_unsigned && object.get("format") == Some(&"int32".into()) {
        object.insert("format".to_owned(), "int64".into());
        object.entry("maximum").or_insert(u32::MAX.into());
    }
}

/// Who sees the whole account sees all that others see of it, so that it is both.
fn one_account_or_more(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut()
        && let Some(choices) = schema.remove("oneOf")
    {
        schema.insert("anyOf".to_owned(), choices);
    }
}

fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

fn every_object(value: &mut Value, mend: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            mend(object);
            for value in object.values_mut() {
                every_object(value, mend);
            }
        }
        Value::Array(values) => {
            for value in values {
                every_object(value, mend);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::{document, name};

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        assert_eq!(name("get", "/api/keys/{id}"), "get_api_keys_by_id");
        assert_eq!(name("get", "/openapi.json"), "get_openapi_json");
        let document = document();
        let mut names = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{method} {path}: {name}");
            }
        }
    }

    #[test]
    fn what_macros_cannot_say_is_said() {
        let document = document();
        let rotate = &document["paths"]["/api/keys/{id}/rotate"]["post"];
        assert_eq!(rotate["requestBody"]["required"], false);
        let schema = &rotate["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(schema, &json!({"$ref": "#/components/schemas/Rotation"}));
        assert!(rotate["responses"]["408"]["content"].is_object());
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["VisibleAccount"]["anyOf"].as_array().unwrap().len(), 2);
        let text = document.to_string();
        assert!(!text.contains("\"format\":\"int32\",\"minimum\":0"), "{text}");
    }
}
