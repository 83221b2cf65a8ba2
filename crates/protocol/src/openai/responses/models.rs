use gateway_domain::Dialect;

use crate::json;
use crate::{ModelDetails, ModelEntry};

/// See [`Codec::read_models`](crate::Codec::read_models).
pub(super) fn read_models(body: &[u8]) -> Vec<ModelEntry> {
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
            dialect: Dialect::OpenAiResponses,
            json: serde_json::from_slice(entry).ok()?,
        }),
    })
}
