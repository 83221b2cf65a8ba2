use bytes::Bytes;
use gateway_domain::Dialect;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::json;
use crate::{ModelDetails, ModelEntry};

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Theirs(&'a RawValue),
    Ours(Model<'a>),
}

/// An entry of which the name alone is known, with every field that clients insist on.
#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
}

impl<'a> From<&'a ModelEntry> for Entry<'a> {
    fn from(entry: &'a ModelEntry) -> Self {
        let theirs = entry
            .json_in(Dialect::OpenAiChat)
            .or_else(|| entry.json_in(Dialect::OpenAiResponses));
        match theirs {
            Some(json) => Self::Theirs(json),
            None => Self::Ours(Model {
                id: &entry.id,
                object: "model",
                created: 0,
                owned_by: "llm-gateway",
            }),
        }
    }
}

/// All of `entries`: OpenAI's list has no pages.
#[must_use]
pub fn models_list(entries: &[ModelEntry]) -> Bytes {
    json::to_bytes(&List {
        object: "list",
        data: entries.iter().map(Entry::from).collect(),
    })
}

/// One entry by itself.
#[must_use]
pub fn model(entry: &ModelEntry) -> Bytes {
    json::to_bytes(&Entry::from(entry))
}

/// See [`Codec::read_models`](crate::Codec::read_models).
pub(super) fn read_models(body: &[u8]) -> Vec<ModelEntry> {
    // Some give the list by itself.
    let list = json::member(body, b"data").unwrap_or(body);
    json::elements(list).flatten().filter_map(parse_entry).collect()
}

fn parse_entry(entry: &[u8]) -> Option<ModelEntry> {
    let id = json::member(entry, b"id")
        .and_then(json::text)
        .filter(|id| !id.is_empty())?;
    Some(ModelEntry {
        id,
        details: Some(ModelDetails {
            dialect: Dialect::OpenAiChat,
            json: serde_json::from_slice(entry).ok()?,
        }),
    })
}
