/// What a model takes, as far as its name tells.
///
/// A Claude whose name has no version is taken for the newest, and what is no Claude, but is served in Anthropic's
/// dialect nevertheless, for one of the time when most others learned it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    /// A Claude of this major and minor version.
    Claude(u16, u16),
    /// Another maker's model.
    Foreign,
}

/// How a model's thinking is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThinkingStyle {
    /// It does not think.
    None,
    /// By a budget of tokens.
    Budget,
    /// By a word for the effort.
    Effort,
}

impl Generation {
    /// Of a model by its name at any seller: `claude-3-5-haiku-20241022`, `us.anthropic.claude-opus-4-1-v1:0`.
    pub(super) fn of(model: &str) -> Self {
        let Some((_, name)) = model.rsplit_once("claude") else {
            return Self::Foreign;
        };
        let mut words = name.split(|char: char| !char.is_ascii_alphanumeric());
        // A number of more digits is a date.
        let version = |word: &str| {
            let is_version = (1..=2).contains(&word.len());
            word.parse::<u16>().ok().filter(|_| is_version)
        };
        match words.find_map(version) {
            Some(major) => Self::Claude(major, words.next().and_then(version).unwrap_or(0)),
            None => Self::Claude(u16::MAX, 0),
        }
    }

    /// Whether it is a Claude of at least this version.
    fn is_from(self, major: u16, minor: u16) -> bool {
        matches!(self, Self::Claude(own_major, own_minor) if (own_major, own_minor) >= (major, minor))
    }

    /// How many tokens an answer may have where the client does not say.
    pub(super) fn default_max_tokens(self) -> u64 {
        if self == Self::Foreign || self.is_from(4, 0) {
            32_000
        } else if self.is_from(3, 5) {
            8_192
        } else {
            4_096
        }
    }

    pub(super) fn thinking_style(self) -> ThinkingStyle {
        if self.is_from(4, 6) {
            ThinkingStyle::Effort
        } else if self == Self::Foreign || self.is_from(3, 7) {
            ThinkingStyle::Budget
        } else {
            ThinkingStyle::None
        }
    }

    /// Whether it can be told to keep its thoughts to itself.
    pub(super) fn knows_display(self) -> bool {
        self.is_from(4, 0)
    }

    /// Whether it knows the effort between high and max.
    pub(super) fn knows_xhigh(self) -> bool {
        self.is_from(4, 7)
    }

    /// Whether the system may speak in the midst of a conversation.
    pub(super) fn knows_system_turns(self) -> bool {
        self.is_from(5, 0)
    }

    /// Whether it can be held to the schemas of its tools.
    pub(super) fn knows_strict_tools(self) -> bool {
        self.is_from(4, 5)
    }

    /// Whether `temperature` and `top_p` may be given together.
    pub(super) fn takes_both_samplings(self) -> bool {
        !self.is_from(4, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Generation::{self, Claude, Foreign};

    #[test]
    fn a_name_tells_the_version() {
        let cases = [
            ("claude-2.1", Claude(2, 1)),
            ("claude-instant-1.2", Claude(1, 2)),
            ("claude-3-opus-20240229", Claude(3, 0)),
            ("claude-3-5-haiku-20241022", Claude(3, 5)),
            ("claude-3-5-sonnet@20240620", Claude(3, 5)),
            ("claude-3-7-sonnet-latest", Claude(3, 7)),
            ("claude-opus-4-20250514", Claude(4, 0)),
            ("us.anthropic.claude-opus-4-1-20250805-v1:0", Claude(4, 1)),
            ("anthropic/claude-sonnet-4.5", Claude(4, 5)),
            ("claude-haiku-4-5", Claude(4, 5)),
            ("claude-opus-4-6", Claude(4, 6)),
            ("claude-sonnet-5-5-20260901", Claude(5, 5)),
            ("claude-opus-12", Claude(12, 0)),
            ("claude-latest", Claude(u16::MAX, 0)),
            ("kimi-k2-0905", Foreign),
            ("", Foreign),
        ];
        for (name, expected) in cases {
            assert_eq!(Generation::of(name), expected, "{name}");
        }
    }
}
