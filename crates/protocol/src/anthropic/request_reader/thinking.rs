use crate::translation::{Dropped, Effort, Thinking, ThinkingAmount, Untranslatable};

use super::fields::Fields;
use super::place::Place;

/// How much the model shall think, by `thinking` and the word of `output_config.effort`.
pub(super) fn read(
    fields: &mut Fields<'_>,
    effort: Option<String>,
    dropped: &mut Dropped,
) -> Result<Option<Thinking>, Untranslatable> {
    let effort = effort.map(|word| self::effort(&word)).transpose()?;
    let place = Place::Body;
    let place = place.field("thinking");
    let Some(thinking) = fields.take("thinking")? else {
        // Nobody asked for thoughts, but the effort counts with or without.
        return Ok(effort.map(|effort| Thinking {
            amount: ThinkingAmount::Effort(effort),
            is_shown: false,
        }));
    };
    let mut thinking = Fields::read(thinking, &place)?;
    let kind = thinking.required_text("type")?;
    let amount = match kind.as_str() {
        "enabled" => ThinkingAmount::Tokens(
            thinking
                .whole_number("budget_tokens")?
                .ok_or_else(|| thinking.invalid("budget_tokens", "Field required"))?,
        ),
        "disabled" => ThinkingAmount::Off,
        "adaptive" | "between_tools" => effort.map_or(ThinkingAmount::Free, ThinkingAmount::Effort),
        _ => {
            return Err(thinking.invalid(
                "type",
                "Input should be 'enabled', 'disabled', 'adaptive' or 'between_tools'",
            ));
        }
    };
    if kind == "between_tools" {
        dropped.note("thinking.between_tools");
    }
    if effort.is_some() && !matches!(amount, ThinkingAmount::Effort(_)) {
        dropped.note("output_config.effort");
    }
    let display = thinking.text("display")?;
    thinking.leave_of("thinking.", dropped);
    Ok(Some(Thinking {
        amount,
        is_shown: amount != ThinkingAmount::Off && display.as_deref() != Some("omitted"),
    }))
}

fn effort(word: &str) -> Result<Effort, Untranslatable> {
    // OpenAI's alone.
    let effort = word.parse().ok().filter(|effort| *effort != Effort::Minimal);
    effort.ok_or_else(|| {
        Untranslatable::invalid(
            "output_config.effort",
            "Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
        )
    })
}
