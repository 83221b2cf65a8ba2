use crate::translation::{Effort, ThinkingAmount};

/// What a model takes, as far as its name tells.
///
/// Names that are not OpenAI's own stand for models of others that speak its dialect, and take what all of them take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    /// GPT before its models reasoned; `(3, 5)` for gpt-3.5.
    Gpt { version: (u32, u32) },
    /// A GPT that reasons; `(5, 1)` for gpt-5.1.
    ReasoningGpt { version: (u32, u32) },
    /// The o series, and others of OpenAI that reason.
    Reasoning,
    /// Somebody else's.
    Foreign,
}

impl Model {
    /// The model called `name`, with or without the prefixes of resellers and of fine-tuning.
    pub(super) fn named(name: &str) -> Self {
        let name = name.rsplit('/').next().unwrap_or_default();
        let name = name.strip_prefix("ft:").unwrap_or(name);
        if let Some(rest) = name
            .strip_prefix("gpt-")
            .or_else(|| name.strip_prefix("chatgpt-"))
        {
            return match version(rest) {
                Some(version) if version.0 >= 5 && !rest.contains("-chat") => Self::ReasoningGpt { version },
                Some(version) => Self::Gpt { version },
                // gpt-oss runs anywhere; the others are of OpenAI's latest kinds.
                None if rest.starts_with("oss") => Self::Foreign,
                None => Self::Gpt { version: (4, 1) },
            };
        }
        let is_of_o_series = name
            .strip_prefix('o')
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
        if is_of_o_series || name.starts_with("codex-") {
            Self::Reasoning
        } else {
            Self::Foreign
        }
    }

    /// Whether OpenAI serves it.
    pub(super) const fn is_openais(self) -> bool {
        !matches!(self, Self::Foreign)
    }

    /// Whether it reasons, and takes no sampling parameters therefore.
    pub(super) const fn is_reasoning(self) -> bool {
        matches!(self, Self::ReasoningGpt { .. } | Self::Reasoning)
    }

    /// Whether OpenAI has it call tools in a chat, and think before it does.
    pub(super) fn thinks_with_tools_in_chat(self) -> bool {
        !matches!(self, Self::ReasoningGpt { version } if version >= (5, 4))
    }

    /// Whether the number of tokens is limited by `max_completion_tokens`, and not by `max_tokens`.
    pub(super) fn takes_max_completion_tokens(self) -> bool {
        match self {
            Self::Gpt { version } => version > (4, 0),
            Self::ReasoningGpt { .. } | Self::Reasoning => true,
            Self::Foreign => false,
        }
    }

    /// Whether it can answer without thinking.
    pub(super) fn can_do_without_thinking(self) -> bool {
        match self {
            Self::ReasoningGpt { version } => version >= (5, 1),
            Self::Reasoning => false,
            Self::Gpt { .. } | Self::Foreign => true,
        }
    }

    /// The word for how much it shall think; `None` to leave that to it.
    pub(super) fn effort(self, amount: ThinkingAmount) -> Option<&'static str> {
        let version = match self {
            Self::ReasoningGpt { version } => version,
            _ => (0, 0),
        };
        let is_gpt_5 = version == (5, 0);
        let effort = match amount {
            ThinkingAmount::Free => return None,
            ThinkingAmount::Off if version >= (5, 1) => return Some("none"),
            ThinkingAmount::Off => Effort::Minimal,
            ThinkingAmount::Effort(effort) => effort,
            ThinkingAmount::Tokens(tokens) => Effort::of_tokens(tokens),
        };
        let effort = match effort {
            Effort::Minimal if !is_gpt_5 => Effort::Low,
            Effort::Max if version >= (5, 6) => Effort::Max,
            Effort::XHigh | Effort::Max if version >= (5, 2) => Effort::XHigh,
            Effort::XHigh | Effort::Max => Effort::High,
            effort => effort,
        };
        Some(effort.as_str())
    }
}

/// The version at the start of `4o-mini`, `4.1` or `5.4-nano`. An `o` counts half a step, as it did in time.
fn version(rest: &str) -> Option<(u32, u32)> {
    let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.');
    let (number, rest) = rest.split_at(end.unwrap_or(rest.len()));
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    let minor = if rest.starts_with('o') {
        1
    } else {
        minor.parse().ok()?
    };
    Some((major.parse().ok()?, minor))
}

#[cfg(test)]
mod tests {
    use super::Model;
    use crate::translation::{Effort, ThinkingAmount};

    #[test]
    fn models_are_known_by_their_names() {
        let gpt = |major, minor| Model::Gpt {
            version: (major, minor),
        };
        let reasoning = |major, minor| Model::ReasoningGpt {
            version: (major, minor),
        };
        let cases = [
            ("gpt-3.5-turbo", gpt(3, 5)),
            ("gpt-4-turbo-2024-04-09", gpt(4, 0)),
            ("gpt-4o-mini", gpt(4, 1)),
            ("gpt-4.1-nano", gpt(4, 1)),
            ("chatgpt-4o-latest", gpt(4, 1)),
            ("gpt-audio-mini", gpt(4, 1)),
            ("ft:gpt-4.1-mini:acme::abc", gpt(4, 1)),
            ("gpt-5", reasoning(5, 0)),
            ("gpt-5.4-nano-2026-03-17", reasoning(5, 4)),
            ("openai/gpt-5.1", reasoning(5, 1)),
            ("gpt-6-astra", reasoning(6, 0)),
            ("gpt-5-chat-latest", gpt(5, 0)),
            ("o3-mini", Model::Reasoning),
            ("codex-mini-latest", Model::Reasoning),
            ("openai/gpt-oss-120b", Model::Foreign),
            ("deepseek-chat", Model::Foreign),
            ("olmo-2", Model::Foreign),
            ("", Model::Foreign),
            ("gpt-", gpt(4, 1)),
            ("gpt-99999999999999999999", gpt(4, 1)),
        ];
        for (name, model) in cases {
            assert_eq!(Model::named(name), model, "{name}");
        }
    }

    #[test]
    fn each_model_is_asked_for_an_effort_that_it_knows() {
        use ThinkingAmount::{Effort as By, Free, Off, Tokens};
        let cases = [
            ("gpt-5.6", By(Effort::Max), Some("max")),
            ("gpt-6-astra", By(Effort::Max), Some("max")),
            ("gpt-5.2", By(Effort::Max), Some("xhigh")),
            ("gpt-5.1", By(Effort::XHigh), Some("high")),
            ("gpt-5", By(Effort::Minimal), Some("minimal")),
            ("gpt-5.1", By(Effort::Minimal), Some("low")),
            ("gpt-5.1", Off, Some("none")),
            ("gpt-5", Off, Some("minimal")),
            ("o3", Off, Some("low")),
            ("o3", By(Effort::Max), Some("high")),
            ("gpt-5", Tokens(1_024), Some("low")),
            ("gpt-5", Tokens(4_096), Some("medium")),
            ("gpt-5", Tokens(32_000), Some("high")),
            ("gpt-5", Free, None),
        ];
        for (name, amount, word) in cases {
            assert_eq!(Model::named(name).effort(amount), word, "{name} {amount:?}");
        }
    }
}
