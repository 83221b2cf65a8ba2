use std::fmt;
use std::path::{Path, PathBuf};

use config::{File, FileFormat, Source, Value, ValueKind};

use super::variables::{Settings, Variables};
use super::{ConfigError, Profile};

/// Every key, with its default and what it means.
pub(crate) const DEFAULTS: &str = include_str!("../../../../config/default.toml");

/// What the profile `development` changes, for a binary that was shipped without the folder `config/`.
const DEVELOPMENT: &str = include_str!("../../../../config/development.toml");

/// The same of the profile `production`.
const PRODUCTION: &str = include_str!("../../../../config/production.toml");

/// All that was configured, one layer over the other, each value with where it came from.
#[derive(Clone)]
pub(crate) struct Layers {
    merged: config::Config,
    pub(crate) profile: Profile,
    /// The files that were found, for the start-up text.
    pub(crate) files: Vec<String>,
}

/// Says nothing of the values: some are secrets.
impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layers({}, {:?})", self.profile, self.files)
    }
}

/// One key and its value.
#[derive(Clone)]
pub(crate) struct Entry {
    /// `section.key`.
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// Says nothing of the value: it may be a secret.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({})", self.key)
    }
}

impl Entry {
    /// Where the value came from.
    pub(crate) fn origin(&self) -> &str {
        origin(&self.value).unwrap_or("default")
    }

    pub(crate) fn is_default(&self) -> bool {
        origin(&self.value).is_none()
    }
}

/// A table that a variable made has no origin of its own, but what is in it has.
fn origin(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::Table(table) => value.origin().or_else(|| table.values().find_map(origin)),
        _ => value.origin(),
    }
}

impl Layers {
    /// # Errors
    ///
    /// When a file is missing, cannot be read or is not TOML.
    pub(crate) fn read(profile: Option<&str>, file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::over(&Variables::read()?, profile, file)
    }

    pub(crate) fn over(
        variables: &Variables,
        profile: Option<&str>,
        file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let profile = Profile::parse(profile.or_else(|| variables.get("GATEWAY_PROFILE")))?;
        let mut layers = Self::empty(profile);
        layers.lay(File::from_str(DEFAULTS, FileFormat::Toml))?;
        layers.lay_profile()?;
        if let Some(file) = file {
            layers.lay_file(file)?;
        }
        if variables.read_dotenv {
            layers.files.push(".env".to_owned());
        }
        let settings = variables.settings()?;
        let settings = settings
            .0
            .into_iter()
            .map(|(key, value)| layers.shaped(key, value))
            .collect();
        layers.lay(Settings(settings))?;
        Ok(layers)
    }

    fn lay_profile(&mut self) -> Result<(), ConfigError> {
        let file = PathBuf::from(format!("config/{}.toml", self.profile));
        if file.exists() {
            return self.lay_file(&file);
        }
        let built_in = match &self.profile {
            profile if profile.is_production() => Some(PRODUCTION),
            profile if profile.is_development() => Some(DEVELOPMENT),
            _ => None,
        };
        if let Some(built_in) = built_in {
            let values = File::from_str(built_in, FileFormat::Toml).collect();
            let values = values.map_err(|error| ConfigError::file(&file, &error))?;
            return self.lay(with_origin(values, &format!("built-in {}.toml", self.profile)));
        }
        let here = std::env::current_dir().unwrap_or_default();
        Err(ConfigError::Profile(format!(
            "profile {} needs the file {}, which is not in {}",
            self.profile,
            file.display(),
            here.display()
        )))
    }

    fn lay_file(&mut self, file: &Path) -> Result<(), ConfigError> {
        if !file.is_file() {
            return Err(ConfigError::file(file, &"there is no such file"));
        }
        self.files.push(file.display().to_string());
        self.lay(File::from(file).format(FileFormat::Toml))
    }

    fn lay(&mut self, layer: impl Source + Send + Sync + 'static) -> Result<(), ConfigError> {
        let over = config::Config::builder()
            .add_source(self.merged.clone())
            .add_source(layer);
        self.merged = over.build().map_err(|error| match error {
            config::ConfigError::FileParse { uri, cause } => ConfigError::File {
                file: uri.unwrap_or_else(|| "a configuration file".to_owned()),
                reason: in_one_line(&cause.to_string()),
            },
            other => ConfigError::Incomplete(other.to_string()),
        })?;
        Ok(())
    }

