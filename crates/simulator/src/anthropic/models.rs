use serde_json::{Value, json};

use super::ApiError;

/// A model that the simulator knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) id: String,
    display_name: String,
    created_at: &'static str,
    line: Option<&'static str>,
    pub(crate) max_input_tokens: u64,
    pub(crate) max_tokens: u64,
    /// The shortest prefix that the prompt cache keeps.
    pub(crate) cache_minimum: u64,
    pub(crate) takes_prefill: bool,
    /// When it goes away, if it is deprecated.
    retires_at: Option<&'static str>,
}

impl Model {
    fn to_json(&self) -> Value {
        let yes = json!({"supported": true});
        json!({
            "type": "model",
            "id": self.id,
            "display_name": self.display_name,
            "created_at": self.created_at,
            "lifecycle": if self.retires_at.is_some() { "deprecated" } else { "active" },
            "deprecated_at": self.retires_at.map(|_| "2026-06-01T00:00:00Z"),
            "retires_at": self.retires_at,
            "line": self.line,
            "max_input_tokens": self.max_input_tokens,
            "max_tokens": self.max_tokens,
            "capabilities": {
                "batch": yes, "citations": yes, "code_execution": yes, "image_input": yes, "pdf_input": yes,
                "structured_outputs": yes,
                "context_management": {
                    "supported": true, "clear_thinking_20251015": yes, "clear_tool_uses_20250919": yes,
                    "compact_20260112": yes,
                },
                "effort": {"supported": true, "low": yes, "medium": yes, "high": yes, "xhigh": yes, "max": yes},
                "server_tools": {"supported": true, "web_search": yes, "code_execution": {"supported": false}},
                "thinking": {
                    "supported": true,
                    "types": {"adaptive": yes, "between_tools": yes, "disabled": yes, "enabled": yes},
                },
            },
        })
    }
}

/// The models on offer, newest first.
#[derive(Debug, Clone)]
pub(crate) struct Models(Vec<Model>);

impl Default for Models {
    fn default() -> Self {
        Self(KNOWN.iter().map(known).collect())
    }
}

impl Models {
    /// These and no others; an id that is not a real one has the traits of a current model.
    pub(crate) fn only<I: IntoIterator<Item = S>, S: Into<String>>(ids: I) -> Self {
        Self(
            ids.into_iter()
                .map(|id| {
                    let id = id.into();
                    KNOWN
                        .iter()
                        .find(|row| row.0 == id)
                        .map_or_else(|| made_up(id), known)
                })
                .collect(),
        )
    }

    pub(crate) fn find(&self, id: &str) -> Result<&Model, ApiError> {
        self.0
            .iter()
            .find(|model| model.id == id)
            .ok_or_else(|| ApiError::not_found(format!("model: {id}")))
    }

    pub(crate) fn show(&self, id: &str) -> Result<Vec<u8>, ApiError> {
        Ok(self.find(id)?.to_json().to_string().into_bytes())
    }

    /// A page, by `limit`, `after_id`, `before_id` and `lifecycle` of the query.
    pub(crate) fn page(&self, query: &str) -> Result<Vec<u8>, ApiError> {
        let query = PageQuery::parse(query)?;
        let listed: Vec<&Model> = self.0.iter().filter(|model| query.wants(model)).collect();
        let place = |id: &str| {
            listed
                .iter()
                .position(|model| model.id == id)
                .ok_or_else(|| ApiError::invalid(format!("Invalid cursor: {id}")))
        };
        let (start, end, has_more) = match (&query.after, &query.before) {
            (Some(_), Some(_)) => {
                return Err(ApiError::invalid(
                    "Only one of `after_id` and `before_id` may be given.",
                ));
            }
            (_, Some(before)) => {
                let end = place(before)?;
                let start = end.saturating_sub(query.limit);
                (start, end, start > 0)
            }
            (after, None) => {
                let start = after.as_deref().map(place).transpose()?.map_or(0, |at| at + 1);
                let end = (start + query.limit).min(listed.len());
                (start, end, end < listed.len())
            }
        };
        let page = &listed[start..end];
        Ok(json!({
            "data": page.iter().map(|model| model.to_json()).collect::<Vec<_>>(),
            "has_more": has_more,
            "first_id": page.first().map(|model| &model.id),
            "last_id": page.last().map(|model| &model.id),
        })
        .to_string()
        .into_bytes())
    }
}

struct PageQuery {
    limit: usize,
    after: Option<String>,
    before: Option<String>,
    lifecycles: Vec<String>,
}

