use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::password::{MAX_COST, MIN_COST};

/// Bytes that a signing secret must have at least.
const MIN_SECRET_BYTES: usize = 32;

/// How users sign in, and for how long.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// Signs access tokens; at least 32 bytes, random. No default.
    pub jwt_secret: Option<SecretString>,
    /// The secret before the last change, whose access tokens stay good until they end. Default: none.
    pub previous_jwt_secret: Option<SecretString>,
    /// Who issues access tokens. Default: `llm-gateway`.
    pub issuer: String,
    /// Who access tokens are for. Default: `llm-gateway`.
    pub audience: String,
    /// Seconds that an access token lives. Default: 900, 15 minutes.
    pub access_token_seconds: u64,
    /// Seconds that a refresh token lives unless it is used. Default: 604800, 7 days.
    pub refresh_token_seconds: u64,
    /// Seconds that a sign-in lives, however often it is refreshed. Default: 2592000, 30 days.
    pub session_seconds: u64,
    /// The base-2 logarithm of bcrypt's rounds, 10 to 16. Default: 12.
    ///
    /// Raising it hashes every password anew at its next sign-in.
    pub bcrypt_cost: u32,
    /// Passwords that are hashed at once, at the most; further ones wait. Default: 2.
    pub bcrypt_concurrency: usize,
    /// Passwords that wait to be hashed, at the most; further ones are refused at once. Default: 100.
    pub bcrypt_queue: usize,
    /// Wrong passwords for one account before the next must wait. Default: 5.
    pub failures_per_account: u32,
    /// Wrong passwords from one address (a /64 of IPv6) before the next must wait, and refresh tokens that nobody was
    /// given. Default: 50.
    pub failures_per_address: u32,
    /// Seconds that the wait, doubling from one, grows to. Default: 900, 15 minutes.
    pub throttle_max_seconds: u64,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            jwt_secret: None,
            previous_jwt_secret: None,
            issuer: "llm-gateway".to_owned(),
            audience: "llm-gateway".to_owned(),
            access_token_seconds: 900,
            refresh_token_seconds: 7 * 24 * 3600,
            session_seconds: 30 * 24 * 3600,
            bcrypt_cost: 12,
            bcrypt_concurrency: 2,
            bcrypt_queue: 100,
            failures_per_account: 5,
            failures_per_address: 50,
            throttle_max_seconds: 900,
        }
    }
}

impl AuthSettings {
    /// The signing secret, once everything else was found good.
    pub(crate) fn checked_secret(&self) -> Result<&SecretString, InvalidSettings> {
        let secret = self.jwt_secret.as_ref().ok_or(InvalidSettings::MissingSecret)?;
        check_secret("jwt_secret", secret)?;
        if let Some(previous) = &self.previous_jwt_secret {
            check_secret("previous_jwt_secret", previous)?;
        }
        if !(MIN_COST..=MAX_COST).contains(&self.bcrypt_cost) {
            return Err(InvalidSettings::Cost(self.bcrypt_cost));
        }
        let counts = [
            ("access_token_seconds", self.access_token_seconds),
            ("refresh_token_seconds", self.refresh_token_seconds),
            ("session_seconds", self.session_seconds),
            ("failures_per_account", self.failures_per_account.into()),
            ("failures_per_address", self.failures_per_address.into()),
            ("throttle_max_seconds", self.throttle_max_seconds),
        ];
        match counts.into_iter().find(|(_, count)| *count == 0) {
            Some((name, _)) => Err(InvalidSettings::Zero(name)),
            None => Ok(secret),
        }
    }

    pub(crate) fn access_token_lifetime(&self) -> Duration {
        Duration::from_secs(self.access_token_seconds)
    }

    pub(crate) fn refresh_token_lifetime(&self) -> Duration {
        Duration::from_secs(self.refresh_token_seconds)
    }

    pub(crate) fn session_lifetime(&self) -> Duration {
        Duration::from_secs(self.session_seconds)
    }
}

/// Settings that nobody could sign in safely with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// There is nothing to sign access tokens with.
    #[error("jwt_secret is not set: make one with `openssl rand -base64 48`")]
    MissingSecret,
    /// A secret that can be guessed.
    #[error(
        "{name} has {bytes} bytes and must have at least {MIN_SECRET_BYTES}: make one with `openssl rand -base64 48`"
    )]
    ShortSecret {
        /// Which setting it is.
        name: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// A bcrypt cost that is too cheap, or too dear for any sign-in to end.
    #[error("bcrypt_cost is {0} and must be between {MIN_COST} and {MAX_COST}")]
    Cost(u32),
    /// A number that makes no sense as zero.
    #[error("{0} must not be zero")]
    Zero(&'static str),
}

/// Whether a secret looks copied from a sample, so that others know it too; production must refuse it.
///
/// True for words such as `change-me` or `secret` in it, and for fewer than eight different characters.
#[must_use]
pub fn looks_like_a_sample(secret: &str) -> bool {
    const WORDS: [&str; 10] = [
        "change",
        "default",
        "development",
        "example",
        "insecure",
        "password",
        "placeholder",
        "replace",
        "sample",
        "secret",
    ];
    let lower = zeroize::Zeroizing::new(secret.to_ascii_lowercase());
    let mut seen = [false; 256];
    for byte in secret.bytes() {
        seen[usize::from(byte)] = true;
    }
    seen.into_iter().filter(|seen| *seen).count() < 8 || WORDS.iter().any(|word| lower.contains(word))
}

fn check_secret(name: &'static str, secret: &SecretString) -> Result<(), InvalidSettings> {
    let bytes = secret.expose_secret().len();
    if bytes < MIN_SECRET_BYTES {
        return Err(InvalidSettings::ShortSecret { name, bytes });
    }
    Ok(())
}
