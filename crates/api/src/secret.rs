use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq;

use crate::rules::Check;

/// A secret as it comes in a body; it is never shown again.
pub(crate) struct Secret(SecretString);

impl Secret {
    pub(crate) fn into_inner(self) -> SecretString {
        self.0
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

/// Whether two secrets are the same, in a time that does not tell how far they are.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// A token, which is refused if it cannot stand in a header.
pub(crate) fn token(check: &mut Check, field: &str, secret: Secret) -> SecretString {
    let is_token = (1..=8192).contains(&secret.expose().len())
        && secret.expose().bytes().all(|byte| byte.is_ascii_graphic());
    check.require(is_token, field, "expected 1 to 8192 visible ASCII characters");
    secret.into_inner()
}
