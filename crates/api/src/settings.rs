use ipnet::IpNet;
use secrecy::SecretString;
use serde::Deserialize;

use crate::cors::WebOrigin;

/// What the HTTP face accepts and shows.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiSettings {
    /// Bytes of a body on the LLM routes, at the most, counted after decoding.
    pub max_llm_body_bytes: usize,
    /// Bytes of a body under `/api/auth`, at the most.
    pub max_auth_body_bytes: usize,
    /// Bytes of a body anywhere else, at the most.
    pub max_body_bytes: usize,
    /// Bytes of all bodies held in memory at once, at the most; a request beyond is told to come again.
    pub max_bodies_in_memory_bytes: usize,
    /// The same for bodies of callers who are not signed in, such as sign-ins, which are counted apart.
    pub max_strangers_bodies_in_memory_bytes: usize,
    /// Compressed bodies that are decoded at once, at the most; further ones wait.
    pub decoding_concurrency: usize,
    /// Seconds that a client may take for a body, before the time that its size allows.
    pub body_timeout_seconds: u64,
    /// Bytes a second that a client must send at least, once those seconds have passed.
    pub min_body_bytes_per_second: u64,
    /// Addresses of the reverse proxies whose `X-Forwarded-For` is believed; nobody else's is.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins of the pages that may read answers in browsers; none by default.
    pub cors_origins: Vec<WebOrigin>,
    /// Whether anybody may read `/metrics`.
    pub metrics_public: bool,
    /// A bearer token that may read `/metrics`, besides those of admins.
    pub metrics_token: Option<SecretString>,
    /// Whether `/docs` and `/openapi.json` are served.
    pub docs: bool,
    /// What passwords are good for that others know.
    ///
    /// Set by the binary, from the profile and the address that it listens on; not part of the file.
    #[serde(skip)]
    pub default_credentials: DefaultCredentials,
    /// Whether alerts are sent to a webhook.
    ///
    /// Set by the binary, from the settings of alerts; not part of the file.
    #[serde(skip)]
    pub has_webhook: bool,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            max_llm_body_bytes: 32 << 20,
            max_auth_body_bytes: 64 << 10,
            max_body_bytes: 1 << 20,
            max_bodies_in_memory_bytes: 512 << 20,
            max_strangers_bodies_in_memory_bytes: 32 << 20,
            decoding_concurrency: 4,
            body_timeout_seconds: 30,
            min_body_bytes_per_second: 4 << 10,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            metrics_public: false,
            metrics_token: None,
            docs: true,
            default_credentials: DefaultCredentials::default(),
            has_webhook: false,
        }
    }
}

/// What passwords are good for that others know: published ones, and those that an admin chose for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DefaultCredentials {
    /// Everything, from everywhere.
    Allowed,
    /// Everything from the gateway's own machine. From others, to be changed, and the published ones for nothing.
    #[default]
    OnThisMachine,
    /// To be changed, the published ones from the gateway's own machine only.
    ToBeChanged,
}
