use std::path::PathBuf;

use gateway_providers::Exception;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};
use tracing_subscriber::EnvFilter;

/// Where the server listens and how it ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerSettings {
    /// An address or a name that resolves to some.
    pub(crate) host: String,
    /// Zero lets the system choose.
    pub(crate) port: u16,
    /// Threads that serve, zero for one a core.
    pub(crate) workers: usize,
    /// Of clients, all threads together.
    pub(crate) max_connections: usize,
    /// From one address of IPv4 or /64 of IPv6.
    pub(crate) max_connections_per_address: usize,
    /// How long a client may take to send a request's head.
    pub(crate) head_timeout_seconds: u64,
    /// How long a connection without a request is kept.
    pub(crate) keep_alive_seconds: u64,
    /// The same for connections of `api.trusted_proxies`.
    pub(crate) proxy_keep_alive_seconds: u64,
    /// How long a client may take nothing of an answer.
    pub(crate) send_timeout_seconds: u64,
    /// The folder of the journal and of generated secrets.
    pub(crate) data_dir: PathBuf,
    /// A PEM file of the authorities to trust when PostgreSQL shows its certificate.
    pub(crate) database_root_certificates: Option<PathBuf>,
    /// A PEM file with the server's certificate and those between it and its authority.
    pub(crate) tls_certificate_file: Option<PathBuf>,
    /// A PEM file with the certificate's private key.
    pub(crate) tls_key_file: Option<PathBuf>,
    /// How long `/readyz` says 503 before the port closes.
    pub(crate) shutdown_delay_seconds: u64,
    /// How long open streams may take to finish after that.
    pub(crate) shutdown_timeout_seconds: u64,
}

/// What is logged, and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSettings {
    pub(crate) filter: LogFilter,
    pub(crate) format: LogFormat,
}

/// Directives that `EnvFilter` understands.
#[derive(Debug, Clone)]
pub(crate) struct LogFilter(String);

impl LogFilter {
    pub(crate) fn to_filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl<'de> Deserialize<'de> for LogFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match EnvFilter::try_new(&text) {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err(de::Error::custom(
                "expected a level or directives, such as info or info,gateway_proxy=debug",
            )),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl<'de> Deserialize<'de> for LogFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(de::Error::custom("expected text or json")),
        }
    }
}

/// Whom accounts of admins reach besides the internet.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamSettings {
    pub(crate) allow_private: Vec<Exception>,
}

/// What models cost before anybody sets a price.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PricesSettings {
    /// A price list that stands in for the one that is built in.
    pub(crate) file: Option<PathBuf>,
}

/// The accounts that exist before anybody made one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsersSettings {
    /// The admin's password at the first start, instead of the well-known one.
    pub(crate) admin_password: Option<SecretString>,
    /// Lets accounts with a well-known password work where the network can reach them.
    pub(crate) allow_default_credentials: bool,
}

/// The keys that all stored secrets depend on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretsSettings {
    /// What upstream credentials are sealed with.
    pub(crate) master_key: Option<SecretString>,
    /// A file that holds `master_key`.
    #[expect(dead_code, reason = "secrets are found while the layers are merged")]
    pub(crate) master_key_file: Option<PathBuf>,
    /// What opens what `master_key` does not.
    pub(crate) other_master_key: Option<SecretString>,
    /// A file that holds `other_master_key`.
    #[expect(dead_code, reason = "secrets are found while the layers are merged")]
    pub(crate) other_master_key_file: Option<PathBuf>,
    /// A file that holds `auth.jwt_secret`.
    #[expect(dead_code, reason = "secrets are found while the layers are merged")]
    pub(crate) jwt_secret_file: Option<PathBuf>,
    /// A file that holds `auth.previous_jwt_secret`.
    #[expect(dead_code, reason = "secrets are found while the layers are merged")]
    pub(crate) previous_jwt_secret_file: Option<PathBuf>,
}
