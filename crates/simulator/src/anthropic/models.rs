use std::borrow::Cow;

use serde_json::{Value, json};

use super::ApiError;

/// A model that the simulator knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) id: Cow<'static, str>,
    display_name: Cow<'static, str>,
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
    const fn lifecycle(&self) -> &'static str {
        if self.retires_at.is_some() {
            "deprecated"
        } else {
            "active"
        }
    }

    fn to_json(&self) -> Value {
        let yes = json!({"supported": true});
        json!({
            "type": "model",
            "id": self.id,
            "display_name": self.display_name,
            "created_at": self.created_at,
            "lifecycle": self.lifecycle(),
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
        Self(KNOWN.to_vec())
    }
}

impl Models {
    /// These and no others; an id that is not a real one has the traits of a current model.
    pub(crate) fn only(ids: &[String]) -> Self {
        Self(
            ids.iter()
                .map(|id| match KNOWN.iter().find(|model| model.id == *id) {
                    Some(model) => model.clone(),
                    None => made_up(id.clone()),
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
        self.lifecycles.is_empty() || self.lifecycles.iter().any(|wanted| wanted == model.lifecycle())
    }
}

/// How much a generation of models takes and gives.
struct Traits {
    max_input_tokens: u64,
    max_tokens: u64,
    cache_minimum: u64,
    takes_prefill: bool,
    retires_at: Option<&'static str>,
}

const CURRENT: Traits = Traits {
    max_input_tokens: 1_000_000,
    max_tokens: 128_000,
    cache_minimum: 512,
    takes_prefill: false,
    retires_at: None,
};
const LATE_4: Traits = Traits {
    cache_minimum: 1_024,
    ..CURRENT
};
const EARLY_4: Traits = Traits {
    max_input_tokens: 200_000,
    max_tokens: 64_000,
    cache_minimum: 4_096,
    takes_prefill: true,
    retires_at: None,
};
const RETIRING: Traits = Traits {
    cache_minimum: 1_024,
    retires_at: Some("2026-11-30T00:00:00Z"),
    ..EARLY_4
};
/// For ids that nobody has heard of: whatever makes the fewest requests fail.
const MADE_UP: Traits = Traits {
    takes_prefill: true,
    ..LATE_4
};

const KNOWN: &[Model] = &[
    model(
        "claude-opus-5-5",
        "Claude Opus 5.5",
        "2026-10-06T00:00:00Z",
        "opus",
        &CURRENT,
    ),
    model(
        "claude-sonnet-5-5",
        "Claude Sonnet 5.5",
        "2026-09-22T00:00:00Z",
        "sonnet",
        &CURRENT,
    ),
    model(
        "claude-haiku-5-5",
        "Claude Haiku 5.5",
        "2026-09-08T00:00:00Z",
        "haiku",
        &CURRENT,
    ),
    model(
        "claude-opus-5",
        "Claude Opus 5",
        "2026-06-09T00:00:00Z",
        "opus",
        &CURRENT,
    ),
    model(
        "claude-sonnet-5",
        "Claude Sonnet 5",
        "2026-05-19T00:00:00Z",
        "sonnet",
        &LATE_4,
    ),
    model(
        "claude-sonnet-4-6",
        "Claude Sonnet 4.6",
        "2026-02-17T00:00:00Z",
        "sonnet",
        &LATE_4,
    ),
    model(
        "claude-opus-4-6",
        "Claude Opus 4.6",
        "2026-02-05T00:00:00Z",
        "opus",
        &LATE_4,
    ),
    model(
        "claude-opus-4-5",
        "Claude Opus 4.5",
        "2025-11-24T00:00:00Z",
        "opus",
        &EARLY_4,
    ),
    model(
        "claude-haiku-4-5",
        "Claude Haiku 4.5",
        "2025-10-15T00:00:00Z",
        "haiku",
        &EARLY_4,
    ),
    model(
        "claude-haiku-4-5-20251001",
        "Claude Haiku 4.5",
        "2025-10-15T00:00:00Z",
        "haiku",
        &EARLY_4,
    ),
    model(
        "claude-sonnet-4-5",
        "Claude Sonnet 4.5",
        "2025-09-29T00:00:00Z",
        "sonnet",
        &RETIRING,
    ),
    model(
        "claude-sonnet-4-5-20250929",
        "Claude Sonnet 4.5",
        "2025-09-29T00:00:00Z",
        "sonnet",
        &RETIRING,
    ),
];

const fn model(
    id: &'static str,
    name: &'static str,
    created_at: &'static str,
    line: &'static str,
    traits: &Traits,
) -> Model {
    Model {
        id: Cow::Borrowed(id),
        display_name: Cow::Borrowed(name),
        created_at,
        line: Some(line),
        max_input_tokens: traits.max_input_tokens,
        max_tokens: traits.max_tokens,
        cache_minimum: traits.cache_minimum,
        takes_prefill: traits.takes_prefill,
        retires_at: traits.retires_at,
    }
}

fn made_up(id: String) -> Model {
    Model {
        display_name: Cow::Owned(id.clone()),
        id: Cow::Owned(id),
        line: None,
        ..model("", "", "1970-01-01T00:00:00Z", "", &MADE_UP)
    }
}
