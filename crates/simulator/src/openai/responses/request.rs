use std::sync::Arc;

use gateway_domain::Timestamp;
use serde_json::Value;

use super::super::field::Field;
use super::super::prompt::{CACHE_MINIMUM, PromptBuilder};
use super::super::tools::Tools;
use super::super::{ApiError, Model, Models, headers, parse as parse_json, sampling};
use super::store::Store;
use super::{conversation, settings, tools};
use crate::ask::{Ask, Prompt};
use crate::dialect::Asked;

/// A request for a response that the provider accepts.
#[derive(Debug)]
pub(super) struct ResponseRequest {
    pub(super) ask: Ask,
    pub(super) model: Model,
    pub(super) at: Timestamp,
    /// As sent: much of it comes back with the answer.
    pub(super) body: Value,
    pub(super) service_tier: &'static str,
    /// Whether reasoning comes sealed.
    pub(super) seals: bool,
    /// The names of the tools whose input is free text.
    pub(super) custom_tools: Vec<String>,
    /// Where the response is kept, for whom, and with what was said before; None if it is not to be kept.
    pub(super) keeping: Option<Keeping>,
}

#[derive(Debug)]
pub(super) struct Keeping {
    pub(super) store: Arc<Store>,
    pub(super) credential: String,
    pub(super) conversation: Vec<Value>,
}

/// Reads and checks the body of `POST /v1/responses`.
pub(super) fn parse(
    asked: Asked<'_>,
    models: &Models,
    store: &Arc<Store>,
) -> Result<ResponseRequest, ApiError> {
    let value = parse_json(asked.body)?;
    let body = Field::root(&value);
    settings::arguments(&body)?;
    let model = find_model(models, &value)?;
    settings::check(&body, &model)?;
    let seals = settings::seals(&body, &model)?;
    let thinking = settings::thinking(&body, &model)?;
    let schema = settings::schema(&body, &model)?;
    let tools = tools::read(&body)?;
    let credential = headers::credential_of(asked.head).unwrap_or_default();
    let conversation = conversation::read(&body, credential, store)?;
    let prompt = prompt(&body, &conversation, &tools);
    if prompt.tokens > model.context_tokens {
        return Err(ApiError::invalid(
            "Your input exceeds the context window of this model. Please adjust your input and try again.",
        )
        .at("input")
        .code("context_length_exceeded"));
    }
    let wanted_tools = tools.wanted(&prompt);
    let keeping = (value["store"] != false).then(|| Keeping {
        store: Arc::clone(store),
        credential: credential.to_owned(),
        conversation,
    });
    Ok(ResponseRequest {
        ask: Ask {
            model: model.id.clone().into_owned(),
            stream: value["stream"] == true,
            max_tokens: value["max_output_tokens"].as_u64().unwrap_or(model.output_tokens),
            stop_sequences: Vec::new(),
            thinking,
            wanted_tools,
            schema,
            prompt,
            cache_minimum: CACHE_MINIMUM,
            bills_cache_writes: model.bills_cache_writes,
        },
        at: asked.at,
        service_tier: sampling::tier(&body),
        seals,
        custom_tools: tools.custom_names(),
        keeping,
        model,
        body: value,
    })
}

/// The answer to `POST /v1/responses/input_tokens`.
pub(super) fn count(asked: Asked<'_>, models: &Models, store: &Store) -> Result<u64, ApiError> {
    let value = parse_json(asked.body)?;
    let body = Field::root(&value);
    settings::count_arguments(&body)?;
    if body.find("model").is_some() {
        find_model(models, &value)?;
    }
    let tools = tools::read(&body)?;
    let credential = headers::credential_of(asked.head).unwrap_or_default();
    let conversation = conversation::read(&body, credential, store)?;
    Ok(prompt(&body, &conversation, &tools).tokens)
}

/// A model that is not there is a bad request here, not a thing that is not found.
fn find_model(models: &Models, body: &Value) -> Result<Model, ApiError> {
    let id = body["model"].as_str().unwrap_or_default();
    models.find(id).map_err(|_| {
        ApiError::invalid(format!("The requested model '{id}' does not exist."))
            .at("model")
            .code("model_not_found")
    })
}

fn prompt(body: &Field<'_>, conversation: &[Value], tools: &Tools<'_>) -> Prompt {
    let value = body.value();
    let mut prompt = PromptBuilder::new(value["model"].as_str().unwrap_or_default());
    for tool in value["tools"].as_array().into_iter().flatten() {
        prompt.text(&tool.to_string(), 0);
    }
    if let Some(instructions) = value["instructions"].as_str() {
        prompt.text(instructions, 1);
    }
    for item in conversation {
        prompt.message(item);
    }
    prompt.finish(if tools.is_empty() {
        String::new()
    } else {
        question(conversation)
    })
}

/// The text of the last turn, unless it answers tool calls: then the model goes on instead of calling again.
fn question(conversation: &[Value]) -> String {
    let mut text = String::new();
    let is_own = |item: &Value| {
        item["role"] == "assistant"
            || item["type"]
                .as_str()
                .is_some_and(|kind| kind == "reasoning" || kind.ends_with("_call"))
    };
    for item in conversation.iter().rev().take_while(|item| !is_own(item)) {
        if item["type"]
            .as_str()
            .is_some_and(|kind| kind.ends_with("_output"))
        {
            return String::new();
        }
        match &item["content"] {
            _ if item["role"] != "user" => {}
            Value::String(own) => text.push_str(own),
            content => {
                for part in content.as_array().into_iter().flatten() {
                    text.push_str(part["text"].as_str().unwrap_or_default());
                    text.push('\n');
                }
            }
        }
        text.push('\n');
    }
    text
}