    /// A variable is text: it is read as what the default is. Lists are separated by commas.
    fn shaped(&self, key: String, value: Value) -> (String, Value) {
        let default = self.merged.get::<Value>(&key).map(|default| default.kind);
        let origin = value.origin().map(ToOwned::to_owned);
        let kind = match (default, &value.kind) {
            (Ok(ValueKind::Array(_)), ValueKind::String(text)) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Some(ValueKind::Array(
                    items.map(|item| Value::new(origin.as_ref(), item)).collect(),
                ))
            }
            (Ok(ValueKind::I64(_)), ValueKind::String(text)) => text.parse().ok().map(ValueKind::I64),
            (Ok(ValueKind::Boolean(_)), _) => value.clone().into_bool().ok().map(ValueKind::Boolean),
            _ => None,
        };
        // What cannot be read as such is left for the check, which says so.
        let value = kind.map_or(value, |kind| Value::new(origin.as_ref(), kind));
        (key, value)
    }

    /// The built-in defaults alone.
    ///
    /// # Errors
    ///
    /// Never: a test reads them.
    pub(crate) fn defaults() -> Result<Self, ConfigError> {
        let mut layers = Self::empty(Profile::parse(None)?);
        layers.lay(File::from_str(DEFAULTS, FileFormat::Toml))?;
        Ok(layers)
    }

    fn empty(profile: Profile) -> Self {
        Self {
            merged: config::Config::default(),
            profile,
            files: Vec::new(),
        }
    }

    /// The same with one entry on top.
    ///
    /// # Errors
    ///
    /// Never for a key of two words.
    pub(crate) fn with_value(mut self, entry: &Entry) -> Result<Self, ConfigError> {
        self.lay(Settings(vec![(entry.key.clone(), entry.value.clone())]))?;
        Ok(self)
    }

    /// The same with one value on top.
    ///
    /// # Errors
    ///
    /// Never for a key of two words.
    pub(crate) fn with(mut self, key: &str, value: &str, origin: &str) -> Result<Self, ConfigError> {
        let value = Value::new(Some(&origin.to_owned()), value);
        self.lay(Settings(vec![(key.to_owned(), value)]))?;
        Ok(self)
    }

    /// Every key and value, sorted; what stands outside of a section too.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let ValueKind::Table(sections) = &self.merged.cache.kind else {
            return Vec::new();
        };
        let mut entries = Vec::new();
        for (section, value) in sections {
            if let ValueKind::Table(keys) = &value.kind {
                let entry = |(key, value): (&String, &Value)| Entry {
                    key: format!("{section}.{key}"),
                    value: value.clone(),
                };
                entries.extend(keys.iter().map(entry));
            } else {
                entries.push(Entry {
                    key: section.clone(),
                    value: value.clone(),
                });
            }
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        entries
    }

    /// The text of one key.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.merged.get_string(key).ok()
    }

    /// Where one key's value came from.
    pub(crate) fn origin(&self, key: &str) -> Option<String> {
        let entry = self.entries().into_iter().find(|entry| entry.key == key)?;
        Some(entry.origin().to_owned())
    }

    /// All of it as one typed value.
    pub(crate) fn deserialize<'de, T: serde::Deserialize<'de>>(&self) -> Result<T, config::ConfigError> {
        self.merged.clone().try_deserialize()
    }
}

/// Where the parser stopped and why, without the picture between.
fn in_one_line(parse_error: &str) -> String {
    let mut lines = parse_error.trim_end().lines();
    let first = lines.next().unwrap_or_default().to_owned();
    lines
        .last()
        .map_or(first.clone(), |last| format!("{first}: {last}"))
}

fn with_origin(values: config::Map<String, Value>, origin: &str) -> Settings {
    let mut settings = Vec::new();
    for (section, value) in values {
        if let ValueKind::Table(keys) = value.kind {
            for (key, value) in keys {
                let value = Value::new(Some(&origin.to_owned()), value.kind);
                settings.push((format!("{section}.{key}"), value));
            }
        }
    }
    Settings(settings)
}
