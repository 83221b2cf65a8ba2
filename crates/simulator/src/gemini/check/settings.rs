use serde_json::Value;

use super::{ApiError, Model, tools, wrong};
use crate::gemini::prompt::items;

const STOP_SEQUENCES_LIMIT: usize = 5;
const MIME_TYPES: &[&str] = &[
    "text/plain",
    "application/json",
    "application/xml",
    "application/yaml",
    "text/x.enum",
];

/// Refuses settings that do not go with the model or with each other.
pub(super) fn settings(body: &Value, model: &Model) -> Result<(), ApiError> {
    let config = &body["generationConfig"];
    ranges(config)?;
    if items(&config["stopSequences"]).len() > STOP_SEQUENCES_LIMIT {
        return Err(wrong(
            "generation_config.stop_sequences",
            format_args!("the number of stop sequences must not exceed {STOP_SEQUENCES_LIMIT}"),
        ));
    }
    if config["candidateCount"].as_i64().is_some_and(|count| count > 1) {
        return Err(ApiError::invalid(format!(
            "Multiple candidates is not enabled for models/{}",
            model.id
        )));
    }
    form(config)?;
    thinking(&config["thinkingConfig"], model)
}

fn ranges(config: &Value) -> Result<(), ApiError> {
    let numbers = [
        ("temperature", "temperature", 0.0, 2.0),
        ("topP", "top_p", 0.0, 1.0),
        ("topK", "top_k", 1.0, f64::MAX),
        ("maxOutputTokens", "max_output_tokens", 1.0, f64::MAX),
        ("candidateCount", "candidate_count", 1.0, 8.0),
    ];
    for (field, own, start, end) in numbers {
        if let Some(number) = config[field].as_f64()
            && !(start..=end).contains(&number)
        {
            let range = if end == f64::MAX {
                format!("must be at least {start}")
            } else {
                format!("must be in the range [{start:.1}, {end:.1}]")
            };
            return Err(wrong(format_args!("generation_config.{own}"), range));
        }
    }
    Ok(())
}

/// The form that the answer is to have.
fn form(config: &Value) -> Result<(), ApiError> {
    let mime_type = config["responseMimeType"].as_str().unwrap_or("text/plain");
    if !MIME_TYPES.contains(&mime_type) {
        return Err(wrong(
            "generation_config.response_mime_type",
            "allowed mimetypes are `text/plain`, `application/json`, `application/xml`, `application/yaml` and \
             `text/x.enum`.",
        ));
    }
    let (schema, json_schema) = (&config["responseSchema"], &config["responseJsonSchema"]);
    if !schema.is_null() && !json_schema.is_null() {
        return Err(wrong(
            "generation_config",
            "only one of `response_schema` and `response_json_schema` may be set.",
        ));
    }
    let has_schema = !schema.is_null() || !json_schema.is_null();
    if has_schema && !matches!(mime_type, "application/json" | "text/x.enum") {
        return Err(ApiError::invalid(format!(
            "Response schema with mime type: '{mime_type}' is unsupported"
        )));
    }
    if schema.is_null() {
        return Ok(());
    }
    tools::schema("generation_config.response_schema", schema)
}

fn thinking(config: &Value, model: &Model) -> Result<(), ApiError> {
    let (budget, level) = (
        config["thinkingBudget"].as_i64(),
        config["thinkingLevel"].as_str(),
    );
    if budget.is_some() && level.is_some() {
        return Err(ApiError::invalid(
            "You can only set only one of thinking budget and thinking level.",
        ));
    }
    if level.is_some() && !model.has_thinking_levels() {
        return Err(ApiError::invalid(
            "Thinking level is not supported for this model.",
        ));
    }
    match budget {
        None | Some(-1) => Ok(()),
        Some(0) if model.can_skip_thinking() => Ok(()),
        Some(0) => Err(ApiError::invalid(
            "Budget 0 is invalid. This model only works in thinking mode.",
        )),
        Some(budget) if model.budgets.contains(&budget) => Ok(()),
        Some(budget) => Err(ApiError::invalid(format!(
            "The thinking budget {budget} is invalid. Please choose a value between {} and {}.",
            model.budgets.start(),
            model.budgets.end()
        ))),
    }
}
