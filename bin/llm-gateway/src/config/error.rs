use std::fmt;
use std::path::Path;

/// Why the configuration cannot be used; the text is for whoever wrote it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A file that cannot be read or is not TOML.
    #[error("{file}: {reason}")]
    File { file: String, reason: String },
    /// A key that nobody reads, such as one with a typing mistake.
    #[error("unknown key {key} ({origin}): {hint}")]
    UnknownKey {
        key: String,
        origin: String,
        hint: String,
    },
    /// A value of the wrong kind or out of range.
    #[error("{key} is {value} ({origin}): {reason}")]
    Value {
        key: String,
        value: String,
        origin: String,
        reason: String,
    },
    /// A profile that is not there.
    #[error("{0}")]
    Profile(String),
    /// All that was found, so that it can be mended at once.
    #[error("{}", lines(.0))]
    Several(Vec<ConfigError>),
    /// What only shows when all is put together.
    #[error("the configuration is incomplete: {0}")]
    Incomplete(String),
}

impl ConfigError {
    pub(crate) fn file(file: &Path, reason: &dyn fmt::Display) -> Self {
        Self::File {
            file: file.display().to_string(),
            reason: reason.to_string(),
        }
    }

    /// `Ok` when nothing was found.
    pub(crate) fn all(mut found: Vec<Self>) -> Result<(), Self> {
        match found.len() {
            0 => Ok(()),
            1 => Err(found.remove(0)),
            _ => Err(Self::Several(found)),
        }
    }
}

fn lines(errors: &[ConfigError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}
