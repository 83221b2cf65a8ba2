use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::{ApiError, headers, pretty};

/// A model that the simulator knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) id: Cow<'static, str>,
    display_name: Cow<'static, str>,
    /// The major number of its version: what is asked of requests depends on it.
    generation: u32,
    pub(super) max_input_tokens: u64,
    pub(super) max_output_tokens: u64,
    /// The thinking budgets that it takes, beside those that turn thinking off or leave it to the model.
    pub(super) budgets: RangeInclusive<i64>,
    thinks: Thinks,
    /// The shortest prefix that the prompt cache keeps.
    pub(super) cache_minimum: u64,
}

/// Whether a model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thinks {
    Always,
    UnlessTold,
    IfTold,
}

impl Model {
    /// Whether what it says is signed, and has to come back so.
    pub(super) const fn signs(&self) -> bool {
        self.generation >= 3
    }

    pub(super) const fn has_thinking_levels(&self) -> bool {
        self.generation >= 3
    }

    pub(super) fn can_skip_thinking(&self) -> bool {
        self.thinks != Thinks::Always
    }

    /// Whether it thinks when nobody says anything of it.
    pub(super) fn thinks_unasked(&self) -> bool {
        self.thinks != Thinks::IfTold
    }

    fn to_json(&self) -> Value {
        json!({
            "name": format!("models/{}", self.id),
            "version": "001",
            "displayName": self.display_name,
            "description": format!("{}, as this simulator has it", self.display_name),
            "inputTokenLimit": self.max_input_tokens,
            "outputTokenLimit": self.max_output_tokens,
            "supportedGenerationMethods": ["generateContent", "countTokens", "createCachedContent", "batchGenerateContent"],
            "temperature": 1,
            "topP": 0.95,
            "topK": 64,
            "maxTemperature": 2,
            "thinking": true,
        })
    }
}

/// The models on offer, newest first.
#[derive(Debug, Clone)]
pub(super) struct Models(Vec<Model>);

impl Default for Models {
    fn default() -> Self {
        Self(KNOWN.to_vec())
    }
}

impl Models {
    /// These and no others; an id that is not a real one has the traits of its generation.
    pub(super) fn only(ids: &[String]) -> Self {
        Self(
            ids.iter()
                .map(|id| match KNOWN.iter().find(|model| model.id == *id) {
                    Some(model) => model.clone(),
                    None => made_up(id.clone()),
                })
                .collect(),
        )
    }

    pub(super) fn find(&self, id: &str) -> Result<&Model, ApiError> {
        self.0.iter().find(|model| model.id == id).ok_or_else(|| {
            ApiError::not_found(format!(
                "models/{id} is not found for API version v1beta, or is not supported for generateContent. Call \
                 ListModels to see the list of available models and their supported methods."
            ))
        })
    }

    pub(super) fn show(&self, id: &str) -> Result<Vec<u8>, ApiError> {
        Ok(pretty(&self.find(id)?.to_json()))
    }

    /// A page, by `pageSize` and `pageToken` of the query.
    pub(super) fn page(&self, query: &str) -> Result<Vec<u8>, ApiError> {
        let invalid = |name: &str| ApiError::invalid(format!("* ListModelsRequest.{name}: invalid value\n"));
        let size = match value_of(query, "pageSize", "page_size") {
            None => 50,
            Some(size) => size
                .parse::<usize>()
                .ok()
                .filter(|size| *size > 0)
                .ok_or_else(|| invalid("page_size"))?,
        };
        let start = match value_of(query, "pageToken", "page_token") {
            None | Some("") => 0,
            Some(token) => self
                .0
                .iter()
                .position(|model| model.id == token)
                .ok_or_else(|| invalid("page_token"))?,
        };
        let page: Vec<Value> = self.0[start..].iter().take(size).map(Model::to_json).collect();
        let next = self.0.get(start + page.len());
        let mut answer = json!({ "models": page });
        if let Some(next) = next {
            answer["nextPageToken"] = next.id.as_ref().into();
        }
        Ok(pretty(&answer))
    }
}

fn value_of<'q>(query: &'q str, camel: &str, own: &str) -> Option<&'q str> {
    headers::value_of(query, camel).or_else(|| headers::value_of(query, own))
}

/// What a kind of models has in common.
struct Traits {
    generation: u32,
    thinks: Thinks,
    smallest_budget: i64,
    largest_budget: i64,
    cache_minimum: u64,
}

const FLASH: Traits = Traits {
    generation: 3,
    thinks: Thinks::UnlessTold,
    smallest_budget: 1,
    largest_budget: 32_768,
    cache_minimum: 1_024,
};
const PRO: Traits = Traits {
    thinks: Thinks::Always,
    cache_minimum: 4_096,
    ..FLASH
};
const FLASH_2_5: Traits = Traits {
    generation: 2,
    largest_budget: 24_576,
    ..FLASH
};
const PRO_2_5: Traits = Traits {
    generation: 2,
    smallest_budget: 128,
    ..PRO
};
const LITE_2_5: Traits = Traits {
    thinks: Thinks::IfTold,
    smallest_budget: 512,
    ..FLASH_2_5
};

const KNOWN: &[Model] = &[
    model(
        "gemini-4-argon",
        "Gemini 4 Argon",
        &Traits {
            generation: 4,
            ..FLASH
        },
    ),
    model("gemini-3.8-flash", "Gemini 3.8 Flash", &FLASH),
    model("gemini-3.5-flash", "Gemini 3.5 Flash", &FLASH),
    model("gemini-3.1-pro-preview", "Gemini 3.1 Pro Preview", &PRO),
    model("gemini-3-pro-preview", "Gemini 3 Pro Preview", &PRO),
    model("gemini-3-flash-preview", "Gemini 3 Flash Preview", &FLASH),
    model("gemini-2.5-pro", "Gemini 2.5 Pro", &PRO_2_5),
    model("gemini-2.5-flash", "Gemini 2.5 Flash", &FLASH_2_5),
    model("gemini-2.5-flash-lite", "Gemini 2.5 Flash-Lite", &LITE_2_5),
];

const fn model(id: &'static str, name: &'static str, traits: &Traits) -> Model {
    Model {
        id: Cow::Borrowed(id),
        display_name: Cow::Borrowed(name),
        generation: traits.generation,
        max_input_tokens: 1_048_576,
        max_output_tokens: 65_536,
        budgets: traits.smallest_budget..=traits.largest_budget,
        thinks: traits.thinks,
        cache_minimum: traits.cache_minimum,
    }
}

fn made_up(id: String) -> Model {
    let version = id.strip_prefix("gemini-").unwrap_or_default();
    let major = version.split(['.', '-']).next().unwrap_or_default();
    Model {
        display_name: Cow::Owned(id.clone()),
        generation: major.parse().unwrap_or(2),
        id: Cow::Owned(id),
        ..model("", "", &FLASH_2_5)
    }
}
