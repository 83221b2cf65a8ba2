use serde::Serialize;

use crate::translation::{Conversation, Dropped, Effort, Role, Thinking, ThinkingAmount, ToolChoice};

use super::generation::{Generation, ThinkingStyle};
use super::messages::Message;

/// The smallest budget that Anthropic takes; an answer must have more tokens than its budget.
const LEAST_BUDGET: u64 = 1_024;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ThinkingConfig {
    Enabled {
        budget_tokens: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Adaptive {
        display: &'static str,
    },
    Disabled,
}

impl ThinkingConfig {
    pub(super) const fn is_on(&self) -> bool {
        !matches!(self, Self::Disabled)
    }
}

/// How much the model shall think, in Anthropic's fields.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) config: Option<ThinkingConfig>,
    pub(super) effort: Option<&'static str>,
}

/// Fits the wish to the model and to the rest of the request. Thinking that would get it refused is switched off.
pub(super) fn plan(
    conversation: &Conversation,
    generation: Generation,
    max_tokens: u64,
    messages: &[Message<'_>],
    dropped: &mut Dropped,
) -> Plan {
    let Some(thinking) = conversation.thinking else {
        return Plan::default();
    };
    let style = generation.thinking_style();
    if thinking.amount == ThinkingAmount::Off {
        let config = (style != ThinkingStyle::None).then_some(ThinkingConfig::Disabled);
        return Plan { config, effort: None };
    }
    let is_forced_to_call = matches!(conversation.tool_choice, Some(ToolChoice::Required { .. }));
    let config = match style {
        ThinkingStyle::None => None,
        _ if is_forced_to_call => Some(ThinkingConfig::Disabled),
        ThinkingStyle::Effort => Some(ThinkingConfig::Adaptive {
            display: display(thinking),
        }),
        ThinkingStyle::Budget if max_tokens <= LEAST_BUDGET || lacks_thinking(messages) => {
            Some(ThinkingConfig::Disabled)
        }
        ThinkingStyle::Budget => Some(ThinkingConfig::Enabled {
            budget_tokens: budget(thinking.amount, max_tokens),
            display: (!thinking.is_shown && generation.knows_display()).then(|| display(thinking)),
        }),
    };
    if !config.as_ref().is_some_and(ThinkingConfig::is_on) {
        dropped.note("thinking");
    }
    let effort = match style {
        ThinkingStyle::Effort => effort(thinking.amount, generation),
        ThinkingStyle::None | ThinkingStyle::Budget => None,
    };
    Plan { config, effort }
}

const fn display(thinking: Thinking) -> &'static str {
    if thinking.is_shown {
        "summarized"
    } else {
        "omitted"
    }
}

/// Whether the last message of the assistant calls tools or shall be gone on with, but does not begin with the
/// thoughts that led there: with a budget Anthropic then insists on them.
fn lacks_thinking(messages: &[Message<'_>]) -> bool {
    let is_last = |at: usize| at + 1 == messages.len();
    let last = messages
        .iter()
        .enumerate()
        .rfind(|(_, message)| message.role == Role::Assistant);
    last.is_some_and(|(at, message)| {
        (is_last(at) || message.calls_tools()) && !message.begins_with_thinking()
    })
}

fn budget(amount: ThinkingAmount, max_tokens: u64) -> u64 {
    let wanted = match amount {
        ThinkingAmount::Tokens(tokens) if tokens < max_tokens => return tokens.max(LEAST_BUDGET),
        ThinkingAmount::Tokens(tokens) => tokens,
        ThinkingAmount::Effort(effort) => effort.tokens(),
        ThinkingAmount::Free | ThinkingAmount::Off => Effort::Medium.tokens(),
    };
    // A quarter for what it has to say then.
    wanted.min(max_tokens - max_tokens.div_ceil(4)).max(LEAST_BUDGET)
}

fn effort(amount: ThinkingAmount, generation: Generation) -> Option<&'static str> {
    let effort = match amount {
        ThinkingAmount::Effort(effort) => effort,
        ThinkingAmount::Tokens(tokens) => Effort::of_tokens(tokens),
        ThinkingAmount::Free | ThinkingAmount::Off => return None,
    };
    let known = match effort {
        Effort::Minimal => Effort::Low,
        Effort::XHigh if !generation.knows_xhigh() => Effort::High,
        effort => effort,
    };
    Some(known.as_str())
}
