use std::fmt;
use std::net::SocketAddr;

use gateway_api::DefaultCredentials;

use crate::users::{ADMIN, published_password};

/// What somebody who just started the server wants to know.
pub(crate) struct Welcome {
    pub(crate) url: String,
    pub(crate) listening: Vec<SocketAddr>,
    pub(crate) profile: String,
    /// Without its password.
    pub(crate) database: String,
    /// The configuration files that were read.
    pub(crate) files: Vec<String>,
    /// The accounts whose published passwords stand.
    pub(crate) default_accounts: Vec<String>,
    /// What these passwords are good for.
    pub(crate) default_credentials: DefaultCredentials,
}

impl Welcome {
    /// The same as one line of the log.
    pub(crate) fn log(&self) {
        tracing::info!(
            url = self.url,
            database = self.database,
            profile = self.profile,
            files = self.files.join(", "),
            version = env!("CARGO_PKG_VERSION"),
            "ready"
        );
        if !self.default_accounts.is_empty() {
            tracing::warn!(
                accounts = self.default_accounts.join(", "),
                consequence = self.consequence(),
                "the published passwords of these accounts still work: change them"
            );
        }
    }

    fn consequence(&self) -> &'static str {
        match self.default_credentials {
            DefaultCredentials::Allowed => "anybody who reaches this address can use them",
            DefaultCredentials::OnThisMachine => "anybody on this machine can use them",
            DefaultCredentials::ToBeChanged => "can do nothing but be changed, from this machine",
        }
    }

    fn settings(&self) -> String {
        if self.files.is_empty() {
            return format!(
                "profile {}, the built-in defaults and the environment",
                self.profile
            );
        }
        format!(
            "profile {}, {} and the environment",
            self.profile,
            self.files.join(", ")
        )
    }
}

impl fmt::Display for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, database, .. } = self;
        let listening: Vec<_> = self.listening.iter().map(ToString::to_string).collect();
        writeln!(f, "LLM gateway {} is ready.\n", env!("CARGO_PKG_VERSION"))?;
        writeln!(f, "  address     {url} (listening on {})", listening.join(", "))?;
        writeln!(f, "  reference   {url}/docs")?;
        writeln!(f, "  database    {database}")?;
        writeln!(
            f,
            "  settings    {}; `llm-gateway config` prints them",
            self.settings()
        )?;
        if !self.default_accounts.is_empty() {
            self.warn(f)?;
        }
        let password = if self.default_accounts.iter().any(|account| account == ADMIN) {
            published_password(ADMIN).unwrap_or_default()
        } else {
            "…"
        };
        writeln!(
            f,
            "\nSign in, to add a provider account and make an API key (README.md shows how):\n"
        )?;
        writeln!(
            f,
            "  curl {url}/api/auth/login -H 'content-type: application/json' \\"
        )?;
        write!(
            f,
            "    -d '{{\"username\": \"{ADMIN}\", \"password\": \"{password}\"}}'"
        )
    }
}

impl Welcome {
    fn warn(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = |username: &String| match published_password(username) {
            Some(password) => format!("{username} / {password}"),
            None => username.clone(),
        };
        let accounts: Vec<_> = self.default_accounts.iter().map(account).collect();
        writeln!(f, "  accounts    {}", accounts.join(", "))?;
        let consequence = self.consequence();
        writeln!(f, "\nWARNING: these passwords are published, and {consequence}.")?;
        writeln!(f, "         Change them: POST {}/api/auth/password", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome(default_accounts: &[&str]) -> Welcome {
        Welcome {
            url: "http://127.0.0.1:8080".into(),
            listening: vec![([127, 0, 0, 1], 8080).into()],
            profile: "development".into(),
            database: "sqlite://data/gateway.db".into(),
            files: vec![".env".into()],
            default_accounts: default_accounts.iter().map(ToString::to_string).collect(),
            default_credentials: DefaultCredentials::OnThisMachine,
        }
    }

    #[test]
    fn a_beginner_is_told_how_to_go_on() {
        let text = welcome(&["admin", "testuser"]).to_string();
        for line in [
            "  address     http://127.0.0.1:8080 (listening on 127.0.0.1:8080)",
            "  accounts    admin / admin123456, testuser / testpass123",
            "  settings    profile development, .env and the environment; `llm-gateway config` prints them",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.contains("WARNING"), "{text}");
    }

    #[test]
    fn a_changed_password_is_neither_guessed_nor_warned_of() {
        let text = welcome(&[]).to_string();
        assert!(
            !text.contains("WARNING") && !text.contains("admin123456"),
            "{text}"
        );
    }
}
