use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::{env, fmt, io};

use config::{Map, Source, Value, ValueKind};

use super::ConfigError;
use super::span::parse_span;

/// Environment variables with names of their own, and the key that each sets.
pub(crate) const NAMED: &[(&str, &str)] = &[
    ("ALERTS_WEBHOOK_SECRET", "alerts.webhook_secret"),
    ("ALERTS_WEBHOOK_URL", "alerts.webhook_url"),
    ("ALLOW_DEFAULT_CREDENTIALS", "users.allow_default_credentials"),
    ("DATABASE_URL", "store.url"),
    ("GATEWAY_ADMIN_PASSWORD", "users.admin_password"),
    ("GATEWAY_MASTER_KEY", "secrets.master_key"),
    ("GATEWAY_OTHER_MASTER_KEY", "secrets.other_master_key"),
    ("HOST", "server.host"),
    ("JWT_EXPIRY", "auth.access_token_seconds"),
    ("JWT_SECRET", "auth.jwt_secret"),
    ("PORT", "server.port"),
    ("RUST_LOG", "log.filter"),
];

/// Every other key is `GATEWAY__SECTION__KEY`.
const PREFIX: &str = "GATEWAY__";

/// The environment, over `.env` in the working directory.
#[derive(Clone, Default)]
pub(crate) struct Variables {
    variables: BTreeMap<String, Variable>,
    /// Whether there was a `.env`.
    pub(crate) read_dotenv: bool,
}

/// Says their names only: some are secrets.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[derive(Clone)]
struct Variable {
    value: OsString,
    from_dotenv: bool,
}

impl Variables {
    /// # Errors
    ///
    /// When `.env` cannot be read or understood.
    pub(crate) fn read() -> Result<Self, ConfigError> {
        Self::of(env::vars_os(), Path::new(".env"))
    }

    fn of(
        environment: impl Iterator<Item = (OsString, OsString)>,
        dotenv: &Path,
    ) -> Result<Self, ConfigError> {
        let mut all = Self::default();
        match dotenvy::from_path_iter(dotenv) {
            Ok(lines) => {
                all.read_dotenv = true;
                for line in lines {
                    let (name, value) = line.map_err(|error| unreadable(dotenv, &error))?;
                    all.variables.insert(
                        name,
                        Variable {
                            value: value.into(),
                            from_dotenv: true,
                        },
                    );
                }
            }
            Err(dotenvy::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(dotenv, &error)),
        }
        for (name, value) in environment {
            if let Ok(name) = name.into_string() {
                all.variables.insert(
                    name,
                    Variable {
                        value,
                        from_dotenv: false,
                    },
                );
            }
        }
        Ok(all)
    }

    /// A variable that is no setting, such as the one that picks the profile.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)?
            .value
            .to_str()
            .filter(|value| !value.is_empty())
    }

    /// The settings among the variables, with the name of the variable as their origin.
    ///
    /// # Errors
    ///
    /// When one is empty or not UTF-8, since neither can be meant.
    pub(crate) fn settings(&self) -> Result<Settings, ConfigError> {
        let mut settings = Vec::new();
        for (name, variable) in &self.variables {
            let Some(key) = key_of(name) else { continue };
            let origin = origin(name, variable.from_dotenv);
            let value = variable
                .value
                .to_str()
                .filter(|value| !value.is_empty())
                .ok_or_else(|| ConfigError::Value {
                    key: key.clone(),
                    value: if variable.value.is_empty() {
                        "empty"
                    } else {
                        "not UTF-8"
                    }
                    .to_owned(),
                    origin: origin.clone(),
                    reason: "expected a value; without one, leave the variable out".to_owned(),
                })?;
            let kind = kind_of(name, value).map_err(|reason| ConfigError::Value {
                key: key.clone(),
                value: format!("{value:?}"),
                origin: origin.clone(),
                reason,
            })?;
            settings.push((key, Value::new(Some(&origin), kind)));
        }
        Ok(Settings(settings))
    }
}

