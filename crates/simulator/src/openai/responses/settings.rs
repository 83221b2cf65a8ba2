//! Everything at the top of a request but for its input and tools.

use serde_json::Value;

use super::super::argument::{self, Argument, Shape, optional, plain};
use super::super::field::Field;
use super::super::sampling::{self, RETENTIONS, TIERS};
use super::super::tools::answer_schema;
use super::{ApiError, Model};
use crate::ask::Thinking;

const ARGUMENTS: &[Argument] = &[
    plain("model", Shape::Text),
    optional("access_programs", Shape::Object),
    optional("background", Shape::Flag),
    optional("background_options", Shape::Object),
    optional("context_management", Shape::List("objects")),
    optional("conversation", Shape::TextOrObject),
    plain("image", Shape::Object),
    optional("include", Shape::List("strings")),
    plain("input", Shape::TextOrList("objects")),
    optional("instructions", Shape::Text),
    optional("max_output_tokens", Shape::Integer(16, i64::MAX)),
    optional("max_tool_calls", Shape::Integer(1, i64::MAX)),
    optional("metadata", Shape::Object),
    optional("moderation", Shape::Object),
    optional("parallel_tool_calls", Shape::Flag),
    optional("previous_response_id", Shape::Text),
    optional("prompt", Shape::Object),
    optional("prompt_cache_key", Shape::Text),
    plain("prompt_cache_options", Shape::Object),
    optional("prompt_cache_retention", Shape::OneOf(RETENTIONS)),
    optional("reasoning", Shape::Object),
    optional("safety_identifier", Shape::Text),
    optional("service_tier", Shape::OneOf(TIERS)),
    optional("store", Shape::Flag),
    optional("stream", Shape::Flag),
    optional("stream_options", Shape::Object),
    optional("temperature", Shape::Decimal(0.0, 2.0)),
    plain("text", Shape::Object),
    plain("tool_choice", Shape::TextOrObject),
    plain("tools", Shape::List("objects")),
    optional("top_logprobs", Shape::Integer(0, 20)),
    optional("top_p", Shape::Decimal(0.0, 1.0)),
    optional("truncation", Shape::OneOf(&["auto", "disabled"])),
    plain("user", Shape::Text),
];

const COUNT_ARGUMENTS: &[Argument] = &[
    optional("model", Shape::Text),
    optional("conversation", Shape::TextOrObject),
    optional("input", Shape::TextOrList("objects")),
    optional("instructions", Shape::Text),
    optional("parallel_tool_calls", Shape::Flag),
    plain("personality", Shape::Text),
    optional("previous_response_id", Shape::Text),
    optional("reasoning", Shape::Object),
    optional("text", Shape::Object),
    optional("tool_choice", Shape::TextOrObject),
    optional("tools", Shape::List("objects")),
    plain("truncation", Shape::OneOf(&["auto", "disabled"])),
];

const INCLUDABLE: &[&str] = &[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
];

/// Refuses arguments that are unknown, missing or of the wrong type.
pub(super) fn arguments(body: &Field<'_>) -> Result<(), ApiError> {
    known(body, ARGUMENTS)?;
    body.need("model")?;
    argument::check(body, ARGUMENTS)
}

/// The same for a request that only counts.
pub(super) fn count_arguments(body: &Field<'_>) -> Result<(), ApiError> {
    known(body, COUNT_ARGUMENTS)?;
    argument::check(body, COUNT_ARGUMENTS)
}

fn known(body: &Field<'_>, arguments: &[Argument]) -> Result<(), ApiError> {
    let names: Vec<&str> = arguments.iter().map(|argument| argument.name).collect();
    body.only(&names)
}

