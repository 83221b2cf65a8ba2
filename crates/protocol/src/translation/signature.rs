use std::fmt;

/// What stands in a dialect's place for a signature where a provider of another dialect has signed nothing: with
/// nothing there, a thought would pass for the dialect's own.
pub(crate) const UNSIGNED: &str = "unsigned:";

/// With what a provider knows its model's thoughts again.
///
/// Means something only to the provider that made it, and only as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Signature {
    /// Who made it.
    pub origin: Origin,
    /// What it made: base64 of the standard alphabet at Gemini, else any text.
    pub value: String,
}

/// Who made a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Anthropic: a thinking block's `signature`.
    Anthropic,
    /// Anthropic: the `data` of a `redacted_thinking` block.
    AnthropicRedacted,
    /// Gemini: a part's `thoughtSignature`.
    Gemini,
    /// OpenAI: a reasoning item's `encrypted_content`.
    OpenAi,
}

impl Origin {
    pub(super) const ALL: [Self; 4] = [
        Self::Anthropic,
        Self::AnthropicRedacted,
        Self::Gemini,
        Self::OpenAi,
    ];

    /// With what a signature of it begins where others have theirs.
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic:",
            Self::AnthropicRedacted => "anthropic-redacted:",
            Self::Gemini => "gemini:",
            Self::OpenAi => "openai:",
        }
    }
}

impl Signature {
    /// A signature of `origin`.
    pub fn new(origin: Origin, value: impl Into<String>) -> Self {
        Self {
            origin,
            value: value.into(),
        }
    }

    /// Reads what stands in the place of a signature of `native`: one of its own, or a foreign one that was put
    /// there [marked](Self::marked_unless).
    #[must_use]
    pub fn read(text: &str, native: Origin) -> Self {
        Origin::ALL
            .into_iter()
            .find_map(|origin| Some(Self::new(origin, text.strip_prefix(origin.mark())?)))
            .unwrap_or_else(|| Self::new(native, text))
    }

    /// What to put in the place of a signature of `native`: itself if it is one, else itself marked with its
    /// origin, so that the client carries it and [`read`](Self::read) knows it again.
    #[must_use]
    pub fn marked_unless(&self, native: Origin) -> String {
        if self.origin == native {
            self.value.clone()
        } else {
            self.to_string()
        }
    }
}

/// With the mark of its origin.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin.mark(), self.value)
    }
}
