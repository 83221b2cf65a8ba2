//! Which database a URL names.

use std::path::PathBuf;

use crate::pg::tls::SslMode;
use crate::{Backend, OpenError, StoreSettings};

/// A database, named but not yet opened.
#[derive(Clone)]
pub(crate) enum Target {
    Sqlite(PathBuf),
    Postgres(Box<PostgresTarget>),
}

/// A PostgreSQL database, and whether to talk TLS with it.
#[derive(Clone)]
pub(crate) struct PostgresTarget {
    /// Holds the password.
    pub(crate) config: tokio_postgres::Config,
    pub(crate) ssl_mode: SslMode,
}

impl Target {
    pub(crate) fn backend(&self) -> Backend {
        match self {
            Self::Sqlite(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }
}

const REMEDY: &str = "expected sqlite://data/gateway.db or postgres://user:password@host:5432/database";

/// Reads the URL in `settings`.
///
/// # Errors
///
/// One that says what a URL looks like, and never holds the one that was given: it may have a password in it.
pub(crate) fn parse(settings: &StoreSettings) -> Result<Target, OpenError> {
    let url = settings.url.trim();
    match url.split_once(':') {
        Some(("sqlite", path)) => sqlite(path).map(Target::Sqlite),
        Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
            postgres(url, settings).map(|target| Target::Postgres(Box::new(target)))
        }
        _ => Err(OpenError::new(
            "the database URL begins with no known scheme",
            REMEDY,
        )),
    }
}

fn sqlite(rest: &str) -> Result<PathBuf, OpenError> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let refused = |problem: &str| {
        Err(OpenError::new(
            problem,
            "expected a path, like sqlite://data/gateway.db",
        ))
    };
    if path.is_empty() || path.ends_with('/') {
        return refused("the SQLite URL names no file");
    }
    if path.starts_with(':') || path.starts_with("file:") {
        return refused("a SQLite database in memory cannot be shared by several connections");
    }
    if path.contains(['?', '#', '\0']) {
        return refused("the SQLite URL takes no parameters");
    }
    Ok(PathBuf::from(path))
}

fn postgres(url: &str, settings: &StoreSettings) -> Result<PostgresTarget, OpenError> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut ssl_mode = SslMode::Prefer;
    let mut others = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", word)) => ssl_mode = word.parse()?,
            Some(("sslrootcert", _)) => {
                return Err(OpenError::new(
                    "the PostgreSQL URL has `sslrootcert`",
                    "take it out and name the file in the setting for the database's root certificates",
                ));
            }
            _ => others.push(parameter),
        }
    }
    // The driver's own message is dropped: it may quote a piece of the URL.
    let mut config: tokio_postgres::Config = format!("{address}?{}", others.join("&"))
        .parse()
        .map_err(|_| OpenError::new("the PostgreSQL URL cannot be read", REMEDY))?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(OpenError::new("the PostgreSQL URL names no host", REMEDY));
    }
    config.ssl_mode(ssl_mode.of_driver());
    config.connect_timeout(settings.connect_timeout());
    // A peer that vanished is noticed although nothing is sent to it.
    config.keepalives_idle(std::time::Duration::from_secs(30));
    config.tcp_user_timeout(std::time::Duration::from_secs(15));
    if config.get_application_name().is_none() {
        config.application_name("llm-gateway");
    }
    Ok(PostgresTarget { config, ssl_mode })
}

/// `url` with its password replaced, for logs.
pub(crate) fn without_password(url: &str) -> String {
    let parameters_at = url.find('?').unwrap_or(url.len());
    let address = &url[..parameters_at];
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{host}")
        }
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, parse, without_password};
    use crate::StoreSettings;

    fn problem(url: &str) -> String {
        parse(&StoreSettings::at(url))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn both_ways_to_write_a_file_are_read() {
        for (url, path) in [
            ("sqlite://data/gateway.db", "data/gateway.db"),
            ("sqlite:data/gateway.db", "data/gateway.db"),
            ("sqlite:///var/lib/gateway.db", "/var/lib/gateway.db"),
        ] {
            match parse(&StoreSettings::at(url)) {
                Ok(Target::Sqlite(found)) => assert_eq!(found.to_str(), Some(path)),
                _ => panic!("{url} is a file"),
            }
        }
    }

    #[test]
    fn a_url_that_names_no_database_is_refused_with_what_one_looks_like() {
        for url in [
            "",
            "data/gateway.db",
            "mysql://localhost/x",
            "sqlite:",
            "sqlite://",
            "postgres:gateway",
        ] {
            assert!(problem(url).contains("expected"), "{url}: {}", problem(url));
        }
        assert!(problem("sqlite::memory:").contains("in memory"));
        assert!(problem("sqlite://a.db?mode=ro").contains("no parameters"));
    }

    #[test]
    fn sslmode_has_the_words_of_libpq() {
        for mode in ["disable", "prefer", "require", "verify-ca", "verify-full"] {
            assert_eq!(problem(&format!("postgres://u:p@h/d?sslmode={mode}")), "");
        }
        assert!(problem("postgres://u:p@h/d?sslmode=allow").contains("verify-full"));
        assert!(problem("postgres://u:p@h/d?sslrootcert=/etc/ca.pem").contains("sslrootcert"));
    }

    #[test]
    fn a_password_is_in_no_error_and_in_no_log() {
        for url in [
            "postgres://me:hunter2@host:notaport/d",
            "postgres://me:hunter2@host/d?unknown=hunter2",
            "postgres://me:hunter2%ZZ@host/d",
            "mysql://me:hunter2@host/d",
            "postgres://me:hunter2@host/d?sslmode=hunter2",
            "postgres://me:hun@ter2@host/d?password=hunter2",
        ] {
            let settings = StoreSettings::at(url);
            assert!(!problem(url).contains("hunter2"), "{}", problem(url));
            assert!(!format!("{settings:?}").contains("ter2"), "{settings:?}");
        }
        assert_eq!(without_password("sqlite:data/x.db"), "sqlite:data/x.db");
    }
}
