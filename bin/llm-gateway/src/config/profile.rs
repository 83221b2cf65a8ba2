use std::fmt;

use super::ConfigError;

/// Which `config/<profile>.toml` is read, and how strict the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile(String);

impl Profile {
    const DEVELOPMENT: &str = "development";
    const PRODUCTION: &str = "production";

    /// # Errors
    ///
    /// When the name could not be that of a file in `config/`.
    pub(crate) fn parse(name: Option<&str>) -> Result<Self, ConfigError> {
        let name = name.unwrap_or(Self::DEVELOPMENT);
        let valid = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        if name.is_empty() || !name.chars().all(valid) {
            return Err(ConfigError::Profile(format!(
                "{name:?} is no profile: expected letters, digits, - and _, such as development or production"
            )));
        }
        Ok(Self(name.to_owned()))
    }

    pub(crate) fn is_production(&self) -> bool {
        self.0 == Self::PRODUCTION
    }

    pub(crate) fn is_development(&self) -> bool {
        self.0 == Self::DEVELOPMENT
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_names_a_file_and_no_path() {
        assert!(Profile::parse(None).unwrap().is_development());
        assert!(Profile::parse(Some("production")).unwrap().is_production());
        for name in ["", "../secrets", "a b", "prod.toml"] {
            assert!(Profile::parse(Some(name)).is_err(), "{name}");
        }
    }
}