/// What is wrong with `.env`, without what stands in it, which may be a secret.
fn unreadable(dotenv: &Path, error: &dotenvy::Error) -> ConfigError {
    match error {
        dotenvy::Error::LineParse(..) => ConfigError::file(
            dotenv,
            &"a line cannot be read: expected NAME=value, with quotes around a value that has spaces",
        ),
        error => ConfigError::file(dotenv, error),
    }
}

fn origin(name: &str, from_dotenv: bool) -> String {
    if from_dotenv {
        format!("{name} in .env")
    } else {
        format!("environment variable {name}")
    }
}

fn key_of(name: &str) -> Option<String> {
    if let Some((_, key)) = NAMED.iter().find(|(named, _)| *named == name) {
        return Some((*key).to_owned());
    }
    Some(name.strip_prefix(PREFIX)?.to_lowercase().replace("__", "."))
}

fn kind_of(name: &str, value: &str) -> Result<ValueKind, String> {
    if name == "JWT_EXPIRY" {
        return parse_span(value)
            .map(ValueKind::U64)
            .map_err(|error| error.to_string());
    }
    Ok(ValueKind::String(value.to_owned()))
}

/// Settings with their origins, as one layer.
#[derive(Debug, Clone)]
pub(crate) struct Settings(pub(crate) Vec<(String, Value)>);

impl Source for Settings {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.iter().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)], dotenv: &str) -> Variables {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".env");
        std::fs::write(&file, dotenv).unwrap();
        let pairs = pairs.iter().map(|(name, value)| (name.into(), value.into()));
        Variables::of(pairs, &file).unwrap()
    }

    fn settings(pairs: &[(&str, &str)], dotenv: &str) -> Vec<(String, String, String)> {
        let settings = variables(pairs, dotenv).settings().unwrap();
        let triple = |(key, value): (String, Value)| {
            let origin = value.origin().unwrap().to_owned();
            (key, value.into_string().unwrap(), origin)
        };
        settings.0.into_iter().map(triple).collect()
    }

    fn triple(key: &str, value: &str, origin: &str) -> (String, String, String) {
        (key.to_owned(), value.to_owned(), origin.to_owned())
    }

    #[test]
    fn named_and_prefixed_variables_are_settings_and_others_are_not() {
        let found = settings(
            &[
                ("PORT", "9000"),
                ("GATEWAY__PROXY__MAX_ATTEMPTS", "5"),
                ("HOME", "/root"),
                ("GATEWAY_PORT", "x"),
            ],
            "",
        );
        assert_eq!(
            found,
            [
                triple(
                    "proxy.max_attempts",
                    "5",
                    "environment variable GATEWAY__PROXY__MAX_ATTEMPTS"
                ),
                triple("server.port", "9000", "environment variable PORT"),
            ]
        );
    }

    #[test]
    fn what_stands_in_a_broken_dotenv_is_not_repeated() {
        for text in ["JWT_SECRET=abc def", "abc def ghi", "abc def=ghi jkl"] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join(".env");
            std::fs::write(&file, text).unwrap();
            let error = Variables::of(std::iter::empty(), &file).unwrap_err().to_string();
            assert!(
                error.contains("a line cannot be read") && !error.contains("def"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_environment_wins_over_dotenv() {
        let found = settings(&[("PORT", "9000")], "PORT=1\nHOST=::1\n");
        assert_eq!(
            found,
            [
                triple("server.host", "::1", "HOST in .env"),
                triple("server.port", "9000", "environment variable PORT"),
            ]
        );
    }

    #[test]
    fn an_expiry_may_be_written_as_people_say_it() {
        let found = settings(&[("JWT_EXPIRY", "24h")], "");
        assert_eq!(
            found,
            [triple(
                "auth.access_token_seconds",
                "86400",
                "environment variable JWT_EXPIRY"
            )]
        );
        let error = variables(&[("JWT_EXPIRY", "soon")], "")
            .settings()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("JWT_EXPIRY") && error.contains("\"soon\"") && error.contains("15m"),
            "{error}"
        );
    }

    #[test]
    fn an_empty_variable_is_not_taken_for_a_missing_one() {
        let error = variables(&[("DATABASE_URL", "")], "")
            .settings()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("DATABASE_URL") && error.contains("empty"),
            "{error}"
        );
    }
}