/// Refuses settings that do not go with the model or with each other.
pub(super) fn check(body: &Field<'_>, model: &Model) -> Result<(), ApiError> {
    let value = body.value();
    if model.reasons() {
        for name in ["temperature", "top_p", "top_logprobs"] {
            if body
                .find(name)
                .is_some_and(|own| own.value().as_f64() != Some(1.0))
            {
                return Err(sampling::unsupported(name));
            }
        }
    }
    if body.find("stream_options").is_some() && value["stream"] != true {
        return Err(ApiError::invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        )
        .at("stream_options"));
    }
    if let Some(options) = body.find("stream_options") {
        options.only(&["include_obfuscation"])?;
    }
    if value["background"] == true {
        return Err(
            ApiError::invalid("Background mode is not supported for this organization.").at("background"),
        );
    }
    if let Some(prompt) = body.find("prompt") {
        let id = prompt.need("id")?.text()?;
        return Err(ApiError::new(404, format!("Prompt with id '{id}' not found."))
            .at("prompt")
            .code("prompt_not_found"));
    }
    if let Some(limit) = body
        .find("max_output_tokens")
        .and_then(|own| own.value().as_u64())
        && limit > model.output_tokens
    {
        return Err(ApiError::invalid(format!(
            "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= {}, but got {limit} instead.",
            model.output_tokens
        ))
        .at("max_output_tokens")
        .code("integer_above_max_value"));
    }
    Ok(())
}

/// Whether reasoning is to come sealed, for clients that keep the conversation themselves.
pub(super) fn seals(body: &Field<'_>, model: &Model) -> Result<bool, ApiError> {
    let Some(list) = body.find("include") else {
        return Ok(false);
    };
    let mut seals = false;
    for item in list.items("strings")? {
        seals |= item.one_of(INCLUDABLE)? == "reasoning.encrypted_content";
    }
    if seals && !model.reasons() {
        return Err(ApiError::invalid("Encrypted content is not supported with this model.").at("include"));
    }
    Ok(seals)
}

/// How hard the model thinks, and what of it is shown.
pub(super) fn thinking(body: &Field<'_>, model: &Model) -> Result<Thinking, ApiError> {
    let reasoning = body.find("reasoning");
    let mut shows = false;
    if let Some(reasoning) = &reasoning {
        reasoning.only(&["effort", "summary", "generate_summary", "context", "mode"])?;
        for name in ["summary", "generate_summary"] {
            if let Some(summary) = reasoning.find(name) {
                summary.one_of(&["auto", "concise", "detailed"])?;
                shows = true;
            }
        }
    }
    let effort = reasoning.as_ref().and_then(|reasoning| reasoning.find("effort"));
    if !model.reasons() {
        return match effort {
            Some(effort) => Err(sampling::unsupported(effort.place())),
            None if shows => Err(sampling::unsupported("reasoning.summary")),
            None => Ok(Thinking::Off),
        };
    }
    Ok(
        match sampling::budget(sampling::effort(effort.as_ref(), model)?) {
            0 => Thinking::Off,
            budget if shows => Thinking::Shown { budget },
            budget => Thinking::Scripted { budget },
        },
    )
}

/// The schema that the answer's text has to fit, if there is one.
pub(super) fn schema(body: &Field<'_>, model: &Model) -> Result<Option<Value>, ApiError> {
    let Some(text) = body.find("text") else {
        return Ok(None);
    };
    text.only(&["format", "verbosity"])?;
    sampling::verbosity(text.find("verbosity").as_ref(), model)?;
    let Some(format) = text.find("format") else {
        return Ok(None);
    };
    format.object()?;
    match format
        .need("type")?
        .one_of(&["json_object", "json_schema", "text"])?
    {
        "json_schema" => {
            format.need("name")?;
            format.need("schema")?;
            let schema = answer_schema(&format, "text.format.schema")?;
            format.only(&["type", "name", "description", "schema", "strict"])?;
            Ok(schema.map(|schema| schema.value().clone()))
        }
        "json_object" => {
            format.only(&["type"])?;
            let talk = [&body.value()["input"], &body.value()["instructions"]];
            if talk
                .iter()
                .any(|part| part.to_string().to_ascii_lowercase().contains("json"))
            {
                return Ok(Some(serde_json::json!({"type": "object"})));
            }
            Err(ApiError::invalid(
                "Response input messages must contain the word 'json' in some form to use 'text.format' of type \
                 'json_object'.",
            )
            .at("input"))
        }
        _ => format.only(&["type"]).map(|()| None),
    }
}
