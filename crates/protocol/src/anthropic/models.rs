use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use gateway_domain::Dialect;

use crate::json;
use crate::{ModelDetails, ModelEntry};

/// Entries on a page when the client names no number.
const DEFAULT_LIMIT: usize = 20;

/// Entries on a page at the most.
const MAX_LIMIT: usize = 1000;

/// Which part of the list of models a client wants, as its query says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ModelsQuery {
    /// Entries on a page. 20 when absent; brought into 1 to 1000.
    pub limit: Option<usize>,
    /// The page shall begin behind this id.
    pub after_id: Option<String>,
    /// The page shall end before this id. Counts only without `after_id`.
    pub before_id: Option<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    data: Vec<Entry<'a>>,
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
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
    r#type: &'static str,
    id: &'a str,
    display_name: &'a str,
    created_at: &'static str,
    lifecycle: &'static str,
    line: (),
    max_input_tokens: (),
    max_tokens: (),
    capabilities: (),
    deprecated_at: (),
    retires_at: (),
}

impl<'a> From<&'a ModelEntry> for Entry<'a> {
    fn from(entry: &'a ModelEntry) -> Self {
        match entry.json_in(Dialect::Anthropic) {
            Some(json) => Self::Theirs(json),
            None => Self::Ours(Model {
                r#type: "model",
                id: &entry.id,
                display_name: &entry.id,
                // What Anthropic says when it does not know.
                created_at: "1970-01-01T00:00:00Z",
                lifecycle: "active",
                line: (),
                max_input_tokens: (),
                max_tokens: (),
                capabilities: (),
                deprecated_at: (),
                retires_at: (),
            }),
        }
    }
}

/// The page of `entries` that `query` asks for.
///
/// An id that is not in the list has nothing before or behind it: a client that pages through a list that has
/// changed comes to an end.
#[must_use]
pub fn models_page(entries: &[ModelEntry], query: &ModelsQuery) -> Bytes {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let find = |id: &str| entries.iter().position(|entry| entry.id == id);
    let (page, has_more) = match (&query.after_id, &query.before_id) {
        (None, Some(before)) => {
            let end = find(before).unwrap_or(0);
            let start = end.saturating_sub(limit);
            (&entries[start..end], start > 0)
        }
        (after, _) => {
            let start = match after {
                Some(after) => find(after).map_or(entries.len(), |at| at + 1),
                None => 0,
            };
            let end = entries.len().min(start + limit);
            (&entries[start..end], end < entries.len())
        }
    };
    json::to_bytes(&Page {
        data: page.iter().map(Entry::from).collect(),
        has_more,
        first_id: page.first().map(|entry| entry.id.as_str()),
        last_id: page.last().map(|entry| entry.id.as_str()),
    })
}

/// One entry by itself.
#[must_use]
pub fn model(entry: &ModelEntry) -> Bytes {
    json::to_bytes(&Entry::from(entry))
}

/// See [`Codec::read_models`](crate::Codec::read_models).
pub(super) fn read_models(body: &[u8]) -> Vec<ModelEntry> {
    let Some(list) = json::member(body, b"data") else {
        return Vec::new();
    };
    json::elements(list).flatten().filter_map(parse_entry).collect()
}

fn parse_entry(entry: &[u8]) -> Option<ModelEntry> {
    let id = json::member(entry, b"id")
        .and_then(json::text)
        .filter(|id| !id.is_empty())?;
    Some(ModelEntry {
        id,
        details: Some(ModelDetails {
            dialect: Dialect::Anthropic,
            json: serde_json::from_slice(entry).ok()?,
        }),
    })
}
