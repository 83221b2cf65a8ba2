use std::str::FromStr;

/// How hard a model shall think, by a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effort {
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// As usual.
    Medium,
    /// Much.
    High,
    /// More than much.
    XHigh,
    /// As much as it can.
    Max,
}

impl Effort {
    /// Every effort, the least first.
    pub const ALL: [Self; 6] = [
        Self::Minimal,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::XHigh,
        Self::Max,
    ];

    /// The word for it in small letters, as Anthropic and OpenAI write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The effort that comes closest to a budget of so many tokens.
    #[must_use]
    pub const fn of_tokens(budget: u64) -> Self {
        match budget {
            0..2_000 => Self::Low,
            2_000..8_000 => Self::Medium,
            _ => Self::High,
        }
    }

    /// A budget of tokens for models that know no efforts: [`of_tokens`](Self::of_tokens) gives the effort back,
    /// as far as it tells them apart.
    #[must_use]
    pub const fn tokens(self) -> u64 {
        match self {
            Self::Minimal | Self::Low => 1_024,
            Self::Medium => 4_096,
            Self::High => 16_384,
            Self::XHigh | Self::Max => 24_576,
        }
    }
}

/// The word names no effort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an effort: expected minimal, low, medium, high, xhigh or max")]
pub struct UnknownEffort;

impl FromStr for Effort {
    type Err = UnknownEffort;

    fn from_str(word: &str) -> Result<Self, UnknownEffort> {
        Self::ALL
            .into_iter()
            .find(|effort| effort.as_str() == word)
            .ok_or(UnknownEffort)
    }
}
