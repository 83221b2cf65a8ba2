use std::fmt::Write as _;

use config::{Value, ValueKind};

use super::layers::Entry;
use super::{Layers, SECTIONS};

const MASK: &str = "\"********\"";

/// The effective values as TOML, each with where it came from.
pub(crate) fn print(layers: &Layers) -> String {
    let mut text = format!("# profile {}", layers.profile);
    if !layers.files.is_empty() {
        let _ = write!(text, ", read: {}", layers.files.join(", "));
    }
    text.push('\n');
    let entries = layers.entries();
    for (section, fields) in SECTIONS {
        let _ = write!(text, "\n[{section}]\n");
        for field in fields() {
            let key = format!("{section}.{field}");
            match entries.iter().find(|entry| entry.key == key) {
                Some(entry) => {
                    let line = format!("{field} = {}", shown(entry));
                    let _ = writeln!(text, "{line:<50} # {}", entry.origin());
                }
                None => {
                    let _ = writeln!(text, "{:<50} # not set", format!("# {field} ="));
                }
            }
        }
    }
    text
}

/// The value, or a mask.
pub(crate) fn shown(entry: &Entry) -> String {
    if is_secret(&entry.key) {
        return MASK.to_owned();
    }
    match entry.key.as_str() {
        "store.url" => toml_text(&without_password(&entry.value.to_string())),
        "alerts.webhook_url" => toml_text(&without_path(&without_password(&entry.value.to_string()))),
        _ => toml_value(&entry.value),
    }
}

/// An address with nothing shown behind the host: for many services, whoever knows the rest may post.
fn without_path(url: &str) -> String {
    let start = url.find("://").map_or(0, |place| place + 3);
    let host_end = url[start..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |place| start + place);
    match &url[host_end..] {
        "" | "/" => url.to_owned(),
        _ => format!("{}/********", &url[..host_end]),
    }
}

/// By its name, so that a secret that is new is not forgotten here.
pub(crate) fn is_secret(key: &str) -> bool {
    ["secret", "password", "token", "master_key", "credential"]
        .iter()
        .any(|word| key.ends_with(word))
}

/// A connection string with its password masked, also in a query.
pub(crate) fn without_password(url: &str) -> String {
    let mut shown = url.to_owned();
    if let Some((scheme, rest)) = url.split_once("://")
        && let Some((user, host)) = rest.rsplit_once('@')
    {
        let user = user
            .split_once(':')
            .map_or(user.to_owned(), |(user, _)| format!("{user}:********"));
        shown = format!("{scheme}://{user}@{host}");
    }
    match shown.split_once("password=") {
        Some((before, after)) => {
            let rest = after.find(['&', ' ']).map_or("", |end| &after[end..]);
            format!("{before}password=********{rest}")
        }
        None => shown,
    }
}

fn toml_value(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => toml_text(text),
        ValueKind::Array(items) => {
            let items: Vec<_> = items.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        ValueKind::Table(table) => {
            let mut items: Vec<_> = table
                .iter()
                .map(|(key, value)| format!("{key} = {}", toml_value(value)))
                .collect();
            items.sort();
            format!("{{{}}}", items.join(", "))
        }
        other => other.to_string(),
    }
}

fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_connection_string_is_masked() {
        for (url, shown) in [
            ("sqlite://data/gateway.db", "sqlite://data/gateway.db"),
            (
                "postgres://me:p@ss:word@db/x?sslmode=require",
                "postgres://me:********@db/x?sslmode=require",
            ),
            ("postgres://me@db/x", "postgres://me@db/x"),
            (
                "postgres://db/x?password=hush&user=me",
                "postgres://db/x?password=********&user=me",
            ),
            (
                "host=db password=hush user=me",
                "host=db password=******** user=me",
            ),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn what_stands_behind_the_host_of_a_webhook_is_masked() {
        for (url, shown) in [
            ("https://hooks.example.com", "https://hooks.example.com"),
            ("http://hooks.example.com:80/", "http://hooks.example.com:80/"),
            (
                "https://hooks.example.com/T0/s3cret",
                "https://hooks.example.com/********",
            ),
            (
                "https://hooks.example.com?key=s3cret",
                "https://hooks.example.com/********",
            ),
            ("hooks.example.com/s3cret", "hooks.example.com/********"),
        ] {
            assert_eq!(without_path(url), shown);
        }
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for key in [
            "alerts.webhook_secret",
            "auth.jwt_secret",
            "secrets.master_key",
            "users.admin_password",
            "api.metrics_token",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in [
            "auth.access_token_seconds",
            "secrets.master_key_file",
            "server.port",
        ] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
