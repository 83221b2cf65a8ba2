use serde::Serialize;
use serde_json::Number;
use serde_json::value::RawValue;

use crate::gemini::version::ThinkingRule;
use crate::translation::{Conversation, Dropped, Effort, Format, Thinking, ThinkingAmount, Untranslatable};

/// Texts that may end an answer.
const MAX_STOP: usize = 5;

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
}

impl GenerationConfig<'_> {
    pub(super) const fn is_empty(&self) -> bool {
        matches!(
            self,
            Self {
                temperature: None,
                top_p: None,
                top_k: None,
                seed: None,
                presence_penalty: None,
                frequency_penalty: None,
                max_output_tokens: None,
                stop_sequences: [],
                response_mime_type: None,
                response_json_schema: None,
                thinking_config: None,
            }
        )
    }
}

#[derive(Serialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    include_thoughts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
}

pub(super) fn write<'a>(
    conversation: &'a Conversation,
    rule: &ThinkingRule,
    dropped: &mut Dropped,
) -> Result<GenerationConfig<'a>, Untranslatable> {
    let (sampling, stop) = (&conversation.sampling, &conversation.stop);
    if stop.len() > MAX_STOP {
        return Err(Untranslatable::invalid(
            "stop sequences",
            &format!("the model's provider takes at most {MAX_STOP}"),
        ));
    }
    let (response_mime_type, response_json_schema) = match &conversation.format {
        Format::Text => (None, None),
        Format::Json => (Some("application/json"), None),
        Format::Schema { schema, .. } => (Some("application/json"), Some(&**schema)),
    };
    Ok(GenerationConfig {
        temperature: sampling.temperature.as_ref(),
        top_p: sampling.top_p.as_ref(),
        top_k: sampling.top_k.as_ref(),
        seed: seed(sampling.seed.as_ref(), dropped),
        presence_penalty: sampling.presence_penalty.as_ref(),
        frequency_penalty: sampling.frequency_penalty.as_ref(),
        max_output_tokens: conversation.max_tokens,
        stop_sequences: stop,
        response_mime_type,
        response_json_schema,
        thinking_config: thinking(conversation.thinking, rule, dropped),
    })
}

/// Gemini's seeds have 32 bits, others' more.
fn seed(seed: Option<&Number>, dropped: &mut Dropped) -> Option<i32> {
    let seed = seed?;
    let fitting = seed.as_i64().and_then(|seed| i32::try_from(seed).ok());
    if fitting.is_none() {
        dropped.note("seed");
    }
    fitting
}

fn thinking(
    thinking: Option<Thinking>,
    rule: &ThinkingRule,
    dropped: &mut Dropped,
) -> Option<ThinkingConfig> {
    let Thinking { amount, is_shown } = thinking?;
    let (thinking_budget, thinking_level) = match rule {
        ThinkingRule::None => {
            if amount != ThinkingAmount::Off {
                dropped.note("thinking");
            }
            return None;
        }
        ThinkingRule::Budget { range, can_be_off } => {
            let tokens = |tokens: u64| tokens.clamp(*range.start(), *range.end()).cast_signed();
            let budget = match amount {
                ThinkingAmount::Off if *can_be_off => 0,
                // As little as a model can that always thinks.
                ThinkingAmount::Off => {
                    dropped.note("thinking");
                    tokens(0)
                }
                ThinkingAmount::Free => -1,
                ThinkingAmount::Effort(effort) => tokens(effort.tokens()),
                ThinkingAmount::Tokens(budget) => tokens(budget),
            };
            (Some(budget), None)
        }
        ThinkingRule::Level { has_minimal } => {
            let least = if *has_minimal { "MINIMAL" } else { "LOW" };
            if amount == ThinkingAmount::Off && !has_minimal {
                dropped.note("thinking");
            }
            let level = match amount {
                ThinkingAmount::Off => Some(least),
                ThinkingAmount::Free => None,
                ThinkingAmount::Effort(effort) => Some(level(effort, least)),
                ThinkingAmount::Tokens(budget) => Some(level(Effort::of_tokens(budget), least)),
            };
            (None, level)
        }
    };
    Some(ThinkingConfig {
        include_thoughts: is_shown && amount != ThinkingAmount::Off,
        thinking_budget,
        thinking_level,
    })
}

/// Of the words only these are taken by every model.
const fn level(effort: Effort, least: &'static str) -> &'static str {
    match effort {
        Effort::Minimal => least,
        Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High | Effort::XHigh | Effort::Max => "HIGH",
    }
}
