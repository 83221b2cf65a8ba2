use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateway_domain::Timestamp;
use secrecy::{ExposeSecret, SecretString};

/// What every secret begins with.
const PREFIX: &str = "whsec_";

/// Bytes that a secret has.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The text is no secret that webhooks are signed with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected whsec_ and then 24 to 64 random bytes in base64: `echo whsec_$(openssl rand -base64 32)` makes one"
)]
pub struct InvalidSecret;

/// Signs what is sent to a webhook, so that the receiver knows who sent it and when.
///
/// Source: Standard Webhooks, symmetric signatures (`v1`).
pub struct Signer {
    key: hmac::Key,
}

impl Signer {
    /// A signer with this secret: `whsec_` and 24 to 64 bytes in base64.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if it is anything else.
    pub fn new(secret: &SecretString) -> Result<Self, InvalidSecret> {
        let encoded = secret.expose_secret().strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let key = STANDARD.decode(encoded).map_err(|_| InvalidSecret)?;
        if !KEY_BYTES.contains(&key.len()) {
            return Err(InvalidSecret);
        }
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
        })
    }

    /// The value of `webhook-signature` for a message with this `webhook-id` and body, sent at `at`.
    #[must_use]
    pub fn sign(&self, id: &str, at: Timestamp, body: &str) -> String {
        let message = format!("{id}.{}.{body}", at.as_seconds());
        let signature = hmac::sign(&self.key, message.as_bytes());
        format!("v1,{}", STANDARD.encode(signature))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}
