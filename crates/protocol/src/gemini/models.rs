use bytes::Bytes;
use gateway_domain::Dialect;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json;
use crate::{ModelDetails, ModelEntry};

/// Entries on a page when the client names no number.
const DEFAULT_PAGE_SIZE: usize = 50;

/// Entries on a page at the most.
const MAX_PAGE_SIZE: usize = 1000;

/// What stands before a model's id in its name.
const PREFIX: &str = "models/";

/// Which part of the list of models a client wants, as its query says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ModelsQuery {
    /// Entries on a page. 50 when absent or zero; at most 1000.
    #[serde(rename = "pageSize", alias = "page_size")]
    pub page_size: Option<usize>,
    /// The page before said that this one begins here.
    #[serde(rename = "pageToken", alias = "page_token")]
    pub page_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    models: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Theirs(&'a RawValue),
    Ours(Model<'a>),
}

/// An entry of which the name alone is known. Its limits are left out: a client would take any number for true.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    name: String,
    version: &'a str,
    display_name: &'a str,
    supported_generation_methods: [&'static str; 2],
}

impl<'a> From<&'a ModelEntry> for Entry<'a> {
    fn from(entry: &'a ModelEntry) -> Self {
        match entry.json_in(Dialect::Gemini) {
            Some(json) => Self::Theirs(json),
            None => Self::Ours(Model {
                name: format!("{PREFIX}{}", entry.id),
                version: &entry.id,
                display_name: &entry.id,
                // `streamGenerateContent` is never listed.
                supported_generation_methods: ["generateContent", "countTokens"],
            }),
        }
    }
}

/// The page of `entries` that `query` asks for.
///
/// A page's token is the id that it begins with. After one that is not in the list comes nothing: a client that
/// pages through a list that has changed comes to an end.
#[must_use]
pub fn models_page(entries: &[ModelEntry], query: &ModelsQuery) -> Bytes {
    let size = query.page_size.filter(|size| *size > 0);
    let size = size.unwrap_or(DEFAULT_PAGE_SIZE).min(MAX_PAGE_SIZE);
    let token = query.page_token.as_deref().filter(|token| !token.is_empty());
    let find = |id: &str| entries.iter().position(|entry| entry.id == id);
    let start = token.map_or(0, |id| find(id).unwrap_or(entries.len()));
    let end = entries.len().min(start + size);
    json::to_bytes(&Page {
        models: entries[start..end].iter().map(Entry::from).collect(),
        next_page_token: entries.get(end).map(|entry| entry.id.as_str()),
    })
}

/// One entry by itself.
#[must_use]
pub fn model(entry: &ModelEntry) -> Bytes {
    json::to_bytes(&Entry::from(entry))
}

/// See [`Codec::read_models`](crate::Codec::read_models).
pub(super) fn read_models(body: &[u8]) -> Vec<ModelEntry> {
    let Some(list) = json::member(body, b"models") else {
        return Vec::new();
    };
    json::elements(list).flatten().filter_map(parse_entry).collect()
}

fn parse_entry(entry: &[u8]) -> Option<ModelEntry> {
    let name = json::member(entry, b"name").and_then(json::text)?;
    let id = name.strip_prefix(PREFIX).unwrap_or(&name);
    if id.is_empty() {
        return None;
    }
    Some(ModelEntry {
        id: id.to_owned(),
        details: Some(ModelDetails {
            dialect: Dialect::Gemini,
            json: serde_json::from_slice(entry).ok()?,
        }),
    })
}
