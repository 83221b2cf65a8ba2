use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// Names that are told; more would be no help to anybody.
const MOST: usize = 32;
/// No field that is known has a longer name.
const MAX_NAME: usize = 64;

/// What a translation had to leave out, by name: of hints and fields that change no meaning.
///
/// Displays as a list that can stand in a header: `cache_control, top_k`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dropped {
    names: BTreeSet<String>,
}

impl Dropped {
    /// Notes that what is called `name` was left out. Characters that cannot stand in a header become `?`.
    pub fn note(&mut self, name: &str) {
        if self.names.len() < MOST {
            let name = name.chars().take(MAX_NAME);
            let name = name.map(|char| if is_plain(char) { char } else { '?' });
            self.names.insert(name.collect());
        }
    }

    /// The same, each by the name that `rename` gives it.
    #[must_use]
    pub(super) fn renamed<'a>(&'a self, rename: impl Fn(&'a str) -> Cow<'a, str>) -> Self {
        let mut renamed = Self::default();
        for name in &self.names {
            renamed.note(&rename(name));
        }
        renamed
    }

    /// Whether all of it was carried.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

const fn is_plain(char: char) -> bool {
    char.is_ascii_graphic() && char != ','
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.names.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{name}")?;
        }
        Ok(())
    }
}
