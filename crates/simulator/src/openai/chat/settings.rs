//! Everything at the top of a request but for its messages and tools.

use serde_json::{Map, Value};

use super::super::argument::{self, Argument, Shape, optional, plain};
use super::super::field::Field;
use super::super::sampling::{self, RETENTIONS, TIERS};
use super::super::tools::answer_schema;
use super::super::{ApiError, Model};

const ARGUMENTS: &[Argument] = &[
    plain("model", Shape::Text),
    plain("messages", Shape::List("objects")),
    optional("audio", Shape::Object),
    optional("frequency_penalty", Shape::Decimal(-2.0, 2.0)),
    plain("function_call", Shape::TextOrObject),
    plain("functions", Shape::List("objects")),
    optional("logit_bias", Shape::Object),
    optional("logprobs", Shape::Flag),
    optional("max_completion_tokens", Shape::Integer(1, i64::MAX)),
    optional("max_tokens", Shape::Integer(1, i64::MAX)),
    optional("metadata", Shape::Object),
    optional("modalities", Shape::List("strings")),
    optional("moderation", Shape::Object),
    optional("n", Shape::Integer(1, 128)),
    plain("parallel_tool_calls", Shape::Flag),
    optional("prediction", Shape::Object),
    optional("presence_penalty", Shape::Decimal(-2.0, 2.0)),
    optional("prompt_cache_key", Shape::Text),
    plain("prompt_cache_options", Shape::Object),
    optional("prompt_cache_retention", Shape::OneOf(RETENTIONS)),
    optional("reasoning_effort", Shape::Text),
    plain("response_format", Shape::Object),
    optional("safety_identifier", Shape::Text),
    optional("seed", Shape::Integer(i64::MIN, i64::MAX)),
    optional("service_tier", Shape::OneOf(TIERS)),
    optional("stop", Shape::TextOrList("strings")),
    optional("store", Shape::Flag),
    optional("stream", Shape::Flag),
    optional("stream_options", Shape::Object),
    optional("temperature", Shape::Decimal(0.0, 2.0)),
    plain("tool_choice", Shape::TextOrObject),
    plain("tools", Shape::List("objects")),
    optional("top_logprobs", Shape::Integer(0, 20)),
    optional("top_p", Shape::Decimal(0.0, 1.0)),
    plain("user", Shape::Text),
    optional("verbosity", Shape::Text),
    plain("web_search_options", Shape::Object),
];

/// Refuses arguments that are unknown, missing or of the wrong type.
pub(super) fn arguments(body: &Field<'_>) -> Result<(), ApiError> {
    let names = body.value().as_object().into_iter().flat_map(Map::keys);
    for name in names {
        if !ARGUMENTS.iter().any(|known| known.name == name.as_str()) {
            return Err(ApiError::invalid(format!(
                "Unrecognized request argument supplied: {name}"
            )));
        }
    }
    if body.find("model").is_none() {
        return Err(ApiError::invalid("you must provide a model parameter"));
    }
    body.need("messages")?;
    argument::check(body, ARGUMENTS)
}

/// Refuses settings that do not go with the model or with each other.
pub(super) fn check(body: &Field<'_>, model: &Model) -> Result<(), ApiError> {
    if !model.reasons() && body.find("reasoning_effort").is_some() {
        return Err(ApiError::invalid(
            "Unrecognized request argument supplied: reasoning_effort",
        ));
    }
    sampling::check(body, model)?;
    sampling::verbosity(body.find("verbosity").as_ref(), model)?;
    // One answer is all that the simulator has.
    if body.find("n").is_some_and(|n| n.value() != 1) {
        return Err(ApiError::invalid(format!(
            "Unsupported value: 'n' does not support {} with this model. Only the default (1) value is supported.",
            body.value()["n"]
        ))
        .at("n")
        .code("unsupported_value"));
    }
    if let Some(options) = body.find("stream_options") {
        if body.value()["stream"] != true {
            return Err(ApiError::invalid(
                "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            )
            .at("stream_options"));
        }
        options.only(&["include_usage", "include_obfuscation"])?;
        for name in ["include_usage", "include_obfuscation"] {
            options.given(name).map_or(Ok(true), |flag| flag.flag())?;
        }
    }
    if body.find("top_logprobs").is_some() && body.value()["logprobs"] != true {
        return Err(ApiError::invalid(
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
        )
        .at("top_logprobs"));
    }
    for modality in body
        .find("modalities")
        .map_or(Ok(Vec::new()), |list| list.items("strings"))?
    {
        modality.one_of(&["text"])?;
    }
    Ok(())
}

/// The most tokens that the answer may have, reasoning included.
pub(super) fn max_tokens(body: &Field<'_>, model: &Model) -> Result<u64, ApiError> {
    let (old, new) = (body.find("max_tokens"), body.find("max_completion_tokens"));
    if old.is_some() && model.reasons() {
        return Err(ApiError::invalid(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        )
        .at("max_tokens")
        .code("unsupported_parameter"));
    }
    if old.is_some() && new.is_some() {
        return Err(ApiError::invalid(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        )
        .code("invalid_parameter_combination"));
    }
    let Some(field) = old.or(new) else {
        return Ok(model.output_tokens);
    };
    let limit = field.value().as_u64().unwrap_or(1);
    if limit > model.output_tokens {
        let name = field.place();
        return Err(ApiError::invalid(format!(
            "{name} is too large: {limit}. This model supports at most {} completion tokens, whereas you provided \
             {limit}.",
            model.output_tokens
        ))
        .at(name)
        .code("invalid_value"));
    }
    Ok(limit)
}

/// The sequences that end the answer.
pub(super) fn stop(body: &Field<'_>) -> Result<Vec<String>, ApiError> {
    let Some(field) = body.find("stop") else {
        return Ok(Vec::new());
    };
    if let Some(only) = field.value().as_str() {
        return Ok(vec![only.to_owned()]);
    }
    let sequences = field.items("strings")?;
    field.at_most(&sequences, 4)?;
    sequences.iter().map(|own| Ok(own.text()?.to_owned())).collect()
}

/// What the answer's text has to be.
#[derive(Debug)]
pub(super) enum Format<'a> {
    Text,
    Object,
    Schema(&'a Value),
}

pub(super) fn format<'a>(body: &Field<'a>) -> Result<Format<'a>, ApiError> {
    let Some(format) = body.find("response_format") else {
        return Ok(Format::Text);
    };
    match format
        .need("type")?
        .one_of(&["json_object", "json_schema", "text"])?
    {
        "json_object" => {
            format.only(&["type"])?;
            let talk = body.value()["messages"].to_string().to_ascii_lowercase();
            if talk.contains("json") {
                return Ok(Format::Object);
            }
            Err(ApiError::invalid(
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            )
            .at("messages"))
        }
        "json_schema" => {
            format.only(&["type", "json_schema"])?;
            let inner = format.need("json_schema")?;
            inner.object()?;
            let schema = answer_schema(&inner, "response_format")?;
            inner.only(&["name", "description", "schema", "strict"])?;
            Ok(schema.map_or(Format::Object, |schema| Format::Schema(schema.value())))
        }
        _ => format.only(&["type"]).map(|()| Format::Text),
    }
}
