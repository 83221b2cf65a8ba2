//! Settings that depend on the model.

use super::field::{Field, listed};
use super::{ApiError, Model};

/// Refuses what a model that reasons has no use for.
pub(super) fn check(body: &Field<'_>, model: &Model) -> Result<(), ApiError> {
    if !model.reasons() {
        return Ok(());
    }
    for name in ["stop", "top_p", "logprobs", "top_logprobs", "logit_bias"] {
        if let Some(field) = body.find(name)
            && field.value() != false
        {
            return Err(unsupported(name));
        }
    }
    for (name, usual) in [
        ("temperature", 1.0),
        ("presence_penalty", 0.0),
        ("frequency_penalty", 0.0),
    ] {
        if let Some(number) = body.find(name).and_then(|field| field.value().as_f64())
            && number != usual
        {
            return Err(ApiError::invalid(format!(
                "Unsupported value: '{name}' does not support {number} with this model. Only the default ({usual}) \
                 value is supported."
            ))
            .at(name)
            .code("unsupported_value"));
        }
    }
    Ok(())
}

pub(super) fn unsupported(name: &str) -> ApiError {
    ApiError::invalid(format!(
        "Unsupported parameter: '{name}' is not supported with this model."
    ))
    .at(name)
    .code("unsupported_parameter")
}

/// The effort that a model makes for a request; refuses one that it does not know.
pub(super) fn effort<'a>(effort: Option<&Field<'a>>, model: &Model) -> Result<&'a str, ApiError> {
    let Some(field) = effort else {
        return Ok(model.usual_effort);
    };
    let effort = field.one_of(&["none", "minimal", "low", "medium", "high", "xhigh", "max"])?;
    if model.efforts.contains(&effort) {
        return Ok(effort);
    }
    let name = field.place();
    Err(ApiError::invalid(format!(
        "Unsupported value: '{name}' does not support '{effort}' with this model. Supported values are: {}.",
        listed(model.efforts)
    ))
    .at(name)
    .code("unsupported_value"))
}

/// How many tokens of reasoning an effort stands for, in an answer that nobody wrote.
pub(super) fn budget(effort: &str) -> u64 {
    match effort {
        "none" => 0,
        "minimal" => 8,
        "low" => 16,
        "medium" => 32,
        _ => 64,
    }
}

/// Refuses a level of detail that the model does not have.
pub(super) fn verbosity(field: Option<&Field<'_>>, model: &Model) -> Result<(), ApiError> {
    let Some(field) = field else {
        return Ok(());
    };
    let verbosity = field.one_of(&["low", "medium", "high"])?;
    let has_levels = model.id.starts_with("gpt-5") || model.id.starts_with("gpt-6");
    if has_levels || verbosity == "medium" {
        return Ok(());
    }
    let name = field.place();
    Err(ApiError::invalid(format!(
        "Unsupported value: '{name}' does not support '{verbosity}' with this model. Supported values are: 'medium'."
    ))
    .at(name)
    .code("unsupported_value"))
}

pub(super) const TIERS: &[&str] = &["auto", "default", "flex", "scale", "priority", "fast"];
pub(super) const RETENTIONS: &[&str] = &["in_memory", "24h"];

/// The tier that a request is served in.
pub(super) fn tier(body: &Field<'_>) -> &'static str {
    let asked = body.value()["service_tier"].as_str();
    TIERS[2..]
        .iter()
        .find(|tier| asked == Some(**tier))
        .copied()
        .unwrap_or("default")
}