impl PageQuery {
    fn parse(query: &str) -> Result<Self, ApiError> {
        let mut parsed = Self {
            limit: 20,
            after: None,
            before: None,
            lifecycles: Vec::new(),
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "limit" => {
                    parsed.limit = value
                        .parse()
                        .ok()
                        .filter(|limit| (1..=1000).contains(limit))
                        .ok_or_else(|| ApiError::invalid("limit: Input should be between 1 and 1000"))?;
                }
                "after_id" => parsed.after = Some(value.to_owned()),
                "before_id" => parsed.before = Some(value.to_owned()),
                "lifecycle" | "lifecycle[]" | "lifecycle%5B%5D" => parsed.lifecycles.push(value.to_owned()),
                _ => {}
            }
        }
        Ok(parsed)
    }

    fn wants(&self, model: &Model) -> bool {
        let lifecycle = if model.retires_at.is_some() {
            "deprecated"
        } else {
            "active"
        };
        self.lifecycles.is_empty() || self.lifecycles.iter().any(|wanted| wanted == lifecycle)
    }
}

type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    u64,
    u64,
    u64,
    bool,
    Option<&'static str>,
);

/// Id, name, release, line, input limit, output limit, shortest cached prefix, prefill, retirement.
const KNOWN: &[Row] = &[
    (
        "claude-opus-5-5",
        "Claude Opus 5.5",
        "2026-10-06T00:00:00Z",
        "opus",
        1_000_000,
        128_000,
        512,
        false,
        None,
    ),
    (
        "claude-sonnet-5-5",
        "Claude Sonnet 5.5",
        "2026-09-22T00:00:00Z",
        "sonnet",
        1_000_000,
        128_000,
        512,
        false,
        None,
    ),
    (
        "claude-haiku-5-5",
        "Claude Haiku 5.5",
        "2026-09-08T00:00:00Z",
        "haiku",
        1_000_000,
        128_000,
        512,
        false,
        None,
    ),
    (
        "claude-opus-5",
        "Claude Opus 5",
        "2026-06-09T00:00:00Z",
        "opus",
        1_000_000,
        128_000,
        512,
        false,
        None,
    ),
    (
        "claude-sonnet-5",
        "Claude Sonnet 5",
        "2026-05-19T00:00:00Z",
        "sonnet",
        1_000_000,
        128_000,
        1_024,
        false,
        None,
    ),
    (
        "claude-opus-4-6",
        "Claude Opus 4.6",
        "2026-02-05T00:00:00Z",
        "opus",
        1_000_000,
        128_000,
        4_096,
        false,
        None,
    ),
    (
        "claude-sonnet-4-6",
        "Claude Sonnet 4.6",
        "2026-02-17T00:00:00Z",
        "sonnet",
        1_000_000,
        128_000,
        1_024,
        false,
        None,
    ),
    (
        "claude-opus-4-5",
        "Claude Opus 4.5",
        "2025-11-24T00:00:00Z",
        "opus",
        200_000,
        64_000,
        4_096,
        true,
        None,
    ),
    (
        "claude-haiku-4-5",
        "Claude Haiku 4.5",
        "2025-10-15T00:00:00Z",
        "haiku",
        200_000,
        64_000,
        4_096,
        true,
        None,
    ),
    (
        "claude-haiku-4-5-20251001",
        "Claude Haiku 4.5",
        "2025-10-15T00:00:00Z",
        "haiku",
        200_000,
        64_000,
        4_096,
        true,
        None,
    ),
    (
        "claude-sonnet-4-5",
        "Claude Sonnet 4.5",
        "2025-09-29T00:00:00Z",
        "sonnet",
        200_000,
        64_000,
        1_024,
        true,
        Some("2026-11-30T00:00:00Z"),
    ),
    (
        "claude-sonnet-4-5-20250929",
        "Claude Sonnet 4.5",
        "2025-09-29T00:00:00Z",
        "sonnet",
        200_000,
        64_000,
        1_024,
        true,
        Some("2026-11-30T00:00:00Z"),
    ),
];

fn known(row: &Row) -> Model {
    Model {
        id: row.0.to_owned(),
        display_name: row.1.to_owned(),
        created_at: row.2,
        line: Some(row.3),
        max_input_tokens: row.4,
        max_tokens: row.5,
        cache_minimum: row.6,
        takes_prefill: row.7,
        retires_at: row.8,
    }
}

fn made_up(id: String) -> Model {
    Model {
        display_name: id.clone(),
        id,
        created_at: "1970-01-01T00:00:00Z",
        line: None,
        max_input_tokens: 1_000_000,
        max_tokens: 128_000,
        cache_minimum: 1_024,
        takes_prefill: true,
        retires_at: None,
    }
}
