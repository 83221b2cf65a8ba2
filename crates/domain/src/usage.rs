use std::fmt;

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
