use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text cannot be a model's name or a pattern of names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid model pattern: expected 1 to 200 visible ASCII characters, `*` standing for any run")]
pub struct InvalidModelPattern;

/// A model's exact name, or a glob in which `*` stands for any run of characters (`claude-*`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelPattern(
    // Invariant: 1 to 200 visible ASCII characters.
    String,
);

impl ModelPattern {
    /// Whether `model` is one of the names meant.
    #[must_use]
    pub fn matches(&self, model: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = parts.next().and_then(|prefix| model.strip_prefix(prefix)) else {
            return false;
        };
        let Some(suffix) = parts.next_back() else {
            return rest.is_empty();
        };
        for part in parts {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(suffix)
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names exactly one model.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }
}

impl FromStr for ModelPattern {
    type Err = InvalidModelPattern;

    fn from_str(text: &str) -> Result<Self, InvalidModelPattern> {
        if (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidModelPattern)
        }
    }
}

impl TryFrom<String> for ModelPattern {
    type Error = InvalidModelPattern;

    fn try_from(text: String) -> Result<Self, InvalidModelPattern> {
        text.parse()
    }
}

impl From<ModelPattern> for String {
    fn from(pattern: ModelPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for ModelPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ModelPattern;

    #[test]
    fn a_star_stands_for_any_run() {
        let cases = [
            ("claude-*", "claude-sonnet-4-5", true),
            ("claude-*", "gemini-2.5-pro", false),
            ("*", "anything", true),
            ("*-pro", "gemini-2.5-pro", true),
            ("*-pro", "gemini-2.5-pro-exp", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("a*a", "a", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
        ];
        for (pattern, model, expected) in cases {
            let parsed: ModelPattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(model), expected, "{pattern} {model}");
        }
    }

    #[test]
    fn an_empty_or_blank_pattern_is_refused() {
        for text in ["", "two words", "tab\t", "ümlaut", &"x".repeat(201)] {
            assert!(text.parse::<ModelPattern>().is_err(), "{text}");
        }
    }
}
