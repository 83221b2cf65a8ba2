use bytes::Bytes;
use serde::Serialize;

use crate::ModelEntry;
use crate::json;

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
}

impl<'a> From<&'a ModelEntry> for Model<'a> {
    fn from(entry: &'a ModelEntry) -> Self {
        // Clients insist on the fields but not on what they say.
        Self {
            id: &entry.id,
            object: "model",
            created: 0,
            owned_by: "llm-gateway",
        }
    }
}

/// All of `entries`: OpenAI's list has no pages.
#[must_use]
pub fn models_list(entries: &[ModelEntry]) -> Bytes {
    json::to_bytes(&List {
        object: "list",
        data: entries.iter().map(Model::from).collect(),
    })
}

/// One entry by itself.
#[must_use]
pub fn model(entry: &ModelEntry) -> Bytes {
    json::to_bytes(&Model::from(entry))
}
