use std::ops::RangeInclusive;

/// What a model's name tells of what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    /// How its thinking is ruled.
    pub(super) thinking: ThinkingRule,
    /// Whether it is of the third generation or a later one: these refuse calls of the current turn that come
    /// without a signature, and bill every search of the web, not only every answer that searched.
    pub(super) is_3: bool,
}

/// How a model's thinking is ruled. Source: Gemini's documentation on thinking, its tables of levels and budgets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ThinkingRule {
    /// It does not think, or nobody knows.
    None,
    /// By a number of tokens.
    Budget {
        /// What it takes besides -1, its own choice.
        range: RangeInclusive<u64>,
        /// Whether it also takes 0.
        can_be_off: bool,
    },
    /// By a word: `LOW`, `MEDIUM` and `HIGH`, which every one of them takes.
    Level {
        /// Whether it takes `MINIMAL`, too.
        has_minimal: bool,
    },
}

impl Version {
    /// Reads a name such as `gemini-2.5-flash` or `models/gemini-3.1-pro-preview`.
    pub(super) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let numbers = name.strip_prefix("gemini-").and_then(numbers);
        // `gemini-flash-latest` is one of the newest.
        let is_newest = name.starts_with("gemini-") && name.ends_with("-latest");
        let version = numbers.or(is_newest.then_some((u32::MAX, 0))).unwrap_or_default();
        let thinking = match version {
            (3.., _) => ThinkingRule::Level {
                has_minimal: has_minimal(&name, version),
            },
            (2, 5..) => budget(&name),
            _ => ThinkingRule::None,
        };
        Self {
            thinking,
            is_3: version >= (3, 0),
        }
    }
}

/// The smallest models have it, and the larger ones had it until 3.6.
fn has_minimal(name: &str, version: (u32, u32)) -> bool {
    name.contains("flash-lite") || (name.contains("flash") && version < (3, 6))
}

fn budget(name: &str) -> ThinkingRule {
    let (range, can_be_off) = if name.contains("flash-lite") {
        (512..=24_576, true)
    } else if name.contains("flash") {
        (1..=24_576, true)
    } else {
        (128..=32_768, false)
    };
    ThinkingRule::Budget { range, can_be_off }
}

/// The `2` and `5` that `2.5-flash` begins with.
fn numbers(name: &str) -> Option<(u32, u32)> {
    let version = name.split('-').next()?;
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{ThinkingRule, Version};

    #[test]
    fn names_tell_what_models_take() {
        let level = |has_minimal| ThinkingRule::Level { has_minimal };
        let budget = |range, can_be_off| ThinkingRule::Budget { range, can_be_off };
        let cases = [
            ("gemini-1.5-pro", ThinkingRule::None, false),
            ("gemini-2.0-flash", ThinkingRule::None, false),
            ("gemini-2.5-pro", budget(128..=32_768, false), false),
            ("gemini-2.5-flash", budget(1..=24_576, true), false),
            ("models/gemini-2.5-flash-lite", budget(512..=24_576, true), false),
            ("gemini-3-flash-preview", level(true), true),
            ("Gemini-3.1-Pro-Preview", level(false), true),
            ("gemini-3.1-flash-lite", level(true), true),
            ("gemini-3.8-flash", level(false), true),
            ("gemini-4-argon", level(false), true),
            ("gemini-10", level(false), true),
            ("gemini-flash-latest", level(false), true),
            ("gemma-3-27b-it", ThinkingRule::None, false),
            ("gemini-", ThinkingRule::None, false),
            ("", ThinkingRule::None, false),
        ];
        for (name, thinking, is_3) in cases {
            let version = Version::of(name);
            assert_eq!(version.thinking, thinking, "{name}");
            assert_eq!(version.is_3, is_3, "{name}");
        }
    }
}
