use std::fmt;

use aws_lc_rs::hmac;
use secrecy::SecretString;
use subtle::ConstantTimeEq;

use super::text::{self, PresentedKey};
use crate::MasterKey;

/// Makes API keys, and the hashes that are stored in their place.
///
/// HMAC-SHA-256 under a key derived from the [`MasterKey`]: a stolen database does not even tell whether a key
/// that somebody has is in it.
#[derive(Clone)]
pub struct KeyHasher {
    key: hmac::Key,
}

impl KeyHasher {
    /// The hasher of this master key; another one's hashes do not match.
    #[must_use]
    pub fn new(master_key: &MasterKey) -> Self {
        Self::with_key(&master_key.api_key_hash_key())
    }

    /// The hasher of this key, which is kept [sealed](crate::Vault) so that it outlives the master key.
    #[must_use]
    pub fn with_key(key: &[u8; 32]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// A new key.
    #[must_use]
    pub fn issue(&self) -> IssuedKey {
        self.reissue(&text::new_public_id())
    }

    /// A new secret for the key with this public id, which must be one that [`issue`](Self::issue) made.
    #[must_use]
    pub fn reissue(&self, public_id: &str) -> IssuedKey {
        let text = text::new_text(public_id);
        IssuedKey {
            public_id: public_id.to_owned(),
            hash: self.hash_bytes(text.as_bytes()),
            key: text.as_str().into(),
        }
    }

    /// The hash of the whole text that a client presents.
    #[must_use]
    pub fn hash(&self, presented: &PresentedKey<'_>) -> KeyHash {
        self.hash_bytes(presented.as_bytes())
    }

    fn hash_bytes(&self, text: &[u8]) -> KeyHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(hmac::sign(&self.key, text).as_ref());
        KeyHash(hash)
    }
}

impl fmt::Debug for KeyHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHasher(..)")
    }
}

/// A key as it is made: the only moment at which its text exists.
#[derive(Debug)]
pub struct IssuedKey {
    /// The part that may be shown.
    pub public_id: String,
    /// The whole text, for its owner only and only now.
    pub key: SecretString,
    /// What is stored.
    pub hash: KeyHash,
}

/// The keyed hash of an API key's text; compares in constant time.
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
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
}

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}
