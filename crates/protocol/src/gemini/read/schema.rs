use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::gemini::fields::{Place, camel_case};
use crate::json;
use crate::translation::Untranslatable;

/// Makes JSON Schema of the part of OpenAPI that Gemini has: types in capitals, `nullable`, counts in quotes.
///
/// What JSON Schema has besides stays as it is.
pub(super) fn convert(open_api: &[u8], place: Place<'_>) -> Result<Box<RawValue>, Untranslatable> {
    let schema: Schema = serde_json::from_slice(open_api).map_err(|error| place.wrong(&error.to_string()))?;
    if !schema.0.starts_with('{') {
        return Err(place.wrong("expected an object"));
    }
    Ok(RawValue::from_string(schema.0)?)
}

/// The text of one schema, converted. Nesting is bounded by the parser.
struct Schema(String);

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SchemaVisitor)
    }
}

struct SchemaVisitor;

impl<'de> Visitor<'de> for SchemaVisitor {
    type Value = Schema;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a schema")
    }

    /// As `additionalProperties` may be.
    fn visit_bool<E>(self, value: bool) -> Result<Schema, E> {
        Ok(Schema(value.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Schema, A::Error> {
        let mut parts = Parts::default();
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            parts.read(&key, &mut map)?;
        }
        Ok(Schema(parts.finish()))
    }
}

/// What a schema is put together from.
#[derive(Default)]
struct Parts {
    /// In small letters.
    kind: Option<String>,
    is_nullable: bool,
    properties: Option<Properties>,
    ordering: Vec<String>,
    any_of: Option<Vec<Schema>>,
    values: Option<Vec<Box<RawValue>>>,
    /// Names and values of the rest.
    rest: Vec<(String, String)>,
}

impl Parts {
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match &*camel_case(key) {
            "type" => {
                let kind: Option<String> = map.next_value()?;
                self.kind = kind.map(|kind| kind.to_ascii_lowercase());
            }
            "nullable" => self.is_nullable = map.next_value::<Option<bool>>()?.unwrap_or_default(),
            "properties" => self.properties = map.next_value()?,
            "propertyOrdering" => self.ordering = map.next_value::<Option<_>>()?.unwrap_or_default(),
            "anyOf" => self.any_of = map.next_value()?,
            "enum" => self.values = map.next_value()?,
            name @ ("items" | "additionalProperties") => {
                if let Some(Schema(text)) = map.next_value()? {
                    self.rest.push((name.to_owned(), text));
                }
            }
            name @ ("minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties"
            | "maxProperties") => {
                let count: Box<RawValue> = map.next_value()?;
                self.rest
                    .push((name.to_owned(), count.get().trim_matches('"').to_owned()));
            }
            "example" => {
                let example: Box<RawValue> = map.next_value()?;
                self.rest
                    .push(("examples".to_owned(), format!("[{}]", example.get())));
            }
            _ => {
                let value: Box<RawValue> = map.next_value()?;
                self.rest.push((key.to_owned(), value.get().to_owned()));
            }
        }
        Ok(())
    }

    fn finish(self) -> String {
        let mut object = Object::default();
        let kind = self.kind.filter(|kind| kind != "type_unspecified");
        match (kind, self.is_nullable) {
            (Some(kind), true) => object.add("type", &format!("[{},\"null\"]", quoted(&kind))),
            (Some(kind), false) => object.add("type", &quoted(&kind)),
            (None, _) => {}
        }
        for (name, value) in &self.rest {
            object.add(name, value);
        }
        if let Some(values) = self.values {
            let null = self.is_nullable.then_some("null");
            let values = values.iter().map(|value| value.get()).chain(null);
            object.add("enum", &list(values));
        }
        if let Some(choices) = self.any_of {
            let null = self.is_nullable.then_some(r#"{"type":"null"}"#);
            let choices = choices.iter().map(|choice| choice.0.as_str()).chain(null);
            object.add("anyOf", &list(choices));
        }
        if let Some(properties) = self.properties {
            object.add("properties", &properties.in_order(&self.ordering));
        }
        object.finish()
    }
}

/// The properties of an object, in the order in which they came.
struct Properties(Vec<(String, Schema)>);

impl Properties {
    /// Their text, those in `ordering` first: the order in which they stand is that in which a model writes them.
    fn in_order(mut self, ordering: &[String]) -> String {
        let places: HashMap<_, _> = ordering.iter().zip(0..).collect();
        self.0
            .sort_by_key(|(name, _)| places.get(name).copied().unwrap_or(usize::MAX));
        let mut object = Object::default();
        for (name, schema) in &self.0 {
            object.add(name, &schema.0);
        }
        object.finish()
    }
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PropertiesVisitor)
    }
}

struct PropertiesVisitor;

impl<'de> Visitor<'de> for PropertiesVisitor {
    type Value = Properties;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of schemas")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties, A::Error> {
        let mut properties = Vec::new();
        while let Some(property) = map.next_entry()? {
            properties.push(property);
        }
        Ok(Properties(properties))
    }
}

/// The text of a JSON object in the making.
#[derive(Default)]
struct Object(String);

impl Object {
    fn add(&mut self, name: &str, value: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&quoted(name));
        self.0.push(':');
        self.0.push_str(value);
    }

    fn finish(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0
    }
}

fn list<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let values: Vec<_> = values.collect();
    format!("[{}]", values.join(","))
}

fn quoted(text: &str) -> String {
    String::from_utf8_lossy(&json::to_bytes(text)).into_owned()
}
