//! What can be configured, in layers: built-in defaults, the profile's file, another file, `.env`, the environment.

mod error;
mod fields;
mod layers;
mod own;
mod print;
mod profile;
mod span;
mod variables;

use serde::Deserialize;

use gateway_alerting::AlertSettings;
use gateway_api::ApiSettings;
use gateway_auth::{AuthSettings, KeyRingSettings};
use gateway_balancing::PoolSettings;
use gateway_ledger::LedgerSettings;
use gateway_proxy::ProxySettings;
use gateway_store::StoreSettings;

pub(crate) use self::error::ConfigError;
pub(crate) use self::layers::Layers;
pub(crate) use self::own::{
    LogFormat, LogSettings, PricesSettings, SecretsSettings, ServerSettings, UpstreamSettings, UsersSettings,
};
pub(crate) use self::print::{print, without_password};
pub(crate) use self::profile::Profile;

use self::fields::fields_of;
use self::layers::Entry;

/// Every room's settings, one section each.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) server: ServerSettings,
    pub(crate) log: LogSettings,
    pub(crate) users: UsersSettings,
    pub(crate) secrets: SecretsSettings,
    pub(crate) api: ApiSettings,
    pub(crate) auth: AuthSettings,
    pub(crate) keys: KeyRingSettings,
    pub(crate) balancing: PoolSettings,
    pub(crate) ledger: LedgerSettings,
    pub(crate) prices: PricesSettings,
    pub(crate) proxy: ProxySettings,
    pub(crate) upstream: UpstreamSettings,
    pub(crate) alerts: AlertSettings,
    pub(crate) store: StoreSettings,
}

/// A hundred years, in seconds.
const LONGEST_SECONDS: u64 = 3_155_760_000;

/// A section's name and the keys that its room reads.
type Section = (&'static str, fn() -> &'static [&'static str]);

const SECTIONS: &[Section] = &[
    ("server", fields_of::<ServerSettings>),
    ("log", fields_of::<LogSettings>),
    ("users", fields_of::<UsersSettings>),
    ("secrets", fields_of::<SecretsSettings>),
    ("api", fields_of::<ApiSettings>),
    ("auth", fields_of::<AuthSettings>),
    ("keys", fields_of::<KeyRingSettings>),
    ("balancing", fields_of::<PoolSettings>),
    ("ledger", fields_of::<LedgerSettings>),
    ("prices", fields_of::<PricesSettings>),
    ("proxy", fields_of::<ProxySettings>),
    ("upstream", fields_of::<UpstreamSettings>),
    ("alerts", fields_of::<AlertSettings>),
    ("store", fields_of::<StoreSettings>),
];

impl Config {
    /// # Errors
    ///
    /// All unknown keys and unusable values that were found, each with where it stands.
    pub(crate) fn of(layers: &Layers) -> Result<Self, ConfigError> {
        check(layers)?;
        layers
            .deserialize()
            .map_err(|error| ConfigError::Incomplete(error.to_string()))
    }
}

/// Looks at every key by itself, so that the one at fault can be named, and all of them at once.
///
/// # Errors
///
/// Unknown keys and unusable values.
pub(crate) fn check(layers: &Layers) -> Result<(), ConfigError> {
    let entries = layers.entries();
    let unknown: Vec<_> = entries.iter().filter_map(unknown_key).collect();
    ConfigError::all(unknown)?;
    let defaults = Layers::defaults()?;
    let unusable = entries.iter().filter(|entry| !entry.is_default());
    let unusable: Vec<_> = unusable
        .filter_map(|entry| unusable_value(&defaults, entry).or_else(|| endless(entry)))
        .collect();
    ConfigError::all(unusable)
}

fn unknown_key(entry: &Entry) -> Option<ConfigError> {
    let (section, key) = entry.key.split_once('.').unwrap_or((&entry.key, ""));
    let hint = match SECTIONS.iter().find(|(name, _)| *name == section) {
        Some((_, fields)) if fields().contains(&key) => return None,
        Some((_, fields)) => format!("[{section}] has {}", fields().join(", ")),
        None => {
            let names: Vec<_> = SECTIONS.iter().map(|(name, _)| *name).collect();
            format!("the sections are {}", names.join(", "))
        }
    };
    Some(ConfigError::UnknownKey {
        key: entry.key.clone(),
        origin: entry.origin().to_owned(),
        hint,
    })
}

fn unusable_value(defaults: &Layers, entry: &Entry) -> Option<ConfigError> {
    let error = defaults.clone().with_value(entry).and_then(|layers| {
        layers
            .deserialize::<Config>()
            .map_err(|error| ConfigError::Incomplete(expectation(error)))
    });
    let ConfigError::Incomplete(reason) = error.err()? else {
        return None;
    };
    let reason = if print::is_secret(&entry.key) {
        "expected a text".to_owned()
    } else {
        reason
    };
    Some(ConfigError::Value {
        key: entry.key.clone(),
        value: print::shown(entry),
        origin: entry.origin().to_owned(),
        reason,
    })
}

/// A time that no clock can count to: adding it to the present would overflow.
fn endless(entry: &Entry) -> Option<ConfigError> {
    let longest = match &entry.key {
        key if key.ends_with("_seconds") => LONGEST_SECONDS,
        key if key.ends_with("_ms") => LONGEST_SECONDS * 1_000,
        _ => return None,
    };
    let time = entry.value.clone().into_uint().ok()?;
    (time > longest).then(|| ConfigError::Value {
        key: entry.key.clone(),
        value: print::shown(entry),
        origin: entry.origin().to_owned(),
        reason: format!("expected {longest} at the most, which is a hundred years"),
    })
}

/// What would have been right, without what the message says anyway.
fn expectation(error: config::ConfigError) -> String {
    match error {
        config::ConfigError::Type { expected, .. } => format!("expected {expected}"),
        config::ConfigError::At { error, .. } => expectation(*error),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
