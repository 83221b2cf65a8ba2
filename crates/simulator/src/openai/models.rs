use std::borrow::Cow;

use serde_json::{Value, json};

use super::ApiError;

/// How the names of other servers' models start: they are served as plain models without reasoning.
const COMPATIBLE: &str = "compat-";

/// A model that the simulator knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) id: Cow<'static, str>,
    created: u64,
    owner: &'static str,
    /// Input and output together.
    pub(crate) context_tokens: u64,
    pub(crate) output_tokens: u64,
    /// The efforts that it takes, least first; empty for a model that does not reason.
    pub(crate) efforts: &'static [&'static str],
    /// The effort that it makes when nothing is said.
    pub(crate) usual_effort: &'static str,
    pub(crate) chat_tools: ChatTools,
    /// Whether it bills what it writes to the prompt cache.
    pub(crate) bills_cache_writes: bool,
    /// Whether it is another server's, which takes and gives the reasoning's text.
    pub(crate) is_compatible: bool,
}

/// Whether function tools and reasoning go together in a chat completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChatTools {
    Always,
    /// Not with an effort other than `none`.
    WithoutEffort,
}

impl Model {
    pub(crate) const fn reasons(&self) -> bool {
        !self.efforts.is_empty()
    }

    fn to_json(&self) -> Value {
        json!({"id": self.id, "object": "model", "created": self.created, "owned_by": self.owner})
    }
}

/// The models on offer, newest first.
#[derive(Debug, Clone)]
pub(crate) struct Models {
    listed: Vec<Model>,
    /// Whether models of other servers are served too.
    takes_compatible: bool,
}

impl Default for Models {
    fn default() -> Self {
        Self {
            listed: KNOWN.to_vec(),
            takes_compatible: true,
        }
    }
}

impl Models {
    /// These and no others; an id that is not a real one has the traits of another server's model.
    pub(crate) fn only<I: IntoIterator<Item = S>, S: Into<String>>(ids: I) -> Self {
        let model = |id: String| match KNOWN.iter().find(|model| model.id == id) {
            Some(model) => model.clone(),
            None => compatible(id),
        };
        Self {
            listed: ids.into_iter().map(Into::into).map(model).collect(),
            takes_compatible: false,
        }
    }

    pub(crate) fn find(&self, id: &str) -> Result<Model, ApiError> {
        if let Some(model) = self.listed.iter().find(|model| model.id == id) {
            return Ok(model.clone());
        }
        if self.takes_compatible && id.starts_with(COMPATIBLE) {
            return Ok(compatible(id.to_owned()));
        }
        Err(ApiError::unknown_model(id))
    }

    pub(crate) fn show(&self, id: &str) -> Result<Vec<u8>, ApiError> {
        let model = self.find(id).map_err(|_| {
            ApiError::new(404, format!("The model '{id}' does not exist"))
                .at("model")
                .code("model_not_found")
        })?;
        Ok(model.to_json().to_string().into_bytes())
    }

    pub(crate) fn list(&self) -> Vec<u8> {
        let models: Vec<Value> = self.listed.iter().map(Model::to_json).collect();
        json!({"object": "list", "data": models}).to_string().into_bytes()
    }
}

const NO_EFFORT: &[&str] = &[];
const O_EFFORTS: &[&str] = &["low", "medium", "high"];
const GPT_5_EFFORTS: &[&str] = &["minimal", "low", "medium", "high"];
const GPT_5_1_EFFORTS: &[&str] = &["none", "low", "medium", "high"];
const GPT_5_4_EFFORTS: &[&str] = &["none", "low", "medium", "high", "xhigh"];
const GPT_6_EFFORTS: &[&str] = &["none", "low", "medium", "high", "xhigh", "max"];

const PLAIN: Model = Model {
    id: Cow::Borrowed(""),
    created: 0,
    owner: "system",
    context_tokens: 128_000,
    output_tokens: 16_384,
    efforts: NO_EFFORT,
    usual_effort: "none",
    chat_tools: ChatTools::Always,
    bills_cache_writes: false,
    is_compatible: false,
};
const REASONING: Model = Model {
    context_tokens: 400_000,
    output_tokens: 128_000,
    usual_effort: "medium",
    ..PLAIN
};

const KNOWN: &[Model] = &[
    Model {
        id: Cow::Borrowed("gpt-6.1-sol"),
        created: 1_792_454_400,
        context_tokens: 1_050_000,
        efforts: GPT_6_EFFORTS,
        chat_tools: ChatTools::WithoutEffort,
        bills_cache_writes: true,
        ..REASONING
    },
    Model {
        id: Cow::Borrowed("gpt-5.6-sol"),
        created: 1_783_555_200,
        context_tokens: 1_050_000,
        efforts: GPT_6_EFFORTS,
        chat_tools: ChatTools::WithoutEffort,
        bills_cache_writes: true,
        ..REASONING
    },
    Model {
        id: Cow::Borrowed("gpt-5.4"),
        created: 1_772_668_800,
        context_tokens: 1_050_000,
        efforts: GPT_5_4_EFFORTS,
        usual_effort: "none",
        chat_tools: ChatTools::WithoutEffort,
        ..REASONING
    },
    Model {
        id: Cow::Borrowed("gpt-5.1"),
        created: 1_762_800_673,
        efforts: GPT_5_1_EFFORTS,
        usual_effort: "none",
        ..REASONING
    },
    Model {
        id: Cow::Borrowed("gpt-5"),
        created: 1_754_425_777,
        efforts: GPT_5_EFFORTS,
        ..REASONING
    },
    Model {
        id: Cow::Borrowed("o4-mini"),
        created: 1_744_225_351,
        context_tokens: 200_000,
        output_tokens: 100_000,
        efforts: O_EFFORTS,
        ..REASONING
    },
    Model {
        id: Cow::Borrowed("o3"),
        created: 1_744_225_308,
        context_tokens: 200_000,
        output_tokens: 100_000,
        efforts: O_EFFORTS,
        ..REASONING
    },
    Model {
        id: Cow::Borrowed("gpt-4.1"),
        created: 1_744_316_542,
        context_tokens: 1_047_576,
        output_tokens: 32_768,
        ..PLAIN
    },
    Model {
        id: Cow::Borrowed("gpt-4o-mini"),
        created: 1_721_172_741,
        ..PLAIN
    },
    Model {
        id: Cow::Borrowed("gpt-4o"),
        created: 1_715_367_049,
        ..PLAIN
    },
];

fn compatible(id: String) -> Model {
    Model {
        id: Cow::Owned(id),
        created: 1_700_000_000,
        owner: "library",
        output_tokens: 32_768,
        is_compatible: true,
        ..PLAIN
    }
}
