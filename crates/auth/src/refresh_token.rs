use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use subtle::ConstantTimeEq;

use crate::random;

/// SHA-256 of a refresh token: all of it that is ever stored.
///
/// No salt and no key: the token has 256 random bits, which no table can hold. Compares in constant time.
#[derive(Clone, Copy)]
pub struct RefreshHash([u8; 32]);

impl RefreshHash {
    /// The hash with this value, as read back from storage.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The value to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of what a client presents; `None` if it cannot be a refresh token.
    pub(crate) fn of(token: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let decoded = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes);
        (decoded == Ok(32)).then(|| Self::of_text(token))
    }

    fn of_text(token: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(hash)
    }
}

impl PartialEq for RefreshHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for RefreshHash {}

impl fmt::Debug for RefreshHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshHash(..)")
    }
}

/// A new refresh token and its hash.
pub(crate) fn issue() -> (SecretString, RefreshHash) {
    let token = URL_SAFE_NO_PAD.encode(random::bytes::<32>().as_ref());
    let hash = RefreshHash::of_text(&token);
    (token.into(), hash)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::{RefreshHash, issue};

    #[test]
    fn a_token_is_found_by_its_hash() {
        let (token, hash) = issue();
        assert_eq!(RefreshHash::of(token.expose_secret()), Some(hash));
        assert_ne!(issue().1, hash);
    }

    #[test]
    fn what_cannot_be_a_token_has_no_hash() {
        let (token, _) = issue();
        let token = token.expose_secret();
        for text in [
            "",
            "x",
            &token[1..],
            &format!("{token}A"),
            &format!("{token}="),
            &format!(" {token}"),
        ] {
            assert_eq!(RefreshHash::of(text), None, "{text:?}");
        }
    }
}
