use std::fmt;

use crate::translation::Untranslatable;

/// Characters of a client's word that are repeated to it; whoever sent it knows the rest.
const MAX_WORD: usize = 64;

/// Where in a request something stands. Displays as Anthropic writes it: `messages.3.content.0.type`.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// The request itself.
    Body,
    /// A field of the object there.
    Field(&'a Place<'a>, &'static str),
    /// An element of the list there.
    Element(&'a Place<'a>, usize),
}

impl<'a> Place<'a> {
    pub(super) const fn field(&'a self, name: &'static str) -> Self {
        Self::Field(self, name)
    }

    pub(super) const fn element(&'a self, at: usize) -> Self {
        Self::Element(self, at)
    }

    /// What stands there is not as it must be.
    pub(super) fn invalid(&self, problem: &str) -> Untranslatable {
        Untranslatable::invalid(&self.to_string(), problem)
    }

    /// What stands there is Anthropic's alone.
    pub(super) fn unsupported(&self) -> Untranslatable {
        Untranslatable::unsupported(&self.to_string())
    }

    /// The `kind` of what stands there is Anthropic's alone.
    pub(super) fn unsupported_kind(&self, kind: &str) -> Untranslatable {
        Untranslatable::unsupported(&format!("{self}: `{}`", beginning(kind)))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("The request body"),
            Self::Field(Self::Body, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Element(parent, at) => write!(f, "{parent}.{at}"),
        }
    }
}

/// As much of a client's word as can stand in a sentence.
pub(super) fn beginning(word: &str) -> &str {
    word.char_indices()
        .nth(MAX_WORD)
        .map_or(word, |(end, _)| &word[..end])
}
