use std::fmt;
use std::ops::{Add, Sub};

/// Tokens of one attempt, in buckets that do not overlap, except that `reasoning` is a part of `output`.
///
/// Each of the first five is billed at a rate of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenCounts {
    /// Input that was neither read from nor written to a prompt cache.
    pub input: u64,
    /// Input read from a prompt cache.
    pub cache_read: u64,
    /// Input written to a short-lived prompt cache (5 minutes at Anthropic).
    pub cache_write_5m: u64,
    /// Input written to a long-lived prompt cache (1 hour at Anthropic).
    pub cache_write_1h: u64,
    /// All output, reasoning included.
    pub output: u64,
    /// Output spent on reasoning; a part of `output`.
    pub reasoning: u64,
}

impl TokenCounts {
    /// Everything that went in, whatever its rate: what price tiers are measured by.
    #[must_use]
    pub const fn total_input(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_5m)
            .saturating_add(self.cache_write_1h)
    }

    /// Input and output together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total_input().saturating_add(self.output)
    }
}

impl Add for TokenCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.each(other, u64::saturating_add)
    }
}

impl Sub for TokenCounts {
    type Output = Self;

    /// What is left; what is not there cannot be taken away.
    fn sub(self, other: Self) -> Self {
        self.each(other, u64::saturating_sub)
    }
}

impl TokenCounts {
    fn each(self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            input: join(self.input, other.input),
            cache_read: join(self.cache_read, other.cache_read),
            cache_write_5m: join(self.cache_write_5m, other.cache_write_5m),
            cache_write_1h: join(self.cache_write_1h, other.cache_write_1h),
            output: join(self.output, other.output),
            reasoning: join(self.reasoning, other.reasoning),
        }
    }
}

/// What one attempt used, as far as it decides the cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens by rate.
    pub tokens: TokenCounts,
    /// Searches of the web that the provider ran.
    pub web_searches: u64,
    /// The service tier that the answer names, such as `standard`, `priority` or `batch`.
    pub service_tier: Option<String>,
    /// The speed that the answer names, such as `standard` or `fast`.
    pub speed: Option<String>,
    /// Where the answer says that it was computed, such as `us`.
    pub inference_geo: Option<String>,
    /// What of `tokens` went into calls of their own that the provider made for the answer, each charged by itself.
    pub parts: Vec<UsagePart>,
}

/// A call of its own that a provider made for an answer: by another model, or to compact the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsagePart {
    /// The provider's name for the model; `None` is the one that was asked.
    pub model: Option<String>,
    /// What the call used.
    pub tokens: TokenCounts,
}

/// How far the numbers of a [`Usage`] can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageSource {
    /// The provider's final numbers.
    Reported,
    /// A stream that broke: the provider's first numbers and an estimate of the output that was seen.
    Partial,
    /// Estimated throughout.
    Estimated,
    /// Nothing is known.
    Missing,
}

impl UsageSource {
    /// Every source, the best first.
    pub const ALL: [Self; 4] = [Self::Reported, Self::Partial, Self::Estimated, Self::Missing];

    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Partial => "partial",
            Self::Estimated => "estimated",
            Self::Missing => "missing",
        }
    }
}

impl fmt::Display for UsageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
